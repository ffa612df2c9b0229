"""Exact paths: a route answers to one spelling of its path, so that a proxy's rule about it shuts all that there is.

The framework reads `//metrics` and `/metrics/` for `/metrics`, and the server before it `/%6detrics`. Whoever shuts
`/metrics` by its letters would leave the others open.
"""

import re

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from bridge.http.front.problems import problem, send_problem

__all__ = ["ExactPaths"]

# Two slashes in a row, or one at the end; one that is written out, and letters, digits, `-`, `.` and `_` that are.
INEXACT = re.compile(
    rb"//|.(?<!^/socket\.io)/$|%(?:2[def]|3[0-9]|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9a])", re.IGNORECASE | re.DOTALL
)
SAID = (
    "Nothing is at a path that is spelled so; leave out slashes that are doubled or at the end, and write letters,"
    " digits, '-', '.' and '_' as they are."
)


class ExactPaths:
    """An ASGI application before another, which hears of no path that is spelled in another way."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("raw_path") or scope.get("path", "").encode()  # there is none of a lifespan
        if INEXACT.search(path) is None:
            await self._application(scope, receive, send)
        elif scope["type"] == ScopeType.HTTP:
            await send_problem(problem(404, "Not found", SAID), scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000, "reason": SAID})
