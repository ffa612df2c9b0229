"""The shape of every acknowledgement a client gets. It must never carry the inside of an exception."""

from typing import Any

__all__ = ["failure", "success"]


def success(**fields: Any) -> dict[str, Any]:
    """`{"ok": true, …}`: what was asked for is done."""
    return {"ok": True, **fields}


def failure(code: str, message: str) -> dict[str, Any]:
    """`{"ok": false, "error": …}`: a code for programs, a message for people."""
    return {"ok": False, "error": {"code": code, "message": message}}
