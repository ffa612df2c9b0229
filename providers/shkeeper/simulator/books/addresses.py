"""Addresses and transaction hashes as the coin daemons make them, and what they make of somebody else's address.

The addresses look like a chain's own, and belong to nobody. Most have no good checksum, so that no wallet sends real
money to one; nor is one taken as the destination of a payout.
"""

import base64
import re
import secrets
from decimal import Decimal

from providers.shkeeper.simulator.terms.coins import Coin, Family
from providers.shkeeper.texts import base58

__all__ = ["as_daemon_names", "new_address", "new_bolt11", "new_txid"]

BECH32 = "023456789acdefghjklmnpqrstuvwxyz"
LENGTHS = {Family.MONERO: 95, Family.SOLANA: 44}
USUAL_LENGTH = 34
BOLT11_CHARACTERS = 320
X_BYTES = 31
NANO = Decimal(10) ** 9
_EVM_ADDRESS = re.compile("0x[0-9a-fA-F]{40}")


def new_address(coin: Coin) -> str:
    """Where a buyer pays to; not for Lightning, whose invoices name an amount."""
    prefix = coin.address_prefix
    match coin.family:
        case Family.EVM:
            return _checksummed(prefix + secrets.token_hex(20))
        case Family.TON:
            return prefix + base64.urlsafe_b64encode(secrets.token_bytes(36))[2:].decode()
        case Family.BITCOIN if prefix != "D":
            return prefix + secrets.token_hex(19)
        case family:
            return prefix + _random(base58.BITCOINS, LENGTHS.get(family, USUAL_LENGTH) - len(prefix))


def new_bolt11(amount: Decimal) -> str:
    """An invoice of Lightning, which is its address: another one each time, and far longer than others."""
    return f"lnbcrt{int(amount * NANO)}n1p{_random(BECH32, BOLT11_CHARACTERS)}"


def new_txid(coin: Coin) -> str:
    txid = secrets.token_hex(32)
    match coin.family:
        case Family.EVM:
            return f"0x{txid}"
        case Family.XRP:
            return txid.upper()
        case _:
            return txid


def as_daemon_names(coin: Coin, destination: str) -> str:
    """A destination as the result of a task names it. SHKeeper looks for the one that it was asked for."""
    if coin.family is Family.EVM and _EVM_ADDRESS.fullmatch(destination):
        return _checksummed(destination)
    if coin.family is Family.XRP and destination.startswith("X"):
        return _classic(destination) or destination
    return destination


def _random(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))


def _checksummed(address: str) -> str:
    # It comes with the first address, so that nobody else waits for it.
    from eth_utils.address import to_checksum_address

    return to_checksum_address(address)


def _classic(x_address: str) -> str | None:
    """The classic address in an X-address: two bytes of prefix, the account, a flag and a tag."""
    try:
        content = base58.decode_checked(x_address, base58.RIPPLES)
    except base58.Base58Error:
        return None
    return base58.encode_checked(b"\x00" + content[2:22], base58.RIPPLES) if len(content) == X_BYTES else None
