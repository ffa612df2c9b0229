"""The console's filters, as they stand in an address: the same for lists and for exports."""

from enum import StrEnum
from typing import Annotated

from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation

from bridge.http.front.dependencies import GivenJournal
from bridge.http.front.pages import FromQuery, StatusQuery, ToQuery, name_in, search_in, some_of, stretch_in
from bridge.http.front.zones import GivenZone
from bridge.journal import ConsoleFilter
from coordinator.attention.items import AttentionKind
from coordinator.attention.payments import ADDRESS_EXPECTED_WITHIN
from coordinator.payments.payments import PaymentStatus
from coordinator.payments.problems.problems import ProblemKind
from coordinator.payouts.statuses import PayoutStatus

__all__ = [
    "ROWS_LIMIT",
    "GivenPaymentFilter",
    "GivenPayoutFilter",
    "LimitQuery",
    "SellerQuery",
    "payment_filter",
    "payout_filter",
]

ROWS_LIMIT = 1_000

ANY_PROBLEM = "any"
# What is wrong with a payment, and what is wrong with its invoice.
WRONG_WITH_PAYMENTS: tuple[StrEnum, ...] = (*ProblemKind, AttentionKind.WITHOUT_ADDRESS)

LimitQuery = Annotated[int, QueryParameter(ge=1, le=ROWS_LIMIT)]

ProblemQuery = Annotated[
    str | None,
    QueryParameter(
        description="With this wrong with it, or one of several with commas between them; or `any` "
        "of what its row lists, or without an address."
    ),
]
TextQuery = Annotated[str | None, QueryParameter(description="Just this one.")]
SellerQuery = Annotated[str | None, QueryParameter(name="sellerId", description="Of this seller alone.")]
SearchQuery = Annotated[
    str | None, QueryParameter(description="Part of an id, of an address or of a transaction's hash.")
]
CompletedFromQuery = Annotated[
    str | None, QueryParameter(name="completedFrom", description="Completed since then; as `from`.")
]
CompletedToQuery = Annotated[
    str | None, QueryParameter(name="completedTo", description="Completed until then; as `to`.")
]


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
    made = stretch_in("from", made_from, "to", made_to, zone)
    completed = stretch_in("completedFrom", completed_from, "completedTo", completed_to, zone)
    return ConsoleFilter(
        statuses=some_of(PayoutStatus, "status", status),
        provider=name_in("provider", provider),
        currency=name_in("coin", coin),
        seller_id=name_in("sellerId", seller_id),
        search=search_in(search),
        created_from=made[0],
        created_before=made[1],
        completed_from=completed[0],
        completed_before=completed[1],
    )


async def payment_filter(
    journal: GivenJournal,
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
    made = stretch_in("from", made_from, "to", made_to, zone)
    completed = stretch_in("completedFrom", completed_from, "completedTo", completed_to, zone)
    is_any = problem == ANY_PROBLEM
    problems = () if is_any else some_of(WRONG_WITH_PAYMENTS, "problem", problem)
    is_unopened = is_any or AttentionKind.WITHOUT_ADDRESS in problems
    return ConsoleFilter(
        statuses=some_of(PaymentStatus, "status", status),
        provider=name_in("provider", provider),
        currency=name_in("currency", currency),
        problems=tuple(one for one in problems if one != AttentionKind.WITHOUT_ADDRESS),
        has_problems=is_any,
        unopened_since=journal.clock() - ADDRESS_EXPECTED_WITHIN if is_unopened else None,
        search=search_in(search),
        created_from=made[0],
        created_before=made[1],
        completed_from=completed[0],
        completed_before=completed[1],
    )


GivenPayoutFilter = NamedDependency[SkipValidation[ConsoleFilter]]
GivenPaymentFilter = NamedDependency[SkipValidation[ConsoleFilter]]
