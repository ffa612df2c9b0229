"""Agreements: what a payment is for, where it is to be paid and how strictly it is taken, fixed at registration."""

from collections.abc import Sequence
from decimal import Decimal

from pydantic import Field

from coordinator.ids import StoredId
from coordinator.models import FrozenModel
from coordinator.money import CENT_DECIMALS, ZERO, Amount, PositiveAmount, decimals_of, excess_over, portion, total

__all__ = ["Checkout", "DirectPayment", "Share", "Terms", "part_of"]


class Terms(FrozenModel):
    """How strictly a payment is taken: fixed when it is registered, whatever the configuration says later."""

    tolerance_percent: Amount = ZERO
    """How much of the amount may be missing for it to be paid all the same."""
    unconfirmed_grace_seconds: int = 24 * 3600
    """How long past the deadline money is waited for that was seen by then and is not confirmed."""

    def exact(self) -> "Terms":
        """The same for what is paid in the very asset that was agreed, where nothing is rounded."""
        return self.model_copy(update={"tolerance_percent": ZERO})


class Share(FrozenModel):
    """What one payment pays for one purchase request."""

    request_id: StoredId
    seller_id: StoredId
    offer_id: StoredId | None = None
    amount: PositiveAmount


def part_of(shares: Sequence[Share], seller_id: str, came: Decimal) -> Decimal:
    """What of that which came for some shares is a seller's. Where less came than was agreed, each seller has their
    part of it, rounded so that together they have just what came."""
    agreed: dict[str, Decimal] = {}
    for share in shares:
        agreed[share.seller_id] = total([agreed.get(share.seller_id, ZERO), share.amount])
    whole = total(agreed.values())
    if came >= whole or seller_id not in agreed:
        return agreed.get(seller_id, ZERO)
    decimals, upto, begins = max(decimals_of(came), CENT_DECIMALS), ZERO, ZERO
    for one, amount in agreed.items():
        upto = total([upto, amount])
        ends = portion(came, upto, whole, decimals)
        if one == seller_id:
            break
        begins = ends
    return excess_over(ends, begins)


class Checkout(FrozenModel):
    """A template checkout: the purchase requests that one payment covers."""

    checkout_id: StoredId
    shares: tuple[Share, ...] = Field(min_length=1)


class DirectPayment(FrozenModel):
    """A payment that goes over a chain to a wallet, without a gateway between."""

    chain: StoredId
    """The chain's name in the configuration, such as `ethereum`."""
    recipient: StoredId
    """The address that is to be paid."""
    payer: StoredId | None = None
    """The address that will pay, if it is known: money of others does not count then."""
    payment_uri: str | None = None
    """What a wallet opens and a QR code shows."""
