"""Date offsets: the zone of a gateway's dates follows from what several of its notices agree on, and from nothing
that a delay explains."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.payments.counting.date_offsets import LOOKED_AT, Dated, dates_ahead

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
# Of each zone that there is one of its offset, in quarters of an hour.
QUARTERS = [-48, -38, -20, -14, -4, 0, 4, 14, 22, 23, 35, 48, 56]


def told(*lags: float, apart: timedelta = 20 * MINUTE, zone: timedelta = timedelta(0)) -> list[Dated]:
    """Notices, newest first, so many minutes after the moments that a gateway in a zone dates."""
    at = [NOW - number * apart for number in range(len(lags))]
    return [Dated(one, one - lag * MINUTE + zone) for one, lag in zip(at, lags, strict=True)]


def ahead(notices: list[Dated]) -> timedelta | None:
    found = dates_ahead(notices)
    return None if found is None else found.ahead


@given(
    quarters=st.sampled_from(QUARTERS),
    soon=st.lists(st.floats(0, 9), min_size=3, max_size=3),
    delays=st.lists(st.floats(0, 600), max_size=LOOKED_AT - 3),
    data=st.data(),
)
def test_the_zone_is_found_whatever_else_was_delayed(
    quarters: int, soon: list[float], delays: list[float], data: st.DataObject
) -> None:
    zone = quarters * timedelta(minutes=15)
    # Three delays that agree by chance look like a zone: each differs from the others by more than a quarter.
    apart = [delay // 40 * 40 + 40 for delay in delays]
    unlike = list(dict.fromkeys(apart))
    lags = data.draw(st.permutations([*soon, *unlike]))
    assert ahead(told(*lags, zone=zone)) == zone


def test_what_could_not_be_told_for_a_while_shows_no_zone() -> None:
    # The bridge was away for five hours: all is told at once.
    assert ahead(told(300, 301, 302, 304, apart=timedelta(seconds=1))) is None
    assert ahead(told(300, 240, 180, 120, apart=timedelta(seconds=1))) is None
    # What has waited for confirmations is no zone either.
    assert ahead(told(40, 44, 41, 50, 43)) is None


def test_dates_of_the_future_are_shown_at_once() -> None:
    assert ahead(told(0, 0, 0, apart=timedelta(seconds=1), zone=timedelta(hours=2))) == timedelta(hours=2)
    assert ahead(told(0, 0, zone=timedelta(hours=2))) is None


def test_the_newest_notices_say_when_a_zone_was_put_right() -> None:
    before = told(*[0] * 9, zone=timedelta(hours=-5))
    assert ahead(before) == timedelta(hours=-5)
    right = [Dated(NOW + number * 20 * MINUTE, NOW + number * 20 * MINUTE) for number in (3, 2, 1)]
    # One that is dated right cannot have come sooner than it was.
    assert ahead([*right[2:], *before]) is None
    assert ahead([*right, *before]) == timedelta(0)


@pytest.mark.parametrize("date", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)])
def test_a_date_that_no_zone_explains_says_nothing(date: datetime) -> None:
    assert ahead([Dated(NOW + number * 20 * MINUTE, date) for number in range(5)]) is None
    assert ahead([Dated(NOW, date), *told(0, 0, 0)]) == timedelta(0)
