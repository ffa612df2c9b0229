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


async def until(holds: Callable[[], Found]) -> Found:
    """What a condition gives as soon as it holds; fails when it has not for GIVE_UP_SECONDS."""
    async with asyncio.timeout(GIVE_UP_SECONDS):
        while not (found := holds()):  # noqa: ASYNC110 (nothing signals what is waited for)
            await asyncio.sleep(0.005)
    return found


def wait_until(holds: Callable[[], Found]) -> Found:
    """As `until`, where no loop runs."""
    give_up = time.monotonic() + GIVE_UP_SECONDS
    while not (found := holds()):
        assert time.monotonic() < give_up, "it did not happen in time"
        time.sleep(0.02)
    return found
