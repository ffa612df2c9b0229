"""Requests are counted by as many labels as there are routes, whatever strangers ask for."""

from time import perf_counter

import pytest
from prometheus_client import REGISTRY

from bridge.door.request_seconds import note_request


def counted(route: str, method: str, status: str) -> float:
    labels = {"route": route, "method": method, "status": status}
    return REGISTRY.get_sample_value("bridge_http_request_seconds_count", labels) or 0


@pytest.mark.parametrize(
    ("scope", "method", "status", "labels"),
    [
        ({"path": "/tried/1", "path_template": "/tried/{name}"}, "GET", 204, "/tried/{name} GET 2xx"),
        ({"path": "/socket.io/"}, "POST", 400, "/socket.io/ POST 4xx"),
        ({"path": "/socket.io/made-up"}, "POST", 404, "/socket.io/ POST 4xx"),
        ({"path": "/made-up"}, "GET", 404, "other GET 4xx"),
        ({"path": "/made-up-too"}, "MADE-UP", 405, "other other 4xx"),
    ],
)
def test_labels_are_those_of_routes(scope: dict[str, str], method: str, status: int, labels: str) -> None:
    before = counted(*labels.split())
    for _ in range(2):
        note_request(scope, method, status, perf_counter())
    assert counted(*labels.split()) == before + 2
