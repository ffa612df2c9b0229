"""The books: what was sold, went back and was paid out from day to day, a seller's statement of a month, and every
entry behind both. All of it comes of the same entries by the same rule (`coordinator/books/figures.py`)."""

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Annotated
from zoneinfo import ZoneInfo

from litestar import get
from litestar.params import QueryParameter
from litestar.response import Stream
from pydantic import AwareDatetime, Field

from bridge.compression import COMPRESSED
from bridge.http.front.dependencies import GivenJournal
from bridge.http.front.pages import FromQuery, ToQuery, stretch_in
from bridge.http.front.problems import AnyRequest, wrong_field
from bridge.http.front.zones import GivenZone
from bridge.http.ops.days import GivenDayRange
from bridge.http.ops.exports import export, exported, one_page
from bridge.http.ops.filters import ROWS_LIMIT, SellerQuery
from bridge.journal import BookFilter, Journal, ListedEntry
from coordinator.books.days import Span, month_in
from coordinator.books.entries import EntryKind
from coordinator.books.figures import FeeFigures, Figures, SellerFigures, fee_figures, figures, owed_by
from coordinator.ids import is_id
from coordinator.models import FrozenModel
from coordinator.money import ZERO, SignedAmount, in_scale_of, total

__all__ = ["export_entries", "export_statement", "export_totals", "get_statement", "get_totals"]

StatementSellerQuery = Annotated[str, QueryParameter(name="sellerId", description="Whose statement it is.")]
MonthQuery = Annotated[str, QueryParameter(description="Which month, such as 2026-11.")]


class _Day(FrozenModel):
    date: str = Field(description="Of the time zone.")
    currency: str


class DayFigures(Figures, _Day):
    """What was entered on one day in one currency."""


class Totals(FrozenModel):
    """What was entered from day to day, oldest first; a day without anything is not there."""

    time_zone: str
    days: list[DayFigures]


class _Currency(FrozenModel):
    currency: str
    opening: SignedAmount = Field(description="What was owed to the seller when the month began.")


class StatementFigures(SellerFigures, _Currency):
    """What was entered for a seller in one currency."""

    closing: SignedAmount = Field(description="What was owed when it ended: what was owed before, and `owed`.")


class StatementFees(FeeFigures):
    """What the network took for a seller's payouts out of one wallet, in one coin."""

    wallet: str
    coin: str


class Statement(FrozenModel):
    """What was sold for a seller in a month, went back and was paid out."""

    seller_id: str
    month: str
    time_zone: str
    begins_at: AwareDatetime
    ends_at: AwareDatetime
    currencies: list[StatementFigures]
    network_fees: list[StatementFees] = Field(
        description="What the network took for the seller's payouts. It is the marketplace's, and not taken off."
    )


class StatementLine(FrozenModel):
    """One entry of a seller's statement."""

    entered_at: AwareDatetime
    kind: EntryKind
    payment_id: str
    payout_id: str | None
    currency: str
    amount: SignedAmount
    owed: SignedAmount = Field(description="By how much more is owed for it.")
    balance: SignedAmount = Field(description="What is owed from then on.")


class EntryRow(FrozenModel):
    """One entry of the books."""

    entry_id: int
    entered_at: AwareDatetime
    kind: EntryKind
    unit: str = Field(description="The currency; of what came into a wallet or left it, the coin.")
    amount: SignedAmount
    payment_id: str
    seller_id: str | None
    payout_id: str | None
    wallet: str | None


@get("/totals", summary="What was sold, went back and was paid out from day to day", middleware=COMPRESSED)
async def get_totals(
    journal: GivenJournal,
    zone: GivenZone,
    day_range: GivenDayRange,
) -> Totals:
    spans = day_range.spans(journal.clock(), zone)
    return Totals(time_zone=zone.key, days=await _day_figures(journal, spans))


@export("totals", "The same, for a spreadsheet")
async def export_totals(
    request: AnyRequest,
    journal: GivenJournal,
    zone: GivenZone,
    day_range: GivenDayRange,
) -> Stream:
    found = await _day_figures(journal, day_range.spans(journal.clock(), zone))
    return await exported(request, DayFigures, one_page(found), zone)


