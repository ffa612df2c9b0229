"""Pages of somebody's own payments and payouts, as they stand in an address: the same for buyers and sellers."""

from enum import StrEnum
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo

from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation

from bridge.http.front.pages import AfterQuery, FromQuery, StatusQuery, ToQuery, read_place, some_of, stretch_in
from bridge.http.front.problems import wrong_field
from bridge.http.front.zones import GivenZone
from bridge.journal import OwnFilter, PageEnd
from coordinator.ids import is_id
from coordinator.payments.payments import PaymentStatus
from coordinator.payouts.statuses import PayoutStatus

__all__ = ["GivenOwnPage", "OwnPage", "only_one", "own_payments_page", "own_payouts_page"]

# Each comes with its whole history.
OWN_LIMIT = 100

LimitQuery = Annotated[int, QueryParameter(ge=1, le=OWN_LIMIT, description="Of somebody's own, on a page.")]


class OwnPage(NamedTuple):
    """Which of somebody's own are wanted, and from where on."""

    wanted: OwnFilter
    after: PageEnd | None
    limit: int


async def own_payments_page(
    zone: GivenZone,
    status: StatusQuery = None,
    made_from: FromQuery = None,
    made_to: ToQuery = None,
    after: AfterQuery = None,
    limit: LimitQuery = 20,
) -> OwnPage:
    """Raises ValidationException, which names what is wrong."""
    return _page(PaymentStatus, zone, status, made_from, made_to, after, limit)


async def own_payouts_page(
    zone: GivenZone,
    status: StatusQuery = None,
    made_from: FromQuery = None,
    made_to: ToQuery = None,
    after: AfterQuery = None,
    limit: LimitQuery = 20,
) -> OwnPage:
    """Raises ValidationException, which names what is wrong."""
    return _page(PayoutStatus, zone, status, made_from, made_to, after, limit)


GivenOwnPage = NamedDependency[SkipValidation[OwnPage]]


def _page(
    statuses: type[StrEnum],
    zone: ZoneInfo,
    status: str | None,
    made_from: str | None,
    made_to: str | None,
    after: str | None,
    limit: int,
) -> OwnPage:
    made = stretch_in("from", made_from, "to", made_to, zone)
    wanted = OwnFilter(
        statuses=some_of(statuses, "status", status),
        created_from=made[0],
        created_before=made[1],
    )
    return OwnPage(wanted, read_place(after), limit)


def only_one(**given: str | None) -> tuple[str, str]:
    """The one parameter of some, by their names in the address, that says whose or what is listed, and its id. Raises
    ValidationException unless it is one."""
    named = [(name, text) for name, text in given.items() if text is not None]
    if len(named) != 1:
        first, *others = given
        raise wrong_field(first, f"expected one of {first}, {' and '.join(others)}")
    [(name, text)] = named
    if not is_id(text):
        raise wrong_field(name, "expected an id")
    return name, text
