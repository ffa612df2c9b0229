"""Addresses: when two of them are the same, and when one was made to be mistaken for another. Pure."""

import re
from collections.abc import Collection
from itertools import takewhile

__all__ = ["address_key", "is_among", "is_paid_once", "resembled"]

_EVM = re.compile(r"0[xX][0-9a-fA-F]{40}")
# Bech32 in all its uses: Bitcoin's and Litecoin's addresses, Lightning's invoices. It is written in one case or the
# other, never in both.
_BECH32 = re.compile(r"(?:[a-z]{2,83}|ln[a-z]{2,8}[1-9][0-9]*[munp]?)1[02-9ac-hj-np-z]{6,}")
_INVOICE = re.compile(r"ln(?:bc|tb|bcrt|tbs)[0-9]*[munp]?1[02-9ac-hj-np-z]{100,}")
# What every address of its kind begins with, and people skip.
_HEAD = re.compile(r"0x|[a-z]{2,4}1[qp]")
# Whoever has a similar address made matches its ends, which are what people compare: seven characters take some hours
# on one machine, and never match by chance.
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
    """Whether an address is among some others, however they are written."""
    return address in addresses or address_key(address) in map(address_key, addresses)


def is_paid_once(address: str) -> bool:
    """Whether it is an invoice of Lightning: the next time there is another one."""
    return _INVOICE.fullmatch(address_key(address)) is not None


def resembled(address: str, addresses: Collection[str]) -> str | None:
    """Which other address this one may be mistaken for, because it begins and ends like it; None if none. (Address
    poisoning: dust is sent from such an address, so that somebody copies it from a list of transfers.)
    Invoices of Lightning begin alike by themselves, and nobody takes one for another."""
    if is_paid_once(address):
        return None
    key = address_key(address)
    # In an order of their own: of several it is always the same.
    others = (other for other in sorted(addresses) if address_key(other) != key)
    return next((other for other in others if _look_alike(_body(key), _body(address_key(other)))), None)


def _body(key: str) -> str:
    head = _HEAD.match(key)
    return key if head is None else key[head.end() :]


def _look_alike(one: str, other: str) -> bool:
    in_front, behind = _in_common(one, other), _in_common(one[::-1], other[::-1])
    return min(in_front, behind) >= RESEMBLING_AT_EACH_END and in_front + behind >= RESEMBLING_CHARACTERS


def _in_common(one: str, other: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
