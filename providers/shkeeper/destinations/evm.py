"""EVM addresses: Ethereum's, and those of all chains made after it."""

import re
import string

from providers.accounts import why_nobody_sends_from
from providers.shkeeper.destinations.family import Family, MistypedError, NotOfFamilyError

__all__ = ["EVM"]

_FORM = re.compile("0x[0-9a-fA-F]{40}")
_DIGITS = re.compile("(?:0[xX])*([0-9a-fA-F]{40})")


def _read(address: str, test_network: bool) -> str:
    """An account is the same on every chain, and on its test networks."""
    if not _FORM.fullmatch(address):
        raise NotOfFamilyError(f"this has {len(address)} characters, or not these")
    digits = address[2:]
    right = _with_checksum(address)
    if digits not in (digits.lower(), digits.upper()) and address != right:
        raise MistypedError("its capitals do not fit its digits (EIP-55); is a character mistyped?")
    return right


def _usual(address: str) -> str:
    """With one `0x` before it."""
    found = _DIGITS.fullmatch(address)
    return address if found is None else f"0x{found[1]}"


def _with_checksum(address: str) -> str:
    # It comes with the first address: two hundred milliseconds that a bridge without payouts does without.
    from eth_utils.address import to_checksum_address

    return to_checksum_address(address)


EVM = Family(
    described="an Ethereum address",
    form="0x and 40 hexadecimal digits",
    characters=frozenset(string.hexdigits + "x"),
    longest=42,
    read=_read,
    objection=why_nobody_sends_from,
    usual=_usual,
)
