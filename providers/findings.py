"""Findings: what `bridge doctor` has looked at, and what a provider looks at for it."""

import ipaddress
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Finding", "fetch_json", "is_private", "is_this_machine", "readable_by_others"]

ANSWER_LIMIT_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and what to do about it. `level` is `ok`, `warning` or `error`."""

    level: str
    message: str


def readable_by_others(path: Path | None) -> Iterator[Finding]:
    if path is not None and path.exists() and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        yield Finding("warning", f"others on this machine can read {path}; run: chmod 600 {path}")


def is_this_machine(url: str) -> bool:
    """Whether an address leads to the machine that asks."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def is_private(url: str) -> bool:
    """Whether nobody on the way can read or change what is asked there: it is encrypted, or leaves no machine."""
    return url.startswith("https://") or (url.startswith("http://") and is_this_machine(url))


def fetch_json(url: str, *, within_seconds: float, through_proxies: bool = True) -> Any:
    """What is answered in JSON. Raises NeighbourError, NotJsonError, and ValueError for what is no URL."""
    import asyncio

    import httpx

    from coordinator.json_text import json_in
    from providers.answers import ask, neighbour

    async def put() -> bytes:
        async with neighbour(through_proxies=through_proxies) as client:
            try:
                request = client.build_request("GET", url)
            except httpx.InvalidURL as error:
                raise ValueError(str(error)) from None
            answer = await ask(client, request, deadline_seconds=within_seconds, limit_bytes=ANSWER_LIMIT_BYTES)
            return answer.content

    return json_in(asyncio.run(put()))
