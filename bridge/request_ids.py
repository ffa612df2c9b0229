"""Request ids: by what a request over HTTP is known in its answer's header and in every line of the log about it."""

import os
import re
from contextvars import ContextVar

__all__ = ["REQUEST_ID", "current_request_id", "request_id"]

# What neither ends a line nor means anything to who reads logs; the ids of proxies and of traces are such.
HARMLESS = re.compile(rb"[A-Za-z0-9._:=+/@-]{1,128}")

REQUEST_ID: ContextVar[list[bytes]] = ContextVar("request_id")
"""That of the request under way, as the only one of a list, which is emptied when it is answered: what was begun
meanwhile and lives on, such as a client's connection, belongs to it no longer."""


def request_id(said: bytes | None) -> bytes:
    """What the client says, if that is one; or else one of our own."""
    if said is not None and HARMLESS.fullmatch(said):
        return said
    return os.urandom(8).hex().encode()


def current_request_id() -> str | None:
    """That of the request that this is done for."""
    return b"".join(REQUEST_ID.get(())).decode() or None
