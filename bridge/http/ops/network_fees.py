"""Network fees from day to day: what the network took for payouts and refunds, by wallet and coin, and what was sent
where nobody says so."""

from collections.abc import Sequence

from litestar import get
from litestar.response import Stream
from pydantic import Field

from bridge.compression import COMPRESSED
from bridge.http.front.dependencies import GivenJournal
from bridge.http.front.problems import AnyRequest
from bridge.http.front.zones import GivenZone
from bridge.http.ops.days import GivenDayRange
from bridge.http.ops.exports import export, exported, one_page
from bridge.journal import Journal
from coordinator.books.days import Span
from coordinator.books.figures import FeeFigures, fee_figures
from coordinator.models import FrozenModel

__all__ = ["export_network_fees", "get_network_fees"]


class _Day(FrozenModel):
    date: str = Field(description="Of the time zone.")
    wallet: str = Field(description="The provider that keeps it, or the chain and the address.")
    coin: str


class DayFees(FeeFigures, _Day):
    """What the network took on one day out of one wallet, in one coin."""


class NetworkFeesByDay(FrozenModel):
    """What the network took from day to day, oldest first; a day without anything is not there."""

    time_zone: str
    days: list[DayFees]


@get("/network-fees", summary="What the network took for payouts and refunds from day to day", middleware=COMPRESSED)
async def get_network_fees(
    journal: GivenJournal,
    zone: GivenZone,
    day_range: GivenDayRange,
) -> NetworkFeesByDay:
    spans = day_range.spans(journal.clock(), zone)
    return NetworkFeesByDay(time_zone=zone.key, days=await _day_fees(journal, spans))


@export("network-fees", "The same, for a spreadsheet")
async def export_network_fees(
    request: AnyRequest,
    journal: GivenJournal,
    zone: GivenZone,
    day_range: GivenDayRange,
) -> Stream:
    found = await _day_fees(journal, day_range.spans(journal.clock(), zone))
    return await exported(request, DayFees, one_page(found), zone)


async def _day_fees(journal: Journal, spans: Sequence[Span]) -> list[DayFees]:
    return [
        DayFees(date=one.date, wallet=one.of.wallet, coin=one.of.coin, **dict(fee_figures(one.sums)))
        for one in await journal.books.day_fees(spans)
    ]
