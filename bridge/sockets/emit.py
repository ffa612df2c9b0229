"""The helpers for service authors, and the one socket server they speak through.

They must never turn an event meant for a few into one for everyone. Where the server has a journal they publish
through it: clients of other bridges receive the event too, and those who are away when they are back.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from bridge.sockets.errors import RoomNameEmptyError, SocketServerMissingError
from bridge.sockets.rooms.audiences import reached
from bridge.sockets.server import SocketServer
from coordinator.compact_json import compact_json
from coordinator.events import Audience, Event

__all__ = ["emit_global_event", "emit_to_room", "get_socket_server", "set_socket_server"]

Publish = Callable[[Sequence[Event]], Awaitable[object]]
"""Has events committed, from where they reach the clients."""

_server: SocketServer | None = None
_publish: Publish | None = None


def set_socket_server(server: SocketServer | None, *, publish: Publish | None = None) -> None:
    """Makes a server the one that `get_socket_server` returns; None takes it away again. Without `publish` the
    helpers reach those who are connected to it."""
    global _server, _publish
    _server, _publish = server, publish


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
    audience = Audience(everyone=True)
    if get_socket_server().keeps_confidence:
        audience = reached(event, audience)
    await _emit(event, data, audience)


async def emit_to_room(room: str, event: str, data: Any) -> None:
    """Emits an event to the members of one room. Raises RoomNameEmptyError for a room without a name."""
    if not room:
        raise RoomNameEmptyError(f"{event} was addressed to an empty room name, which would mean everyone")
    await _emit(event, data, Audience(rooms=(room,)))


async def _emit(event: str, data: Any, audience: Audience) -> None:
    server = get_socket_server()
    if _publish is not None:
        await _publish([Event(event, audience, compact_json(data))])
    elif audience.everyone:
        await server.emit(event, data)
    else:
        await server.emit(event, data, to=list(audience.rooms))
