"""Bech32 texts (BIP 173) and Bech32m texts (BIP 350): a prefix, groups of five bits, and a checksum that finds any
four characters that are mistyped.

Own code, written from the two specifications and tested with their vectors: the reference package `bech32` has had no
release since 2020 and does not know Bech32m.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

__all__ = [
    "CHARACTERS",
    "LONGEST_ADDRESS",
    "Bech32Error",
    "Bech32Text",
    "Checksum",
    "as_bytes",
    "as_groups",
    "decode",
    "encode",
]

CHARACTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
LONGEST_ADDRESS = 90
"""The limit of BIP 173. What is longer (a Lightning invoice) has a weaker checksum."""
CHECKSUM_GROUPS = 6
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_PRINTABLE = range(33, 127)


class Bech32Error(ValueError):
    """The text is not Bech32, or its checksum does not hold; the message says which."""


class Checksum(Enum):
    """What the checksum of a text comes to, which tells the two encodings apart."""

    BECH32 = 1
    BECH32M = 0x2BC830A3


@dataclass(frozen=True, slots=True)
class Bech32Text:
    """What a text says."""

    prefix: str
    groups: tuple[int, ...]
    """Of five bits each, without the checksum."""
    checksum: Checksum


def decode(text: str, longest: int = LONGEST_ADDRESS) -> Bech32Text:
    """Reads a text, all in small letters or all in capitals."""
    if len(text) > longest:
        raise Bech32Error(f"it is longer than {longest} characters")
    if any(ord(character) not in _PRINTABLE for character in text):
        raise Bech32Error("it has a character that cannot be in one")
    if text not in (text.lower(), text.upper()):
        raise Bech32Error("it mixes small letters and capitals")
    prefix, separator, data = text.lower().rpartition("1")
    if not separator or not prefix:
        raise Bech32Error("it has no prefix that ends with a 1")
    groups = [CHARACTERS.find(character) for character in data]
    if -1 in groups:
        raise Bech32Error("it has a character that cannot be in one")
    if len(groups) < CHECKSUM_GROUPS:
        raise Bech32Error("it is too short")
    remainder = _remainder([*_expanded(prefix), *groups])
    if remainder not in (checksum.value for checksum in Checksum):
        raise Bech32Error("its checksum does not hold; is a character mistyped?")
    return Bech32Text(prefix, tuple(groups[:-CHECKSUM_GROUPS]), Checksum(remainder))


def encode(prefix: str, groups: Sequence[int], checksum: Checksum) -> str:
    remainder = _remainder([*_expanded(prefix), *groups, *[0] * CHECKSUM_GROUPS]) ^ checksum.value
    added = [remainder >> 5 * (CHECKSUM_GROUPS - 1 - number) & 31 for number in range(CHECKSUM_GROUPS)]
    return prefix + "1" + "".join(CHARACTERS[group] for group in [*groups, *added])


def as_bytes(groups: Sequence[int]) -> bytes:
    """The bytes that fill groups of five bits, up to less than a group of zeros at their end."""
    number = 0
    for group in groups:
        number = number << 5 | group
    rest = len(groups) * 5 % 8
    if rest >= 5 or number & (1 << rest) - 1:
        raise Bech32Error("its last bits are not as they should be")
    return (number >> rest).to_bytes(len(groups) * 5 // 8, "big")


def as_groups(content: bytes) -> list[int]:
    """Bytes in groups of five bits, the last one filled with zeros."""
    count = -(-len(content) * 8 // 5)
    number = int.from_bytes(content, "big") << count * 5 - len(content) * 8
    return [number >> 5 * (count - 1 - place) & 31 for place in range(count)]


def _expanded(prefix: str) -> list[int]:
    codes = [ord(character) for character in prefix]
    return [*(code >> 5 for code in codes), 0, *(code & 31 for code in codes)]


def _remainder(groups: Iterable[int]) -> int:
    """What is left of the groups, as a polynomial, after division by that of BIP 173."""
    remainder = 1
    for group in groups:
        top = remainder >> 25
        remainder = (remainder & 0x1FFFFFF) << 5 ^ group
        for bit, term in enumerate(_GENERATOR):
            remainder ^= term if top >> bit & 1 else 0
    return remainder
