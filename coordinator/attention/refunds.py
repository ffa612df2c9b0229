"""Refunds that need a person: those whose buyers do not say where to send them. Pure."""

from datetime import timedelta

from coordinator.attention.items import Attention, AttentionKind
from coordinator.money import format_amount
from coordinator.refunds.refunds import Refund

__all__ = ["ADDRESS_WAITED_FOR", "refund_without_address"]

ADDRESS_WAITED_FOR = timedelta(days=3)
"""How long a buyer has to say where a refund goes before a person is to look, if the operator has not said."""


def refund_without_address(refund: Refund, waited_for: timedelta) -> Attention:
    """A refund whose buyer has not said for so long where it goes: its money is nobody's meanwhile."""
    return Attention(
        kind=AttentionKind.REFUND_WITHOUT_ADDRESS,
        subject=refund.refund_id,
        title="A buyer does not say where money goes back to",
        detail=(
            f"{format_amount(refund.amount)} {refund.currency} to {refund.buyer_id}, opened by {refund.opened_by}:"
            f" {refund.reason}"
        ),
        advice=(
            "Remind the buyer of the payment's page, where the address is given. If the buyer wants nothing back, or"
            " takes it otherwise, withdraw the refund: its money is there for the seller, or for another refund,"
            " again."
        ),
        since=refund.opened_at + waited_for,
        payment_id=refund.payment_id,
        refund_id=refund.refund_id,
        remedies=("withdraw",),
    )
