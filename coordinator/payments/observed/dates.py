"""Dates that providers write: which of them can be right at all. Pure."""

from datetime import UTC, datetime, timedelta

__all__ = ["CLOCKS_APART", "WIDEST", "can_be_right"]

WIDEST = timedelta(hours=14)
"""No zone is further from UTC."""
CLOCKS_APART = timedelta(minutes=5)
"""No clock that is set by others is so much off."""
_FIRST = datetime(2009, 1, 3, tzinfo=UTC)
"""No chain has a block that is older."""


def can_be_right(date: datetime, told_at: datetime | None) -> bool:
    """Whether something can have come at a date, read as UTC, whatever zone it was written in: not before there was
    a chain, nor after it was told of. Times that a stranger gives are compared by what lies between them: a sum of
    one may lie beyond the years that there are."""
    return date >= _FIRST and (told_at is None or date - told_at <= WIDEST + CLOCKS_APART)
