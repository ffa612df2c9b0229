"""Refunds as the rest of the bridge has them written down and looks them up."""

from datetime import datetime

from bridge.journal.queries import console as console_queries
from bridge.journal.queries import refunds as refund_queries
from bridge.journal.queries.readers import Read
from bridge.journal.queries.refunds import ListedRefund
from bridge.journal.queries.transactions import payments_named
from bridge.journal.requests import refunds as refund_requests
from bridge.journal.requests.payments import ONE_ID, IdempotencyKey, made_before
from bridge.journal.requests.refunds import OpenedRefund
from bridge.journal.writing.payment_log import log_refund
from bridge.journal.writing.staged.actions import Action
from bridge.journal.writing.writer import Submit
from coordinator.payouts.approval import PayoutRules
from coordinator.refunds.refunds import Refund, RefundOrder, Sending, Sent

__all__ = ["RefundRecords"]


class RefundRecords:
    """Opens, sends and withdraws refunds. Writing raises JournalUnavailableError, and RefundRefusedError where it
    makes no sense."""

    def __init__(self, read: Read, submit: Submit) -> None:
        self._read = read
        self._submit = submit

    async def refund(self, refund_id: str) -> ListedRefund | None:
        return await self._read(refund_queries.listed_refund, refund_id)

    async def of_payment(self, payment_id: str) -> list[ListedRefund]:
        """The refunds of a payment, oldest first."""
        return await self._read(refund_queries.payment_refunds, payment_id)

    async def without_address(self, opened_before: datetime) -> list[Refund]:
        """Refunds that were opened before that and whose buyers have not said where they go, the oldest of them."""
        return await self._read(refund_queries.refunds_without_address, opened_before, console_queries.SHOWN_LIMIT)

    async def made_with(self, idempotency: IdempotencyKey) -> str | None:
        """The id of the refund that was opened with a key; None if there is none yet. Raises
        IdempotencyKeyReusedError."""
        return await self._submit(lambda batch: made_before(batch, idempotency, ONE_ID))

    async def open(
        self,
        payment_id: str,
        order: RefundOrder,
        idempotency: IdempotencyKey | None = None,
        *,
        sent: Sent | None = None,
    ) -> OpenedRefund:
        """Opens a refund, and reserves its money; `sent` says how it was sent without the bridge, if it was. Raises
        IdempotencyKeyReusedError."""
        named = [] if sent is None else await self._read(payments_named, sent.tx_hash)
        return await self._submit(
            lambda batch: refund_requests.open_refund(batch, payment_id, order, idempotency, sent=sent, named=named)
        )

    async def give_address(self, refund_id: str, sending: Sending, *, rules: PayoutRules, by: str) -> Refund:
        """Has a refund sent to an address; `rules` say whether somebody has to approve that first."""
        refund = await self._submit(
            lambda batch: refund_requests.give_address(batch, refund_id, sending, rules=rules, by=by)
        )
        log_refund(refund)
        return refund

    async def withdraw(self, refund_id: str, *, by: str, note: str | None) -> tuple[Refund, Action]:
        """Withdraws a refund that no address was given for."""
        withdrawn = await self._submit(
            lambda batch: refund_requests.withdraw_refund(batch, refund_id, by=by, note=note)
        )
        log_refund(withdrawn[0])
        return withdrawn
