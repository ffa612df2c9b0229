"""Statuses of parts: how that of a payment stands which is for some of the sellers of a template checkout, and for
which of its purchase requests it is not. Pure."""

from collections.abc import Collection

from coordinator.money import ZERO, total
from coordinator.payments.parts.seller_shares import gone_back_of
from coordinator.payments.payments import Payment
from coordinator.payments.statuses import PaymentStatus

__all__ = ["cancelled_apart", "cancelled_requests", "is_gone", "part_status", "standing_of_part"]


def cancelled_requests(payment: Payment) -> frozenset[str]:
    """Of the purchase requests of a payment, those that it does not pay, because they were cancelled before it was
    completed; whoever took it as paid did so for all of them."""
    facts = payment.facts
    if facts.accepted or not facts.cancelled_requests:
        return frozenset()
    return facts.withheld if facts.completed else facts.cancelled_requests


def cancelled_apart(payment: Payment) -> frozenset[str]:
    """Those of them, where it is for others still: they stand otherwise than the payment."""
    cancelled = cancelled_requests(payment)
    return frozenset() if len(cancelled) == len(payment.shares) else cancelled


def standing_of_part(payment: Payment, sellers: Collection[str]) -> PaymentStatus:
    """How the part of some sellers stands."""
    return part_status(payment, sellers, payment.status, cancelled_requests(payment))


def part_status(
    payment: Payment, sellers: Collection[str], paid: PaymentStatus, cancelled: Collection[str]
) -> PaymentStatus:
    """That of some sellers' part, of a payment that would be `paid` if nothing had gone back, and of whose requests
    some are `cancelled`. It is theirs if one of theirs is left."""
    if is_gone(payment, sellers):
        return PaymentStatus.REFUNDED
    own = [share.request_id for share in payment.shares if share.seller_id in sellers]
    is_cancelled = bool(cancelled) and all(one in cancelled for one in own)
    return PaymentStatus.CANCELLED if is_cancelled and paid is not PaymentStatus.FAILED else paid


def is_gone(payment: Payment, sellers: Collection[str]) -> bool:
    """Whether all that came for some sellers has gone back."""
    came = total(map(payment.came_for, sellers))
    return ZERO < came <= total(gone_back_of(payment, one) for one in sellers)
