"""Counting what goes out: right figures of the right stretch of time, and of no more than is remembered."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from bridge.journal import Commit, CommitTimes, JournaledEvent
from bridge.workers.health.vitals import REMEMBERED_EVENTS, Percentiles, Rates, TimedDelivery, Vitals, percentiles
from coordinator.events import Audience, Event

AT = datetime(2026, 5, 1, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def commits() -> CommitTimes:
    return CommitTimes()


@pytest.fixture
def vitals(clock: Clock, commits: CommitTimes) -> Vitals:
    vitals = Vitals(clock)
    vitals.follow(commits)
    return vitals


def events(first: int, last: int) -> list[JournaledEvent]:
    event = Event("payment-update", Audience(everyone=True), "{}")
    return [JournaledEvent(offset, event, AT) for offset in range(first, last + 1)]


def test_each_event_is_measured_from_its_own_commit(vitals: Vitals, commits: CommitTimes, clock: Clock) -> None:
    commits.add(Commit(2, 999.80, 999.90))
    commits.add(Commit(0, 999.90, 999.95))  # Which appended nothing.
    commits.add(Commit(3, 999.95, 999.99))
    vitals.delivered(events(1, 3), [5, 0, 7])
    found = [vitals.delivery(offset) for offset in (1, 2, 3)]
    assert [one and one.connections for one in found] == [5, 0, 7]
    assert [one and one.delay_seconds for one in found] == pytest.approx([0.10, 0.10, 0.01])
    assert vitals.fanout() == Percentiles(100, 100)
    assert commits.newest_offset == 3


def test_the_histogram_has_each_event_that_somebody_was_told(vitals: Vitals, commits: CommitTimes) -> None:
    def counted(le: str) -> float:
        return REGISTRY.get_sample_value("bridge_event_delivery_seconds_bucket", {"le": le}) or 0

    before = counted("0.05"), counted("0.1"), counted("+Inf")
    commits.add(Commit(3, 999.80, 999.92))
    vitals.delivered(events(1, 4), [5, 0, 7, 1])  # the last is another bridge's
    assert (counted("0.05"), counted("0.1"), counted("+Inf")) == (before[0], before[1] + 2, before[2] + 2)


def test_what_was_committed_by_nobody_here_has_no_delay(vitals: Vitals) -> None:
    vitals.delivered(events(1, 1), [3])
    assert vitals.delivery(1) == TimedDelivery(1, 3, None)
    assert vitals.fanout() is None
    assert vitals.commits() is None


def test_what_another_bridge_committed_in_between_has_no_delay(vitals: Vitals, commits: CommitTimes) -> None:
    commits.add(Commit(3, 999.80, 999.90, first_offset=3))
    commits.add(Commit(6, 999.90, 999.95, first_offset=6))
    vitals.delivered(events(1, 7), [1] * 7)
    delays = [one and one.delay_seconds for one in map(vitals.delivery, range(1, 8))]
    assert delays == [None, None, pytest.approx(0.10), None, None, pytest.approx(0.05), None]


def test_old_figures_make_way(vitals: Vitals, commits: CommitTimes, clock: Clock) -> None:
    commits.add(Commit(1, 999.0, 1000.0))
    clock.now = 1000.5
    vitals.delivered(events(1, 1), [1])
    assert (vitals.fanout(), vitals.commits()) == (Percentiles(500, 500), Percentiles(1000, 1000))
    clock.now = 1061.0
    assert (vitals.fanout(), vitals.commits()) == (None, None)


def test_rates_are_of_the_last_whole_seconds(vitals: Vitals, clock: Clock) -> None:
    assert vitals.rates() == Rates(0, 0)
    for second in range(10):
        clock.now = 1000.25 + second
        vitals.delivered(events(1, 2), [3, 4])
        vitals.delivered(events(3, 3), [1])
    # The present second is not over, so it does not count yet.
    assert vitals.rates() == Rates(3, 8)
    clock.now += 3
    assert vitals.rates() == Rates(9 / 5, 24 / 5)
    clock.now += 10
    assert vitals.rates() == Rates(0, 0)


def test_only_so_many_events_are_remembered(vitals: Vitals) -> None:
    vitals.delivered(events(1, REMEMBERED_EVENTS + 2), [1] * (REMEMBERED_EVENTS + 2))
    assert vitals.delivery(1) is None
    assert vitals.delivery(2) is None
    assert vitals.delivery(3) == TimedDelivery(3, 1, None)
    assert vitals.delivery(REMEMBERED_EVENTS + 2) == TimedDelivery(REMEMBERED_EVENTS + 2, 1, None)
    assert vitals.delivery(REMEMBERED_EVENTS + 3) is None


@given(st.lists(st.floats(0, 10), min_size=1))
def test_percentiles_are_among_what_was_measured_and_in_order(seconds: list[float]) -> None:
    found = percentiles(seconds)
    assert found is not None
    measured = {round(one * 1000, 3) for one in seconds}
    assert found.p50 in measured
    assert found.p99 in measured
    assert min(measured) <= found.p50 <= found.p99 <= max(measured)
