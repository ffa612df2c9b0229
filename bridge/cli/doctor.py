"""`bridge doctor`: checks the configuration and its surroundings, and says what to do about what is wrong."""

import ipaddress
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from bridge.cli.address import AddressError, open_listener, url_of
from bridge.cli.chain_findings import chain_findings
from bridge.cli.console import say, styled, symbol
from bridge.cli.findings import Finding
from coordinator.errors import BridgeError

if TYPE_CHECKING:
    from bridge.settings import Settings

__all__ = ["disk_findings", "doctor"]

SHORT_KEY_CHARACTERS = 16
ANSWER_LIMIT_BYTES = 1_000_000
NAME_SERVICES = "list them in a file, and name that in services_file"


MARKS = {"ok": ("✓", "ok", "green"), "warning": ("!", "!", "yellow"), "error": ("✗", "x", "red")}


def doctor(
    config: Annotated[Path | None, typer.Option(help="Configuration file (default: config/bridge.toml)")] = None,
) -> None:
    """Check the configuration, and say what is wrong and what to do. Exits with 1 if the bridge could not run.

    Example: [bold]bridge doctor --config /etc/bridge/bridge.toml[/bold]
    """
    findings = list(_examine(config))
    for finding in findings:
        drawn, plain, colour = MARKS[finding.level]
        say(f"{styled(symbol(drawn, plain), colour, bold=finding.level == 'error')} {finding.message}")
    if any(finding.level == "error" for finding in findings):
        raise typer.Exit(1)


def _examine(config: Path | None) -> Iterator[Finding]:
    from bridge.environment import injected_variables
    from bridge.settings import load_settings

    injected = injected_variables(os.environ)
    if injected:
        yield Finding("ok", f"{', '.join(injected)} come from an orchestrator, and are ignored")
    try:
        settings = load_settings(config)
    except BridgeError as error:
        for line in str(error).splitlines():
            yield Finding("error", line)
        return
    yield Finding("ok", "every setting has a value that makes sense")
    yield from _front_end(settings)
    yield from _users(settings)
    yield from _services(settings)
    yield from _shkeeper(settings)
    yield from _gateway(settings)
    yield from chain_findings(settings)
    yield from _journal(settings)
    yield from _port(settings)


def _front_end(settings: "Settings") -> Iterator[Finding]:
    insecure = [
        origin
        for origin in settings.frontend_origins
        if origin.startswith("http://") and not _is_this_machine(urlsplit(origin).hostname or "")
    ]
    if insecure:
        yield Finding("warning", f"FRONTEND_URL {', '.join(insecure)} is not encrypted; serve the page over https")
    else:
        yield Finding("ok", f"pages of {settings.frontend_url} may connect")


def _users(settings: "Settings") -> Iterator[Finding]:
    if settings.access == "open":
        if not settings.is_loopback:
            yield Finding(
                "warning",
                f"anyone who reaches {settings.host} may join any room; let a proxy admit the right people only,"
                ' or set access = "jwt"',
            )
        return
    try:
        verifier = settings.verifier
    except BridgeError as error:
        yield Finding("error", str(error))
        return
    if verifier is not None:
        yield Finding("ok", f"users bring tokens, verified with {verifier.describe_keys()}")
    if not settings.jwt_audience:
        yield Finding("warning", "tokens made for anything are accepted unless they say for what; set jwt_audience")
    if not settings.jwt_secrets:
        yield from _readable_by_others(settings.file_of("jwt_secrets_file"))


def _services(settings: "Settings") -> Iterator[Finding]:
    try:
        services = settings.services.now()
    except BridgeError as error:
        yield Finding("error", str(error))
        return
    if services:
        yield Finding(
            "ok", f"{len(services)} service{'s' if len(services) > 1 else ''} may write, each with its token"
        )
        if settings.shkeeper_user and settings.access == "open" and not services.approve_payouts:
            yield Finding(
                "warning",
                "payouts above a limit wait for a second person, and nobody may be that: where services are named and"
                ' access is "open", one of them has to have approves = ["payouts"]',
            )
        yield from _readable_by_others(settings.file_of("services_file"))
    elif settings.access == "jwt":
        yield Finding(
            "warning",
            f"no service is named, so nobody may publish events or register payments; {NAME_SERVICES}",
        )
    elif not settings.is_loopback:
        yield Finding("warning", f"no service is named, so anybody may write; {NAME_SERVICES}")


def _readable_by_others(path: Path | None) -> Iterator[Finding]:
    if path is not None and path.exists() and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        yield Finding("warning", f"others on this machine can read {path}; run: chmod 600 {path}")


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _shkeeper(settings: "Settings") -> Iterator[Finding]:
    try:
        keys = settings.shkeeper_keys
    except BridgeError as error:
        yield Finding("error", str(error))
        return
    if not keys:
        yield Finding(
            "warning",
            "no SHKeeper key is configured, so every webhook will be answered 401; set BRIDGE_SHKEEPER_API_KEYS"
            " to the API key of your wallet",
        )
        return
    yield Finding("ok", f"webhooks may be signed with {len(keys)} SHKeeper key{'s' if len(keys) > 1 else ''}")
    if len(set(keys)) < len(keys):
        yield Finding("warning", "one SHKeeper key is named twice; was the other meant?")
    if any(len(key) < SHORT_KEY_CHARACTERS for key in keys):
        yield Finding("warning", f"a key is shorter than {SHORT_KEY_CHARACTERS} characters: it can be guessed")
    if not settings.shkeeper_api_keys:
        yield from _readable_by_others(settings.file_of("shkeeper_api_keys_file"))
    if settings.shkeeper_accept_api_key_only:
        yield Finding(
            "warning", "unsigned webhooks with a bare API key are accepted; whoever sees one can forge the next"
        )


