"""The events about payments, and about what a payment changes for a purchase request and an offer."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from coordinator import rooms
from coordinator.events import AudienceRule, IfKnown, Payload, RoomRule, unless_none
from coordinator.ids import StoredId
from coordinator.models import FrozenModel
from coordinator.money import Amount
from coordinator.payments.statuses import EscrowState, PaymentStatus

__all__ = [
    "REQUEST_CANCELLED",
    "PaymentCreated",
    "PaymentProgress",
    "PaymentReceived",
    "PaymentUpdate",
    "PurchaseRequestUpdate",
    "SellerOfferUpdate",
    "SellerOfferUpdateData",
]

REQUEST_CANCELLED = "request-cancelled"
"""The event of another service's that ends the sale of a purchase request."""

_PARTIES = AudienceRule(
    everyone=True,
    rooms=(
        RoomRule(rooms.request, "requestId"),
        RoomRule(rooms.user, "buyerId"),
        RoomRule(rooms.user, "sellerId"),
    ),
    confidential=True,
)


class PaymentCreated(Payload):
    """A payment was registered."""

    event_name: ClassVar[str] = "payment-created"
    audience_rule: ClassVar[AudienceRule] = _PARTIES

    payment_id: StoredId
    provider: StoredId
    request_id: StoredId
    buyer_id: StoredId
    seller_id: StoredId
    amount: Amount
    currency: StoredId


class PaymentUpdate(Payload):
    """A payment moved: its status changed, or more money was seen or received."""

    event_name: ClassVar[str] = "payment-update"
    audience_rule: ClassVar[AudienceRule] = _PARTIES

    payment_id: StoredId
    status: PaymentStatus
    escrow_state: Annotated[EscrowState | None, Field(exclude_if=unless_none)] = None
    tx_hash: IfKnown = None


class PaymentProgress(Payload):
    """How far a payment has come: what is missing still, and how many blocks confirm what is on its way. It is told,
    as it was, also when the payment is to be paid elsewhere or at another price: look it up. The product added it to
    the specification."""

    event_name: ClassVar[str] = "payment-progress"
    audience_rule: ClassVar[AudienceRule] = AudienceRule(
        rooms=(
            RoomRule(rooms.request, "requestId", if_known=True),
            RoomRule(rooms.template_checkout, "checkoutId", if_known=True),
            RoomRule(rooms.user, "buyerId"),
            RoomRule(rooms.user, "sellerId"),
        ),
        fixed_rooms=(rooms.OPS,),
    )

    payment_id: StoredId
    status: PaymentStatus
    received: Amount
    """For the goods."""
    missing: Amount
    """For the goods, still."""
    fee: Annotated[Amount | None, Field(exclude_if=unless_none)] = None
    """What came on top of `received` for the gateway's fee, where it asks for one."""
    missing_fee: Annotated[Amount | None, Field(exclude_if=unless_none)] = None
    """What is still to be paid on top of `missing` for it."""
    currency: StoredId
    late: bool
    """Some of the money came after the deadline."""
    confirmations: int | None = None
    """Of the transfer that has the fewest; None while no block holds one that is not final."""
    required_confirmations: int | None = None
    tx_hash: IfKnown = None
    """The transfer that this tells of."""
    reason: IfKnown = None
    """Why a transfer came to nothing."""


class PaymentReceived(Payload):
    """A payment was completed; told to the seller once in the payment's life."""

    event_name: ClassVar[str] = "payment-received"
    audience_rule: ClassVar[AudienceRule] = AudienceRule(rooms=(RoomRule(rooms.user, "sellerId"),))
    subject_field: ClassVar[str] = "purchase_request_id"

    purchase_request_id: StoredId
    amount: Amount
    currency: StoredId
    buyer_id: StoredId


class PurchaseRequestUpdate(Payload):
    """Something happened to a purchase request, such as its payment changing status."""

    event_name: ClassVar[str] = "purchase-request-update"
    audience_rule: ClassVar[AudienceRule] = AudienceRule(rooms=(RoomRule(rooms.request, "requestId"),))

    type: StoredId
    request_id: StoredId
    status: IfKnown = None
    payment_id: IfKnown = None
    tx_hash: IfKnown = None
    provider: IfKnown = None


class SellerOfferUpdateData(FrozenModel):
    """Which offer, and what became of it."""

    offer_id: StoredId | None
    """None when the payment was registered without an offer."""
    is_selected: bool
    payment_id: IfKnown = None
    transaction_hash: IfKnown = None
    reason: IfKnown = None


class SellerOfferUpdate(Payload):
    """A seller's offer was paid, accepted or rejected. That it was paid is told to everyone."""

    event_name: ClassVar[str] = "seller-offer-update"
    audience_rule: ClassVar[AudienceRule] = AudienceRule(
        rooms=(RoomRule(rooms.seller, "sellerId"),),
        everyone_if=("event_type", "payment-completed"),
        confidential=True,
    )

    seller_id: StoredId
    request_id: StoredId
    event_type: Literal["payment-completed", "offer-rejected", "offer-accepted"]
    data: SellerOfferUpdateData
