"""The sockets: the Socket.IO server with its rooms, and the one way in which events leave it for the clients.

Service authors need `emit_to_room` and, rarely, `emit_global_event`; the program's start makes the server with
`create_socket_server` and makes it known with `set_socket_server`; the journal's dispatcher calls `deliver`. Nothing
here knows a route, a table or a provider.
"""

import bridge.sockets.lazy_clients  # noqa: F401 (before anything of python-socketio)
from bridge.sockets.emit import emit_global_event, emit_to_room, get_socket_server, set_socket_server
from bridge.sockets.errors import (
    ClientGoneError,
    FrontendUrlError,
    RoomNameEmptyError,
    SocketServerMissingError,
)
from bridge.sockets.factory import asgi_app, create_socket_server
from bridge.sockets.fanout import deliver
from bridge.sockets.figures import show_figures
from bridge.sockets.presence.presence import UserPresence
from bridge.sockets.server import SocketServer

__all__ = [
    "ClientGoneError",
    "FrontendUrlError",
    "RoomNameEmptyError",
    "SocketServer",
    "SocketServerMissingError",
    "UserPresence",
    "asgi_app",
    "create_socket_server",
    "deliver",
    "emit_global_event",
    "emit_to_room",
    "get_socket_server",
    "set_socket_server",
    "show_figures",
]
