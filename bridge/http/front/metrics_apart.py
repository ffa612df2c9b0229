"""`/metrics` apart from all else, where it has a port of its own: on that nothing else is answered, and nowhere else
is it."""

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from bridge.http.front.problems import problem, send_problem

__all__ = ["MetricsApart"]

METRICS = "/metrics"


class MetricsApart:
    """An ASGI application before another, which hears of `/metrics` alone, or of everything but it."""

    def __init__(self, application: ASGIApp, *, are_all: bool) -> None:
        self._application = application
        self._are_all = are_all

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and (scope["path"] == METRICS) is not self._are_all:
            said = "Nothing is here but /metrics." if self._are_all else "Figures are on a port of their own."
            await send_problem(problem(404, "Not found", said), scope, receive, send)
        else:
            await self._application(scope, receive, send)
