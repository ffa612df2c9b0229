"""The payment events of the specification: for each its name, its payload with exactly the specified fields, and
the audience it goes to.

A field that is optional in the specification and not known is left out, never sent as null.
"""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from coordinator.models import FrozenModel
from coordinator.money import Amount

__all__ = [
    "Audience",
    "Event",
    "Payload",
    "PaymentCreated",
    "PaymentReceived",
    "PaymentUpdate",
    "PurchaseRequestUpdate",
    "SellerOfferUpdate",
    "SellerOfferUpdateData",
]


IfKnown = Annotated[str | None, Field(exclude_if=lambda value: value is None)]
"""An optional field of the specification: left out of the JSON when it is None."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Who hears an event: everyone, or the members of some rooms. A client in several of the rooms hears it once.

    An event "to everyone and a room" names both: the rooms are the parties to it, for a server that does not
    send global events to strangers.
    """

    everyone: bool = False
    rooms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """A name, an audience and a payload that is ready for JSON."""

    name: str
    audience: Audience
    payload: dict[str, Any]


class Payload(FrozenModel):
    """The payload of one kind of event."""

    event_name: ClassVar[str]

    def to(self, audience: Audience) -> Event:
        """The event that carries this payload to `audience`."""
        return Event(self.event_name, audience, self.model_dump(mode="json"))


class PaymentCreated(Payload):
    """A payment was registered."""

    event_name: ClassVar[str] = "payment-created"

    payment_id: str
    provider: str
    request_id: str
    buyer_id: str
    seller_id: str
    amount: Amount
    currency: str


class PaymentUpdate(Payload):
    """A payment moved: its status changed, or more money was seen or received."""

    event_name: ClassVar[str] = "payment-update"

    payment_id: str
    status: str
    escrow_state: IfKnown = None
    tx_hash: IfKnown = None


class PaymentReceived(Payload):
    """A payment was completed; told to the seller once in the payment's life."""

    event_name: ClassVar[str] = "payment-received"

    purchase_request_id: str
    amount: Amount
    currency: str
    buyer_id: str


class PurchaseRequestUpdate(Payload):
    """Something happened to a purchase request: here, its payment changed status."""

    event_name: ClassVar[str] = "purchase-request-update"

    type: str
    request_id: str
    status: IfKnown = None
    payment_id: IfKnown = None
    tx_hash: IfKnown = None
    provider: IfKnown = None


class SellerOfferUpdateData(FrozenModel):
    """Which offer, and what became of it."""

    offer_id: str | None
    """None when the payment was registered without an offer."""
    is_selected: bool
    payment_id: IfKnown = None
    transaction_hash: IfKnown = None
    reason: IfKnown = None


class SellerOfferUpdate(Payload):
    """A seller's offer was paid, accepted or rejected."""

    event_name: ClassVar[str] = "seller-offer-update"

    seller_id: str
    request_id: str
    event_type: Literal["payment-completed", "offer-rejected", "offer-accepted"]
    data: SellerOfferUpdateData
