"""Disputes as REST tells of them: what of a payment its buyer's bank was asked to take back."""

from pydantic import Field

from coordinator.models import FrozenModel
from coordinator.money import Figure
from coordinator.payments.observed.reversals import DisputeStage
from coordinator.payments.payments import Payment
from coordinator.payouts.own_parts import OwnPart

__all__ = ["DisputeItem", "dispute_items"]


class DisputeItem(FrozenModel):
    """One dispute, as far as the buyer's bank has come with it."""

    dispute_id: str = Field(description="The provider's name for it.")
    status: DisputeStage = Field(
        description="While it is `open` nothing of the payment is paid out or sent back. `won` is for the seller; "
        "what was `lost` is in `refunded`."
    )
    amount: Figure
    reason: str | None = Field(description="In the provider's words.")


def dispute_items(payment: Payment, part: OwnPart) -> list[DisputeItem]:
    disputes = sorted(payment.facts.disputes.items())
    return [
        DisputeItem(dispute_id=name, status=one.stage, amount=part.out_of(one.amount, None), reason=one.reason)
        for name, one in disputes
    ]
