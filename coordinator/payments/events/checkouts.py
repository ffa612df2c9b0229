"""The events about template checkouts, where one payment covers several requests."""

from typing import ClassVar

from coordinator import rooms
from coordinator.events import AudienceRule, Payload, RoomRule, Text
from coordinator.ids import StoredId

__all__ = ["CheckoutPaymentConfirmed", "CheckoutPaymentFailed", "CheckoutPaymentPending"]

_CHECKOUT = AudienceRule(everyone=True, rooms=(RoomRule(rooms.template_checkout, "checkoutId"),), confidential=True)


class CheckoutPaymentConfirmed(Payload):
    """The one payment of a template checkout was completed."""

    event_name: ClassVar[str] = "template-checkout-payment-confirmed"
    audience_rule: ClassVar[AudienceRule] = _CHECKOUT

    checkout_id: StoredId
    request_ids: list[StoredId]
    payment_id: StoredId


class CheckoutPaymentPending(Payload):
    """A template checkout waits for its payment."""

    event_name: ClassVar[str] = "template-checkout-payment-pending"
    audience_rule: ClassVar[AudienceRule] = _CHECKOUT

    checkout_id: StoredId


class CheckoutPaymentFailed(Payload):
    """A template checkout will not be paid; the reason is for a person to read."""

    event_name: ClassVar[str] = "template-checkout-payment-failed"
    audience_rule: ClassVar[AudienceRule] = _CHECKOUT

    checkout_id: StoredId
    reason: Text
