"""How long requests take, by route, method and kind of answer: with as many labels as there are routes, whatever
strangers ask for."""

from collections.abc import Mapping
from time import perf_counter
from typing import Any

from bridge.histograms import Histogram, Seconds

__all__ = ["note_request"]

REQUESTS = Histogram(
    "bridge_http_request_seconds",
    "From a request's head until it is answered, by route, method and class of status; a long poll takes as long as"
    " its client waits",
    ["route", "method", "status"],
)
ROUTE = "path_template"
"""In the scope of a request: its route, as the framework writes it."""
SOCKETS = "/socket.io/"
OTHER = "other"
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

_seconds: dict[tuple[str, str, int], Seconds] = {}


def note_request(scope: Mapping[str, Any], method: str, status: int, arrived: float) -> None:
    """A request that arrived then is answered."""
    route = scope.get(ROUTE) or (SOCKETS if scope["path"].startswith(SOCKETS) else OTHER)
    key = (route, method if method in METHODS else OTHER, status)
    seconds = _seconds.get(key)
    if seconds is None:
        seconds = _seconds[key] = REQUESTS.of(*key[:2], f"{status // 100}xx")
    seconds.observe(perf_counter() - arrived)
