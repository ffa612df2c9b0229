"""Waits: how long what failed is left alone, and when a wait that was written down is over, though the clock by which
it was may have been ahead. Pure.

No wait is longer than its longest. One that would be was begun by a clock that was put right since, and nobody knows
how much of it has passed: it is over.
"""

from datetime import datetime, timedelta
from typing import TypeVar

__all__ = ["backoff", "is_ahead", "is_over", "latest_known", "left"]

CLOCKS_DIFFER = timedelta(seconds=1)
"""So far apart are the clocks of bridges that share a journal, and a clock that is put right a little every day."""

# More would soon be past what the types hold.
DOUBLINGS_LIMIT = 20

Length = TypeVar("Length", float, timedelta)
"""In seconds, or as a timedelta."""


def backoff(first: Length, failures: int, longest: Length) -> Length:
    """How long what failed so often in a row, at least once, is left alone: twice as long each time, to `longest`."""
    doublings = failures - 1
    return longest if doublings > DOUBLINGS_LIMIT else min(first * (1 << doublings), longest)


def latest_known(now: datetime) -> datetime:
    """What was written down as of later than this was so by a clock that was ahead."""
    return now + CLOCKS_DIFFER


def is_ahead(at: datetime, now: datetime) -> bool:
    """Whether what was written down as of then was so by a clock that was ahead."""
    return at > latest_known(now)


def is_over(until: datetime, now: datetime, longest: timedelta) -> bool:
    """Whether a wait that is never longer than `longest` has ended."""
    return until <= now or is_ahead(until - longest, now)


def left(until: datetime, now: datetime, longest: timedelta) -> timedelta:
    """How much of it is to come; nothing once it is over."""
    return timedelta() if is_over(until, now, longest) else until - now
