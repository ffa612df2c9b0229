"""Invoices: where a buyer is to pay, and how much of which coin. A provider opens them; the bridge remembers."""

from typing import Annotated, Self

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from coordinator.ids import StoredId
from coordinator.models import FrozenModel
from coordinator.money import Amount, PositiveAmount
from coordinator.payments.agreed.fees import Fee
from coordinator.web_addresses import WebAddress

__all__ = ["Coin", "Invoice", "InvoiceOpened", "InvoiceWanted"]

Coin = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
"""What is paid with, in the provider's word for it, such as `ETH-USDT`."""


class InvoiceWanted(FrozenModel):
    """An invoice to be opened. Wanted again with the same words it is the same invoice."""

    provider: StoredId
    external_id: StoredId
    callback_url: str
    coin: Coin
    amount: PositiveAmount
    currency: str
    """Of the amount, such as `USD`."""


class InvoiceOpened(FrozenModel):
    """What the provider says of an invoice that it has opened."""

    # As it was once, so that what is in the journal stays readable: providers take less.
    address: (
        Annotated[str, StringConstraints(min_length=1, max_length=1_000, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")] | None
    ) = None
    """None where it is paid on the provider's own page."""
    checkout_url: WebAddress | None = None
    """That page."""
    also_at: tuple[str, ...] = ()
    """Where it can be paid besides, as a Lightning invoice can on the chain."""
    also_in: tuple[str, ...] = Field((), exclude=True)
    """In which other coins, there. It is told to the payment with the price."""
    coin_amount: Amount
    """How much of the coin pays the whole sum, with no more decimals than the coin has."""
    coin_decimals: int | None = None
    """How many it has; None if nobody knows."""
    exchange_rate: Amount | None = None
    """What one coin is worth in the payment's currency."""
    asked: Amount | None = None
    """What that is in the payment's currency, the provider's fee included; None if it does not say."""
    fee: Fee | None = Field(None, exclude=True)
    """How the provider's fee follows from the amount, if that was found out. It is not of the invoice, but of the
    payment, to which it is told with the price."""
    usual_rate: Amount | None = Field(None, exclude=True)
    """What one coin is usually worth: a provider says so of a stablecoin, of others their prices on other days do, as
    far as those tell. It is told to the payment with the price too."""
    display_name: str | None = None
    """The coin's name for people."""
    payment_uri: str | None = None
    """What a wallet opens, and a QR code shows; the bare address where a coin has no such thing. None where there is
    no address."""
    uri_template: str | None = None
    """The same for any amount, which stands for `{amount}`, or in the coin's smallest units for `{units}`."""
    whole_only: bool = False
    """Whether the address itself names the sum, as a Lightning invoice does, so that no part can be paid with it."""
    price_seconds: int | None = None
    """How long after the invoice was first opened its prices hold; None: they do not end."""
    lapses_at: AwareDatetime | None = None
    """When the address itself stops to take money; None: never."""
    quoted_until: AwareDatetime | None = None
    """Until when this price holds, which the bridge writes down beside it; None: it does not end."""

    @model_validator(mode="after")
    def _can_be_paid(self) -> Self:
        if (self.address is None) is (self.checkout_url is None):
            raise ValueError("expected either an address or the page of a checkout")
        return self

    @property
    def places(self) -> tuple[str, ...]:
        """The addresses at which it can be paid now."""
        return () if self.address is None else (self.address, *self.also_at)


class Invoice(FrozenModel):
    """One invoice of a payment: wanted first, opened as soon as the provider answers; and again for a new price."""

    payment_id: str
    wanted: InvoiceWanted
    wanted_at: AwareDatetime
    opened: InvoiceOpened | None = None
    """The provider's newest answer; None while it is being asked."""
    addresses: tuple[str, ...] = ()
    """All that the provider ever gave for it, oldest first. What is paid to an old one counts too."""
