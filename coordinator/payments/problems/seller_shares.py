"""Shares of sellers in what goes back to a payment's buyer. Pure."""

from decimal import Decimal

from coordinator.money import ZERO, excess_over, total
from coordinator.payments.agreed.agreements import part_of
from coordinator.payments.facts.refunded import going_back
from coordinator.payments.observed.observations import RefundOf
from coordinator.payments.payments import Payment

__all__ = ["going_back_of"]


def going_back_of(payment: Payment, seller_id: str) -> Decimal:
    """What goes back out of a seller's share, or has gone, and their part of what does out of nobody's."""
    refunds = payment.money_back
    if not refunds:
        return ZERO
    own, of_nobody = (going_back(refunds, RefundOf.GOODS, [one]) for one in (seller_id, None))
    came = payment.amount if payment.facts.accepted else payment.goods
    before, after = (part_of(payment.shares, seller_id, one) for one in (came, excess_over(came, of_nobody)))
    return total([own, excess_over(before, after)])
