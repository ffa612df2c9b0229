"""Shares of the event loop: how much of its time each address has had, and who waits until it may have more.

Those who ask for much divide what one alone might have, so that several of them hold the loop no more than one does;
whoever asks for little does not hear of it.
What can be refused without harm is refused (`bridge/door/budget.py`). What cannot, a message over a socket for one,
is read later: of one address one after the other, so that a flood keeps those waiting for moments who are behind the
same address, and nobody else.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar

from bridge.sockets.rate_limit import RateLimit, RateLimits

__all__ = ["BURST_SECONDS", "LOOP_SHARE", "PROBES", "TURNS", "WAITING_LIMIT", "LoopShare", "LoopShares"]

LOOP_SHARE = "bridge.loop_share"
"""In the scope of a request: the share of its client's address, if that is counted."""
PROBES = "/health/"
"""Whose share is that of all who ask for health together."""
TURNS = "turns of "
"""Before an address: the line of those who do not wait for its share, but for the loop's next turn."""

BURST_SECONDS = 4
"""An address may have at once what it may have in so long."""
# Of what one may have in BURST_SECONDS: whoever has had as much of late asks for much.
MUCH = 1 / 8
# How often it is looked who still does.
POLL_SECONDS = 0.25
# Whoever has asked for nothing for so long has had nothing to speak of.
FORGOTTEN_SECONDS = 5 * BURST_SECONDS
# Of a share, what those who wait have whatever those do who are refused, and the other way around.
HALF = 0.5
MICROSECONDS = 1_000_000
# Of one turn of the loop: what goes on in it is done before anybody else is heard, and hundreds of connections of one
# address can have something to say in the same.
TURN_SECONDS = 0.001
# Of one address: as many as it has connections. Who comes again and again on others would be in line for each.
WAITING_LIMIT = 500
# What the timers of event loops are exact to.
SHORTEST_WAIT_SECONDS = 0.001

T = TypeVar("T")
GoOn = Callable[[], object]
Clock = Callable[[], float]
CallLater = Callable[[float, GoOn], object]


class Line:
    """Who waits: of several addresses one of each in turn."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[GoOn]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def of(self, network: str) -> int:
        """How many of an address wait."""
        return len(self._waiting.get(network, ()))

    def add(self, network: str, go_on: GoOn) -> None:
        self._waiting.setdefault(network, deque()).append(go_on)

    def first(self) -> GoOn:
        """Takes the first one out."""
        network = next(iter(self._waiting))
        of_address = self._waiting.pop(network)
        go_on = of_address.popleft()
        if of_address:
            self._waiting[network] = of_address  # behind the others
        return go_on


class Demand:
    """Who asks for much. Of what one had BURST_SECONDS ago, a third (1/e) counts."""

    def __init__(self, much_seconds: float) -> None:
        self._much_seconds = much_seconds
        self._had: dict[str, tuple[float, float]] = {}
        """By address: how much, in seconds, and when that was so."""
        self._greedy: set[str] = set()
        self._measure_at = -math.inf
        self._sweep_at = 1_000

    def divided_by(self, network: str, seconds: float, now: float) -> int:
        """An address has so much again. Returns by how many a share is divided for it."""
        self._had[network] = self._had_of_late(network, now) + seconds, now
        if self._asks_for_much(network, now):
            self._greedy.add(network)
        if now >= self._measure_at:
            self._measure_at = now + POLL_SECONDS
            self._greedy = {one for one in self._greedy if self._asks_for_much(one, now)}
            self._forget_the_rested(now)
        return len(self._greedy) if network in self._greedy else 1

    def _asks_for_much(self, network: str, now: float) -> bool:
        return self._had_of_late(network, now) >= self._much_seconds

    def _had_of_late(self, network: str, now: float) -> float:
        had, then = self._had.get(network, (0.0, now))
        return had * math.exp((then - now) / BURST_SECONDS)

    def _forget_the_rested(self, now: float) -> None:
        """Each time that twice as many are remembered as were left the last time."""
        if len(self._had) >= self._sweep_at:
            before = now - FORGOTTEN_SECONDS
            self._had = {one: (had, then) for one, (had, then) in self._had.items() if then > before}
            self._sweep_at = max(1_000, 2 * len(self._had))


class LoopShares:
    """What each address has had of the loop's time."""

    def __init__(self, share: float, clock: Clock = time.perf_counter, call_later: CallLater | None = None) -> None:
        """`share` of the loop is what one may have; `call_later` is the loop's own, if none is given."""
        per_second, burst = share * MICROSECONDS, BURST_SECONDS * share * MICROSECONDS
        self.clock = clock
        self._call_later = call_later
        self._spent = RateLimits(RateLimit(per_second, burst))
        self._spent_by_patient = RateLimits(RateLimit(HALF * per_second, HALF * burst))
        """Of that, what those have had who wait."""
        self._reserve = (1 - HALF) * burst
        self._demand = Demand(MUCH * BURST_SECONDS * share)
        self._of_turn: dict[str, float] = {}
        """What each address has had in this turn of the loop, in seconds."""
        self._lines: dict[str, Line] = {}

    def is_overdrawn(self, network: str) -> bool:
        """Whether an address has had more than its share."""
        return self._spent.is_overdrawn(network, self.clock())

    def spend(self, network: str, seconds: float, *, is_patient: bool = False) -> None:
        """An address has had so much; `is_patient`: for what waits if it has to."""
        now = self.clock()
        divided_by = 1 if network == PROBES else self._demand.divided_by(network, seconds, now)
        count = round(seconds * MICROSECONDS * divided_by)
        self._spent.spend(network, now, count)
        if is_patient:
            self._spent_by_patient.spend(network, now, count)

    def take(self, network: str, seconds: float) -> None:
        """An address has had so much of this turn of the loop, be it at nobody's expense."""
        if not self._of_turn:
            asyncio.get_running_loop().call_soon(self._of_turn.clear)
        self._of_turn[network] = self._of_turn.get(network, 0.0) + seconds

    def is_due(self, share: str, network: str) -> bool:
        """Whether an address need not wait: nobody of the same share does, something is left of it, and others may
        have had their turn since."""
        return not (self.has_had_turn(network) or share in self._lines or self._wait_seconds(share))

    def has_had_turn(self, network: str) -> bool:
        """Whether an address has had enough of this turn of the loop."""
        return self._of_turn.get(network, 0.0) >= TURN_SECONDS

    def _wait_seconds(self, share: str) -> float:
        now = self.clock()
        wait_seconds = self._spent.overdrawn_seconds(share, now, reserve=self._reserve)
        return wait_seconds and min(wait_seconds, self._spent_by_patient.overdrawn_seconds(share, now))

    def when_due(self, share: str, network: str, go_on: GoOn) -> None:
        """Calls this once it is the turn of an address that waits for its own share, or for one of several."""
        line = self._lines.get(share)
        if line is None:
            line = self._lines[share] = Line()
            self._resume_later(share, 0)
        line.add(network, go_on)

    def _resume_later(self, share: str, wait_seconds: float) -> None:
        call_later = self._call_later or asyncio.get_running_loop().call_later
        call_later(max(wait_seconds, SHORTEST_WAIT_SECONDS) if wait_seconds else 0, lambda: self._next(share))

    def _next(self, share: str) -> None:
        """One in each turn of the loop: what it does then is known, and counted, before the next one goes on."""
        line, wait_seconds = self._lines[share], self._wait_seconds(share)
        if not wait_seconds:
            line.first()()
            if not line:
                del self._lines[share]
                return
        self._resume_later(share, wait_seconds)

    def has_room(self, share: str, network: str) -> bool:
        """Whether another of an address may wait."""
        line = self._lines.get(share)
        return line is None or line.of(network) < WAITING_LIMIT

    async def turn(self, share: str, network: str) -> None:
        """Returns once it is the turn of an address."""
        if not self.is_due(share, network):
            waiter = asyncio.get_running_loop().create_future()
            self.when_due(share, network, lambda: None if waiter.done() else waiter.set_result(None))
            await waiter


