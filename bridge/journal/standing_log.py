"""The log line that says how a payment stands."""

import logging

from coordinator.money import format_amount
from coordinator.payments import Payment, PaymentStatus

__all__ = ["log_standing"]

logger = logging.getLogger("bridge.payments")


def log_standing(payment: Payment) -> None:
    """Says how a payment stands, louder if it passes as paid with less than its amount."""
    received, amount = payment.received, payment.amount
    # It was within what may be missing, or a person had it so.
    is_short = payment.status is PaymentStatus.COMPLETED and received < amount
    level = logging.WARNING if is_short else logging.INFO
    if not logger.isEnabledFor(level):
        return
    logger.log(
        level,
        "%s (%s %s) is %s: %s of %s %s received%s",
        payment.payment_id,
        payment.provider,
        payment.external_id,
        payment.status,
        format_amount(received),
        format_amount(amount),
        payment.currency,
        "; that passes as paid" if is_short else "",
    )
