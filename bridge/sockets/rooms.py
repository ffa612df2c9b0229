"""How clients enter and leave rooms: one table, a join and a leave event for each line of it.

It must never put a client into a room whose name `coordinator.rooms` did not make: every name has its prefix, so
no id can spell another client's private room.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import socketio

from bridge.sockets.answers import failure, success
from coordinator import rooms
from coordinator.ids import ID_LIMIT_CHARACTERS, is_id

__all__ = ["ROOM_DOORS", "RoomDoor", "register_room_handlers"]


@dataclass(frozen=True, slots=True)
class RoomDoor:
    """What one pair of `join-…` and `leave-…` events opens: the rooms, made from an id or fixed."""

    name: str
    argument: str | None
    """What the specification calls the event's one argument; None if it takes none."""
    rooms: Callable[[str], tuple[str, ...]]


ROOM_DOORS: tuple[RoomDoor, ...] = (
    RoomDoor("user-room", "userId", lambda user_id: (rooms.user(user_id),)),
    RoomDoor("request-room", "requestId", lambda request_id: (rooms.request(request_id),)),
    RoomDoor("seller-room", "sellerId", lambda seller_id: (rooms.seller(seller_id), rooms.SELLERS)),
    RoomDoor("buyer-room", "buyerId", lambda buyer_id: (rooms.buyer(buyer_id), rooms.BUYERS)),
    RoomDoor("chat-room", "chatId", lambda chat_id: (rooms.chat(chat_id),)),
    RoomDoor("template-checkout-room", "checkoutId", lambda checkout_id: (rooms.template_checkout(checkout_id),)),
    RoomDoor("ops-room", None, lambda _: (rooms.OPS,)),
)

Move = Callable[[str, str], Any]
"""`server.enter_room` or `server.leave_room`."""


def register_room_handlers(server: socketio.AsyncServer) -> None:
    """Registers every `join-…` and `leave-…` of the table.

    A leave undoes what its join did, to the letter of the specification: `leave-seller-room` leaves `sellers` even
    if the client is still in another seller's room, and `leave-buyer-room` does the same with `buyers`. Leaving a
    room one is not in is fine.
    """
    for door in ROOM_DOORS:
        _register(server, f"join-{door.name}", door, server.enter_room)
        _register(server, f"leave-{door.name}", door, server.leave_room)


def _register(server: socketio.AsyncServer, event: str, door: RoomDoor, move: Move) -> None:
    async def handle(sid: str, *arguments: object) -> dict[str, Any]:
        names = _room_names(door, arguments)
        if names is None:
            return failure("bad_argument", _expected(event, door))
        for name in names:
            await move(sid, name)
        return success(rooms=list(names))

    server.on(event, handle)


def _room_names(door: RoomDoor, arguments: tuple[object, ...]) -> tuple[str, ...] | None:
    """The rooms that the arguments of an event name, or None if they are not what the event takes."""
    if door.argument is None:
        return None if arguments else door.rooms("")
    match arguments:
        case (str() as identifier,) if is_id(identifier):
            return door.rooms(identifier)
        case _:
            return None


def _expected(event: str, door: RoomDoor) -> str:
    if door.argument is None:
        return f"{event} takes no argument"
    return f"{event} takes one {door.argument}: a non-empty string of at most {ID_LIMIT_CHARACTERS} characters"
