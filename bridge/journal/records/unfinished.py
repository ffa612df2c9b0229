"""What is unfinished, as the workers see it who finish it: invoices to be opened, payments to be asked
about, and doubts that may settle."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime

from bridge.journal.queries import unfinished as unfinished_queries
from bridge.journal.queries.dated_notices import NoticesAround, doubted_for_lateness, notices_around
from bridge.journal.queries.payments import coins_to_pay
from bridge.journal.queries.readers import Read
from bridge.journal.queries.unfinished import CompletedPayment, EndedPayment, PageBreak, UnfinishedPayment
from bridge.journal.requests import drafts as draft_requests
from bridge.journal.requests import payments as requests
from bridge.journal.requests.drafts import Draft
from bridge.journal.writing.payment_log import log_status
from bridge.journal.writing.staged.due_look_ups import DueLookUp, due_look_ups
from bridge.journal.writing.writer import Submit
from coordinator.payments.agreed.invoices import Invoice, InvoiceOpened, InvoiceWanted
from coordinator.payments.payments import OPEN_STATUSES, Payment

__all__ = ["UnfinishedRecords"]

# Rows of a few columns: so many take a reader some milliseconds.
PAGE = 1_000


class UnfinishedRecords:
    """Invoices and payments of the journal that something is still to be done about."""

    def __init__(self, read: Read, submit: Submit) -> None:
        self._read = read
        self._submit = submit

    async def draft_payment(
        self, payment: Payment, idempotency: requests.IdempotencyKey | None, wanted: InvoiceWanted
    ) -> Draft | Payment:
        """Writes a payment down whose provider is about to be asked, or finds the draft of an earlier request for the
        same; or the payment, if it is registered. Raises as `register_payment` of the journal."""
        return await self._submit(lambda batch: draft_requests.draft_payment(batch, payment, idempotency, wanted))

    async def settle_draft(self, draft: Draft, opened: InvoiceOpened | None) -> requests.Registered:
        """Registers the payment of a draft, with its invoice, which is to be opened if it is not open."""
        registered = await self._submit(lambda batch: draft_requests.settle_draft(batch, draft, opened))
        if registered.is_new:
            log_status(registered.payment)
        return registered

    async def drop_draft(self, draft: Draft) -> None:
        """Forgets a draft, because its provider refused it."""
        await self._submit(lambda batch: draft_requests.drop_draft(batch, draft.payment.payment_id))

    async def drafts(self, before: datetime | None = None) -> list[Draft]:
        """All drafts there are, or those from before then, the oldest first."""
        return await self._read(draft_requests.drafts, before)

    async def due_look_ups(self) -> list[DueLookUp]:
        """Payments of which something was told that did not fit, or that is not all: their providers know better. Up
        to a limit, the longest due first."""
        return await self._read(due_look_ups)

    async def settle_look_ups(self, settled: Sequence[DueLookUp]) -> None:
        """These were asked about."""
        await self._submit(lambda batch: batch.due_look_ups.settle(settled))

    async def want_invoice(
        self, payment_id: str, invoice: InvoiceWanted, opened: InvoiceOpened | None = None
    ) -> None:
        """Has an invoice opened for a payment, unless it is, or makes one that is open the one to pay."""
        await self._submit(lambda batch: requests.want_invoice(batch, payment_id, invoice, opened))

    async def record_invoice(self, invoice: Invoice, opened: InvoiceOpened) -> None:
        """Writes down what the provider answered."""
        coin = invoice.wanted.coin
        await self._submit(lambda batch: requests.record_invoice(batch, invoice.payment_id, coin, opened))

    async def forget_invoice(self, payment_id: str) -> bool:
        """Writes down that the provider knows nothing any more of a payment's invoice, which is to be opened anew if
        nothing has come for it. Returns whether it is."""
        return await self._submit(lambda batch: requests.forget_invoice(batch, payment_id))

    async def refuse_invoice(self, payment_id: str, coin: str, reason: str) -> None:
        """Writes down why the provider did not open an invoice."""
        await self._submit(lambda batch: requests.refuse_invoice(batch, payment_id, coin, reason))

    async def unopened_invoices(
        self, limit: int, *, after: Invoice | None = None, but: Collection[str] = ()
    ) -> list[Invoice]:
        """Invoices that are to be paid and that no provider has opened yet, the one wanted last first; `but` are
        coins that are left out."""
        page = None if after is None else PageBreak(after.wanted_at, after.payment_id)
        return await self._read(unfinished_queries.unopened_invoices, after=page, but=but, limit=limit)

    async def open_payments(self, provider: str) -> AsyncIterator[Sequence[UnfinishedPayment]]:
        """Payments of a provider that are not over, in pages, of each status the newest first."""
        for status in OPEN_STATUSES:
            before = None
            while page := await self._read(
                unfinished_queries.open_payments, provider, status, before=before, limit=PAGE
            ):
                yield page
                before = page[-1].payment_id

    async def ended_payments(self, provider: str, since: datetime) -> AsyncIterator[Sequence[EndedPayment]]:
        """Payments of a provider that are over and not completed, since then, in pages, the last first."""
        before = None
        while page := await self._read(
            unfinished_queries.ended_payments, provider, since=since, before=before, limit=PAGE
        ):
            yield page
            before = PageBreak(page[-1].updated_at, page[-1].payment_id)

    async def completed_payments(self, provider: str, since: datetime) -> AsyncIterator[Sequence[CompletedPayment]]:
        """Payments of a provider that are completed since then, in pages, the last first."""
        before = None
        while page := await self._read(
            unfinished_queries.completed_payments, provider, since=since, before=before, limit=PAGE
        ):
            yield page
            before = PageBreak(page[-1].completed_at, page[-1].payment_id)

    async def coins_to_pay(self, payment_ids: Collection[str]) -> Mapping[str, str]:
        """The coins that the buyers of some payments are to pay with, as far as the bridge opened their invoices."""
        return await self._read(coins_to_pay, payment_ids)

    async def doubted_for_lateness(self, provider: str, limit: int) -> list[Payment]:
        """The payments of a provider of which nobody knows whether they were paid in time, up to a limit, those first
        of which there was news last."""
        return await self._read(doubted_for_lateness, provider, limit)

    async def notices_around(self, payment: Payment, told_at: datetime) -> NoticesAround:
        """How a provider dates what it told of before and after what it told of a payment then."""
        return await self._read(notices_around, payment, told_at)

    async def payments_still_open(self, payment_ids: Collection[str], ended_since: datetime) -> list[Payment]:
        """Those of some payments that money may still come for."""
        return await self._read(unfinished_queries.payments_still_open, payment_ids, ended_since=ended_since)
