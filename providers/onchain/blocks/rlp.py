"""RLP, in which chains write down what they hash: headers of blocks, and what a new contract's address is made of.
Pure.
"""

from collections.abc import Iterable

__all__ = ["list_of", "whole_number"]


def list_of(items: Iterable[bytes]) -> bytes:
    """Bytes, one after the other, as a list."""
    content = b"".join(map(_item, items))
    return _prefix(0xC0, len(content)) + content


def whole_number(number: int) -> bytes:
    """A number in as few bytes as it takes: 0 in none."""
    return number.to_bytes((number.bit_length() + 7) // 8)


def _item(content: bytes) -> bytes:
    if len(content) == 1 and content[0] < 0x80:
        return content
    return _prefix(0x80, len(content)) + content


def _prefix(kind: int, length: int) -> bytes:
    if length < 56:
        return bytes([kind + length])
    size = whole_number(length)
    return bytes([kind + 55 + len(size)]) + size
