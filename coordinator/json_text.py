"""JSON of somebody else's, read so that whatever it holds is a value or one error: it may nest a hundred thousand
deep, or have a number of a million digits."""

import json
from typing import Any

from coordinator.errors import BridgeError

__all__ = ["NotJsonError", "json_in", "refuse_constant"]


class NotJsonError(BridgeError):
    """A text is no JSON, or none that can be read."""


def json_in(content: bytes | str, decoder: json.JSONDecoder | None = None) -> Any:
    """What JSON in UTF-8 says. Raises NotJsonError."""
    try:
        text = content if isinstance(content, str) else content.decode()
        return (decoder or _DECODER).decode(text)
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise NotJsonError("is not JSON in UTF-8") from None
    # NaN and an integer of thousands of digits are ValueErrors; an exponent of twenty digits is an ArithmeticError.
    except (ValueError, ArithmeticError, RecursionError, MemoryError):
        raise NotJsonError("nests too deeply, or has a number beyond all sense") from None


def refuse_constant(name: str) -> object:
    """For decoders: NaN and Infinity are no JSON, whatever Python takes for it."""
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=refuse_constant)
