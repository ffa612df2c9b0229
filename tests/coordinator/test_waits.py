"""What fails again and again is left alone ever longer, and a wait that was written down by a clock that was ahead,
and is set right since, is over."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from coordinator.waits import CLOCKS_DIFFER, backoff, is_ahead, is_over, left

NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
NOTHING = timedelta()
spans = st.timedeltas(NOTHING, timedelta(days=400))


@given(longest=spans, ahead=spans, passed=spans)
def test_no_wait_is_longer_than_its_longest_however_far_ahead_the_clock_was(
    longest: timedelta, ahead: timedelta, passed: timedelta
) -> None:
    until = NOON + ahead + longest
    now = NOON + passed
    assert NOTHING <= left(until, now, longest) <= longest + CLOCKS_DIFFER
    assert is_over(until, now, longest) is (left(until, now, longest) == NOTHING)
    assert is_over(until, until, longest)
    # A clock that was right has nobody come too early.
    if ahead <= passed < ahead + longest:
        assert left(until, now, longest) == ahead + longest - passed


def test_clocks_that_differ_by_less_than_a_second_are_not_ahead() -> None:
    assert not is_ahead(NOON + CLOCKS_DIFFER, NOON)
    assert is_ahead(NOON + CLOCKS_DIFFER + timedelta(microseconds=1), NOON)


@given(failures=st.integers(1, 10_000), longest=st.timedeltas(timedelta(seconds=1), timedelta(days=400)))
def test_what_fails_again_and_again_waits_twice_as_long_each_time_up_to_the_longest(
    failures: int, longest: timedelta
) -> None:
    first = timedelta(seconds=1)
    waits = [backoff(first, count, longest) for count in (failures, failures + 1)]
    assert waits[1] in (2 * waits[0], longest)
    assert backoff(1.0, failures, 60.0) == min(2.0 ** min(failures - 1, 6), 60.0)
