"""Arrival times of requests: what is measured of it, is measured from there."""

from collections.abc import Mapping
from time import perf_counter
from typing import Any

__all__ = ["ARRIVED", "arrival_of"]

ARRIVED = "bridge.arrived"
"""In the scope of a request: when its head was there whole, by the clock of `time.perf_counter`. The front door sets
it."""


def arrival_of(scope: Mapping[str, Any]) -> float:
    """When a request arrived; behind another server's door, now."""
    found: float | None = scope.get(ARRIVED)
    return perf_counter() if found is None else found
