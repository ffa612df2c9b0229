"""The events about payouts."""

from typing import ClassVar

from coordinator import rooms
from coordinator.events import AudienceRule, Payload, RoomRule
from coordinator.ids import Id
from coordinator.money import Amount

__all__ = ["PayoutCompleted", "PayoutCreated", "PayoutUpdated"]

_SELLER = AudienceRule(everyone=True, rooms=(RoomRule(rooms.user, "sellerId"),), confidential=True)


class PayoutCreated(Payload):
    """A payout to a seller was begun."""

    event_name: ClassVar[str] = "payout-created"
    audience_rule: ClassVar[AudienceRule] = _SELLER

    payout_id: Id
    task_id: Id
    seller_id: Id
    amount: Amount
    currency: Id


class PayoutCompleted(Payload):
    """A payout has arrived."""

    event_name: ClassVar[str] = "payout-completed"
    audience_rule: ClassVar[AudienceRule] = _SELLER

    payout_id: Id
    task_id: Id
    tx_hash: Id


class PayoutUpdated(Payload):
    """A payout moved."""

    event_name: ClassVar[str] = "payout-updated"
    audience_rule: ClassVar[AudienceRule] = _SELLER

    payout_id: Id
    status: Id
