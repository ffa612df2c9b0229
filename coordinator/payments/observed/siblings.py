"""Siblings: what became of another payment for the same purchase request."""

from typing import Literal

from coordinator.ids import StoredId
from coordinator.models import FrozenModel

__all__ = ["SiblingCompleted", "SiblingRefunded", "SiblingRegistered"]


class _OfSibling(FrozenModel):
    payment_id: StoredId

    @property
    def tx_hash(self) -> None:
        return None


class SiblingRegistered(_OfSibling):
    """Another payment was registered for the same purchase request."""

    kind: Literal["sibling-registered"] = "sibling-registered"


class SiblingCompleted(_OfSibling):
    """Another payment for the same purchase request was completed, as this one is."""

    kind: Literal["sibling-completed"] = "sibling-completed"


class SiblingRefunded(_OfSibling):
    """The money of another payment for the same purchase request has gone back."""

    kind: Literal["sibling-refunded"] = "sibling-refunded"
