"""The console's filters, as they stand in an address: the same for lists and for exports."""

import re
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation
from pydantic import AwareDatetime, TypeAdapter, ValidationError

from bridge.http.front.problems import wrong_field
from bridge.http.ops.zones import GivenZone
from bridge.journal import ConsoleFilter, Place
from coordinator.books.days import day_in
from coordinator.ids import ID_LIMIT_CHARACTERS, is_id
from coordinator.payments.payments import PaymentStatus
from coordinator.payments.problems import ProblemKind
from coordinator.payouts.statuses import PayoutStatus

__all__ = [
    "ROWS_LIMIT",
    "AfterQuery",
    "FromQuery",
    "GivenPaymentFilter",
    "GivenPayoutFilter",
    "LimitQuery",
    "SellerQuery",
    "ToQuery",
    "moment_of",
    "payment_filter",
    "payout_filter",
    "place_text",
    "read_place",
]

ROWS_LIMIT = 1_000

ANY_PROBLEM = "any"
ENDS = ("to", "completedTo")

LimitQuery = Annotated[int, QueryParameter(ge=1, le=ROWS_LIMIT)]
AfterQuery = Annotated[str | None, QueryParameter(description="`next` of the page before.")]

StatusQuery = Annotated[str | None, QueryParameter(description="One status, or several with commas between them.")]
ProblemQuery = Annotated[
    str | None,
    QueryParameter(description="With this wrong with it, or one of several with commas between them; or `any`."),
]
TextQuery = Annotated[str | None, QueryParameter(description="Just this one.")]
SellerQuery = Annotated[str | None, QueryParameter(name="sellerId", description="Of this seller alone.")]
SearchQuery = Annotated[
    str | None, QueryParameter(description="Part of an id, of an address or of a transaction's hash.")
]
FromQuery = Annotated[
    str | None, QueryParameter(name="from", description="Made since then: a date, or a time with its zone.")
]
ToQuery = Annotated[
    str | None, QueryParameter(name="to", description="Made until then: a date, whole, or a time with its zone.")
]
CompletedFromQuery = Annotated[
    str | None, QueryParameter(name="completedFrom", description="Completed since then; as `from`.")
]
CompletedToQuery = Annotated[
    str | None, QueryParameter(name="completedTo", description="Completed until then; as `to`.")
]

_MOMENT: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PLACE = re.compile(r"(?P<microseconds>[0-9]{1,18})-(?P<identifier>.+)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


async def payout_filter(
    zone: GivenZone,
    status: StatusQuery = None,
    provider: TextQuery = None,
    coin: TextQuery = None,
    seller_id: SellerQuery = None,
    search: SearchQuery = None,
    made_from: FromQuery = None,
    made_to: ToQuery = None,
    completed_from: CompletedFromQuery = None,
    completed_to: CompletedToQuery = None,
) -> ConsoleFilter:
    """Which payouts an address asks for. Raises ValidationException, which names what is wrong."""
    return ConsoleFilter(
        statuses=_some_of(PayoutStatus, "status", status),
        provider=_name("provider", provider),
        currency=_name("coin", coin),
        seller_id=_name("sellerId", seller_id),
        search=_search(search),
        created_from=moment_of("from", made_from, zone),
        created_before=moment_of("to", made_to, zone),
        completed_from=moment_of("completedFrom", completed_from, zone),
        completed_before=moment_of("completedTo", completed_to, zone),
    )


async def payment_filter(
    zone: GivenZone,
    status: StatusQuery = None,
    provider: TextQuery = None,
    currency: TextQuery = None,
    problem: ProblemQuery = None,
    search: SearchQuery = None,
    made_from: FromQuery = None,
    made_to: ToQuery = None,
    completed_from: CompletedFromQuery = None,
    completed_to: CompletedToQuery = None,
) -> ConsoleFilter:
    """Which payments an address asks for. Raises ValidationException, which names what is wrong."""
    return ConsoleFilter(
        statuses=_some_of(PaymentStatus, "status", status),
        provider=_name("provider", provider),
        currency=_name("currency", currency),
        problems=() if problem == ANY_PROBLEM else _some_of(ProblemKind, "problem", problem),
        has_problems=problem == ANY_PROBLEM,
        search=_search(search),
        created_from=moment_of("from", made_from, zone),
        created_before=moment_of("to", made_to, zone),
        completed_from=moment_of("completedFrom", completed_from, zone),
        completed_before=moment_of("completedTo", completed_to, zone),
    )


GivenPayoutFilter = NamedDependency[SkipValidation[ConsoleFilter]]
GivenPaymentFilter = NamedDependency[SkipValidation[ConsoleFilter]]


# Wherever an address names something and leaves it empty, it asks for nothing in particular.


def _name(field: str, text: str | None) -> str | None:
    if text and not is_id(text):
        raise wrong_field(field, "expected a name or an id")
    return text or None


def _search(text: str | None) -> str | None:
    text = (text or "").strip()
    if text and not is_id(text):
        raise wrong_field("search", f"expected at most {ID_LIMIT_CHARACTERS} characters, none of them hidden")
    return text or None


def _some_of(words: type[StrEnum], field: str, text: str | None) -> tuple[str, ...]:
    known = [word.value for word in words]
    names = tuple(filter(None, (part.strip() for part in (text or "").split(","))))
    if not set(names) <= set(known):
        raise wrong_field(field, f"there is no such {field}; expected some of {', '.join(known)}")
    return names


def moment_of(name: str, text: str | None, zone: ZoneInfo) -> datetime | None:
    """When a stretch begins or ends; a day as the end is part of it. Raises ValidationException."""
    if not text:
        return None
    try:
        if _DAY.fullmatch(text):
            day = day_in(zone, date.fromisoformat(text))
            return day.ends_at if name in ENDS else day.begins_at
        moment = _MOMENT.validate_python(text)
        # A zone can lead beyond the years that there are.
        return moment.astimezone(UTC)
    except (ValueError, OverflowError, ValidationError):
        raise wrong_field(name, "expected a date such as 2026-11-24, or a time with its zone") from None


def place_text(created_at: datetime, identifier: str) -> str:
    """Where a page ended, to go on from."""
    return f"{(created_at - _EPOCH) // _MICROSECOND}-{identifier}"


def read_place(text: str | None) -> Place | None:
    """Raises ValidationException for what no page ended with."""
    if text is None:
        return None
    match = _PLACE.fullmatch(text)
    try:
        if match is not None and is_id(match["identifier"]):
            return Place(_EPOCH + int(match["microseconds"]) * _MICROSECOND, match["identifier"])
    except OverflowError:
        pass
    raise wrong_field("after", "expected `next` of the page before")
