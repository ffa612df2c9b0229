"""Monero addresses: a Base58 of its own, which writes eight bytes at a time, with the checksum of Keccak.

No library: `monero` has had no release since 2022, and brings an HTTP client and a proxy.
"""

from providers.shkeeper.destinations.family import Family, MistypedError, NotOfFamilyError
from providers.shkeeper.texts import base58

__all__ = ["MONERO"]

LENGTHS = (95, 106)
BLOCK_BYTES, BLOCK_CHARACTERS = 8, 11
# How many bytes so many characters are; what is not here is no block.
BLOCK_SIZES = {2: 1, 3: 2, 5: 3, 6: 4, 7: 5, 9: 6, 10: 7, 11: 8}
CHECKSUM_BYTES = 4
KEYS_BYTES, PAYMENT_ID_BYTES = 64, 8
# A standard address, a subaddress, and an integrated one, which names the payment as well.
MAIN = {18: KEYS_BYTES, 42: KEYS_BYTES, 19: KEYS_BYTES + PAYMENT_ID_BYTES}
STAGENET = {24: KEYS_BYTES, 36: KEYS_BYTES, 25: KEYS_BYTES + PAYMENT_ID_BYTES}
TESTNET = {53: KEYS_BYTES, 63: KEYS_BYTES, 54: KEYS_BYTES + PAYMENT_ID_BYTES}


def _read(address: str, test_network: bool) -> str:
    if len(address) not in LENGTHS:
        raise NotOfFamilyError(f"this has {len(address)} characters")
    blocks = [address[place : place + BLOCK_CHARACTERS] for place in range(0, len(address), BLOCK_CHARACTERS)]
    whole = b"".join(_block(block) for block in blocks)
    content, checksum = whole[:-CHECKSUM_BYTES], whole[-CHECKSUM_BYTES:]
    if checksum != _keccak(content)[:CHECKSUM_BYTES]:
        raise MistypedError()
    kinds = STAGENET | TESTNET if test_network else MAIN
    if kinds.get(content[0]) != len(content) - 1:
        raise NotOfFamilyError("this is none")
    return address


def _block(characters: str) -> bytes:
    number = int.from_bytes(base58.decode(characters), "big")
    try:
        return number.to_bytes(BLOCK_SIZES[len(characters)], "big")
    except OverflowError:
        raise MistypedError() from None


def _keccak(content: bytes) -> bytes:
    # It comes with the first address, as the checksum of Ethereum's does.
    from eth_utils.crypto import keccak

    return keccak(content)


MONERO = Family(
    described="a Monero address",
    form="95 characters that begin with 4 or 8, or 106 that begin with 4",
    characters=frozenset(base58.BITCOINS),
    longest=max(LENGTHS),
    read=_read,
)
