"""Addresses of EVM accounts, written with the checksum of EIP-55.

eth_utils comes with the first address, so that a bridge which follows no chain does without it.
"""

import functools

__all__ = ["has_good_checksum", "with_checksum"]

# Each log names a contract, and is read twice at least; a hash takes longer than all else in reading one.
REMEMBERED_LIMIT = 4_096


@functools.lru_cache(REMEMBERED_LIMIT)
def with_checksum(address: str) -> str:
    """The address, its letters large or small as EIP-55 has them."""
    from eth_utils.address import to_checksum_address

    return to_checksum_address(address)


def has_good_checksum(address: str) -> bool:
    from eth_utils.address import is_checksum_address

    return is_checksum_address(address)
