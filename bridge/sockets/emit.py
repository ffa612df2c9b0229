"""The helpers for service authors, and the one socket server they speak through.

They must never turn an event meant for a few into one for everyone.
"""

from typing import Any

import socketio

from bridge.sockets.errors import RoomNameEmptyError, SocketServerMissingError

__all__ = ["emit_global_event", "emit_to_room", "get_socket_server", "set_socket_server"]

_server: socketio.AsyncServer | None = None


def set_socket_server(server: socketio.AsyncServer | None) -> None:
    """Makes a server the one that `get_socket_server` returns; None takes it away again."""
    global _server
    _server = server


def get_socket_server() -> socketio.AsyncServer:
    """The socket server. Raises SocketServerMissingError before there is one."""
    if _server is None:
        raise SocketServerMissingError(
            "there is no socket server yet: the start of the program has to call set_socket_server",
        )
    return _server


async def emit_global_event(event: str, data: Any) -> None:
    """Emits an event to every connected client. Rarely what you want: prefer `emit_to_room`."""
    await get_socket_server().emit(event, data)


async def emit_to_room(room: str, event: str, data: Any) -> None:
    """Emits an event to the members of one room. Raises RoomNameEmptyError for a room without a name."""
    if not room:
        raise RoomNameEmptyError(f"{event} was addressed to an empty room name, which would mean everyone")
    await get_socket_server().emit(event, data, to=room)
