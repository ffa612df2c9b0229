"""Outcomes: what became of an observation that was to be written down."""

from enum import StrEnum
from typing import NamedTuple

from coordinator.payments.payments import Payment

__all__ = ["Outcome", "Recorded"]


class Outcome(StrEnum):
    """What became of an observation that was to be written down."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    OTHER_CURRENCY = "other-currency"
    NOT_COUNTED = "not-counted"
    """It does not fit the payment, and is stored for a person to review."""
    DUPLICATE = "duplicate"
    """This very message was written down before."""
    STORED = "kept"
    """No such payment is registered yet; it is applied when it is."""
    NONE_OF_OURS = "none-of-ours"
    """It is about nothing that this bridge has to do with, and nothing of it is written down."""


class Recorded(NamedTuple):
    """What became of an observation, and the payment as it stands after it, if there is one."""

    outcome: Outcome
    payment: Payment | None = None
