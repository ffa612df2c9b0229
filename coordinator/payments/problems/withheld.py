"""Withheld shares: what came for those purchase requests of a template checkout that were cancelled before, or after
a person had taken the payment as paid.

It is nobody's until a person takes it as paid, or it goes back to the buyer. Pure.
"""

from collections.abc import Collection
from decimal import Decimal

from coordinator.money import CENT_DECIMALS, ZERO, decimals_of, excess_over, portion, total
from coordinator.payments.parts.seller_shares import going_back_of
from coordinator.payments.payments import Payment

__all__ = ["awaiting_a_person", "came_for_requests", "cancelled_since_accepted", "left_for_requests", "withheld_from"]


def cancelled_since_accepted(payment: Payment, seller_id: str | None = None) -> tuple[str, ...]:
    """The purchase requests, of one seller or of all, that were cancelled after a person had taken the payment as
    paid, as far as what is for them does not go back: whoever accepted it did not know."""
    facts = payment.facts
    if facts.accepted_at is None or not facts.cancelled_at:
        return ()
    since = {request_id for request_id, at in facts.cancelled_at.items() if at > facts.accepted_at}
    left = awaiting_a_person(payment)
    return tuple(
        share.request_id
        for share in payment.shares
        if share.request_id in since and share.seller_id in left and seller_id in (None, share.seller_id)
    )


def withheld_from(payment: Payment, seller_id: str) -> Decimal:
    """What of that which came for a seller is for requests of theirs that were cancelled; of what a person took as
    paid, whatever came."""
    facts = payment.facts
    own = [share for share in payment.shares if share.seller_id == seller_id]
    if facts.accepted:
        accepted_at, cancelled_at = facts.accepted_at, facts.cancelled_at
        return total(
            share.amount
            for share in own
            if accepted_at is not None
            and share.request_id in cancelled_at
            and cancelled_at[share.request_id] > accepted_at
        )
    if not payment.unpaid_requests:
        return ZERO
    return came_for_requests(payment, payment.unpaid_requests, seller_id)


def came_for_requests(payment: Payment, request_ids: Collection[str], seller_id: str) -> Decimal:
    """What of that which came for a seller is for some requests."""
    own = [share for share in payment.shares if share.seller_id == seller_id]
    others = total(share.amount for share in own if share.request_id not in request_ids)
    came, agreed = payment.came_for(seller_id), total(share.amount for share in own)
    if not came or came >= agreed:
        return excess_over(agreed if came else ZERO, others)
    return excess_over(came, portion(came, others, agreed, max(decimals_of(came), CENT_DECIMALS)))


def left_for_requests(payment: Payment, request_ids: Collection[str]) -> dict[str, Decimal]:
    """By seller, how much of what came is for some requests that are not withheld, and does not go back: what goes
    back is first of what is withheld."""
    left: dict[str, Decimal] = {}
    for seller_id in payment.seller_ids:
        back = excess_over(going_back_of(payment, seller_id), withheld_from(payment, seller_id))
        left[seller_id] = excess_over(came_for_requests(payment, request_ids, seller_id), back)
    return {seller_id: amount for seller_id, amount in left.items() if amount}


def awaiting_a_person(payment: Payment) -> dict[str, Decimal]:
    """By seller, how much of what came is withheld and does not go back."""
    left = {
        seller_id: excess_over(withheld_from(payment, seller_id), going_back_of(payment, seller_id))
        for seller_id in payment.seller_ids
    }
    return {seller_id: amount for seller_id, amount in left.items() if amount}
