"""Requests that are traced: webhooks, and what services and pages ask."""

from collections.abc import MutableMapping
from typing import Any

from bridge.traces import SpanMaker

__all__ = ["TracedRequests"]

TRACED = ("/webhooks/", "/api/")


class TracedRequests:
    """An ASGI application before another."""

    def __init__(self, application: Any, traces: SpanMaker) -> None:
        self._application = application
        self._traces = traces

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(TRACED):
            await self._application(scope, receive, send)
            return
        status = 0

        async def note(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        with self._traces.request(scope, scope["method"]) as request:
            await self._application(scope, receive, note)
            request.answered(scope.get("path_template"), status)
