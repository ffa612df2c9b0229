"""Scheduling: turns of the event loop, shared out among clients: when thousands of them come at once, whoever else
waits for the loop, a webhook for one, is kept waiting for one slice and not for all of them."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Generator

__all__ = ["LoopScheduler"]

# What clients may take of one turn of the loop together; nobody notices that.
SLICE_SECONDS = 0.003
# Of those who waited no more are let in at once: they are not asked again, and what each has done may cost a hundred
# times as much as what was done by those before them.
FITTING_LIMIT = 50


class _Now:
    """What need not be waited for."""

    def __await__(self) -> Generator[None, None, None]:
        yield from ()


NOW = _Now()


class LoopScheduler:
    """Has clients wait, the first first, when those before them have used up the slice."""

    def __init__(self) -> None:
        self._slice_ends_at = 0.0
        self._taken = 0
        """How many have begun in this slice."""
        self._fitting = 1
        """How many are let in at once: as many as fitted into a slice lately."""
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._let_in = 0
        """How many of them are let in and have not gone on yet: nobody overtakes them."""
        self._is_open = False

    def take(self) -> Awaitable[None]:
        """Done when it is the caller's turn. No coroutine: of thousands who wait, each would keep its frame."""
        loop = asyncio.get_running_loop()
        if not self._is_open:
            self._open(loop)
        if not self._waiting and not self._let_in and loop.time() < self._slice_ends_at:
            self._taken += 1
            return NOW
        waiter = loop.create_future()
        # Called right before whoever waits goes on.
        waiter.add_done_callback(self._goes_on)
        self._waiting.append(waiter)
        return waiter

    def _goes_on(self, waiter: asyncio.Future[None]) -> None:
        self._let_in -= not waiter.cancelled()

    def _open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begins a slice; the next turn of the loop ends it."""
        self._is_open = True
        self._slice_ends_at = loop.time() + SLICE_SECONDS
        self._taken = 0
        loop.call_soon(self._next, loop)

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        was_spent = loop.time() >= self._slice_ends_at
        fitting = self._taken // 2 if was_spent else 2 * max(self._taken, self._fitting)
        self._fitting = min(max(1, fitting), FITTING_LIMIT)
        self._is_open = False
        if not self._waiting:
            return
        self._open(loop)
        for _ in range(min(self._fitting, len(self._waiting))):
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                self._let_in += 1
                self._taken += 1
