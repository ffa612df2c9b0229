"""Date zones: what is proven of the zone of a gateway's dates counts at once, and what a delay explains as well is a
doubt."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.payments.counting.date_zones import LOOKED_AT, UTC_ITSELF, Dated, DateZones, date_zones

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = 60 * MINUTE
WORLD = [timedelta(minutes=one) for one in (-720, -570, -300, -210, -60, 0, 60, 210, 330, 345, 525, 720, 840)]
zones = st.sampled_from(WORLD)
delays = st.floats(0, 600).map(lambda minutes: minutes * MINUTE)


def told(
    *lags: float,
    apart: timedelta = 20 * MINUTE,
    zone: timedelta = UTC_ITSELF,
    until: datetime = NOW,
    opened: float | None = None,
    held_for: timedelta = timedelta(0),
) -> list[Dated]:
    """Notices, newest first, so many minutes after the moments that a gateway in a zone dates, each of which was so
    many minutes after its invoice was opened."""
    at = [until - number * apart for number in range(len(lags))]
    came = [one - lag * MINUTE for one, lag in zip(at, lags, strict=True)]
    before = [None if opened is None else one - opened * MINUTE for one in came]
    return [Dated(one, two + zone, three, held_for) for one, two, three in zip(at, came, before, strict=True)]


def ahead(notices: list[Dated]) -> tuple[timedelta, ...] | None:
    found = date_zones(notices)
    return None if found is None else found.ahead


@given(late=st.lists(st.tuples(delays, st.none() | delays), min_size=1, max_size=LOOKED_AT))
def test_no_delays_rule_out_that_a_gateway_writes_in_utc(late: list[tuple[timedelta, timedelta | None]]) -> None:
    notices = [
        Dated(at, at - delay, None if opened is None else at - delay - opened)
        for at, (delay, opened) in ((NOW - number * 20 * MINUTE, one) for number, one in enumerate(late))
    ]
    assert UTC_ITSELF in (ahead(notices) or ())


@given(
    zone=zones,
    prompt=st.lists(st.floats(0, 9), min_size=3, max_size=3),
    others=st.lists(st.floats(0, 600), max_size=LOOKED_AT - 3),
    data=st.data(),
)
def test_a_zone_is_found_once_three_notices_were_told_as_soon_as_usual(
    zone: timedelta, prompt: list[float], others: list[float], data: st.DataObject
) -> None:
    lags = data.draw(st.permutations([*prompt, *others]))
    # What was opened a while before it was paid shows that no zone is further ahead.
    assert ahead(told(*lags, zone=zone, opened=20)) == (zone,)


@given(zone=zones, lags=st.lists(st.floats(20, 40), min_size=3, max_size=LOOKED_AT))
def test_coins_that_wait_for_confirmations_teach_a_zone_too(zone: timedelta, lags: list[float]) -> None:
    found = ahead(told(*lags, zone=zone, opened=5, held_for=40 * MINUTE))
    assert found is not None
    # Between zones that are closer to each other than the wait it is not decided by less than it takes.
    assert zone in found
    assert max(found) - min(found) < HOUR


@given(before=zones, after=zones, lag=st.floats(0, 9))
def test_a_date_ahead_of_its_arrival_counts_at_once(before: timedelta, after: timedelta, lag: float) -> None:
    [newest], older = told(lag, zone=after), told(*[1] * 5, zone=before, until=NOW - HOUR, opened=20)
    found = date_zones([newest, *older])
    assert found is not None
    if after > before and after > UTC_ITSELF:
        assert found.ahead == (after,)
    assert all(newest.delay(one) >= -5 * MINUTE for one in found.ahead)


def test_steady_delays_of_an_hour_are_a_doubt_and_no_zone() -> None:
    behind = (-HOUR, UTC_ITSELF)
    for lags in ((60, 61, 62), (60, 61, 62, 59, 64)):
        assert ahead(told(*lags)) == behind
        assert ahead(told(*lags, opened=30)) == behind
    # Once one is told as soon as usual, UTC is what it is.
    assert ahead([*told(1), *told(60, 61, 62, until=NOW - HOUR)]) == (UTC_ITSELF,)
    # Where the money would have come before anybody was told where to pay, it is known.
    assert ahead(told(1, 2, 0, zone=-HOUR, opened=20)) == (-HOUR,)


def test_a_clock_that_is_wrong_is_a_doubt_and_no_zone() -> None:
    for count in (1, 4):
        found = date_zones(told(*[1] * count, zone=15 * MINUTE))
        assert found is not None
        assert (found.ahead, found.read_in) == ((UTC_ITSELF, HOUR), UTC_ITSELF)


def test_what_could_not_be_told_for_a_while_shows_no_zone() -> None:
    # The bridge was away for five hours: all is told at once.
    assert ahead(told(300, 301, 302, 304, apart=timedelta(seconds=1))) == (UTC_ITSELF,)
    assert ahead(told(300, 240, 180, 120, apart=timedelta(seconds=1))) == (UTC_ITSELF,)
    # What has waited for confirmations is no zone either.
    assert ahead(told(40, 44, 41, 50, 43)) == (UTC_ITSELF,)
    assert ahead(told(60, 61, 62, held_for=90 * MINUTE)) == (UTC_ITSELF,)


def test_less_than_three_notices_are_a_doubt_where_they_show_that_it_is_not_utc() -> None:
    new_york = timedelta(hours=-5)
    for count in (1, 2):
        assert ahead(told(*[1] * count, zone=new_york, opened=20)) == (new_york, UTC_ITSELF)
    assert ahead(told(1, 1, 1, zone=new_york, opened=20)) == (new_york,)
    assert ahead([]) is None


def test_the_newest_notices_say_when_a_zone_was_put_right() -> None:
    before = told(*[0] * 9, zone=timedelta(hours=-5), opened=20, until=NOW - HOUR)
    assert ahead(before) == (timedelta(hours=-5),)
    # One that would be told before it came is enough.
    assert ahead([*told(0), *before]) == (UTC_ITSELF,)
    # From summer to winter: what was paid within the hour shows it, and what was opened elsewhere is a doubt.
    summer = told(*[1] * 9, zone=2 * HOUR, until=NOW - HOUR, opened=20)
    assert ahead([*told(1, 1, 1, zone=HOUR, opened=20), *summer]) == (HOUR,)
    assert ahead([*told(1, 1, 1, zone=HOUR), *summer]) == (HOUR, 2 * HOUR)


@pytest.mark.parametrize("date", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)])
def test_a_date_that_no_zone_explains_says_nothing(date: datetime) -> None:
    opened = NOW - 10 * HOUR
    assert ahead([Dated(NOW + number * 20 * MINUTE, date, opened) for number in range(5)]) is None
    assert ahead([Dated(NOW, date, opened), *told(0, 0, 0)]) == (UTC_ITSELF,)


def test_dates_are_read_in_utc_if_they_may_be_or_in_the_zone_that_is_furthest_ahead() -> None:
    assert DateZones((-HOUR, UTC_ITSELF), NOW).read_in == UTC_ITSELF
    assert DateZones((HOUR, 2 * HOUR), NOW).read_in == 2 * HOUR
