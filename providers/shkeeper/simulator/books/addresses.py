"""Addresses and transaction hashes as the coin daemons make them, and what they make of somebody else's address.

The addresses are right, as the bridge would show no others to a buyer, and made of random bytes: nobody has their
keys, and real money that is sent to one is lost.
"""

import base64
import binascii
import re
import secrets
from datetime import datetime
from decimal import Decimal

from providers.shkeeper.destinations.solana import is_on_curve
from providers.shkeeper.simulator.terms.coins import Coin, Family
from providers.shkeeper.texts import base58, bech32
from providers.shkeeper.texts.bech32 import Checksum

__all__ = ["as_daemon_names", "new_address", "new_bolt11", "new_txid"]

ACCOUNT_BYTES, KEY_BYTES = 20, 32
DOGECOIN, FIRO, TRON, XRP = b"\x1e", b"\x52", b"\x41", b"\x00"
TON = b"\x51\x00"
"""Not bounceable, and of the chain where people have their wallets."""
MONERO_SUBADDRESS = b"\x2a"
MONERO_BLOCK_BYTES = 8
MONERO_BLOCK_CHARACTERS = {8: 11, 5: 7}
TIMESTAMP_GROUPS, SIGNATURE_GROUPS = 7, 104
PAYMENT_HASH_TAG = (1, 1, 20)
"""With the length of the field behind it, in groups of five bits."""
ROUTE_TAG, ROUTE_GROUPS = (3, 3, 2), 98
"""Of a hop to a node without public channels, which makes real ones as long."""
X_BYTES = 31
NANO = Decimal(10) ** 9
_EVM_ADDRESS = re.compile("0x[0-9a-fA-F]{40}")


def new_address(coin: Coin) -> str:
    """Where a buyer pays to; not for Lightning, whose invoices name an amount."""
    account = secrets.token_bytes(ACCOUNT_BYTES)
    match coin.family:
        case Family.EVM:
            return _checksummed(f"0x{account.hex()}")
        case Family.TON:
            content = TON + secrets.token_bytes(KEY_BYTES)
            return base64.urlsafe_b64encode(content + binascii.crc_hqx(content, 0).to_bytes(2, "big")).decode()
        case Family.SOLANA:
            return base58.encode(_solanas_key())
        case Family.MONERO:
            return _moneros(MONERO_SUBADDRESS + secrets.token_bytes(2 * KEY_BYTES))
        case Family.XRP:
            return base58.encode_checked(XRP + account, base58.RIPPLES)
        case Family.TRON:
            return base58.encode_checked(TRON + account)
        case Family.FIRO:
            return base58.encode_checked(FIRO + account)
        case _ if coin.witness_prefix is None:
            return base58.encode_checked(DOGECOIN + account)
        case _:
            return bech32.encode(coin.witness_prefix, [0, *bech32.as_groups(account)], Checksum.BECH32)


def new_bolt11(amount: Decimal, now: datetime) -> str:
    """An invoice of Lightning, which is its address: another one each time, and far longer than others."""
    made_at = int(now.timestamp())
    groups = [made_at >> 5 * (TIMESTAMP_GROUPS - 1 - place) & 31 for place in range(TIMESTAMP_GROUPS)]
    groups += [*PAYMENT_HASH_TAG, *bech32.as_groups(secrets.token_bytes(KEY_BYTES))]
    groups += [*ROUTE_TAG, *_random_groups(ROUTE_GROUPS)]
    return bech32.encode(f"lnbc{int(amount * NANO)}n", [*groups, *_random_groups(SIGNATURE_GROUPS)], Checksum.BECH32)


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


def _random_groups(count: int) -> list[int]:
    return [secrets.randbelow(32) for _ in range(count)]


def _solanas_key() -> bytes:
    """A wallet's is a point of the curve, as every other number is."""
    while not is_on_curve(key := secrets.token_bytes(KEY_BYTES)):
        continue
    return key


def _moneros(content: bytes) -> str:
    # It comes with the first address, so that nobody else waits for it.
    from eth_utils.crypto import keccak

    whole = content + keccak(content)[:4]
    blocks = [whole[place : place + MONERO_BLOCK_BYTES] for place in range(0, len(whole), MONERO_BLOCK_BYTES)]
    return "".join(
        base58.encode(block.lstrip(b"\x00")).rjust(MONERO_BLOCK_CHARACTERS[len(block)], "1") for block in blocks
    )


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
