"""JSON of somebody else's, read so that whatever it holds is a value or one error: it may nest a hundred thousand
deep, have a number of a million digits, or a name in every ten bytes, each of which costs a hundred as an object."""

import json
from typing import Any

from coordinator.errors import BridgeError

__all__ = ["PARTS_LIMIT", "NotJsonError", "TooDeepError", "has_more_parts", "json_in", "refuse_constant"]

# Of an answer: what is known of one part of it takes a kilobyte where it is wrong.
PARTS_LIMIT = 20_000


class NotJsonError(BridgeError):
    """A text is no JSON, or none that can be read."""


class TooDeepError(NotJsonError):
    """It nests more deeply than Python reads."""


def has_more_parts(content: bytes | str, limit: int) -> bool:
    """Whether JSON has more members, items, objects and lists than that. It is not read for it: they are counted by
    what separates and opens them, and what is within quotes is left out only where that could make a difference."""
    content = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    if len(content) <= limit or _marks(content) <= limit:
        return False
    unescaped = content.replace(rb"\\", b"").replace(rb"\"", b"")
    return _marks(b"".join(unescaped.split(b'"')[::2])) > limit


def _marks(content: bytes) -> int:
    return content.count(b",") + content.count(b"{") + content.count(b"[")


def json_in(content: bytes | str, decoder: json.JSONDecoder | None = None, *, parts_limit: int = PARTS_LIMIT) -> Any:
    """What JSON in UTF-8 says. Raises NotJsonError, also for more parts than that."""
    if has_more_parts(content, parts_limit):
        raise NotJsonError(f"has more than {parts_limit} values")
    try:
        text = content if isinstance(content, str) else content.decode()
        return (decoder or _DECODER).decode(text)
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise NotJsonError("is not JSON in UTF-8") from None
    except RecursionError:
        raise TooDeepError("nests too deeply") from None
    # NaN and an integer of thousands of digits are ValueErrors; an exponent of twenty digits is an ArithmeticError.
    except (ValueError, ArithmeticError, MemoryError):
        raise NotJsonError("has a number beyond all sense, or is too large") from None


def refuse_constant(name: str) -> object:
    """For decoders: NaN and Infinity are no JSON, whatever Python takes for it."""
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=refuse_constant)
