"""The shape of every acknowledgement a client gets. It must never carry the inside of an exception."""

from typing import Any, Literal

__all__ = ["ErrorCode", "failure", "success"]

ErrorCode = Literal[
    "bad_argument",
    "not_allowed",
    "too_many",
    "unknown_event",
    "internal",
    "unavailable",
    "token_missing",
    "token_expired",
    "token_invalid",
    "token_revoked",
]
"""Why something was not done: wrong argument; not granted by the token; more than one client may have; no such event;
the server's own fault; what it needs to know cannot be asked at the moment; a new token that is not accepted."""


def success(**fields: Any) -> dict[str, Any]:
    """`{"ok": true, …}`: what was asked for is done."""
    return {"ok": True, **fields}


def failure(code: ErrorCode, message: str) -> dict[str, Any]:
    """`{"ok": false, "error": …}`: a code for programs, a message for people."""
    return {"ok": False, "error": {"code": code, "message": message}}
