"""Statuses of payments and of their escrow, and the moves that a payment may make."""

from collections.abc import Mapping
from enum import StrEnum

from coordinator.errors import BridgeError

__all__ = [
    "OPEN_STATUSES",
    "TRANSITIONS",
    "UNPAID_STATUSES",
    "Effect",
    "EscrowState",
    "IllegalTransitionError",
    "PaymentStatus",
]


class PaymentStatus(StrEnum):
    """Where a payment stands, as `payment-update` says it."""

    PENDING = "pending"
    CONFIRMING = "confirming"
    PARTIALLY_PAID = "partially_paid"
    COMPLETED = "completed"
    EXPIRED = "expired"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


OPEN_STATUSES = (PaymentStatus.PENDING, PaymentStatus.CONFIRMING, PaymentStatus.PARTIALLY_PAID)
"""Of payments that wait for money."""
UNPAID_STATUSES = (PaymentStatus.EXPIRED, PaymentStatus.CANCELLED, PaymentStatus.FAILED)
"""Of payments that are over without their money, which may still come."""


class EscrowState(StrEnum):
    """Where the marketplace's hold on the money stands."""

    NONE = "none"
    FUNDED = "funded"
    RELEASING = "releasing"
    RELEASED = "released"
    REFUNDED = "refunded"


class Effect(StrEnum):
    """What an observation did to its payment."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    """It said nothing that shows: a duplicate, or older than what is known."""
    OTHER_CURRENCY = "other-currency"
    """It counts in another currency than the payment, so it is about another invoice and was not counted."""
    NOT_COUNTED = "not-counted"
    """It does not fit what was agreed, so it moved nothing, and a person is to look at it."""


class IllegalTransitionError(BridgeError):
    """The facts ask for a move that `TRANSITIONS` does not allow: a defect of this module, never of the input."""


_ENDED = {PaymentStatus.COMPLETED, PaymentStatus.FAILED, PaymentStatus.CANCELLED, PaymentStatus.REFUNDED}

# From each status, the statuses that one observation can lead to. Nothing but a refund leaves `completed`. What a
# gateway calls refunded stays so; a refund that comes back, or more money after it, has a payment stand as it did
# before. One that ended unpaid still completes when the money comes after all. Only a transfer that vanishes from its
# chain or is another's leads back to `pending`, and only a person from `expired`.
TRANSITIONS: Mapping[PaymentStatus, frozenset[PaymentStatus]] = {
    PaymentStatus.PENDING: frozenset(
        {PaymentStatus.CONFIRMING, PaymentStatus.PARTIALLY_PAID, PaymentStatus.EXPIRED} | _ENDED
    ),
    PaymentStatus.CONFIRMING: frozenset(
        {PaymentStatus.PENDING, PaymentStatus.PARTIALLY_PAID, PaymentStatus.EXPIRED} | _ENDED
    ),
    PaymentStatus.PARTIALLY_PAID: frozenset(
        {PaymentStatus.PENDING, PaymentStatus.CONFIRMING, PaymentStatus.EXPIRED} | _ENDED
    ),
    PaymentStatus.EXPIRED: frozenset(
        {PaymentStatus.PENDING, PaymentStatus.CONFIRMING, PaymentStatus.PARTIALLY_PAID} | _ENDED
    ),
    PaymentStatus.CANCELLED: frozenset({PaymentStatus.FAILED, PaymentStatus.COMPLETED, PaymentStatus.REFUNDED}),
    PaymentStatus.FAILED: frozenset({PaymentStatus.COMPLETED, PaymentStatus.REFUNDED}),
    PaymentStatus.COMPLETED: frozenset({PaymentStatus.REFUNDED}),
    PaymentStatus.REFUNDED: frozenset(PaymentStatus) - {PaymentStatus.REFUNDED},
}
