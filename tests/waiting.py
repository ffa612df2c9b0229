"""Waiting for what nothing signals, such as a list that grows: for a condition, and never for luck."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["GIVE_UP_SECONDS", "until", "wait_until"]

Found = TypeVar("Found")

GIVE_UP_SECONDS = 300.0
"""After which whatever is waited for will not come. It only ends a run that would hang, and says nothing about how
fast anything is: every deadline of a test that is not its subject is this one."""


SOONEST_SECONDS = 0.01
SELDOMEST_SECONDS = 0.2
# Of the time that it has waited already.
SHARE = 0.25


def _pause_seconds(waited_seconds: float) -> float:
    """Until the next look: the longer it takes, the more seldom. To look may cost a request, and what is waited for
    needs the processor too."""
    return min(SOONEST_SECONDS + SHARE * waited_seconds, SELDOMEST_SECONDS)


async def until(holds: Callable[[], Found]) -> Found:
    """What a condition gives as soon as it holds; fails when it has not for GIVE_UP_SECONDS."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    async with asyncio.timeout(GIVE_UP_SECONDS):
        while not (found := holds()):  # noqa: ASYNC110 (nothing signals what is waited for)
            await asyncio.sleep(_pause_seconds(loop.time() - begun))
    return found


def wait_until(holds: Callable[[], Found]) -> Found:
    """As `until`, where no loop runs."""
    begun = time.monotonic()
    while not (found := holds()):
        waited_seconds = time.monotonic() - begun
        assert waited_seconds < GIVE_UP_SECONDS, "it did not happen in time"
        time.sleep(_pause_seconds(waited_seconds))
    return found
