"""Addresses of contracts that transactions create. Pure.

eth_utils comes with the first of them, so that a bridge which follows no chain does without it.
"""

from providers.onchain.addresses import with_checksum
from providers.onchain.blocks.rlp import list_of, whole_number

__all__ = ["created_by"]


def created_by(sender: str, nonce: int) -> str:
    """The address of the contract that an account makes with this of its transactions, which anybody can tell before
    it is there (the yellow paper, 7)."""
    from eth_utils.crypto import keccak

    made_of = list_of([bytes.fromhex(sender.removeprefix("0x")), whole_number(nonce)])
    return with_checksum("0x" + keccak(made_of)[-20:].hex())
