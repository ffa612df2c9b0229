"""Lists of the console: payouts and payments by page and filter, one of them, and all of them for a spreadsheet."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from litestar import get
from litestar.exceptions import NotFoundException
from litestar.openapi import ResponseSpec
from litestar.params import FromPath
from litestar.response import Stream
from pydantic import Field

from bridge.http.front.dependencies import GivenChains, GivenJournal
from bridge.http.front.openapi import problem_responses
from bridge.http.front.pages import NEXT_DESCRIPTION, AfterQuery, place_text, read_place
from bridge.http.ops.csv import csv_lines
from bridge.http.ops.filters import ROWS_LIMIT, GivenPaymentFilter, GivenPayoutFilter, LimitQuery
from bridge.http.ops.rows import ExplorerLinks, PaymentRow, PayoutRow, explorer_links, payment_row, payout_row
from bridge.journal import TOTAL_LIMIT, ConsoleFilter, Journal, ListedPayout, Place
from coordinator.ids import is_id
from coordinator.models import FrozenModel

__all__ = [
    "export_payments",
    "export_payouts",
    "get_payment_row",
    "get_payout_row",
    "list_payment_rows",
    "list_payout_rows",
]

TOTAL_DESCRIPTION = f"How many there are with this filter; {TOTAL_LIMIT} if they are that many or more."
CSV = {200: ResponseSpec(str, description="Every row of the filter", media_type="text/csv", generate_examples=False)}


class PayoutRows(FrozenModel):
    """A page of payouts, newest first."""

    payouts: list[PayoutRow]
    next: str | None = Field(description=NEXT_DESCRIPTION)
    total: int = Field(description=TOTAL_DESCRIPTION)


class PaymentRows(FrozenModel):
    """A page of payments, newest first."""

    payments: list[PaymentRow]
    next: str | None = Field(description=NEXT_DESCRIPTION)
    total: int = Field(description=TOTAL_DESCRIPTION)


@get("/payouts", summary="Payouts by page and filter")
async def list_payout_rows(
    journal: GivenJournal,
    chains: GivenChains,
    payout_filter: GivenPayoutFilter,
    limit: LimitQuery = 100,
    after: AfterQuery = None,
) -> PayoutRows:
    # One more than is shown tells whether there is another page.
    found = await journal.console.payouts(payout_filter, read_place(after), limit + 1)
    total = await journal.console.total("payouts", payout_filter)
    rows = await asyncio.to_thread(_payout_rows, journal, found[:limit], explorer_links(chains))
    last = rows[-1] if len(found) > limit else None
    return PayoutRows(payouts=rows, next=last and place_text(last.created_at, last.payout_id), total=total)


@get("/payments", summary="Payments by page and filter")
async def list_payment_rows(
    journal: GivenJournal,
    payment_filter: GivenPaymentFilter,
    limit: LimitQuery = 100,
    after: AfterQuery = None,
) -> PaymentRows:
    found = await journal.console.payments(payment_filter, read_place(after), limit + 1)
    total = await journal.console.total("payments", payment_filter)
    rows = await asyncio.to_thread(lambda: [payment_row(listed) for listed in found[:limit]])
    last = rows[-1] if len(found) > limit else None
    return PaymentRows(payments=rows, next=last and place_text(last.created_at, last.payment_id), total=total)


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
    return payment_row(listed)


@get(
    "/payouts.csv",
    media_type="text/csv",
    summary="Every payout of a filter, for a spreadsheet",
    responses=CSV,
)
async def export_payouts(
    journal: GivenJournal,
    chains: GivenChains,
    payout_filter: GivenPayoutFilter,
) -> Stream:
    return _download(
        "payouts.csv", csv_lines(PayoutRow, _payout_pages(journal, payout_filter, explorer_links(chains)))
    )


@get(
    "/payments.csv",
    media_type="text/csv",
    summary="Every payment of a filter, for a spreadsheet",
    responses=CSV,
)
async def export_payments(
    journal: GivenJournal,
    payment_filter: GivenPaymentFilter,
) -> Stream:
    return _download("payments.csv", csv_lines(PaymentRow, _payment_pages(journal, payment_filter)))


def _payout_rows(journal: Journal, found: Sequence[ListedPayout], link: ExplorerLinks) -> list[PayoutRow]:
    now = journal.clock()
    return [payout_row(listed, now, link) for listed in found]


async def _payout_pages(
    journal: Journal, wanted: ConsoleFilter, link: ExplorerLinks
) -> AsyncIterator[list[PayoutRow]]:
    after = None
    while found := await journal.console.payouts(wanted, after, ROWS_LIMIT):
        yield await asyncio.to_thread(_payout_rows, journal, found, link)
        last = found[-1].payout
        after = Place(last.created_at, last.payout_id)


async def _payment_pages(journal: Journal, wanted: ConsoleFilter) -> AsyncIterator[list[PaymentRow]]:
    after = None
    while found := await journal.console.payments(wanted, after, ROWS_LIMIT):
        yield [payment_row(listed) for listed in found]
        last = found[-1].payment
        after = Place(last.created_at, last.payment_id)


def _download(name: str, lines: AsyncIterator[bytes]) -> Stream:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Stream(lines, media_type="text/csv", headers=headers)
