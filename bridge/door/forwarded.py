"""For whom a proxy asks: read where a trusted one says so, in `X-Forwarded-For` and `X-Forwarded-Proto`.

uvicorn's own reader takes whatever stands there for an address, and whoever is not one is not counted by any.
"""

import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from bridge.door.proxies import trusts
from bridge.sockets.addresses import COUNTED_AS, address_in
from bridge.sockets.throttled_log import ThrottledLog

__all__ = ["Forwarded"]

logger = logging.getLogger("bridge.door")

Scope = MutableMapping[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]

PROTOCOLS = {b"http": "http", b"https": "https", b"ws": "http", b"wss": "https"}
SHOWN_CHARACTERS = 100
WITH_PORT = re.compile(r"(?:(?P<v4>[0-9.]+)(?=:)|\[(?P<v6>[^\]]*)\])(?::(?P<port>[0-9]{1,5}))?")


class Forwarded:
    """An ASGI application, told of each request who its client is."""

    def __init__(self, application: Application, trusted: str) -> None:
        """`trusted` are the addresses and networks of proxies, separated by commas."""
        self._application = application
        self._is_trusted = trusts(trusted)
        self._unreadable = ThrottledLog(logger, "not knowing for whom a proxy asks")

    def __call__(self, scope: Scope, receive: Any, send: Any) -> Awaitable[None]:
        # No coroutine of its own, through which all that others wait for would go.
        if scope["type"] != "lifespan" and self._is_trusted((scope.get("client") or ("",))[0]):
            self._take_word(scope)
        return self._application(scope, receive, send)

    def _take_word(self, scope: Scope) -> None:
        """What a trusted proxy says of its client."""
        named: list[bytes] = []
        for name, value in scope["headers"]:
            if name == b"x-forwarded-for":
                named.append(value)
            elif name == b"x-forwarded-proto" and value in PROTOCOLS:
                protocol = PROTOCOLS[value]
                scope["scheme"] = protocol if scope["type"] == "http" else protocol.replace("http", "ws")
        said = b",".join(named).decode("latin-1").strip()
        if said:
            self._find_client(scope, said)

    def _find_client(self, scope: Scope, said: str) -> None:
        """The last that no trusted proxy is; or the first, if all are."""
        proxy = scope["client"][0]
        for one in reversed(said.split(",")):
            host, port = _host_and_port(one.strip())
            address = address_in(host)
            if address is None:
                scope[COUNTED_AS] = f"whoever {proxy} does not name"
                self._unreadable.log(
                    f"{proxy} says {one.strip()[:SHOWN_CHARACTERS]!r} in X-Forwarded-For, which is no address; all"
                    " such clients count as one"
                )
                return
            scope["client"] = (str(address), port)
            if not self._is_trusted(host):
                return


def _host_and_port(text: str) -> tuple[str, int]:
    """An address as proxies write it: some say the port too, and put brackets around IPv6."""
    found = WITH_PORT.fullmatch(text)
    return (text, 0) if found is None else (found["v4"] or found["v6"], int(found["port"] or 0))
