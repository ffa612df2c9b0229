"""Own shares: what of a template checkout somebody sees who is one of its sellers. Each sees their own share, and
what goes back out of it; the buyer, services and staff see all."""

from collections.abc import Sequence

from pydantic import Field

from bridge.access import Principal
from coordinator import rooms
from coordinator.models import FrozenModel
from coordinator.money import Figure
from coordinator.payments.agreed.agreements import Share
from coordinator.payments.payments import Payment
from coordinator.payouts.own_parts import OwnPart

__all__ = ["ShareItem", "part_for", "share_items"]


class ShareItem(FrozenModel):
    """What one payment pays for one purchase request."""

    request_id: str
    seller_id: str
    offer_id: str | None
    amount: Figure
    cancelled: bool = Field(
        description="Whether the purchase request was cancelled before the payment was completed: what comes for it "
        "is no seller's until a person has accepted the payment, and can go back to the buyer."
    )


def part_for(principal: Principal, payment: Payment) -> OwnPart:
    """The part of a payment that somebody sees who may see it."""
    return OwnPart(payment, _shares_for(principal, payment))


def share_items(part: OwnPart) -> list[ShareItem]:
    return [ShareItem(**dict(share), cancelled=share.request_id in part.cancelled) for share in part.shares]


def _shares_for(principal: Principal, payment: Payment) -> Sequence[Share]:
    if _sees_all(principal, payment):
        return payment.shares
    return [
        share
        for share in payment.shares
        if principal.may_see_share(seller_id=share.seller_id, of_request=rooms.request(share.request_id))
    ]


def _sees_all(principal: Principal, payment: Payment) -> bool:
    if payment.checkout is None:
        return True
    of_checkout = rooms.template_checkout(payment.checkout.checkout_id)
    return principal.may_see_all_shares(buyer_id=payment.buyer_id, of_checkout=of_checkout)
