"""The events about payouts."""

from typing import ClassVar

from coordinator import rooms
from coordinator.events import EVERYONE, AudienceRule, Payload, RoomRule
from coordinator.ids import Id
from coordinator.money import Amount

__all__ = ["PayoutCompleted", "PayoutCreated", "PayoutUpdated"]


class PayoutCreated(Payload):
    """A payout to a seller was begun."""

    event_name: ClassVar[str] = "payout-created"
    audience_rule: ClassVar[AudienceRule] = EVERYONE

    payout_id: Id
    task_id: Id
    seller_id: Id
    amount: Amount
    currency: Id


class PayoutCompleted(Payload):
    """A payout has arrived."""

    event_name: ClassVar[str] = "payout-completed"
    audience_rule: ClassVar[AudienceRule] = AudienceRule(everyone=True, rooms=(RoomRule(rooms.user, "sellerId"),))

    payout_id: Id
    task_id: Id
    tx_hash: Id


class PayoutUpdated(Payload):
    """A payout moved."""

    event_name: ClassVar[str] = "payout-updated"
    audience_rule: ClassVar[AudienceRule] = EVERYONE

    payout_id: Id
    status: Id
