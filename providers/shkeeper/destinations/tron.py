"""Tron addresses: Base58 with a checksum, of the byte 0x41 and an account."""

import re

from providers.accounts import is_nobodys_account
from providers.shkeeper.destinations.family import Family, MistypedError, NotOfFamilyError
from providers.shkeeper.texts import base58

__all__ = ["TRON"]

PREFIX = b"\x41"
_HEXADECIMAL = re.compile("(?:0[xX])*(41[0-9a-fA-F]{40})")
ACCOUNT_BYTES = 20
_TOKENS = {"TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t": "USDT", "TEkxiTehnzSmSe2XqrBj4w32RUN966rdz8": "USDC"}
_BLACK_HOLE = "TLsV52sRDL79HXGGm9yzwKibb6BeruhUzy"


def _read(address: str, test_network: bool) -> str:
    """An account is the same on the test networks."""
    try:
        content = base58.decode_checked(address)
    except base58.Base58Error:
        raise MistypedError() from None
    if len(content) != 1 + ACCOUNT_BYTES or not content.startswith(PREFIX):
        raise NotOfFamilyError("this is none")
    return address


def _objection(address: str) -> str | None:
    if address in _TOKENS:
        return f"this is the contract of the token {_TOKENS[address]}, which gives nothing back"
    if address == _BLACK_HOLE or is_nobodys_account(base58.decode_checked(address)[1:]):
        return "this is an address that nobody has the key of: what is sent there is lost"
    return None


def _usual(address: str) -> str:
    """In Base58, where Tron's own nodes write hexadecimal digits."""
    found = _HEXADECIMAL.fullmatch(address)
    return address if found is None else base58.encode_checked(bytes.fromhex(found[1]))


TRON = Family(
    described="a Tron address",
    form="T and 33 more characters",
    characters=frozenset(base58.BITCOINS),
    longest=34,
    read=_read,
    objection=_objection,
    usual=_usual,
)
