"""The events about refunds. The product added them to the specification. None of them tells an address."""

from typing import ClassVar

from coordinator import rooms
from coordinator.events import AudienceRule, IfKnown, Payload, RoomRule
from coordinator.ids import StoredId
from coordinator.money import Amount
from coordinator.refunds.statuses import AnyRefundStatus, RefundStatus

__all__ = ["RefundOpened", "RefundUpdated"]

_BUYER = AudienceRule(
    rooms=(
        RoomRule(rooms.request, "requestId", if_known=True),
        RoomRule(rooms.template_checkout, "checkoutId", if_known=True),
        RoomRule(rooms.user, "buyerId"),
    ),
    fixed_rooms=(rooms.OPS,),
)


class RefundOpened(Payload):
    """Money of a payment is to go back to its buyer, who is asked where to send it: on the payment's page. The
    product added it to the specification."""

    event_name: ClassVar[str] = "refund-opened"
    audience_rule: ClassVar[AudienceRule] = _BUYER

    refund_id: StoredId
    payment_id: StoredId
    status: RefundStatus
    amount: Amount
    currency: StoredId


class RefundUpdated(Payload):
    """A refund moved: it was withdrawn, or the payout that carries it moved. The product added it to the
    specification."""

    event_name: ClassVar[str] = "refund-updated"
    audience_rule: ClassVar[AudienceRule] = _BUYER

    refund_id: StoredId
    payment_id: StoredId
    status: AnyRefundStatus
    """`cancelled`, or the status of its payout."""
    amount: Amount
    currency: StoredId
    tx_hash: IfKnown = None
    """The transaction that carries it."""
    payout_id: IfKnown = None
    """The payout that carries it, once there is one."""
