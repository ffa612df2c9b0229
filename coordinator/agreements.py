"""Agreements: what a payment is for, where it is to be paid and how strictly it is taken, fixed at registration."""

from pydantic import Field

from coordinator.ids import Id
from coordinator.models import FrozenModel
from coordinator.money import ZERO, Amount, PositiveAmount

__all__ = ["Checkout", "DirectPayment", "Share", "Terms"]


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

    request_id: Id
    seller_id: Id
    offer_id: Id | None = None
    amount: PositiveAmount


class Checkout(FrozenModel):
    """A template checkout: the purchase requests that one payment covers."""

    checkout_id: Id
    shares: tuple[Share, ...] = Field(min_length=1)


class DirectPayment(FrozenModel):
    """A payment that goes over a chain to a wallet, without a gateway between."""

    chain: Id
    """The chain's name in the configuration, such as `ethereum`."""
    recipient: Id
    """The address that is to be paid."""
    payer: Id | None = None
    """The address that will pay, if it is known: money of others does not count then."""
    payment_uri: str | None = None
    """What a wallet opens and a QR code shows."""
