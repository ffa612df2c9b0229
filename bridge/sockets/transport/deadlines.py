"""Deadlines of the same length for tens of thousands, watched by one timer."""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Deadlines"]

T = TypeVar("T")

# Event loops count in milliseconds, and look at the clock once for all that they do in one turn.
CLOCK_SECONDS = 0.002


class Deadlines(Generic[T]):
    """Calls `missed` for each that was added and not discarded within the seconds after, the same for all."""

    def __init__(self, missed: Callable[[T, float], None]) -> None:
        """`missed` is told when it was due as well."""
        self._missed = missed
        self._due: OrderedDict[T, float] = OrderedDict()
        """When each is due by the event loop's clock; since all wait for as long, the first is due first."""
        self._timer: asyncio.TimerHandle | None = None

    def add(self, one: T, seconds: float, *, since: float | None = None) -> None:
        """Begins to wait for one; anew, if it waits already. `since` is when the seconds began, if not now; those of
        whoever is added later may not have begun earlier."""
        loop = asyncio.get_running_loop()
        due = self._due[one] = (loop.time() if since is None else since) + seconds
        self._due.move_to_end(one)
        if self._timer is None:
            self._timer = loop.call_at(due, self._end_overdue)

    def is_missed(self, one: T) -> bool:
        """Whether one is late, even if nobody has been told yet."""
        due = self._due.get(one)
        return due is not None and due <= asyncio.get_running_loop().time() + CLOCK_SECONDS

    def left_seconds(self, one: T) -> float:
        """How much time one has left that is waited for."""
        return self._due[one] - asyncio.get_running_loop().time()

    def discard(self, one: T) -> None:
        """Waits for one no more, if it did."""
        self._due.pop(one, None)

    def __contains__(self, one: T) -> bool:
        """Whether it is waited for."""
        return one in self._due

    def first(self, *, within_seconds: float = math.inf) -> T | None:
        """The one that is due first; None if none is, or none so soon."""
        one, due = next(iter(self._due.items()), (None, math.inf))
        return one if due - asyncio.get_running_loop().time() <= within_seconds else None

    def _end_overdue(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        while self._due:
            one, due = next(iter(self._due.items()))
            if due > loop.time():
                self._timer = loop.call_at(due, self._end_overdue)
                return
            del self._due[one]
            self._missed(one, due)
