"""The proof of a session: the `pid` that a client is given, and brings when it comes back. Nobody else can make one,
and it is of no use to anybody but whom it was given."""

import hmac
from typing import NamedTuple

from bridge.access import Principal

__all__ = ["Proven", "pid_of", "proven_by"]

LENGTH_LIMIT = 200


class Proven(NamedTuple):
    """What is true of a session because the bridge has signed it."""

    sid: str
    began_at: str
    """The offset of the newest event when it began."""


def pid_of(key: bytes, sid: str, began_at: str, principal: Principal) -> str:
    """The proof of a session that began after an event, which is given by its offset."""
    proof = hmac.digest(key, f"{sid}.{began_at}.{principal.name}".encode(), "sha256")
    return f"{sid}.{began_at}.{proof.hex()[:32]}"


def proven_by(key: bytes, pid: object, principal: Principal) -> Proven | None:
    """What a `pid` proves; None if it is none, or another principal's."""
    if not isinstance(pid, str) or not pid.isascii() or len(pid) > LENGTH_LIMIT:
        return None
    sid, _, rest = pid.partition(".")
    began_at, _, _ = rest.rpartition(".")
    is_genuine = hmac.compare_digest(pid_of(key, sid, began_at, principal), pid)
    return Proven(sid, began_at) if is_genuine else None
