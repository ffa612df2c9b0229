"""Turns of look-ups: how many questions about payments are under way at once, so that a coin whose questions hang
holds up nobody who asks about another. A question that is not answered soon gives its place to the next one and goes
on beside it; while one does, hardly any other is put about its coin.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, NamedTuple

__all__ = ["Lane", "LookUpTurns"]

# Most answers take hundredths of it.
QUICK_SECONDS = 1.0
# Of a coin of which some question is not answered soon, so many are under way.
OF_A_SLOW_COIN = 2
# SHKeeper has 16 threads for all requests, and deadlines and reconciliation ask beside each other. Where more hang
# than this, of however many coins, they keep their places.
SLOW_IN_ALL = 6


class Lane(NamedTuple):
    """Questions of which one that hangs makes it likely that the others do."""

    coin: str
    """Empty where nobody knows it."""
    was_unanswered: bool = False
    """Whether they are about payments about which nothing was answered when they were asked about last."""


class LookUpTurns:
    """Those of one provider."""

    def __init__(self, at_once: int) -> None:
        """`at_once` is how many are under way of those that may still be answered soon."""
        self._places = asyncio.Semaphore(at_once)
        self._with_place: set[asyncio.Task[object]] = set()
        self._quick: set[asyncio.Task[object]] = set()
        self._slow: dict[asyncio.Task[object], Lane] = {}
        self._under_way: Counter[Lane] = Counter()
        self._none_is_quick = asyncio.Event()

    def is_full(self, lane: Lane) -> bool:
        """Whether nothing more is to be asked in a lane now."""
        return lane in self._slow.values() and self._under_way[lane] >= OF_A_SLOW_COIN

    @property
    def full_coins(self) -> frozenset[str]:
        """The coins of which nothing is to be asked now but about what was unanswered before."""
        return frozenset(lane.coin for lane in self._slow.values() if not lane.was_unanswered and self.is_full(lane))

    async def begin(self, lane: Lane, ask: Callable[[], Coroutine[Any, Any, object]]) -> bool:
        """Waits for a place and puts a question, which raises nothing and goes on by itself. Returns whether it was
        put: its lane may be full, or be so by then."""
        if self.is_full(lane):
            return False
        await self._places.acquire()
        if self.is_full(lane):
            self._places.release()
            return False
        task = asyncio.create_task(ask())
        self._under_way[lane] += 1
        self._with_place.add(task)
        self._quick.add(task)
        self._none_is_quick.clear()
        slows = asyncio.get_running_loop().call_later(QUICK_SECONDS, self._slows, lane, task)
        task.add_done_callback(partial(self._ended, lane, slows))
        return True

    async def quick(self) -> None:
        """Waits until each question is answered, or is slow."""
        while self._quick:
            await self._none_is_quick.wait()

    async def all(self) -> None:
        """Waits until each question is answered."""
        while under_way := [*self._quick, *self._slow]:
            await asyncio.wait(under_way)

    async def aclose(self) -> None:
        """Gives up what is under way."""
        under_way = [*self._quick, *self._slow]
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    def _slows(self, lane: Lane, task: asyncio.Task[object]) -> None:
        if task in self._quick:
            if len(self._slow.keys() - self._with_place) < SLOW_IN_ALL:
                self._leaves(task)
            self._slow[task] = lane
            self._is_not_quick(task)

    def _ended(self, lane: Lane, slows: asyncio.TimerHandle, task: asyncio.Task[object]) -> None:
        slows.cancel()
        self._under_way[lane] -= 1
        self._leaves(task)
        self._slow.pop(task, None)
        self._is_not_quick(task)

    def _leaves(self, task: asyncio.Task[object]) -> None:
        """It needs its place no more."""
        if task in self._with_place:
            self._with_place.remove(task)
            self._places.release()

    def _is_not_quick(self, task: asyncio.Task[object]) -> None:
        self._quick.discard(task)
        if not self._quick:
            self._none_is_quick.set()
