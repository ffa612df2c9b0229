"""Refunded: what of a payment goes back to its buyer, or has gone, as the payment's facts know it. Every part only
grows, as all facts do: a refund that came to nothing is a later step of it."""

from collections.abc import Collection, Mapping
from decimal import Decimal

from coordinator.models import FrozenModel
from coordinator.money import Amount, total
from coordinator.payments.observations import RefundMoved, RefundOf, Release
from coordinator.payments.reversals import DisputeStage, PaymentDisputed, RefundedThere

__all__ = [
    "Refunded",
    "Refunds",
    "going_back",
    "gone_back",
    "is_reversal",
    "reversals_in",
    "with_refund",
    "with_reversal",
]


class Refunded(FrozenModel):
    """How far one refund has come, as of its last step that is known."""

    of: RefundOf
    seller_id: str | None = None
    """Out of whose share; None if out of nobody's."""
    amount: Amount
    release: Release
    step: int = 0

    @property
    def rank(self) -> tuple[int, Release]:
        return self.step, self.release


Refunds = Mapping[str, Refunded]
"""The refunds of one payment, by their ids."""

_RESERVED = (Release.UNDER_WAY, Release.DONE)


def with_refund(known: Refunds, moved: RefundMoved) -> Refunds:
    """All of them, with what is known of one."""
    reported = Refunded(
        of=moved.of, seller_id=moved.seller_id, amount=moved.amount, release=moved.release, step=moved.step
    )
    return {**known, moved.refund_id: max(reported, known.get(moved.refund_id, reported), key=lambda one: one.rank)}


# How the names of those begin that are no refunds of the bridge's.
_REVERSALS = ("refunded-there:", "payment-disputed:")
# What is disputed is nobody else's, until it turns out that it stays.
_RELEASES = {
    DisputeStage.OPEN: Release.UNDER_WAY,
    DisputeStage.WON: Release.FAILED,
    DisputeStage.LOST: Release.DONE,
}


def with_reversal(known: Refunds, reversal: RefundedThere | PaymentDisputed) -> Refunds:
    """All of them, with what the provider gave back by itself, or the buyer's bank takes, which is no refund of the
    bridge's. Of what it is `money_back.py` says."""
    release, step = Release.DONE, 0
    if isinstance(reversal, PaymentDisputed):
        release, step = _RELEASES[reversal.stage], reversal.stage.step
    moved = RefundMoved(
        refund_id=f"{reversal.kind}:{reversal.reference}",
        of=RefundOf.GOODS,
        amount=reversal.amount,
        release=release,
        step=step,
    )
    return with_refund(known, moved)


def reversals_in(known: Refunds) -> Refunds:
    """Those of them that are no refunds of the bridge's."""
    return {name: one for name, one in known.items() if name.startswith(_REVERSALS)}


def is_reversal(known: Refunds, reference: str) -> bool:
    """Whether its provider told of it, by this name, as what it gave back by itself or the buyer's bank takes."""
    return any(f"{kind}{reference}" in known for kind in _REVERSALS)


def going_back(refunds: Refunds, of: RefundOf, seller_ids: Collection[str | None] | None = None) -> Decimal:
    """How much is to go back, goes, or has gone, out of the shares of some sellers or of all: from the moment that a
    refund is opened its money is nobody else's."""
    return _sum(refunds, of, _RESERVED, seller_ids)


def gone_back(refunds: Refunds, of: RefundOf, seller_ids: Collection[str | None] | None = None) -> Decimal:
    """How much has arrived at the buyer."""
    return _sum(refunds, of, (Release.DONE,), seller_ids)


def _sum(
    refunds: Refunds, of: RefundOf, releases: Collection[Release], seller_ids: Collection[str | None] | None
) -> Decimal:
    return total(
        one.amount
        for one in refunds.values()
        if one.of is of and one.release in releases and (seller_ids is None or one.seller_id in seller_ids)
    )
