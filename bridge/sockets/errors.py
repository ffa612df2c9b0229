"""What can go wrong around the sockets, one type for each thing a caller would handle differently."""

from coordinator.errors import BridgeError

__all__ = [
    "ClientGoneError",
    "ConnectionStateError",
    "FrontendUrlError",
    "NotAllowedError",
    "PacketError",
    "RoomNameEmptyError",
    "SessionContestedError",
    "SocketServerMissingError",
    "StoreUnavailableError",
    "TooManyError",
]


class ClientGoneError(BridgeError, ValueError):
    """A room was to be entered by a client that is not (or no longer) there; the room was not made."""


class ConnectionStateError(BridgeError, RuntimeError):
    """A connection was told of something that cannot happen where it stands: a fault of the bridge's own."""


class FrontendUrlError(BridgeError, ValueError):
    """FRONTEND_URL names no origin that a browser could come from."""


class NotAllowedError(BridgeError):
    """A client asked for what its token does not grant."""


class PacketError(BridgeError, ValueError):
    """A client sent what is no packet of Socket.IO; the message says what it sent instead."""


class RoomNameEmptyError(BridgeError, ValueError):
    """An event was addressed to a room without a name, which the library would take for everyone."""


class SocketServerMissingError(BridgeError, RuntimeError):
    """The socket server was asked for before `set_socket_server` was called."""


class StoreUnavailableError(BridgeError):
    """What is stored of sessions, or of what they missed, cannot be asked for at the moment."""


class SessionContestedError(StoreUnavailableError):
    """A session was taken from one bridge to the other too often, and the one that has it has not given it up yet."""


class TooManyError(BridgeError, ValueError):
    """A client asked for more of something than one client may have."""
