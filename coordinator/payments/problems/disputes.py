"""Disputes: what of a payment its buyer's bank has not decided about. Pure, derived from the facts."""

from coordinator.payments.observed.reversals import DisputeStage
from coordinator.payments.payments import Payment
from coordinator.payments.problems.figures import money

__all__ = ["open_disputes"]


def open_disputes(payment: Payment) -> str | None:
    """What is disputed at this moment; None if nothing is."""
    disputes = sorted(payment.facts.disputes.items())
    return (
        "; ".join(
            f"the buyer's bank disputes {money(payment, one.amount)} ({name}"
            + (f": {one.reason[:200]})" if one.reason else ")")
            for name, one in disputes
            if one.stage is DisputeStage.OPEN
        )
        or None
    )
