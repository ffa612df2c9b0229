"""Which web pages may make the bridge do something, or tell them what it knows: those of the front end, and its own.
Programs that are no browsers send no origin, and are not concerned."""

import ipaddress
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from litestar.datastructures import Headers
from litestar.enums import ScopeType
from litestar.exceptions import PermissionDeniedException
from litestar.types import ASGIApp, Receive, Scope, Send

from bridge.access.refused_origins import refused_origins

__all__ = ["Preflights", "RequireFrontEnd", "front_end_only"]

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}

RequireFrontEnd = Callable[[ASGIConnection], None]  # type: ignore[type-arg]
"""Raises PermissionDeniedException for a request that a page of another origin makes."""


def front_end_only(
    origins: tuple[str, ...], own_origins: tuple[str, ...] = (), *, asks_nobody_on_loopback: bool = False
) -> RequireFrontEnd:
    """Refuses what a page of another origin asks for, unless it only asks to read: whether it can, CORS decides.

    A browser sends some requests to other sites without asking CORS first; this stops them before they do anything.
    Nor does it ask CORS when a page reads from its own name, which its owner can have lead to loopback (DNS
    rebinding): where that is all that keeps strangers out, the bridge answers to its own names only.
    """

    allowed = frozenset((*origins, *own_origins))
    names = frozenset(urlsplit(origin).hostname for origin in allowed)

    def require(connection: ASGIConnection) -> None:  # type: ignore[type-arg]
        origin = connection.headers.get("origin")
        if origin is not None and origin not in allowed:
            # One that only reads is answered all the same, but its browser does not let it have the answer.
            refused_origins.note(origin, "REST", ", ".join(origins))
        if connection.scope.get("method") in SAFE_METHODS:
            host = connection.headers.get("host")
            if asks_nobody_on_loopback and host and not _leads_here(name := _name_in(host)) and name not in names:
                raise PermissionDeniedException(
                    f"the bridge does not know itself as {host}; ask for it as localhost, or set public_url to the"
                    " address that it has for others"
                )
            return
        if origin is not None and origin not in allowed:
            raise PermissionDeniedException(
                f"pages of {origin} may not do this; FRONTEND_URL names {', '.join(origins)}"
            )

    return require


class Preflights:
    """An ASGI application before another, which takes notice of pages whose browsers ask whether they may call, and
    that may not: they never get as far as a route."""

    def __init__(self, application: ASGIApp, origins: Sequence[str]) -> None:
        self._application = application
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and scope["method"] == "OPTIONS":
            origin = Headers.from_scope(scope).get("origin")
            if origin is not None and origin not in self._origins:
                refused_origins.note(origin, "REST", ", ".join(self._origins))
        await self._application(scope, receive, send)


def _name_in(host: str) -> str:
    """The name or number in a Host header, without its port; nothing if it makes no sense."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _leads_here(name: str) -> bool:
    """Whether it is a number, or a name that leads to this machine whatever anybody's DNS says."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
    return True
