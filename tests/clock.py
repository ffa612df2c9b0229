"""Times that tests move: one that otherwise stands still, and the event loop's own, which goes on as well."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from weakref import WeakKeyDictionary

__all__ = ["BOOKED_AT", "Clock", "pass_seconds"]

BOOKED_AT = f"{datetime.now(UTC) - timedelta(minutes=1):%Y-%m-%d %H:%M:%S}"
"""A minute before the tests began, as SHKeeper writes it: what waits for a payment to be registered must be young."""


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


# Whoever has just sent a question comes to wait for its answer in a few turns of the loop, however long they take.
TURNS = 100


async def pass_seconds(seconds: float) -> None:
    """Makes it so much later for all that waits on the running event loop, or is just about to: a deadline that is
    set only afterwards would be as far away as ever.

    So a test lets a deadline pass that is long enough for the slowest machine while it is to be kept.
    """
    for _ in range(TURNS):
        await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    _passed[loop] = _passed.get(loop, 0.0) + seconds
    loop.time = partial(_time_of, loop)  # type: ignore[method-assign]


_passed: WeakKeyDictionary[asyncio.AbstractEventLoop, float] = WeakKeyDictionary()


def _time_of(loop: asyncio.AbstractEventLoop) -> float:
    return time.monotonic() + _passed[loop]
