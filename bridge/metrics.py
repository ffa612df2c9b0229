"""Metrics: what `/metrics` answers, as Prometheus reads it."""

import platform

from prometheus_client import CONTENT_TYPE_LATEST, Gauge, disable_created_metrics, generate_latest

from bridge import __version__

__all__ = ["CONTENT_TYPE", "exposition"]

CONTENT_TYPE = CONTENT_TYPE_LATEST

BUILD = Gauge("bridge_build_info", "1, for the version that runs", ["version", "python"])
BUILD.labels(__version__, platform.python_version()).set(1)
# When each counter was made, which nobody asks for, as a second series of each.
disable_created_metrics()  # type: ignore[no-untyped-call]


def exposition() -> bytes:
    """All figures as they stand, in the text format."""
    return generate_latest()
