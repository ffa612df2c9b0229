"""The log line that says how a payment stands."""

import logging

from coordinator.money import format_amount
from coordinator.payments import Payment, PaymentStatus

__all__ = ["log_standing"]

logger = logging.getLogger("bridge.payments")


def log_standing(payment: Payment) -> None:
    """Says how a payment stands, louder if the provider calls it paid with less than its amount."""
    received, amount = payment.received, payment.amount
    # The provider has limits of its own for what it calls paid; somebody may want to know how far it went.
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
        "; the provider calls that paid" if is_short else "",
    )
