"""The marketplace's own events: requests, offers, deliveries."""

from typing import ClassVar

from pydantic import ConfigDict

from coordinator import rooms
from coordinator.events import AudienceRule, Document, IfKnown, Payload, RoomRule, Text
from coordinator.ids import Id, is_id
from coordinator.money import Amount
from coordinator.payments.events.payments import REQUEST_CANCELLED

__all__ = [
    "BuyerConfirmedDelivery",
    "DeliveryCodeGenerated",
    "DeliveryConfirmed",
    "DeliveryUpdate",
    "NewOffer",
    "NewPurchaseRequest",
    "RequestCancelled",
    "TransactionCompleted",
]

_REQUEST = AudienceRule(rooms=(RoomRule(rooms.request, "requestId"),))
_BUYER_AND_SELLER = AudienceRule(rooms=(RoomRule(rooms.user, "buyerId"), RoomRule(rooms.user, "sellerId")))


class NewPurchaseRequest(Payload):
    """A buyer asks for something: the whole `PurchaseRequest` document, in the marketplace's own form."""

    model_config = ConfigDict(extra="allow")

    event_name: ClassVar[str] = "new-purchase-request"
    audience_rule: ClassVar[AudienceRule] = AudienceRule(fixed_rooms=(rooms.SELLERS,))

    @property
    def subject(self) -> str | None:
        """The document's id, by whichever of its usual names the marketplace calls it."""
        document = self.model_extra or {}
        return next((document[name] for name in ("_id", "id", "requestId") if is_id(document.get(name))), None)


class NewOffer(Payload):
    """A seller offers what a buyer asked for. The offer is a document of the marketplace's."""

    event_name: ClassVar[str] = "new-offer"
    audience_rule: ClassVar[AudienceRule] = AudienceRule(rooms=(RoomRule(rooms.buyer, "buyerId"),))

    request_id: Id
    offer: Document
    seller_id: Id


class RequestCancelled(Payload):
    """A purchase request was withdrawn."""

    event_name: ClassVar[str] = REQUEST_CANCELLED
    audience_rule: ClassVar[AudienceRule] = _BUYER_AND_SELLER

    request_id: Id
    reason: Text


class TransactionCompleted(Payload):
    """A sale is done: paid, delivered and confirmed."""

    event_name: ClassVar[str] = "transaction-completed"
    audience_rule: ClassVar[AudienceRule] = _BUYER_AND_SELLER

    request_id: Id
    payment_id: Id
    amount: Amount
    currency: Id


class DeliveryCodeGenerated(Payload):
    """The code with which the buyer will confirm the delivery was made."""

    event_name: ClassVar[str] = "delivery-code-generated"
    audience_rule: ClassVar[AudienceRule] = _REQUEST

    request_id: Id
    delivery_code: Text


class DeliveryUpdate(Payload):
    """A delivery moved."""

    event_name: ClassVar[str] = "delivery-update"
    audience_rule: ClassVar[AudienceRule] = _REQUEST

    request_id: Id
    status: Text
    carrier: IfKnown = None
    tracking_number: IfKnown = None


class DeliveryConfirmed(Payload):
    """A delivery was confirmed."""

    event_name: ClassVar[str] = "delivery-confirmed"
    audience_rule: ClassVar[AudienceRule] = _REQUEST

    request_id: Id


class BuyerConfirmedDelivery(Payload):
    """The buyer confirmed a delivery; told to the seller."""

    event_name: ClassVar[str] = "buyer-confirmed-delivery"
    audience_rule: ClassVar[AudienceRule] = AudienceRule(rooms=(RoomRule(rooms.user, "sellerId"),))

    request_id: Id
    buyer_id: Id
