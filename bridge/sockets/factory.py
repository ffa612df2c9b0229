"""How the Socket.IO server is made, whole: with its admission, its rooms and what clients can do in them."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import socketio

from bridge.access import Grants
from bridge.sockets.admission import Admission
from bridge.sockets.clients.activity import Activity
from bridge.sockets.clients.handlers import register_handlers
from bridge.sockets.limits import Limits
from bridge.sockets.origins import allowed_origins
from bridge.sockets.server import SocketServer, library_logger
from bridge.sockets.transport.receivers import Places
from bridge.sockets.transport.unread_bytes import UnreadBytes

if TYPE_CHECKING:
    from bridge.access.tokens import TokenVerifier

__all__ = ["asgi_app", "create_socket_server"]


def create_socket_server(
    *,
    frontend_url: str,
    own_origins: Sequence[str] = (),
    verifier: "TokenVerifier | None" = None,
    grants: Grants | None = None,
    keeps_confidence: bool = False,
    presence_grace_seconds: float = 5,
    presence_to_watchers: bool = False,
    ping_interval_seconds: float = 25,
    ping_timeout_seconds: float = 20,
    max_payload_bytes: int = 1_000_000,
    limits: Limits | None = None,
    unread: UnreadBytes | None = None,
    places: Places | None = None,
) -> SocketServer:
    """A Socket.IO server with the rooms of the specification, open to the origins of `frontend_url` and to those of
    the bridge's own pages.

    With a verifier every client needs a token, which says who it is and which rooms it may join, beside those that
    `grants` says; without one, anybody may join any. A server that keeps confidence tells of money only the rooms
    concerned and staff. With `presence_to_watchers`, who comes and goes is told to those alone who watch that user.

    It is for `asgi_app`; register further handlers and namespaces on it as on any `AsyncServer`. Raises
    FrontendUrlError if `frontend_url` names no origin.
    """
    server = SocketServer(
        admission=Admission(verifier, grants),
        keeps_confidence=keeps_confidence,
        async_mode="asgi",
        cors_allowed_origins=[*allowed_origins(frontend_url), *own_origins],
        cors_credentials=True,
        transports=["websocket", "polling"],
        ping_interval=ping_interval_seconds,
        ping_timeout=ping_timeout_seconds,
        max_http_buffer_size=max_payload_bytes,
        limits=limits or Limits(),
        unread=unread or UnreadBytes(math.inf),
        places=places,
        logger=library_logger,
        engineio_logger=library_logger,
    )
    server.activity_log.watches.are_alone = presence_to_watchers
    activity = Activity(server, presence_grace_seconds=presence_grace_seconds)
    register_handlers(server, activity)
    return server


def asgi_app(server: SocketServer, beside: Any) -> Any:
    """The socket server as an ASGI application at `/socket.io`, with another application beside it."""
    return socketio.ASGIApp(server, other_asgi_app=beside)
