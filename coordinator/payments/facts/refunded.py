"""Refunded: what of a payment goes back to its buyer, or has gone, as the payment's facts know it. Every part only
grows, as all facts do: a refund that came to nothing is a later step of it."""

from collections.abc import Collection, Mapping
from decimal import Decimal

from pydantic import Field

from coordinator.models import FrozenModel
from coordinator.money import Amount, total
from coordinator.payments.observed.observations import RefundMoved, RefundOf, Release, transfer_key
from coordinator.payments.observed.reversals import DisputeStage, PaymentDisputed, RefundedThere

__all__ = [
    "Refunded",
    "Refunds",
    "counted_twice_in",
    "given_back_there",
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
    carried_by: str | None = Field(None, exclude_if=lambda value: value is None)
    """The transaction that carries it, once that is known; None of what is no refund of the bridge's."""

    @property
    def rank(self) -> tuple[int, Release, Decimal, str]:
        """Of two of one step, as a provider should never tell them, the larger counts, whichever came first."""
        return self.step, self.release, self.amount, self.carried_by or ""


Refunds = Mapping[str, Refunded]
"""The refunds of one payment, by their ids."""

_RESERVED = (Release.UNDER_WAY, Release.DONE)


def with_refund(known: Refunds, moved: RefundMoved) -> Refunds:
    """All of them, with what is known of one."""
    reported = Refunded(
        of=moved.of,
        seller_id=moved.seller_id,
        amount=moved.amount,
        release=moved.release,
        step=moved.step,
        carried_by=moved.carried_by,
    )
    return {**known, moved.refund_id: max(reported, known.get(moved.refund_id, reported), key=lambda one: one.rank)}


# How the names of those begin that are no refunds of the bridge's.
_REFUNDED_THERE, _DISPUTED = "refunded-there:", "payment-disputed:"
_REVERSALS = (_REFUNDED_THERE, _DISPUTED)
# What is disputed is nobody else's, until it turns out that it stays.
_RELEASES = {
    DisputeStage.OPEN: Release.UNDER_WAY,
    DisputeStage.WON: Release.FAILED,
    DisputeStage.LOST: Release.DONE,
}


def with_reversal(known: Refunds, reversal: RefundedThere | PaymentDisputed) -> Refunds:
    """All of them, with what the provider gave back by itself, or the buyer's bank takes, which is no refund of the
    bridge's. Of what it is `counting/money_back.py` says."""
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
    names = {transfer_key(name) for name in known}
    return any(f"{kind}{transfer_key(reference)}" in names for kind in _REVERSALS)


def given_back_there(known: Refunds) -> Refunds:
    """Those of them that the provider gave back by itself."""
    return {name: one for name, one in known.items() if name.startswith(_REFUNDED_THERE)}


def counted_twice_in(name: str, refunds: Refunds) -> Refunds:
    """Of the bridge's refunds that take money, those that its provider told of as well, as what it gave back by this
    name: by the transaction that carries them."""
    if not name.startswith(_REFUNDED_THERE):
        return {}
    key = transfer_key(name.removeprefix(_REFUNDED_THERE))
    return {
        refund_id: one
        for refund_id, one in refunds.items()
        if one.release in _RESERVED and one.carried_by is not None and transfer_key(one.carried_by) == key
    }


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
