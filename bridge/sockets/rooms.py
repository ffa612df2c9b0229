"""How clients enter and leave rooms, by the catalogue's table: a join and a leave event for each line of it."""

from collections.abc import Callable
from typing import Any

import socketio

from bridge.catalogue.answers import failure, success
from bridge.catalogue.client_events import ROOM_DOORS, ArgumentError, IdEvent, RoomDoor

__all__ = ["register_room_handlers"]

Move = Callable[[str, str], Any]
"""`server.enter_room` or `server.leave_room`."""


def register_room_handlers(server: socketio.AsyncServer) -> None:
    """Registers every `join-…` and `leave-…` of the table.

    A leave undoes what its join did, to the letter of the specification: `leave-seller-room` leaves `sellers` even
    if the client is still in another seller's room, and `leave-buyer-room` does the same with `buyers`. Leaving a
    room one is not in is fine.
    """
    for door in ROOM_DOORS:
        _register(server, door, door.join, server.enter_room)
        _register(server, door, door.leave, server.leave_room)


def _register(server: socketio.AsyncServer, door: RoomDoor, event: IdEvent, move: Move) -> None:
    async def handle(sid: str, *arguments: object) -> dict[str, Any]:
        try:
            names = door.rooms(event.read(arguments))
        except ArgumentError as error:
            return failure("bad_argument", str(error))
        for name in names:
            await move(sid, name)
        return success(rooms=list(names))

    server.on(event.name, handle)
