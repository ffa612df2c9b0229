"""Invoices: where a buyer is to pay, and how much of which coin. A provider opens them; the bridge remembers."""

from typing import Annotated

from pydantic import AwareDatetime, StringConstraints

from coordinator.ids import Id
from coordinator.models import FrozenModel
from coordinator.money import Amount, PositiveAmount

__all__ = ["Coin", "Invoice", "InvoiceOpened", "InvoiceWanted"]

Coin = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
"""What is paid with, in the provider's word for it, such as `ETH-USDT`."""


class InvoiceWanted(FrozenModel):
    """An invoice to be opened. Wanted again with the same words it is the same invoice."""

    provider: Id
    external_id: Id
    callback_url: str
    coin: Coin
    amount: PositiveAmount
    currency: str
    """Of the amount, such as `USD`."""


class InvoiceOpened(FrozenModel):
    """What the provider says of an invoice that it has opened."""

    address: Annotated[str, StringConstraints(min_length=1, max_length=1_000, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
    coin_amount: Amount
    """How much of the coin is to be paid."""
    exchange_rate: Amount | None = None
    """What one coin is worth in the payment's currency."""
    display_name: str | None = None
    """The coin's name for people."""
    payment_uri: str
    """What a wallet opens, and a QR code shows; the bare address where a coin has no such thing."""


class Invoice(FrozenModel):
    """One invoice of a payment: wanted first, opened as soon as the provider answers."""

    payment_id: str
    wanted: InvoiceWanted
    wanted_at: AwareDatetime
    opened: InvoiceOpened | None = None
