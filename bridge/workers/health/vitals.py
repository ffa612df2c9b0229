"""How much the bridge does and how fast: counted as it goes, at next to no cost for each event and at none for
each client that receives it.
"""

import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from bridge.histograms import Histogram
from bridge.journal import CommitTimes, JournaledEvent

__all__ = ["Percentiles", "Rates", "TimedDelivery", "Vitals"]

# A person who looks up what became of a current event looks back minutes at most.
REMEMBERED_EVENTS = 10_000
# Figures cover the last stretch of this length, so that they are current and still do not flicker.
RATE_SECONDS = 5
DELAY_SECONDS = 60.0
DELAYS = 2_048

DELIVERED = Histogram(
    "bridge_event_delivery_seconds",
    "From an event's commit, at this bridge, until it was handed to the transport of all clients that it is for, or"
    " put where their next polls find it",
)


@dataclass(frozen=True, slots=True)
class TimedDelivery:
    """What became of one event."""

    offset: int
    connections: int
    """To how many it was written."""
    delay_seconds: float | None
    """From the commit until it was written to all of them; None if that is not known."""


class _Deliveries(NamedTuple):
    """What became of events in a row, of one commit."""

    first_offset: int
    connections: Sequence[int]
    """Of each, to how many it was written."""
    delay_seconds: float | None


@dataclass(frozen=True, slots=True)
class Rates:
    """How many of something there were in a second."""

    events: float
    deliveries: float


@dataclass(frozen=True, slots=True)
class Percentiles:
    """The median and the 99th percentile of some delays, in milliseconds."""

    p50: float
    p99: float


class Vitals:
    """Counts what goes out, and remembers what became of the last events."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        """`clock` is the one that commits are timed with."""
        self._clock = clock
        self._commits = CommitTimes()
        self._remembered: deque[_Deliveries] = deque(maxlen=REMEMBERED_EVENTS)
        self._newest_offset = 0
        self._delivered = DELIVERED.of()
        self._delays: deque[tuple[float, float, int]] = deque(maxlen=DELAYS)
        """Of the last commits: when their events were written, how long after, and how many they were."""
        self._seconds: deque[list[int]] = deque(maxlen=RATE_SECONDS + 1)
        """The last seconds in which something went out: each with how many events and deliveries."""

    def follow(self, commits: CommitTimes) -> None:
        """From now on, what goes out was committed at that time."""
        self._commits = commits

    def now(self) -> float:
        """The time, by the clock that commits are timed with."""
        return self._clock()

    def delivered(self, stretch: Sequence[JournaledEvent], written: Sequence[int], at: float | None = None) -> None:
        """A stretch of the journal has gone out, at this moment or `at` an earlier one; `written` is to how many
        connections each of its events was."""
        now = self._clock() if at is None else at
        first, end = stretch[0].offset, stretch[-1].offset + 1
        offset = first
        while offset < end:
            commit = self._commits.of(offset)
            next_offset = (self._commits.next_own() or end) if commit is None else commit.last_offset + 1
            next_offset = min(next_offset, end)
            delay = None if commit is None else now - commit.finished
            connections = written[offset - first : next_offset - first]
            self._remembered.append(_Deliveries(offset, connections, delay))
            if delay is not None:
                self._delivered.observe(delay, len(connections) - connections.count(0))
                self._delays.append((now, delay, next_offset - offset))
            offset = next_offset
        self._newest_offset = end - 1
        while self._remembered[0].first_offset + len(self._remembered[0].connections) <= end - REMEMBERED_EVENTS:
            self._remembered.popleft()
        self._count(int(now), len(stretch), sum(written))

    def _count(self, second: int, events: int, deliveries: int) -> None:
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append([second, 0, 0])
        self._seconds[-1][1] += events
        self._seconds[-1][2] += deliveries

    def delivery(self, offset: int) -> TimedDelivery | None:
        """What became of an event, as long as that is remembered."""
        if not self._newest_offset - REMEMBERED_EVENTS < offset <= self._newest_offset:
            return None
        place = bisect_right(self._remembered, offset, key=attrgetter("first_offset")) - 1
        if place < 0:
            return None
        first, connections, delay = self._remembered[place]
        return (
            TimedDelivery(offset, connections[offset - first], delay) if offset - first < len(connections) else None
        )

    def rates(self) -> Rates:
        """How many a second went out, over the last whole seconds."""
        present = int(self._clock())
        whole = [counts for counts in self._seconds if present - RATE_SECONDS <= counts[0] < present]
        return Rates(
            sum(counts[1] for counts in whole) / RATE_SECONDS, sum(counts[2] for counts in whole) / RATE_SECONDS
        )

    def fanout(self) -> Percentiles | None:
        """How long after their commit events were written to all receivers, over the last minute."""
        since = self._clock() - DELAY_SECONDS
        return percentiles([delay for at, delay, events in self._delays if at >= since for _ in range(events)])

    def commits(self) -> Percentiles | None:
        """How long commits took, over the last minute."""
        return percentiles(self._commits.since(self._clock() - DELAY_SECONDS))


def percentiles(seconds: Sequence[float]) -> Percentiles | None:
    """None of none."""
    if not seconds:
        return None
    ordered = sorted(seconds)
    last = len(ordered) - 1
    return Percentiles(*(round(ordered[round(last * share)] * 1000, 3) for share in (0.5, 0.99)))
