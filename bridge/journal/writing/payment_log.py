"""Payments and payouts in the log: a line for every step of one, for whoever runs the bridge."""

import logging

from bridge.journal.writing.outcomes import Outcome, Recorded
from bridge.journal.writing.staged.actions import Action
from coordinator.money import format_amount
from coordinator.payments.parts.shown import shown
from coordinator.payments.payments import Payment, PaymentStatus
from coordinator.payouts.payouts import Payout
from coordinator.refunds.refunds import Refund

__all__ = ["log_action", "log_deed", "log_payout", "log_recorded", "log_refund", "log_status"]

logger = logging.getLogger("bridge.payments")


def log_recorded(recorded: Recorded, *names: str) -> None:
    """Says what became of an observation; `names` are what it is about."""
    outcome, payment = recorded
    if outcome is Outcome.APPLIED and payment is not None:
        log_status(payment)
        return
    name = " ".join(names)
    match outcome:
        case Outcome.STORED:
            logger.warning("%s is not registered; what was seen of it is stored until it is", name)
        case Outcome.OTHER_CURRENCY:
            logger.warning("%s: what came counts in another currency than the payment, so it is not counted", name)
        case Outcome.NOT_COUNTED:
            logger.warning("%s: what came does not fit the payment, so it is not counted", name)


def log_action(action: Action) -> None:
    """Says what somebody did, by their name."""
    log_deed(action.subject, action.action, by=action.by, said=action.outcome)


def log_deed(subject: str, deed: str, *, by: str, said: str) -> None:
    """Says who did something to what, and what they said to it."""
    logger.info("%s: %s by %s: %s", subject, deed, by, said or "without a note")


def log_payout(payout: Payout) -> None:
    """Says how a payout stands, and why."""
    level = logging.WARNING if payout.reasons else logging.INFO
    logger.log(level, "%s is %s", payout.payout_id, "; ".join((payout.status, *payout.reasons)))


def log_refund(refund: Refund) -> None:
    """Says how a refund stands. Where it goes to is nobody's business who reads a log."""
    amount = f"{format_amount(refund.amount)} {refund.currency}"
    logger.info("%s of %s (%s) is %s", refund.refund_id, refund.payment_id, amount, refund.status)


def log_status(payment: Payment) -> None:
    """Says how a payment stands."""
    if not logger.isEnabledFor(logging.WARNING):
        return
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
        format_amount(shown(payment).received),
        format_amount(amount),
        payment.currency,
        "; that passes as paid" if is_short else "",
    )
