"""Addresses: when two of them are one and the same. Pure."""

import re
from collections.abc import Collection

__all__ = ["address_key", "is_among"]

_EVM = re.compile(r"0[xX][0-9a-fA-F]{40}")
# Bech32 in all its uses: Bitcoin's and Litecoin's addresses, Lightning's invoices. It is written in one case or the
# other, never in both.
_BECH32 = re.compile(r"[a-z]{2,83}1[02-9ac-hj-np-z]{6,}")


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