class LoopShare:
    """What one address may have, for what it sends over its sockets for one."""

    __slots__ = ("_shares", "clock", "network")

    def __init__(self, shares: LoopShares, network: str) -> None:
        self._shares = shares
        self.network = network
        self.clock = shares.clock

    def is_due(self) -> bool:
        """Whether more may be read at once."""
        return self._shares.is_due(self.network, self.network)

    def has_had_turn(self) -> bool:
        """Whether it has had enough of this turn of the loop."""
        return self._shares.has_had_turn(self.network)

    def take(self, seconds: float) -> None:
        """It has had so much of this turn of the loop, at nobody's expense."""
        self._shares.take(self.network, seconds)

    def when_due(self, go_on: GoOn) -> None:
        """Calls this once more may be read."""
        self._shares.when_due(self.network, self.network, go_on)

    def spend(self, seconds: float) -> None:
        self.take(seconds)
        self._shares.spend(self.network, seconds, is_patient=True)

    async def charged(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs this at the address's expense."""
        steps = Steps(work, self.clock, self.take)
        try:
            return await steps
        finally:
            self._shares.spend(self.network, steps.seconds, is_patient=True)


class Steps(Awaitable[T], Generic[T]):
    """Runs a coroutine, and counts how long the loop is with it."""

    def __init__(self, coroutine: Coroutine[Any, Any, T], clock: Clock, took: Callable[[float], None]) -> None:
        """`took` is told of each time that the loop was with it."""
        self._coroutine = coroutine
        self._took = took
        self._clock = clock
        self.seconds = 0.0

    def __await__(self) -> Generator[Any, Any, T]:
        error: BaseException | None = None
        while True:
            began = self._clock()
            try:
                waits_for = self._coroutine.send(None) if error is None else self._coroutine.throw(error)
            except StopIteration as ended:
                result: T = ended.value
                return result
            finally:
                seconds = self._clock() - began
                self.seconds += seconds
                self._took(seconds)
            try:
                yield waits_for
                error = None
            except BaseException as thrown:  # to be raised where the coroutine waits
                error = thrown
