"""A wait that was written down by a clock that was ahead, and is set right since, is over."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from coordinator.waits import CLOCKS_DIFFER, is_ahead, is_over, left

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
