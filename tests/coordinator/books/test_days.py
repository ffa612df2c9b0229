"""Days and months of time zones."""

from datetime import UTC, date, datetime, timedelta

import pytest

from coordinator.books.days import ZoneUnknownError, date_in, day_in, days_in, month_in, zone_named


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("UTC", "2026-03-29", 24),
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("Asia/Kathmandu", "2026-03-29", 24),
        # There, clocks are put forward at midnight, so that the day begins at one.
        ("America/Santiago", "2026-09-06", 23),
        # There was no such day at all.
        ("Pacific/Apia", "2011-12-30", 0),
    ],
)
def test_a_day_is_as_long_as_clocks_have_it(zone: str, day: str, hours: float) -> None:
    known = zone_named(zone)
    [before, found, after] = days_in(
        known, date.fromisoformat(day) - timedelta(days=1), date.fromisoformat(day) + timedelta(days=1)
    )
    assert (before.ends_at, after.begins_at) == (found.begins_at, found.ends_at)
    assert found.ends_at - found.begins_at == timedelta(hours=hours)
    if hours:
        assert date_in(known, found.begins_at) == date.fromisoformat(day)
        assert date_in(known, found.begins_at - timedelta(microseconds=1)) < date.fromisoformat(day)


def test_a_month_is_of_its_zone() -> None:
    tokyo = month_in(zone_named("Asia/Tokyo"), "2026-12")
    assert tokyo.begins_at == datetime(2026, 11, 30, 15, tzinfo=UTC)
    assert tokyo.ends_at == datetime(2026, 12, 31, 15, tzinfo=UTC)


@pytest.mark.parametrize("name", ["", "Europe", "Mars/Base", "../UTC", "/etc/passwd", "UTC\0", "x" * 5_000])
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(ZoneUnknownError, match="no time zone"):
        zone_named(name)


@pytest.mark.parametrize("month", ["2026", "2026-13", "0000-01", "2026-1", "9999-12"])
def test_what_is_no_month_is_refused(month: str) -> None:
    with pytest.raises((ValueError, OverflowError)):
        month_in(zone_named("UTC"), month)


def test_a_day_beyond_the_years_is_refused() -> None:
    with pytest.raises(OverflowError):
        day_in(zone_named("UTC"), date.max)
