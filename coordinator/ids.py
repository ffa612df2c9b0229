"""Ids: opaque text of somebody else's choice, within limits that keep logs, tables, terminals and memory safe."""

import hashlib
import json
import re
import secrets
from datetime import datetime
from typing import Annotated

from pydantic import StringConstraints

__all__ = ["ID_LIMIT_CHARACTERS", "Id", "derived_id", "is_id", "new_id"]

# Far above any UUID or hash; an id in a room name lives in memory for as long as its client.
ID_LIMIT_CHARACTERS = 200

# No control characters anywhere, and something besides blanks. Pydantic refuses lone surrogates by itself.
_TEXT = r"[^\x00-\x1f\x7f-\x9f]"
_VISIBLE = r"[^\x00-\x20\x7f-\xa0]"
_PATTERN = rf"^{_TEXT}*{_VISIBLE}{_TEXT}*$"
_WHOLE = re.compile(rf"{_TEXT}*{_VISIBLE}{_TEXT}*")
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")

# 96 bits, as many as those of the others.
DERIVED_DIGITS = 24

Id = Annotated[str, StringConstraints(min_length=1, max_length=ID_LIMIT_CHARACTERS, pattern=_PATTERN)]


def is_id(value: object) -> bool:
    """Whether a value that came over a wire can be an id."""
    return (
        isinstance(value, str)
        and len(value) <= ID_LIMIT_CHARACTERS
        and _WHOLE.fullmatch(value) is not None
        and _LONE_SURROGATE.search(value) is None
    )


def new_id(kind: str, now: datetime) -> str:
    """An id of the bridge's own, such as `pay_65f1c0ffee0123456789abcd`: the second in which it was made, so that
    what comes together lies together in the database's indexes, and 64 bits that nobody can guess."""
    return f"{kind}_{int(now.timestamp()):08x}{secrets.token_hex(8)}"


def derived_id(kind: str, *parts: str | int) -> str:
    """An id that follows from what it is for: whoever wants the same thing again, from an older copy of the database
    too, comes to the same id."""
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    return f"{kind}_{digest[:DERIVED_DIGITS]}"