@get("/statement", summary="A seller's statement of a month", middleware=COMPRESSED)
async def get_statement(
    journal: GivenJournal, zone: GivenZone, seller_id: StatementSellerQuery, month: MonthQuery
) -> Statement:
    span = _month(zone, month)
    _require_name(seller_id)
    before = await journal.books.seller_totals(seller_id, None, span.begins_at)
    within = await journal.books.seller_totals(seller_id, span.begins_at, span.ends_at)
    fees = await journal.books.seller_fees(seller_id, span.begins_at, span.ends_at)
    opening = {currency: figures(sums).owed for currency, sums in before.items()}
    currencies = []
    for currency in sorted({*within, *(name for name, owed in opening.items() if owed)}):
        of_month, owed = figures(within.get(currency, {})), opening.get(currency, ZERO)
        closing, owed = total([owed, of_month.owed]), in_scale_of(of_month.owed, owed)
        own = {name: value for name, value in of_month if name in SellerFigures.model_fields}
        currencies.append(StatementFigures(**own, currency=currency, opening=owed, closing=closing))
    return Statement(
        seller_id=seller_id,
        month=month,
        time_zone=zone.key,
        begins_at=span.begins_at,
        ends_at=span.ends_at,
        currencies=currencies,
        network_fees=[
            StatementFees(wallet=of.wallet, coin=of.coin, **dict(fee_figures(sums))) for of, sums in fees.items()
        ],
    )


@export("statement", "The lines of a seller's statement, for a spreadsheet")
async def export_statement(
    request: AnyRequest, journal: GivenJournal, zone: GivenZone, seller_id: StatementSellerQuery, month: MonthQuery
) -> Stream:
    span = _month(zone, month)
    _require_name(seller_id)
    before = await journal.books.seller_totals(seller_id, None, span.begins_at)
    opening = {currency: figures(sums).owed for currency, sums in before.items()}
    wanted = BookFilter(span.begins_at, span.ends_at, seller_id)
    return await exported(request, StatementLine, _statement_pages(journal, wanted, opening), zone)


@export("entries", "Every entry of the books of some days, for a spreadsheet")
async def export_entries(
    request: AnyRequest,
    journal: GivenJournal,
    zone: GivenZone,
    entered_from: FromQuery = None,
    entered_to: ToQuery = None,
    seller_id: SellerQuery = None,
) -> Stream:
    if seller_id:
        _require_name(seller_id)
    begins_at, ends_at = stretch_in("from", entered_from, "to", entered_to, zone)
    wanted = BookFilter(begins_at, ends_at, seller_id or None)
    return await exported(request, EntryRow, _entry_pages(journal, wanted), zone)


def _require_name(seller_id: str) -> None:
    if not is_id(seller_id):
        raise wrong_field("sellerId", "expected a name or an id")


def _month(zone: ZoneInfo, month: str) -> Span:
    try:
        return month_in(zone, month)
    except (ValueError, OverflowError):
        raise wrong_field("month", "expected a month such as 2026-11") from None


async def _day_figures(journal: Journal, spans: Sequence[Span]) -> list[DayFigures]:
    return [
        DayFigures(date=one.date, currency=one.currency, **dict(figures(one.sums)))
        for one in await journal.books.day_totals(spans)
    ]


async def _pages(journal: Journal, wanted: BookFilter) -> AsyncIterator[list[ListedEntry]]:
    after = None
    while found := await journal.books.entries(wanted, after, ROWS_LIMIT):
        yield found
        after = found[-1].place


async def _entry_pages(journal: Journal, wanted: BookFilter) -> AsyncIterator[list[EntryRow]]:
    async for page in _pages(journal, wanted):
        yield [
            EntryRow(
                entry_id=one.entry_id,
                entered_at=one.entered_at,
                kind=one.entry.account.kind,
                unit=one.entry.account.unit,
                amount=one.entry.amount,
                payment_id=one.payment_id,
                seller_id=one.entry.account.seller_id,
                payout_id=one.entry.account.payout_id,
                wallet=one.entry.account.wallet,
            )
            for one in page
        ]


async def _statement_pages(
    journal: Journal, wanted: BookFilter, opening: dict[str, Decimal]
) -> AsyncIterator[list[StatementLine]]:
    balances = dict(opening)
    async for page in _pages(journal, wanted):
        lines = []
        for one in page:
            account, owed = one.entry.account, owed_by(one.entry)
            balances[account.unit] = total([balances.get(account.unit, ZERO), owed])
            lines.append(
                StatementLine(
                    entered_at=one.entered_at,
                    kind=account.kind,
                    payment_id=one.payment_id,
                    payout_id=account.payout_id,
                    currency=account.unit,
                    amount=one.entry.amount,
                    owed=owed,
                    balance=balances[account.unit],
                )
            )
        yield lines
