"""The helpers for service authors, and the one socket server they speak through.

They must never turn an event meant for a few into one for everyone.
"""

from typing import Any

from bridge.sockets.errors import RoomNameEmptyError, SocketServerMissingError
from bridge.sockets.rooms.audiences import reached
from bridge.sockets.server import SocketServer
from coordinator.events import Audience

__all__ = ["emit_global_event", "emit_to_room", "get_socket_server", "set_socket_server"]

_server: SocketServer | None = None


def set_socket_server(server: SocketServer | None) -> None:
    """Makes a server the one that `get_socket_server` returns; None takes it away again."""
    global _server
    _server = server


def get_socket_server() -> SocketServer:
    """The socket server. Raises SocketServerMissingError before there is one."""
    if _server is None:
        raise SocketServerMissingError(
            "there is no socket server yet: the start of the program has to call set_socket_server",
        )
    return _server


async def emit_global_event(event: str, data: Any) -> None:
    """Emits an event to every connected client. Rarely what you want: prefer `emit_to_room`.

    Where the server keeps confidence, an event about money goes to staff alone.
    """
    server = get_socket_server()
    audience = Audience(everyone=True)
    if server.keeps_confidence:
        audience = reached(event, audience)
    if audience.everyone:
        await server.emit(event, data)
    else:
        await server.emit(event, data, to=list(audience.rooms))


async def emit_to_room(room: str, event: str, data: Any) -> None:
    """Emits an event to the members of one room. Raises RoomNameEmptyError for a room without a name."""
    if not room:
        raise RoomNameEmptyError(f"{event} was addressed to an empty room name, which would mean everyone")
    await get_socket_server().emit(event, data, to=room)
