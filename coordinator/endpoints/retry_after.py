"""How long whoever answers asks to be let alone (`Retry-After`, RFC 9110, section 10.2.3). Pure; the time is an
argument."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

__all__ = ["LONGEST_REST", "rest_asked"]

LONGEST_REST = timedelta(days=1)
"""Nobody is let alone for longer: as long as the bridge itself waits between two tries at most."""
_DIGITS = 9


def rest_asked(text: str, now: datetime) -> timedelta | None:
    """What such a header asks for, in seconds or as a date; None if it asks for nothing that can be read."""
    text = text.strip()
    if text.isascii() and text.isdecimal():
        asked = LONGEST_REST if len(text) > _DIGITS else timedelta(seconds=int(text))
    else:
        try:
            until = parsedate_to_datetime(text)
            asked = (until if until.tzinfo is not None else until.replace(tzinfo=UTC)) - now
        except (ValueError, OverflowError):
            return None
    return min(asked, LONGEST_REST) if asked > timedelta() else None
