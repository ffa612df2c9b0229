"""Addresses: when two of them are one and the same, and when one is made to be taken for another. Pure."""

import re
from collections.abc import Collection
from itertools import takewhile

__all__ = ["address_key", "is_among", "resembled"]

_EVM = re.compile(r"0[xX][0-9a-fA-F]{40}")
# Bech32 in all its uses: Bitcoin's and Litecoin's addresses, Lightning's invoices. It is written in one case or the
# other, never in both.
_BECH32 = re.compile(r"[a-z]{2,83}1[02-9ac-hj-np-z]{6,}")
# What every address of its kind begins with, and eyes pass over.
_HEAD = re.compile(r"0x|[a-z]{2,4}1[qp]")
# Who has another address made that resembles one takes care of the ends, which is what people compare: seven
# characters take some hours on one machine, and are never found alike by chance.
RESEMBLING_CHARACTERS, RESEMBLING_AT_EACH_END = 7, 3


def address_key(address: str) -> str:
    """Equal for two ways to write one address. Of an EVM address the letters' case is a checksum, and bech32 is the
    same in capitals; in base58 another case is another address."""
    if _EVM.fullmatch(address):
        return address.lower()
    if (address.islower() or address.isupper()) and _BECH32.fullmatch(address.lower()):
        return address.lower()
    return address


def is_among(address: str, addresses: Collection[str]) -> bool:
    """Whether an address is one of some, however they are written."""
    return address in addresses or address_key(address) in map(address_key, addresses)


def resembled(address: str, addresses: Collection[str]) -> str | None:
    """Which of some other addresses this one may be taken for, since it begins and ends alike; None if none. (Address
    poisoning: dust is sent from such an address, to be copied from a list of transfers.)"""
    key = address_key(address)
    others = (other for other in addresses if address_key(other) != key)
    return next((other for other in others if _look_alike(_body(key), _body(address_key(other)))), None)


def _body(key: str) -> str:
    head = _HEAD.match(key)
    return key if head is None else key[head.end() :]


def _look_alike(one: str, other: str) -> bool:
    in_front, behind = _in_common(one, other), _in_common(one[::-1], other[::-1])
    return min(in_front, behind) >= RESEMBLING_AT_EACH_END and in_front + behind >= RESEMBLING_CHARACTERS


def _in_common(one: str, other: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
