"""The events about payouts."""

from typing import Annotated, ClassVar

from pydantic import Field

from coordinator import rooms
from coordinator.events import AudienceRule, IfKnown, Payload, RoomRule, unless_none
from coordinator.ids import StoredId
from coordinator.money import Amount
from coordinator.payouts.payouts import Verification
from coordinator.payouts.statuses import PayoutStatus

__all__ = ["PayoutCompleted", "PayoutCreated", "PayoutProgress", "PayoutUpdated"]

_SELLER = AudienceRule(everyone=True, rooms=(RoomRule(rooms.user, "sellerId"),), confidential=True)


class PayoutCreated(Payload):
    """A payout to a seller was taken on by whoever sends it, which gave it its task."""

    event_name: ClassVar[str] = "payout-created"
    audience_rule: ClassVar[AudienceRule] = _SELLER

    payout_id: StoredId
    task_id: StoredId
    seller_id: StoredId
    amount: Amount
    currency: StoredId


class PayoutCompleted(Payload):
    """A payout has arrived."""

    event_name: ClassVar[str] = "payout-completed"
    audience_rule: ClassVar[AudienceRule] = _SELLER

    payout_id: StoredId
    task_id: StoredId
    tx_hash: StoredId


class PayoutUpdated(Payload):
    """A payout's status changed, also before whoever sends it has taken it on: it awaits approval, or is approved or
    rejected; it failed, or nobody knows whether it was sent. That it was asked for is no change, and not told."""

    event_name: ClassVar[str] = "payout-updated"
    audience_rule: ClassVar[AudienceRule] = _SELLER

    payout_id: StoredId
    status: PayoutStatus


class PayoutProgress(Payload):
    """How far a payout has come on its chain, and whether that shows it to be what was asked for. The product
    added it to the specification."""

    event_name: ClassVar[str] = "payout-progress"
    audience_rule: ClassVar[AudienceRule] = AudienceRule(
        rooms=(RoomRule(rooms.user, "sellerId"),), fixed_rooms=(rooms.OPS,)
    )

    payout_id: StoredId
    status: PayoutStatus
    verification: Annotated[Verification | None, Field(exclude_if=unless_none)] = None
    confirmations: int | None = None
    """Of the transfer that has the fewest; None while no block holds one that is not final."""
    required_confirmations: int | None = None
    tx_hash: IfKnown = None
    """The transaction that this tells of."""
    reason: IfKnown = None
    """What is wrong with it."""
