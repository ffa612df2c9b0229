"""Withheld shares: what came for those purchase requests of a template checkout that were cancelled before.

It is nobody's until a person takes it as paid, or it goes back to the buyer. Pure.
"""

from decimal import Decimal

from coordinator.money import CENT_DECIMALS, ZERO, decimals_of, excess_over, portion, total
from coordinator.observations import RefundOf
from coordinator.payments import Payment
from coordinator.refunded import going_back

__all__ = ["awaiting_a_person", "withheld_from"]


def withheld_from(payment: Payment, seller_id: str) -> Decimal:
    """What of that which came for a seller is for requests of theirs that were cancelled."""
    withheld = payment.withheld
    if not withheld:
        return ZERO
    own = [share for share in payment.shares if share.seller_id == seller_id]
    others = total(share.amount for share in own if share.request_id not in withheld)
    came, agreed = payment.came_for(seller_id), total(share.amount for share in own)
    if not came or came >= agreed:
        return excess_over(agreed if came else ZERO, others)
    return excess_over(came, portion(came, others, agreed, max(decimals_of(came), CENT_DECIMALS)))


def awaiting_a_person(payment: Payment) -> dict[str, Decimal]:
    """By seller, how much of what came is withheld and does not go back."""
    left = {
        seller_id: excess_over(
            withheld_from(payment, seller_id), going_back(payment.facts.refunds, RefundOf.GOODS, [seller_id, None])
        )
        for seller_id in payment.seller_ids
    }
    return {seller_id: amount for seller_id, amount in left.items() if amount}
