"""Days and months as a time zone has them: from which moment on, and until which. Pure. A day on which clocks are put
forward has 23 hours, and one on which they are put back has 25."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from coordinator.errors import BridgeError

__all__ = ["Span", "ZoneUnknownError", "date_in", "day_in", "days_in", "known_zone", "month_in", "zone_named"]

_MONTH = re.compile(r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})")


class ZoneUnknownError(BridgeError, ValueError):
    """There is no such time zone."""


class Span(NamedTuple):
    """A day or a month."""

    name: str
    """As it is written: `2026-11-24` or `2026-11`."""
    begins_at: datetime
    ends_at: datetime
    """The first moment that is not part of it."""


def zone_named(name: str) -> ZoneInfo:
    """The time zone that IANA calls so. Raises ZoneUnknownError."""
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # of a name that is a folder, or none that a file can have
        raise ZoneUnknownError(f"there is no time zone {name!r}; expected a name such as Europe/Berlin") from None


def known_zone(name: str) -> str:
    """The same name, of a time zone that there is. Raises ZoneUnknownError."""
    zone_named(name)
    return name


def date_in(zone: ZoneInfo, moment: datetime) -> date:
    """The date that a clock of the zone shows."""
    return moment.astimezone(zone).date()


def day_in(zone: ZoneInfo, day: date) -> Span:
    """A day of the zone. Raises OverflowError for one beyond the years that there are."""
    return Span(day.isoformat(), _midnight(zone, day), _midnight(zone, day + timedelta(days=1)))


def days_in(zone: ZoneInfo, first: date, last: date) -> list[Span]:
    """All days from one to another. Raises OverflowError."""
    return [day_in(zone, first + timedelta(days=number)) for number in range((last - first).days + 1)]


def month_in(zone: ZoneInfo, month: str) -> Span:
    """A month of the zone, such as `2026-11`. Raises ValueError and OverflowError."""
    match = _MONTH.fullmatch(month)
    if match is None:
        raise ValueError("expected a month such as 2026-11")
    first = date(int(match["year"]), int(match["month"]), 1)
    after = (first + timedelta(days=31)).replace(day=1)
    return Span(month, _midnight(zone, first), _midnight(zone, after))


def _midnight(zone: ZoneInfo, day: date) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)
