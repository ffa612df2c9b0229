"""Own shares: what of a template checkout somebody sees who is one of its sellers. Each sees their own share, and
what goes back out of it; the buyer, services and staff see all."""

from collections.abc import Sequence

from bridge.access import Principal
from coordinator import rooms
from coordinator.payments.agreed.agreements import Share
from coordinator.payments.payments import Payment

__all__ = ["is_of_hidden_share", "shares_for"]


def shares_for(principal: Principal, payment: Payment) -> Sequence[Share]:
    """The shares that somebody sees of a payment that they may see."""
    if _sees_all(principal, payment):
        return payment.shares
    return [
        share
        for share in payment.shares
        if principal.may_see_share(seller_id=share.seller_id, of_request=rooms.request(share.request_id))
    ]


def is_of_hidden_share(principal: Principal, payment: Payment, seller_id: str | None) -> bool:
    """Whether something is out of the share of a seller whom somebody does not see; what is out of nobody's, they
    do."""
    return seller_id is not None and seller_id not in {share.seller_id for share in shares_for(principal, payment)}


def _sees_all(principal: Principal, payment: Payment) -> bool:
    if payment.checkout is None:
        return True
    of_checkout = rooms.template_checkout(payment.checkout.checkout_id)
    return principal.may_see_all_shares(buyer_id=payment.buyer_id, of_checkout=of_checkout)
