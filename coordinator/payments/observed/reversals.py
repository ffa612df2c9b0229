"""Reversals: money of a payment that its provider itself gives back to the buyer, or that the buyer's bank takes.

No refund of the bridge's carries it. What the bank has not decided about is reserved for the buyer meanwhile, and
nothing of the payment leaves.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from coordinator.ids import StoredId
from coordinator.models import FrozenModel
from coordinator.money import PositiveAmount

__all__ = ["Dispute", "DisputeStage", "PaymentDisputed", "RefundedThere", "with_dispute"]


class DisputeStage(StrEnum):
    """How far the buyer's bank has come with a dispute."""

    OPEN = "open"
    WON = "won"
    """The money stays."""
    LOST = "lost"
    """The buyer has the money back."""

    @property
    def step(self) -> int:
        """Of two that are told the later one is right; of two decisions that which costs money."""
        return list(DisputeStage).index(self)


class RefundedThere(FrozenModel):
    """The provider has given money back to the buyer, by itself or at somebody's word there."""

    kind: Literal["refunded-there"] = "refunded-there"
    reference: StoredId
    """What the provider calls this refund."""
    amount: PositiveAmount
    currency: str

    @property
    def tx_hash(self) -> None:
        return None


class PaymentDisputed(FrozenModel):
    """The buyer has their bank take money back, and what the bank has said of it so far."""

    kind: Literal["payment-disputed"] = "payment-disputed"
    reference: StoredId
    """What the provider calls this dispute."""
    stage: DisputeStage
    amount: PositiveAmount
    currency: str
    reason: str | None = None
    """In the provider's words."""

    @property
    def tx_hash(self) -> None:
        return None

    @property
    def outcome(self) -> str:
        """For the parties to read."""
        return {
            DisputeStage.OPEN: "the buyer's bank disputes it",
            DisputeStage.WON: "the dispute was won",
            DisputeStage.LOST: "the dispute was lost",
        }[self.stage]


class Dispute(FrozenModel):
    """One dispute, as of its last step that is known."""

    stage: DisputeStage
    amount: PositiveAmount
    reason: str | None = None

    @property
    def rank(self) -> tuple[int, str]:
        return self.stage.step, self.model_dump_json()


def with_dispute(known: Mapping[str, Dispute], disputed: PaymentDisputed) -> Mapping[str, Dispute]:
    """All of them, with what is known of one."""
    reported = Dispute(stage=disputed.stage, amount=disputed.amount, reason=disputed.reason)
    name = disputed.reference
    return {**known, name: max(reported, known.get(name, reported), key=lambda one: one.rank)}
