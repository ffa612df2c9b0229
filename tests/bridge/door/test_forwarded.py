"""Whom a request is taken to come from, by what the proxies in front say of it."""

import logging
from typing import Any

import pytest

from bridge.door import Forwarded
from bridge.sockets.addresses import COUNTED_AS

TRUSTED = "10.0.0.0/24, 2001:db8::7"
PROXY = "10.0.0.7"


async def told(peer: str, *said: bytes, kind: str = "http", proto: bytes = b"") -> dict[str, Any]:
    """The scope that the application is given."""
    found: list[dict[str, Any]] = []

    async def application(scope: Any, _receive: Any, _send: Any) -> None:
        found.append(scope)

    headers = [(b"x-forwarded-for", one) for one in said] + ([(b"x-forwarded-proto", proto)] if proto else [])
    scheme = "http" if kind == "http" else "ws"
    scope = {"type": kind, "client": (peer, 1), "headers": headers, "scheme": scheme}
    await Forwarded(application, TRUSTED)(scope, None, None)
    return found[0]


@pytest.mark.parametrize(
    ("peer", "said", "client"),
    [
        (PROXY, [], PROXY),
        (PROXY, [b""], PROXY),
        (PROXY, [b"203.0.113.7"], "203.0.113.7"),
        ("::ffff:10.0.0.7", [b"203.0.113.7"], "203.0.113.7"),
        ("2001:db8::7", [b"::ffff:203.0.113.7"], "203.0.113.7"),
        (PROXY, [b"198.51.100.1, 203.0.113.7 , 10.0.0.9"], "203.0.113.7"),
        (PROXY, [b"198.51.100.1", b"203.0.113.7"], "203.0.113.7"),
        (PROXY, [b"10.0.0.8, 10.0.0.9"], "10.0.0.8"),
        (PROXY, [b"nobody, 203.0.113.7"], "203.0.113.7"),
        (PROXY, [b"[2001:db8::9]"], "2001:db8::9"),
        ("203.0.113.9", [b"203.0.113.7"], "203.0.113.9"),
        ("64:ff9b::10.0.0.7", [b"203.0.113.7"], "64:ff9b::10.0.0.7"),
    ],
)
async def test_the_client_is_the_last_whom_no_trusted_proxy_is(peer: str, said: list[bytes], client: str) -> None:
    scope = await told(peer, *said)
    assert (scope["client"][0], scope.get(COUNTED_AS)) == (client, None)


@pytest.mark.parametrize(
    ("said", "port"), [(b"203.0.113.7:4711", 4711), (b"[2001:db8::9]:4711", 4711), (b"203.0.113.7", 0)]
)
async def test_and_it_may_be_told_with_its_port(said: bytes, port: int) -> None:
    scope = await told(PROXY, said)
    assert scope["client"][1] == port
    assert COUNTED_AS not in scope


@pytest.mark.parametrize(
    "said", [b"unknown", b"203.0.113", b"203.0.113.7:x", b"[2001:db8::9", b"203.0.113.7,", b"\xff", b"1" * 10_000]
)
async def test_who_cannot_be_read_counts_as_one_with_all_such_of_the_proxy(
    said: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="bridge.door"):
        scope = await told(PROXY, said)
    assert scope["client"][0] == PROXY
    assert scope[COUNTED_AS] == f"whoever {PROXY} does not name"
    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"not knowing for whom a proxy asks: {PROXY} says ")
    assert len(line) < 300


@pytest.mark.parametrize(
    ("kind", "proto", "scheme"),
    [
        ("http", b"https", "https"),
        ("http", b"wss", "https"),
        ("websocket", b"https", "wss"),
        ("websocket", b"ws", "ws"),
        ("http", b"gopher", "http"),
        ("http", b"", "http"),
    ],
)
async def test_the_scheme_is_what_the_proxy_was_asked_with(kind: str, proto: bytes, scheme: str) -> None:
    assert (await told(PROXY, kind=kind, proto=proto))["scheme"] == scheme
    assert (await told("203.0.113.9", kind=kind, proto=proto))["scheme"] == ("http" if kind == "http" else "ws")
