"""Siblings: the other payments for a purchase request, and the one of them by which it stands. Of one whose row
cannot be read, nothing is known but what its columns say."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple, TypeAlias

from coordinator.payments.payments import Payment, PaymentStatus

__all__ = ["Sibling", "UnreadSibling", "deciding_payment", "known_siblings"]


class UnreadSibling(NamedTuple):
    """A payment whose row cannot be read."""

    payment_id: str
    request_ids: frozenset[str]
    created_at: datetime
    status: PaymentStatus | None
    """As it was last known; None if that cannot be read either."""


Sibling: TypeAlias = Payment | UnreadSibling

# Which of its payments a purchase request stands by: the first of these that one of them has.
_BEST_FIRST = (
    PaymentStatus.COMPLETED,
    PaymentStatus.REFUNDED,
    PaymentStatus.PARTIALLY_PAID,
    PaymentStatus.CONFIRMING,
    PaymentStatus.PENDING,
    PaymentStatus.EXPIRED,
    PaymentStatus.CANCELLED,
    PaymentStatus.FAILED,
)


def known_siblings(siblings: Iterable[Sibling]) -> list[Payment]:
    """Those of which more is known than their columns say."""
    return [one for one in siblings if isinstance(one, Payment)]


def deciding_payment(request_id: str, payments: Iterable[Sibling]) -> Sibling | None:
    """The payment that decides a purchase request's status: the best of them, and of equally good ones the first. One
    of which nobody knows how it stands may be paid: nothing worse is told then."""
    of_request = (payment for payment in payments if request_id in _requests_of(payment))
    return min(of_request, key=_place, default=None)


def _requests_of(sibling: Sibling) -> Iterable[str]:
    if isinstance(sibling, UnreadSibling):
        return sibling.request_ids
    return (share.request_id for share in sibling.shares)


def _place(sibling: Sibling) -> int:
    return 0 if sibling.status is None else _BEST_FIRST.index(sibling.status)
