"""Clocks: what time it is, one that only goes on, however somebody sets the other, and one that bridges share."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, func, select

__all__ = ["Clock", "SharedClock", "steady_clock", "utc_now"]

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def steady_clock(clock: Clock = utc_now) -> Clock:
    """One that begins as another stands, and from then on goes by the time that has passed. Whoever waits for a while
    goes by it: by a clock that is put back they would wait for as long as it was wrong."""
    begun_at, begun = clock(), time.monotonic()
    return lambda: begun_at + timedelta(seconds=time.monotonic() - begun)


class SharedClock:
    """The clock of bridges that share a database: that of the database, which each sets its own by. What they decide
    by the time does not depend on which of them does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._behind = timedelta()
        """How far this machine's clock is behind."""

    def __call__(self) -> datetime:
        return self._clock() + self._behind

    def set_by(self, connection: Connection) -> None:
        """Asks a database what time it is. From any thread."""
        asked_at = self._clock()
        now: datetime = connection.scalar(select(func.clock_timestamp())) or asked_at
        self._behind = now - (asked_at + (self._clock() - asked_at) / 2)
