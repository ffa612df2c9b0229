"""What all of SHKeeper's messages have in common: how it writes codes, dates and objects."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError

from coordinator.errors import BridgeError
from coordinator.ids import Id, StoredId, require_seen
from coordinator.json_text import PARTS_LIMIT, NotJsonError, json_in, refuse_constant

__all__ = [
    "HASH",
    "Address",
    "Code",
    "ExternalId",
    "GivenId",
    "Hash",
    "Moment",
    "StoredHash",
    "TransactionId",
    "UnreadableError",
    "Wire",
    "Words",
    "faults",
    "read_object",
]

# A field's name is shown in a message up to this length: longer than any of SHKeeper's.
SHOWN_NAME_CHARACTERS = 40
# Of hexadecimal digits, Base58, or the base64 of TON.
HASH = "[0-9A-Za-z+/=_-]{1,200}"
_HASH, _AGAIN = re.compile(HASH), re.compile(r"^0[xX](?:\s+|0[xX])+")
_DATE_EXPECTED = "a date is text such as 2024-06-25 15:45:38"


class UnreadableError(BridgeError):
    """What came is not what SHKeeper writes. The message shows none of its values."""


def _text_of_number(value: object) -> object:
    """`external_id` may have been given to SHKeeper as a number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _utc(value: object) -> object:
    """SHKeeper writes `2024-06-25 15:45:38`, with or without a fraction, in UTC but without saying so."""
    if not isinstance(value, str):
        raise ValueError(_DATE_EXPECTED)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        # The original message would repeat the value, at any length.
        raise ValueError(_DATE_EXPECTED) from None
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:  # an offset can push the first and last days of the calendar out of it
        return moment.replace(tzinfo=UTC)  # it cannot be right in any zone


def _without_blanks(value: object) -> object:
    """Before it is looked at: the end of a line is no more of a hash than a blank is."""
    return value.strip() if isinstance(value, str) else value


def _hash(value: str) -> str:
    """With one `0x` before it at most: in other clothes it is the same transaction."""
    bare = _AGAIN.sub("0x", value)
    if _HASH.fullmatch(bare) is None:
        raise ValueError("a transaction's hash has letters and digits alone")
    return bare


Code = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
Words = Annotated[str, StringConstraints(max_length=1_000_000)]
"""Text that can be written down: that it is measured has pydantic look for half characters (lone surrogates)."""
Address = Annotated[str, StringConstraints(max_length=1_000), AfterValidator(require_seen)]
"""Where something is paid: longest are invoices of Lightning, of some hundred characters."""
GivenId = Annotated[Id, BeforeValidator(_text_of_number)]
"""An id in what SHKeeper sends."""
ExternalId = Annotated[StoredId, BeforeValidator(_text_of_number)]
"""An id in SHKeeper's books, which may hold what is refused where it is sent: one must not make others unreadable."""
Hash = Annotated[Id, BeforeValidator(_without_blanks)]
"""What a payout's transaction is called, by whatever chain."""
StoredHash = Annotated[StoredId, BeforeValidator(_without_blanks)]
"""The same in SHKeeper's books."""
TransactionId = Annotated[Hash, AfterValidator(_hash)]
"""A transaction's hash, as its chain writes it."""
Moment = Annotated[datetime, BeforeValidator(_utc)]


class Wire(BaseModel):
    """A message, or a part of one. Fields that are not used may be there or not."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


def read_object(body: bytes, *, parts_limit: int = PARTS_LIMIT) -> dict[str, Any]:
    """The one JSON object that a body is. Raises UnreadableError."""
    try:
        content = json_in(body, _DECODER, parts_limit=parts_limit)
    except NotJsonError as error:
        raise UnreadableError(str(error)) from None
    if not isinstance(content, dict):
        raise UnreadableError("is not a JSON object")
    return content


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuses a field that is there twice: to guess which of two amounts counts is not the bridge's business."""
    content = dict(members)
    if len(content) == len(members):
        return content
    names: set[str] = set()
    for name, _ in members:
        if name in names:
            break
        names.add(name)
    raise UnreadableError(f"has the field {name[:SHOWN_NAME_CHARACTERS]!a} twice in one object")


# Amounts are text; those that are numbers after all keep every digit.
_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=refuse_constant, object_pairs_hook=_object)


def faults(error: ValidationError) -> str:
    """Which fields are wrong and why, without their values."""
    return "; ".join(
        f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors(include_url=False, include_input=False, include_context=False)[:5]
    )
