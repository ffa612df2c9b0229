"""Numbers and hashes as nodes write them, within what a chain can have: an endpoint may answer with a number of a
million digits, which Python reads and then cannot write down."""

import re
from typing import Any

__all__ = ["hash_in", "quantity"]

# The widest number of a chain has 256 bits; some nodes fill up with zeros.
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")
_HASH = re.compile(r"0x[0-9a-fA-F]{1,64}")


def quantity(value: Any) -> int:
    """A number. Raises ValueError."""
    if not isinstance(value, str) or _QUANTITY.fullmatch(value) is None:
        raise ValueError("a number is none")
    return int(value, 16)


def hash_in(value: Any) -> str:
    """The hash of a block or a transaction. Raises ValueError."""
    if not isinstance(value, str) or _HASH.fullmatch(value) is None:
        raise ValueError("a hash is none")
    return value
