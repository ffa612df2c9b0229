"""A block's bloom filter of its logs (Ethereum's yellow paper, 4.3.1): what is not in it is not in the block."""

import functools
import re

from eth_utils.crypto import keccak

__all__ = ["may_contain"]

_BITS = 2048
_FILTER = re.compile(r"0x[0-9a-fA-F]{1,512}")
# The same few tokens and addresses are looked for in each block.
_REMEMBERED = 4096


def may_contain(bloom: object, *entries: str) -> bool:
    """Whether a bloom filter allows for every one of these addresses and topics, all in hexadecimal. One that cannot
    be read allows for everything."""
    if not isinstance(bloom, str) or _FILTER.fullmatch(bloom) is None:
        return True
    bits = int(bloom, 16)
    return all(bits >> place & 1 for entry in entries for place in _places(entry))


@functools.lru_cache(maxsize=_REMEMBERED)
def _places(entry: str) -> tuple[int, ...]:
    digest = keccak(hexstr=entry)
    return tuple(int.from_bytes(digest[start : start + 2]) % _BITS for start in (0, 2, 4))
