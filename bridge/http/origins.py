"""Which web pages may make the bridge do something: those of the front end, and its own. Programs that are no
browsers send no origin, and are not concerned."""

from collections.abc import Callable

from litestar.connection import ASGIConnection
from litestar.exceptions import PermissionDeniedException

__all__ = ["RequireFrontEnd", "front_end_only"]

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}

RequireFrontEnd = Callable[[ASGIConnection], None]  # type: ignore[type-arg]
"""Raises PermissionDeniedException for a request that a page of another origin makes."""


def front_end_only(origins: tuple[str, ...], own_origins: tuple[str, ...] = ()) -> RequireFrontEnd:
    """Refuses what a page of another origin asks for, unless it only asks to read: whether it can, CORS decides.

    A browser sends some requests to other sites without asking CORS first; this stops them before they do anything.
    """

    allowed = frozenset((*origins, *own_origins))

    def require(connection: ASGIConnection) -> None:  # type: ignore[type-arg]
        origin = connection.headers.get("origin")
        if origin is None or origin in allowed or connection.scope.get("method") in SAFE_METHODS:
            return
        raise PermissionDeniedException(f"pages of {origin} may not do this; FRONTEND_URL names {', '.join(origins)}")

    return require
