"""Ids: opaque text of somebody else's choice, within limits that keep logs, tables, terminals and memory safe."""

import hashlib
import json
import re
import secrets
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

__all__ = ["ID_LIMIT_CHARACTERS", "UNSEEN", "Id", "KeptId", "derived_id", "is_id", "new_id"]

# Far above any UUID or hash; an id in a room name lives in memory for as long as its client.
ID_LIMIT_CHARACTERS = 200

# Nothing that ends a line, moves a cursor, or turns the direction of what stands around it, and something besides
# blanks: no control characters, line separators, or marks and controls of bidirectional text.
UNSEEN = r"\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
"""The same, as a part of a class of characters in a regular expression."""
_TEXT, _VISIBLE = rf"[^{UNSEEN}]", rf"[^{UNSEEN}\x20\xa0]"
_PATTERN = rf"{_TEXT}*{_VISIBLE}{_TEXT}*"
_WHOLE = re.compile(_PATTERN)
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
# As it was once; some of what is refused now was taken then.
_KEPT_PATTERN = r"^[^\x00-\x1f\x7f-\x9f]*[^\x00-\x20\x7f-\xa0][^\x00-\x1f\x7f-\x9f]*$"
_EXPECTED = (
    "expected an id without control characters, line separators and marks of the direction of text, and not of blanks"
    " alone"
)

# 96 bits, as many as those of the others.
DERIVED_DIGITS = 24


def _plain(value: str) -> str:
    # Pydantic refuses lone surrogates by itself.
    if _WHOLE.fullmatch(value) is None:
        raise ValueError(_EXPECTED)
    return value


Id = Annotated[
    str,
    StringConstraints(min_length=1, max_length=ID_LIMIT_CHARACTERS),
    AfterValidator(_plain),
    Field(json_schema_extra={"pattern": f"^{_PATTERN}$"}),
]
"""An id as somebody gives it."""

KeptId = Annotated[str, StringConstraints(min_length=1, max_length=ID_LIMIT_CHARACTERS, pattern=_KEPT_PATTERN)]
"""An id that was taken when it was given: what is in the journal stays readable, whatever is refused by now."""


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
