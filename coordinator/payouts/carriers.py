"""Carriers of payouts: whether the marketplace's own wallet sends one over a chain, or the provider of its payment
sends it, and the payout that follows from it. Pure."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from coordinator.errors import BridgeError
from coordinator.money import format_amount, in_scale_of
from coordinator.payments.payments import Payment
from coordinator.payouts.payouts import Payout
from coordinator.payouts.provider_names import payout_id_of

__all__ = ["Carrier", "NoCarrierError", "PlannedPayout", "carrier_of", "worth_over_chain"]


class Carrier(StrEnum):
    """Who sends a payout."""

    WALLET = "wallet"
    """The marketplace's own, over a chain on which it is followed."""
    PROVIDER = "provider"
    """The one that the payment came through."""


class NoCarrierError(BridgeError):
    """Nobody can send a payout as it is asked for."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        """What is wrong, by its name on the wire."""


def carrier_of(
    *,
    names_chain: bool,
    came_over_chain: bool,
    names_transaction: bool,
    names_sender: bool,
    sends_none: str | None,
) -> Carrier:
    """Who sends a payout of a payment. `sends_none` says why its provider sends no payouts; None if it does. What was
    paid from wallet to wallet goes on from a wallet: no provider has it. Raises NoCarrierError."""
    if names_chain or came_over_chain:
        return Carrier.WALLET
    for field, is_named in (("txHash", names_transaction), ("sender", names_sender)):
        if is_named:
            raise NoCarrierError(field, "belongs to a payout over a chain; name the chain too")
    if sends_none is not None:
        raise NoCarrierError("paymentId", sends_none)
    return Carrier.PROVIDER


def worth_over_chain(amount: Decimal, coin: str, currency: str) -> Decimal | None:
    """What an amount of a token counts for in a currency; None of any other token, whose price nobody tells."""
    return amount if coin == currency else None


@dataclass(frozen=True, slots=True)
class PlannedPayout:
    """What is to be sent, by whom and where to, as its carrier has read it."""

    provider: str
    coin: str
    amount: Decimal
    destination: str
    worth: Decimal | None
    """What the amount counts for in the payment's currency; None if nobody can tell."""
    fee: Decimal | None = None
    chain: str | None = None
    """On which it is followed."""
    sender: str | None = None
    """The wallet whose transfer is expected."""

    def payout(self, payment: Payment, seller_id: str, ordinal: int, now: datetime) -> Payout:
        """The payout to a seller of the payment, after so many others to them."""
        what = (self.coin, format_amount(self.amount), self.destination)
        return Payout(
            payout_id=payout_id_of(payment, seller_id, ordinal, *what),
            provider=self.provider,
            payment_id=payment.payment_id,
            seller_id=seller_id,
            destination=self.destination,
            coin=self.coin,
            amount=self.amount,
            fee=self.fee,
            worth=None if self.worth is None else in_scale_of(payment.amount, self.worth),
            worth_currency=payment.currency,
            created_at=now,
            chain=self.chain,
            sender=self.sender,
        )
