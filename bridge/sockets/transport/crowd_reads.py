"""Crowd reads: what hundreds of clients send in the same moment, and the ends of hundreds of connections, taken in
slices, so that whoever else waits for the event loop, a webhook for one, waits for a slice and not for all of them.

Few are heard at once. What waits is of each connection in the order in which it came, its end behind all else.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable

__all__ = ["AT_ONCE", "CrowdReads"]

# More than so many who have something to say in one turn of the loop are a crowd.
AT_ONCE = 32
# What is taken of a crowd in one turn of the loop; and how many, since to close a connection is the next turn's work.
SLICE_SECONDS, SLICE = 0.002, 64


class CrowdReads:
    """Whose turn it is, of all connections."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._waiting: deque[Callable[[], object]] = deque()
        self._turn = 0.0
        """The one of the loop that lasts: all that comes in one comes at the same time by the loop's clock."""
        self._heard = 0
        """How many were heard at once in it."""
        self._is_scheduled = False

    def has_turn(self) -> bool:
        """Whether somebody may be heard at once; else it is to `wait`. To be asked once for each time that something
        has come."""
        if self._waiting:
            return False
        now = asyncio.get_running_loop().time()
        if now != self._turn:
            self._turn, self._heard = now, 0
        self._heard += 1
        return self._heard <= AT_ONCE

    def wait(self, go_on: Callable[[], object]) -> None:
        """Calls this when it is its turn, behind all who wait."""
        self._waiting.append(go_on)
        self._schedule()

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._hear_some)

    def _hear_some(self) -> None:
        self._is_scheduled = False
        ends_at = self._clock() + SLICE_SECONDS
        try:
            for _ in range(min(SLICE, len(self._waiting))):
                self._waiting.popleft()()
                if self._clock() >= ends_at:
                    break
        finally:
            if self._waiting:
                self._schedule()
