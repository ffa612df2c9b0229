"""Access that is taken back or given again, as staff and the user whom it concerns are told. The product's own."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from bridge.catalogue.chat import Moment
from coordinator import rooms
from coordinator.events import AudienceRule, Payload, RoomRule, Text, unless_none
from coordinator.ids import Id

__all__ = ["AccessChange", "AccessChanged"]

AccessChange = Literal["disconnected", "token_revoked", "tokens_revoked", "room_revoked", "room_restored"]
"""Connections were closed; one token, or all of a user's, are not accepted any more; a room was taken from a user, or
given again."""

IfGiven = Annotated[Id | None, Field(exclude_if=unless_none)]


class AccessChanged(Payload):
    """Access was taken back, or given again: to a room, or all that tokens grant. Whoever it was taken from has left
    the room, or is about to be disconnected."""

    event_name: ClassVar[str] = "access-changed"
    audience_rule: ClassVar[AudienceRule] = AudienceRule(
        rooms=(RoomRule(rooms.user, "userId", if_known=True),), fixed_rooms=(rooms.OPS,)
    )

    change: AccessChange
    user_id: IfGiven = None
    room: Annotated[
        Text | None, Field(exclude_if=unless_none, description="Of `room_revoked` and `room_restored`.")
    ] = None
    token_id: Annotated[
        Id | None, Field(exclude_if=unless_none, description="The `jti` of the token that was revoked.")
    ] = None
    socket_id: Annotated[Id | None, Field(exclude_if=unless_none, description="Of one that was disconnected.")] = None
    changed_at: Moment
