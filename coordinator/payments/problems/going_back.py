"""Going back: whether all that came for a payment goes back to its buyer. Pure."""

from coordinator.money import ZERO
from coordinator.payments.facts.refunded import going_back
from coordinator.payments.observed.observations import RefundOf
from coordinator.payments.payments import Payment

__all__ = ["goes_back"]


def goes_back(payment: Payment) -> bool:
    """Whether all that came for the goods goes back to the buyer, or has gone: so there is nothing left to decide."""
    back = going_back(payment.money_back, RefundOf.GOODS) if payment.facts.refunds else ZERO
    return bool(back) and back >= payment.goods
