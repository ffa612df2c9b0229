"""What can be asked of the journal's writer about refunds. As elsewhere, one decides first and writes last."""

from collections.abc import Collection
from dataclasses import dataclass

from bridge.journal.requests.forgotten_payouts import forgotten_of
from bridge.journal.requests.payments import ONE_ID, IdempotencyKey, made_before, remember
from bridge.journal.requests.payouts.recording import record_payout_observation, wake_for
from bridge.journal.requests.payouts.withholding import withhold
from bridge.journal.requests.refund_steps import payment_of, record_refund, refund_of
from bridge.journal.requests.rulings import withdraw
from bridge.journal.writing.batch import Batch
from bridge.journal.writing.staged.actions import Action
from coordinator.money import format_amount
from coordinator.payouts.approval import PayoutRules
from coordinator.refunds import refunds
from coordinator.refunds.given_addresses import require_as_given
from coordinator.refunds.refunds import Refund, RefundOrder, RefundRefusedError, Sending, Sent

__all__ = ["OpenedRefund", "give_address", "open_refund", "withdraw_refund"]

REFUND = "refund"
"""What it is called in the record when somebody opens a refund."""
WITHDRAWAL = "refund-withdrawal"
"""What it is called when somebody withdraws one."""


@dataclass(frozen=True, slots=True)
class OpenedRefund:
    """A refund that was opened, now or by an earlier request with the same key, and the record of it."""

    refund_id: str
    action: Action | None = None
    """None if it was opened before."""


def open_refund(
    batch: Batch,
    payment_id: str,
    order: RefundOrder,
    idempotency: IdempotencyKey | None = None,
    *,
    sent: Sent | None = None,
    named: Collection[str] = (),
) -> OpenedRefund:
    """Opens a refund, and reserves its money. A payment that is not completed is cancelled for good with it, if the
    money came for its goods. One that was `sent` without the bridge is carried by a payout at once, of which nothing
    more is sent; `named` are the payments that are known by its transaction. Raises RefundRefusedError,
    OtherRefundsError, OtherAddressError, TransactionTakenError and IdempotencyKeyReusedError."""
    earlier = made_before(batch, idempotency, ONE_ID)
    if earlier is not None:
        return OpenedRefund(earlier)
    if sent is None:
        # What has left cannot be held back.
        _require_none_forgotten(batch, payment_id)
        _require_few(batch, payment_id)
    payment = payment_of(batch, payment_id)
    others, payouts = batch.refunds.of_payment(payment_id), batch.payouts.of_payment(payment_id)
    refund = refunds.open_refund(payment, order, payouts, ordinal=len(others), now=batch.now)
    carrying = None
    if sent is not None:
        known, paid = batch.payouts.known_by(sent.tx_hash), batch.payments.others(named, payment_id)
        carrying = refunds.sent_without(refund, payment, sent, known, paid, now=batch.now)
        require_as_given(sent, others)
    refunds.require_seen(others, order.besides)
    said = f"a refund of {format_amount(refund.amount)} {refund.currency} was opened: {refund.reason}"
    if refunds.closes_payment(payment, refund.of):
        payment = withdraw(batch, payment_id, by=order.by, note=said).payment or payment
        said += "; the payment is cancelled with it"
    batch.refunds.add(refund)
    payment = record_refund(batch, payment, refund, step=0)
    batch.add_events([refunds.opened_event(refund, payment)], payment_id=payment_id)
    if sent is not None and carrying is not None:
        said += f"; it was sent without the bridge, by {sent.tx_hash}"
        batch.payouts.add(carrying)
        wake_for(batch, carrying)
        batch.refunds.move(refunds.given(refund, payment, carrying, by=order.by))
        for number, observation in enumerate(refunds.known_of(sent, by=order.by)):
            record_payout_observation(batch, carrying.payout_id, f"registered:{number}", observation)
    remember(batch, idempotency, refund.refund_id)
    return OpenedRefund(
        refund.refund_id, batch.actions.add(REFUND, refund.refund_id, said, by=order.by, concerns=payment_id)
    )


def _require_few(batch: Batch, payment_id: str) -> None:
    if len(batch.refunds.of_payment(payment_id)) >= refunds.REFUNDS_LIMIT:
        raise RefundRefusedError(f"Of payment {payment_id} {refunds.REFUNDS_LIMIT} refunds were opened already.")


def _require_none_forgotten(batch: Batch, payment_id: str) -> None:
    reason = forgotten_of(batch, payment_id)
    if reason is not None:
        raise RefundRefusedError(f"{reason[0].upper()}{reason[1:]}.")


def give_address(batch: Batch, refund_id: str, sending: Sending, *, rules: PayoutRules, by: str) -> Refund:
    """Has a refund sent to an address, by a payout that is registered with it and waits for a second person where
    others would, or where there are doubts about who gave the address. The same address once more changes nothing.
    Raises RefundRefusedError."""
    refund = refund_of(batch, refund_id)
    if refund.payout_id is not None and refund.destination == sending.destination:
        return refund
    _require_none_forgotten(batch, refund.payment_id)
    payment = payment_of(batch, refund.payment_id)
    payout = refunds.payout_for(refund, payment, sending, now=batch.now)
    moved = refunds.given(refund, payment, payout, by=by)
    batch.payouts.add(payout)
    wake_for(batch, payout)
    batch.refunds.move(moved)
    withhold(batch, payout, rules, doubts=sending.doubts)
    now = refund_of(batch, refund_id)
    if now == moved:  # that it waits for somebody is told already
        batch.add_events([refunds.updated_event(moved, payment)], payment_id=payment.payment_id)
    return now


def withdraw_refund(batch: Batch, refund_id: str, *, by: str, note: str | None) -> tuple[Refund, Action]:
    """Withdraws a refund that no address was given for. Raises RefundRefusedError."""
    refund = refunds.withdrawn(refund_of(batch, refund_id), by)
    batch.refunds.move(refund)
    payment = record_refund(batch, payment_of(batch, refund.payment_id), refund, step=1)
    batch.add_events([refunds.updated_event(refund, payment)], payment_id=payment.payment_id)
    said = "the refund was withdrawn" + ("" if note is None else f": {note}")
    return refund, batch.actions.add(WITHDRAWAL, refund_id, said, by=by, concerns=refund.payment_id)
