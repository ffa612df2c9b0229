"""Lists of the console: payouts and payments by page and filter, one of them, and all of them for a spreadsheet."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import TypeVar

from litestar import get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Stream
from pydantic import Field

from bridge.compression import COMPRESSED
from bridge.http.documents.unreadable import (
    UNREADABLE_DESCRIPTION,
    UnreadableItem,
    page_of,
    place_of,
    split_unreadable,
)
from bridge.http.front.dependencies import GivenChains, GivenJournal
from bridge.http.front.openapi import problem_responses
from bridge.http.front.pages import NEXT_DESCRIPTION, AfterQuery, read_place
from bridge.http.front.problems import AnyRequest
from bridge.http.front.zones import GivenZone
from bridge.http.ops.exports import export, exported
from bridge.http.ops.filters import ROWS_LIMIT, GivenPaymentFilter, GivenPayoutFilter, LimitQuery
from bridge.http.ops.rows import (
    ExplorerLinks,
    PaymentRow,
    PayoutRow,
    TransferRow,
    explorer_links,
    payment_row,
    payout_row,
    transfer_rows,
)
from bridge.journal import TOTAL_LIMIT, ConsoleFilter, Journal, ListedPayment, ListedPayout
from coordinator.ids import is_id
from coordinator.models import FrozenModel

__all__ = [
    "export_payments",
    "export_payouts",
    "export_transfers",
    "get_payment_row",
    "get_payout_row",
    "list_payment_rows",
    "list_payout_rows",
    "list_transfer_rows",
]

TOTAL_DESCRIPTION = f"How many there are with this filter; {TOTAL_LIMIT} if they are that many or more."
Row = TypeVar("Row", bound=FrozenModel)


class PayoutRows(FrozenModel):
    """A page of payouts, newest first."""

    payouts: list[PayoutRow]
    next: str | None = Field(description=NEXT_DESCRIPTION)
    total: int = Field(description=TOTAL_DESCRIPTION)
    unreadable: list[UnreadableItem] = Field(description=UNREADABLE_DESCRIPTION)


class TransferRows(FrozenModel):
    """The transfers of a page of payments, newest payment first."""

    transfers: list[TransferRow]
    next: str | None = Field(description=NEXT_DESCRIPTION)
    unreadable: list[UnreadableItem] = Field(description=UNREADABLE_DESCRIPTION)


class PaymentRows(FrozenModel):
    """A page of payments, newest first."""

    payments: list[PaymentRow]
    next: str | None = Field(description=NEXT_DESCRIPTION)
    total: int = Field(description=TOTAL_DESCRIPTION)
    unreadable: list[UnreadableItem] = Field(description=UNREADABLE_DESCRIPTION)


@get("/payouts", summary="Payouts by page and filter", middleware=COMPRESSED)
async def list_payout_rows(
    journal: GivenJournal,
    chains: GivenChains,
    payout_filter: GivenPayoutFilter,
    limit: LimitQuery = 100,
    after: AfterQuery = None,
) -> PayoutRows:
    place = read_place(after)
    found = await journal.console.payouts(payout_filter, place, limit + 1)
    total = await journal.console.total("payouts", payout_filter) if place or len(found) > limit else len(found)
    page = page_of(found, limit)
    rows = await asyncio.to_thread(_payout_rows, journal, page.read, explorer_links(chains))
    return PayoutRows(payouts=rows, next=page.next, total=total, unreadable=page.unreadable)


@get("/payments", summary="Payments by page and filter", middleware=COMPRESSED)
async def list_payment_rows(
    journal: GivenJournal,
    payment_filter: GivenPaymentFilter,
    limit: LimitQuery = 100,
    after: AfterQuery = None,
) -> PaymentRows:
    place = read_place(after)
    found = await journal.console.payments(payment_filter, place, limit + 1)
    total = await journal.console.total("payments", payment_filter) if place or len(found) > limit else len(found)
    page = page_of(found, limit)
    rows = await asyncio.to_thread(_payment_rows, journal, page.read)
    return PaymentRows(payments=rows, next=page.next, total=total, unreadable=page.unreadable)


@get(
    "/payouts/{payout_id:str}",
    summary="A payout with its current status",
    responses=problem_responses({404: "No such payout"}),
)
async def get_payout_row(payout_id: FromPath[str], journal: GivenJournal, chains: GivenChains) -> PayoutRow:
    listed = await journal.console.payout(payout_id) if is_id(payout_id) else None
    if listed is None:
        raise NotFoundException(f"There is no payout {payout_id!r}.")
    return payout_row(listed, journal.clock(), explorer_links(chains))


@get(
    "/payments/{payment_id:str}",
    summary="A payment with its current status",
    responses=problem_responses({404: "No such payment"}),
)
async def get_payment_row(payment_id: FromPath[str], journal: GivenJournal) -> PaymentRow:
    listed = await journal.console.payment(payment_id) if is_id(payment_id) else None
    if listed is None:
        raise NotFoundException(f"There is no payment {payment_id!r}.")
    return payment_row(listed, journal.clock())


@get("/transfers", summary="Transfers that came for payments, by page and filter of those", middleware=COMPRESSED)
async def list_transfer_rows(
    journal: GivenJournal,
    payment_filter: GivenPaymentFilter,
    limit: LimitQuery = 100,
    after: AfterQuery = None,
) -> TransferRows:
    found = await journal.console.payments(payment_filter, read_place(after), limit + 1)
    page = page_of(found, limit)
    rows = await asyncio.to_thread(_transfers_of, page.read)
    return TransferRows(transfers=rows, next=page.next, unreadable=page.unreadable)


@export("payouts", "Every payout of a filter, for a spreadsheet")
async def export_payouts(
    request: AnyRequest,
    journal: GivenJournal,
    chains: GivenChains,
    payout_filter: GivenPayoutFilter,
    zone: GivenZone,
) -> Stream:
    pages = _payout_pages(journal, payout_filter, explorer_links(chains))
    return await exported(request, PayoutRow, pages, zone)


@export("payments", "Every payment of a filter, for a spreadsheet")
async def export_payments(
    request: AnyRequest,
    journal: GivenJournal,
    payment_filter: GivenPaymentFilter,
    zone: GivenZone,
) -> Stream:
    rows = _payment_pages(journal, payment_filter, partial(_payment_rows, journal))
    return await exported(request, PaymentRow, rows, zone)


@export("transfers", "Every transfer that came for the payments of a filter, for a spreadsheet")
async def export_transfers(
    request: AnyRequest,
    journal: GivenJournal,
    payment_filter: GivenPaymentFilter,
    zone: GivenZone,
) -> Stream:
    rows = _payment_pages(journal, payment_filter, _transfers_of)
    return await exported(request, TransferRow, rows, zone)


def _payment_rows(journal: Journal, found: Sequence[ListedPayment]) -> list[PaymentRow]:
    now = journal.clock()
    return [payment_row(listed, now) for listed in found]


def _payout_rows(journal: Journal, found: Sequence[ListedPayout], link: ExplorerLinks) -> list[PayoutRow]:
    now = journal.clock()
    return [payout_row(listed, now, link) for listed in found]


async def _payout_pages(
    journal: Journal, wanted: ConsoleFilter, link: ExplorerLinks
) -> AsyncIterator[list[PayoutRow | UnreadableItem]]:
    after = None
    while found := await journal.console.payouts(wanted, after, ROWS_LIMIT):
        listed, unreadable = split_unreadable(found)
        yield [*await asyncio.to_thread(_payout_rows, journal, listed, link), *unreadable]
        after = place_of(found[-1])


def _transfers_of(found: Sequence[ListedPayment]) -> list[TransferRow]:
    return [row for listed in found for row in transfer_rows(listed)]


async def _payment_pages(
    journal: Journal, wanted: ConsoleFilter, rows_of: Callable[[Sequence[ListedPayment]], list[Row]]
) -> AsyncIterator[list[Row | UnreadableItem]]:
    after = None
    while found := await journal.console.payments(wanted, after, ROWS_LIMIT):
        listed, unreadable = split_unreadable(found)
        yield [*await asyncio.to_thread(rows_of, listed), *unreadable]
        after = place_of(found[-1])
