"""Lists by page and filter, as they stand in an address: their parameters, and how each is read."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

from litestar.params import QueryParameter
from pydantic import AwareDatetime, TypeAdapter, ValidationError

from bridge.http.front.problems import wrong_field
from bridge.journal import PageEnd
from coordinator.books.days import day_in
from coordinator.ids import ID_LIMIT_CHARACTERS, is_id

__all__ = [
    "NEXT_DESCRIPTION",
    "AfterQuery",
    "FromQuery",
    "StatusQuery",
    "ToQuery",
    "name_in",
    "place_text",
    "read_place",
    "search_in",
    "some_of",
    "stretch_in",
]

ENDS = ("to", "completedTo")
NEXT_DESCRIPTION = "Pass it as `after` for the next page; null at the end."

AfterQuery = Annotated[str | None, QueryParameter(description="`next` of the page before.")]
StatusQuery = Annotated[
    str | None, QueryParameter(description="One status, or any of several, with commas between them.")
]
FromQuery = Annotated[
    str | None, QueryParameter(name="from", description="Made since then: a date, or a time with its zone.")
]
ToQuery = Annotated[
    str | None, QueryParameter(name="to", description="Made until then: a date, whole, or a time with its zone.")
]

_MOMENT: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# A number alone would be read as seconds since 1970, such as 20261124.
_TIME = re.compile(_DAY.pattern + "[Tt_ ].+")
_PLACE = re.compile(r"(?P<microseconds>[0-9]{1,18})-(?P<identifier>.+)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


# Wherever an address names something and leaves it empty, it asks for nothing in particular.


def name_in(field: str, text: str | None) -> str | None:
    if text and not is_id(text):
        raise wrong_field(field, "expected a name or an id")
    return text or None


def search_in(text: str | None) -> str | None:
    text = (text or "").strip()
    if text and not is_id(text):
        raise wrong_field("search", f"expected at most {ID_LIMIT_CHARACTERS} characters, none of them hidden")
    return text or None


def some_of(words: Iterable[StrEnum], field: str, text: str | None) -> tuple[str, ...]:
    known = [word.value for word in words]
    names = tuple(filter(None, (part.strip() for part in (text or "").split(","))))
    if not set(names) <= set(known):
        raise wrong_field(field, f"there is no such {field}; expected some of {', '.join(known)}")
    return names


def _moment_in(name: str, text: str | None, zone: ZoneInfo) -> datetime | None:
    """When a stretch begins or ends; a day, which is one of the zone, as the end is part of it. Raises
    ValidationException."""
    if not text:
        return None
    try:
        if _DAY.fullmatch(text):
            day = day_in(zone, date.fromisoformat(text))
            return day.ends_at if name in ENDS else day.begins_at
        if _TIME.fullmatch(text) is None:
            raise ValueError("no time begins so")
        moment = _MOMENT.validate_python(text)
        # A zone can lead beyond the years that there are.
        return moment.astimezone(UTC)
    except (ValueError, OverflowError, ValidationError):
        raise wrong_field(name, "expected a date such as 2026-11-24, or a time with its zone") from None


def stretch_in(
    begins: str, from_text: str | None, ends: str, to_text: str | None, zone: ZoneInfo
) -> tuple[datetime | None, datetime | None]:
    """When a stretch begins and when it ends. Raises ValidationException."""
    begins_at, ends_at = _moment_in(begins, from_text, zone), _moment_in(ends, to_text, zone)
    # A day ends where the next one begins.
    if (
        begins_at is not None
        and ends_at is not None
        and (ends_at < begins_at or (ends_at == begins_at and from_text != to_text))
    ):
        raise wrong_field(begins, f"expected a date or a time that is not after `{ends}`")
    return begins_at, ends_at


def place_text(created_at: datetime, identifier: str) -> str:
    """Where a page ended, to go on from."""
    return f"{(created_at - _EPOCH) // _MICROSECOND}-{identifier}"


def read_place(text: str | None) -> PageEnd | None:
    """Raises ValidationException for what no page ended with."""
    if text is None:
        return None
    match = _PLACE.fullmatch(text)
    try:
        if match is not None and is_id(match["identifier"]):
            return PageEnd(_EPOCH + int(match["microseconds"]) * _MICROSECOND, match["identifier"])
    except OverflowError:
        pass
    raise wrong_field("after", "expected `next` of the page before")