def _gateway(settings: "Settings") -> Iterator[Finding]:
    """What the bridge asks SHKeeper for: invoices, and payouts."""
    if not settings.shkeeper_url:
        return
    try:
        coins = _fetch_json(f"{settings.shkeeper_url}/api/v1/crypto", within_seconds=15)["crypto"]
        yield Finding("ok", f"SHKeeper answers on {settings.shkeeper_url} and offers {', '.join(map(str, coins))}")
        yield from _credentials(settings, [str(coin) for coin in coins])
    except (BridgeError, ValueError, LookupError, TypeError):
        yield Finding("warning", f"no SHKeeper answers on {settings.shkeeper_url}; invoices wait until it does")
    callback_url = settings.callback_url("shkeeper")
    yield Finding("ok", f"SHKeeper is told to send its webhooks to {callback_url}")
    is_here, comes_here = (
        _is_this_machine(urlsplit(url).hostname or "") for url in (settings.shkeeper_url, callback_url)
    )
    if comes_here and not is_here:
        yield Finding("warning", "SHKeeper is on another machine and cannot reach that; set public_url")
    if settings.shkeeper_user and not settings.shkeeper_password.get_secret_value():
        yield Finding("error", "shkeeper_user is set without BRIDGE_SHKEEPER_PASSWORD, so no payout will be sent")
    elif settings.shkeeper_user:
        yield Finding("ok", f"payouts are sent in the name of {settings.shkeeper_user}")


def _fetch_json(url: str, *, within_seconds: float, through_proxies: bool = True) -> Any:
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


def _credentials(settings: "Settings", coins: list[str]) -> Iterator[Finding]:
    """Whether SHKeeper accepts the key and the password, which nothing shows before money is to move."""
    import asyncio

    from providers.shkeeper.api import ShkeeperApi
    from providers.shkeeper.credentials import CredentialCheck

    password = settings.shkeeper_password.get_secret_value()

    async def ask() -> tuple[str, ...]:
        api = ShkeeperApi(url=settings.shkeeper_url, api_keys=settings.shkeeper_keys, timeout_seconds=15)
        try:
            check = CredentialCheck(api, user=settings.shkeeper_user if password else "", password=password)
            return tuple(await check.ask(coins))
        finally:
            await api.aclose()

    for fault in asyncio.run(ask()) if settings.shkeeper_keys else ():
        yield Finding("error", fault)


def _journal(settings: "Settings") -> Iterator[Finding]:
    from bridge.journal.examine import examine_database

    try:
        state = examine_database(settings.database_url)
    except BridgeError as error:
        yield Finding("error", f"database_url: {error}")
        return
    yield Finding("ok", f"the journal: {state.description}")
    yield _mark(settings)
    if state.is_open_elsewhere:
        yield Finding("ok", "a bridge is writing to it at this moment")
    if state.folder is not None:
        yield from disk_findings(state.folder)


def disk_findings(folder: Path) -> Iterator[Finding]:
    """What readiness will say of it."""
    import asyncio

    from bridge.workers.checks import DegradedError, check_disk

    try:
        asyncio.run(check_disk(folder))
    except DegradedError as error:
        yield Finding("warning", str(error))
    except BridgeError as error:
        yield Finding("error", str(error))


def _mark(settings: "Settings") -> Finding:
    """Where it is noted how far the journal is. Without it a rewind may go unnoticed."""
    from bridge.journal.history.mark_file import MarkFile, MarkUnreadableError

    path = settings.mark_file
    try:
        mark = MarkFile(path).read()
    except MarkUnreadableError as error:
        return Finding("warning", f"journal_mark_file: {error}; whether the journal was rewound cannot be told by it")
    folder = next((parent for parent in path.absolute().parents if parent.exists()), path.absolute().parent)
    if not os.access(folder, os.W_OK):
        return Finding(
            "warning",
            f"journal_mark_file: {path.absolute()} cannot be written; let the bridge's user write there, or name"
            " another file, so that a journal that was rewound is noticed",
        )
    noted = "will be made" if mark is None else f"says {mark.reach.events} events"
    return Finding("ok", f"the journal's mark: {path.absolute()} {noted}")


def _port(settings: "Settings") -> Iterator[Finding]:
    if settings.port == 0:
        return
    where = f"{settings.host}:{settings.port}"
    try:
        open_listener(settings.host, settings.port).close()
    except AddressError as error:
        try:
            # Through no proxy: the bridge that is asked for is on this machine.
            url = f"{url_of(settings.host, settings.port)}/health/ready"
            status = _fetch_json(url, within_seconds=5, through_proxies=False)["status"]
        except (BridgeError, ValueError, LookupError, TypeError):
            yield Finding("error", str(error))
        else:
            yield Finding(
                "ok" if status == "ready" else "warning",
                f"a bridge answers on {where}: it is {status}"
                + ("" if status == "ready" else "; its /health/ready says which part is not"),
            )
    else:
        yield Finding("ok", f"{where} is free")
