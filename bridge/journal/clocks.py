"""Clocks: what time it is, and one that only goes on, however somebody sets the other."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

__all__ = ["Clock", "steady_clock", "utc_now"]

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def steady_clock(clock: Clock = utc_now) -> Clock:
    """One that begins as another stands, and from then on goes by the time that has passed. Whoever waits for a while
    goes by it: by a clock that is put back they would wait for as long as it was wrong."""
    begun_at, begun = clock(), time.monotonic()
    return lambda: begun_at + timedelta(seconds=time.monotonic() - begun)
