"""Base58 texts: bytes in the 58 letters and digits that nobody takes for one another, plain or with a checksum.

Own code, since it is thirty lines: the package `base58` has had no release since 2021, its successors are a month
old, and a chain's own library that has it brings dozens of modules. What the bytes mean is the chain's own matter.
"""

import hashlib

__all__ = ["BITCOINS", "RIPPLES", "Base58Error", "decode", "decode_checked", "encode", "encode_checked"]

BITCOINS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
RIPPLES = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
"""The alphabet of the XRP ledger, which begins with an r for zero."""
CHECKSUM_BYTES = 4


class Base58Error(ValueError):
    """The text is not Base58, or its checksum does not hold."""


def decode(text: str, alphabet: str = BITCOINS) -> bytes:
    """The bytes of a text. Its length is the caller's to limit: the work grows with its square."""
    number = 0
    for character in text:
        digit = alphabet.find(character)
        if digit < 0:
            raise Base58Error("a character is none of Base58's")
        number = number * 58 + digit
    zeros = len(text) - len(text.lstrip(alphabet[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def encode(content: bytes, alphabet: str = BITCOINS) -> str:
    number = int.from_bytes(content, "big")
    digits = []
    while number:
        number, digit = divmod(number, 58)
        digits.append(alphabet[digit])
    zeros = len(content) - len(content.lstrip(b"\x00"))
    return alphabet[0] * zeros + "".join(reversed(digits))


def decode_checked(text: str, alphabet: str = BITCOINS) -> bytes:
    """The bytes of a text without the checksum at their end."""
    whole = decode(text, alphabet)
    content, checksum = whole[:-CHECKSUM_BYTES], whole[-CHECKSUM_BYTES:]
    if len(whole) <= CHECKSUM_BYTES or checksum != _checksum(content):
        raise Base58Error("the checksum does not hold")
    return content


def encode_checked(content: bytes, alphabet: str = BITCOINS) -> str:
    return encode(content + _checksum(content), alphabet)


def _checksum(content: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(content).digest()).digest()[:CHECKSUM_BYTES]
