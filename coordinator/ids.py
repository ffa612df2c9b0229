"""Ids: opaque text of somebody else's choice, within limits that keep logs, tables, terminals and memory safe."""

import hashlib
import json
import re
import secrets
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

__all__ = [
    "ID_LIMIT_CHARACTERS",
    "NO_UNSEEN",
    "UNSEEN",
    "Id",
    "NewId",
    "StoredId",
    "derived_id",
    "is_id",
    "new_id",
    "require_seen",
]

# Far above any UUID or hash; an id in a room name lives in memory for as long as its client.
ID_LIMIT_CHARACTERS = 200

# Nothing that ends a line, moves a cursor, turns the direction of what stands around it, or makes two ids of what
# looks like one; and something besides blanks.
UNSEEN = (
    r"\x00-\x1f\x7f-\x9f"  # controls
    r"\u2028-\u202e"  # separators of lines and paragraphs, and controls of bidirectional text
    r"\u061c\u200b-\u200f\u2060-\u206f\ufeff"  # its marks; what joins, parts or begins, of no width
    r"\xad\u034f\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f"  # what chooses or hides a form
    r"\u115f\u1160\u2800\u3164\uffa0"  # fillers
    r"\ue000-\uf8ff\ufdd0-\ufdef\ufff0-\uffff"  # private use; what is no character, or stands for one that is lost
    # The same beyond the first plane, as they are: regular expressions have no common way to write them.
    "\U00013430-\U0001343f\U00016fe4\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0xF0000, 0x10000))
    + "\U000f0000-\U0010ffff"
)
"""What cannot be seen, as a part of a class of characters in a regular expression; in JavaScript with the flag `u`,
as JSON Schema has it."""
NO_UNSEEN = (
    "without control characters, line separators, characters that have no width, fill a place or are shown as no"
    " font knows what, and marks of the direction of text"
)
"""The same in words."""
_BLANKS = r"\x20\xa0\u1680\u2000-\u200a\u202f\u205f\u3000"
_TEXT, _VISIBLE = rf"[^{UNSEEN}]", rf"[^{UNSEEN}{_BLANKS}]"
_PATTERN = rf"{_TEXT}*{_VISIBLE}{_TEXT}*"
_BARE_PATTERN = rf"{_VISIBLE}(?:{_TEXT}*{_VISIBLE})?"
_WHOLE, _UNSEEN = re.compile(_PATTERN), re.compile(f"[{UNSEEN}]")
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
# As it was once; some of what is refused now was taken then.
_STORED_PATTERN = r"^[^\x00-\x1f\x7f-\x9f]*[^\x00-\x20\x7f-\xa0][^\x00-\x1f\x7f-\x9f]*$"
_EXPECTED = f"expected an id {NO_UNSEEN}, and not of blanks alone"

# 96 bits, as many as those of the others.
DERIVED_DIGITS = 24


def _all_seen(value: str) -> bool:
    """Whether all characters are of ASCII and can be seen, as those of nearly all ids and addresses."""
    return value.isascii() and value.isprintable()


def _plain(value: str) -> str:
    # Pydantic refuses lone surrogates by itself.
    if not (_all_seen(value) and value.strip()) and _WHOLE.fullmatch(value) is None:
        raise ValueError(_EXPECTED)
    return value


def _bare(value: str) -> str:
    if value != value.strip():
        raise ValueError("expected an id without blanks at its beginning and its end")
    return value


Id = Annotated[
    str,
    StringConstraints(min_length=1, max_length=ID_LIMIT_CHARACTERS),
    AfterValidator(_plain),
    Field(json_schema_extra={"pattern": f"^{_PATTERN}$"}),
]
"""An id as somebody gives it."""

NewId = Annotated[Id, AfterValidator(_bare), Field(json_schema_extra={"pattern": f"^{_BARE_PATTERN}$"})]
"""An id under which somebody registers something. One that ends in a blank looks like the one that does not, and
would be another buyer, seller or request."""

StoredId = Annotated[str, StringConstraints(min_length=1, max_length=ID_LIMIT_CHARACTERS, pattern=_STORED_PATTERN)]
"""An id that was taken when it was given: what is in the journal stays readable, whatever is refused by now."""


def require_seen(value: str) -> str:
    """Returns a text that is no id, such as an address. Raises ValueError if something in it cannot be seen."""
    if not _all_seen(value) and _UNSEEN.search(value) is not None:
        raise ValueError(f"expected text {NO_UNSEEN}")
    return value


def is_id(value: object) -> bool:
    """Whether a value that came over a wire can be an id."""
    return (
        isinstance(value, str)
        and len(value) <= ID_LIMIT_CHARACTERS
        and _WHOLE.fullmatch(value) is not None
        and _LONE_SURROGATE.search(value) is None
    )


def new_id(kind: str, now: datetime) -> str:
    """An id of the bridge's own, such as `pay_65f1c0ffee0123456789abcdef`: when it was made, to 1/256 of a second, so
    that what comes together lies together in the database's indexes, and 64 bits that nobody can guess."""
    return f"{kind}_{int(now.timestamp() * 256):010x}{secrets.token_hex(8)}"


def derived_id(kind: str, *parts: str | int) -> str:
    """An id that follows from what it is for: whoever wants the same thing again, from an older copy of the database
    too, comes to the same id."""
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    return f"{kind}_{digest[:DERIVED_DIGITS]}"
