"""Refusals: which requests to the engine are turned away, in the words of the reference server. No I/O.

Stricter than that server in three things: a web page of another origin is refused whatever it asks for, also in the
middle of a session; a WebSocket of another version of the protocol is refused before it is open, not after; and so is
JSONP, for which no client of this version of the protocol asks: a script has no origin.
"""

from collections.abc import Mapping
from enum import IntEnum
from http import HTTPStatus

from coordinator.compact_json import compact_json

__all__ = ["METHODS", "Code", "Refusal", "refusal_of"]

POLLING, WEBSOCKET = "polling", "websocket"
VERSION = "4"
METHODS = ("GET", "POST")
"""To poll, and to write."""


class Code(IntEnum):
    """Why a request is refused, for programs."""

    TRANSPORT_UNKNOWN = 0
    SESSION_UNKNOWN = 1
    HANDSHAKE_METHOD = 2
    BAD_REQUEST = 3
    FORBIDDEN = 4
    VERSION_UNSUPPORTED = 5


MESSAGES = {
    Code.TRANSPORT_UNKNOWN: "Transport unknown",
    Code.SESSION_UNKNOWN: "Session ID unknown",
    Code.HANDSHAKE_METHOD: "Bad handshake method",
    Code.BAD_REQUEST: "Bad request",
    Code.FORBIDDEN: "Forbidden",
    Code.VERSION_UNSUPPORTED: "Unsupported protocol version",
}


class Refusal:
    """What a request is turned away with: `message` instead of the code's own words, `status` instead of its own."""

    def __init__(self, code: Code, message: str | None = None, status: HTTPStatus | None = None) -> None:
        self.code = code
        self.message = message or MESSAGES[code]
        self.status = status or (HTTPStatus.FORBIDDEN if code == Code.FORBIDDEN else HTTPStatus.BAD_REQUEST)
        self.content = compact_json({"code": code, "message": self.message}).encode()


def refusal_of(
    query: Mapping[str, str],
    *,
    method: str,
    is_upgrade: bool,
    session_transport: str | None,
    barred_origin: str | None,
) -> Refusal | None:
    """How a request is refused; None if it is not.

    `is_upgrade`: it asks for a WebSocket. `session_transport`: what the session that it names is carried by; None if
    there is no such session. `barred_origin`: the web page's origin, if that may not connect.
    """
    transport, sid = query.get("transport"), query.get("sid")
    is_version_spoken = query.get("EIO") == VERSION
    if transport not in (POLLING, WEBSOCKET):
        return Refusal(Code.TRANSPORT_UNKNOWN)
    if sid and session_transport is None:
        return Refusal(Code.SESSION_UNKNOWN)
    if not sid and method != "GET":
        return Refusal(Code.HANDSHAKE_METHOD)
    if is_upgrade != (transport == WEBSOCKET) or (sid and not is_version_spoken):
        return Refusal(Code.BAD_REQUEST)
    if sid and not is_upgrade and session_transport != transport:
        return Refusal(Code.BAD_REQUEST)
    if barred_origin is not None:
        return Refusal(Code.FORBIDDEN, f"{barred_origin} is not an accepted origin")
    if not is_version_spoken:
        return Refusal(Code.VERSION_UNSUPPORTED)
    if "j" in query:
        return Refusal(Code.BAD_REQUEST, "JSONP is not spoken here")
    if method not in METHODS:
        return Refusal(Code.BAD_REQUEST, status=HTTPStatus.METHOD_NOT_ALLOWED)
    return None
