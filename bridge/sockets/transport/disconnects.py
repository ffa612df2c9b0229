"""Why the bridge closes connections: every reason there is, with the code that the client is told. No I/O.

The code and the reason stand in the frame that closes a WebSocket, and the stock client hands them to whoever asks
(`docs/reference.md`). It comes back by itself from all of them. Whoever comes back as they are from those below 4500
does well; from 4500 on, and from some of RFC 6455 (section 7.4.1), they have to do something else first. A code is
never given another meaning.
"""

from enum import Enum

from engineio import AsyncServer

__all__ = ["FIRST_OF_OUR_OWN", "Disconnect"]

FIRST_OF_OUR_OWN = 4000
"""The codes from here on RFC 6455 leaves to whoever speaks over a WebSocket."""
FIRST_OF_FAULTS = 4500

_PING_TIMEOUT, _CLOSE, _ERROR, _SERVER = (
    AsyncServer.reason.PING_TIMEOUT,
    AsyncServer.reason.TRANSPORT_CLOSE,
    AsyncServer.reason.TRANSPORT_ERROR,
    AsyncServer.reason.SERVER_DISCONNECT,
)


class Disconnect(Enum):
    """A reason: its code, the word for it in frames and figures, why for the log, and what handlers are told."""

    PROTOCOL_ERROR = 1002, "protocol error", "it sent what is no frame of a WebSocket", _ERROR
    NO_TEXT = 1007, "no text", "it sent as text what is none", _ERROR
    TOO_LARGE = 1009, "too large", "it sent a message of more than it may", _ERROR
    FAILED = 1011, "failed", "what it sent could not be handled", _CLOSE
    RESTARTING = 1012, "restarting", "the bridge stops", _CLOSE

    PING_TIMEOUT = 4000, "ping timeout", "it did not answer a ping", _PING_TIMEOUT
    BACKLOG = 4001, "backlog", "it does not read what it is sent", _ERROR
    MADE_ROOM = 4002, "made room", "it does not read, or send on, and takes too much", _ERROR
    TAKEN_OVER = 4003, "taken over", "its session was taken up by another connection", _ERROR
    CHANGED_MEANWHILE = 4004, "changed meanwhile", "what it missed changed while it was put together", _CLOSE
    POLL_LOST = 4005, "poll lost", "the answer to its poll was lost", _ERROR
    POLL_BROKE_OFF = 4006, "poll broke off", "the connection of its poll has gone", _CLOSE
    UNAVAILABLE = 4007, "unavailable", "what it missed cannot be looked up at the moment", _CLOSE
    DISCONNECTED = 4008, "disconnected", "somebody has its user, or it alone, disconnected", _SERVER

    NEVER_CONNECTED = 4500, "never connected", "it has not asked for a connection", _CLOSE
    NO_PACKET = 4501, "no packet", "it sent what clients do not send", _ERROR
    POLLED_TWICE = 4502, "polled twice", "it polled while it was polling", _ERROR
    TOKEN_EXPIRED = 4503, "token expired", "its token has expired", _SERVER
    KEY_WITHDRAWN = 4504, "key withdrawn", "the key of its token is not accepted any more", _SERVER
    TOKEN_REVOKED = 4505, "token revoked", "its token has been revoked", _SERVER

    def __init__(self, code: int, reason: str, why: str, engine_reason: str) -> None:
        self.code = code
        self.reason = reason
        self.why = why
        self.engine_reason = engine_reason

    @property
    def comes_back(self) -> bool:
        """Whether it is of use that the client comes back as it is."""
        return self.code < FIRST_OF_FAULTS and self not in _FAULTS_OF_WEB_SOCKETS


_FAULTS_OF_WEB_SOCKETS = {Disconnect.PROTOCOL_ERROR, Disconnect.NO_TEXT, Disconnect.TOO_LARGE}
