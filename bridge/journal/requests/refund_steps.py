"""Steps of refunds: what a refund and its payment make of each move, whoever or whatever caused it."""

from bridge.journal.requests.recording import record_observation
from bridge.journal.writing.batch import Batch
from coordinator.payments.payments import Payment
from coordinator.payouts.payouts import Payout
from coordinator.refunds import refunds
from coordinator.refunds.refunds import Refund, RefundRefusedError

__all__ = ["follow_refund", "payment_of", "record_refund", "refund_of"]


def follow_refund(batch: Batch, payout: Payout) -> None:
    """Moves the refund that a payout carries to where that stands, and its payment."""
    before = refund_of(batch, payout.refund_id or "")
    refund = refunds.followed(before, payout)
    if refund == before:
        return
    batch.refunds.move(refund)
    payment = payment_of(batch, refund.payment_id)
    if refund.release is not before.release:
        payment = record_refund(batch, payment, refund, step=1 + batch.payouts.steps(payout.payout_id))
    batch.add_events([refunds.updated_event(refund, payment)], payment_id=payment.payment_id)


def record_refund(batch: Batch, payment: Payment, refund: Refund, *, step: int) -> Payment:
    """Has a payment know how far one of its refunds has come."""
    recorded = record_observation(
        batch,
        provider=payment.provider,
        external_id=payment.external_id,
        key=f"refund:{refund.refund_id}:{step}",
        observation=refunds.moved(refund, step),
    )
    return recorded.payment or payment


def refund_of(batch: Batch, refund_id: str) -> Refund:
    refund = batch.refunds.get(refund_id)
    if refund is None:
        raise LookupError(f"there is no refund {refund_id}")
    return refund


def payment_of(batch: Batch, payment_id: str) -> Payment:
    payment = batch.payments.get(payment_id)
    if payment is None:
        raise RefundRefusedError(f"there is no payment {payment_id!r}")
    return payment
