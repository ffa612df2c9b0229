"""Shutdown: answers requests for which the bridge, which stops, does not wait any longer. Without it they would
hear of an internal error."""

import asyncio
from contextlib import suppress

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from bridge.http.front.problems import send_problem
from bridge.journal import JournalUnavailableError

__all__ = ["Shutdown", "answer_at_shutdown"]


class Shutdown:
    """An application that answers also when it is cancelled."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            if scope["type"] != ScopeType.HTTP:
                raise
            await answer_at_shutdown(scope, receive, send)


async def answer_at_shutdown(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers a request that the bridge does not wait for, unless an answer was begun already."""
    with suppress(RuntimeError):
        await send_problem(JournalUnavailableError("the bridge stops"), scope, receive, send)
