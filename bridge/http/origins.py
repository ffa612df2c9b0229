"""Which web pages may make the bridge do something: those of the front end. Programs that are no browsers send no
origin, and are not concerned."""

from litestar.connection import ASGIConnection
from litestar.exceptions import PermissionDeniedException
from litestar.handlers.base import BaseRouteHandler
from litestar.types import Guard

__all__ = ["front_end_only"]

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


def front_end_only(origins: tuple[str, ...]) -> Guard:
    """Refuses what a page of another origin asks for, unless it only asks to read: whether it can, CORS decides.

    A browser sends some requests to other sites without asking CORS first; this stops them before they do anything.
    """

    async def guard(connection: ASGIConnection, _handler: BaseRouteHandler) -> None:  # type: ignore[type-arg]
        origin = connection.headers.get("origin")
        if origin is None or origin in origins or connection.scope.get("method") in SAFE_METHODS:
            return
        raise PermissionDeniedException(f"pages of {origin} may not do this; FRONTEND_URL names {', '.join(origins)}")

    return guard
