"""Destinations that are right and belong to nobody, for tests that have something paid out."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from providers.shkeeper.destinations.solana import is_on_curve
from providers.shkeeper.texts import base58, bech32
from providers.shkeeper.texts.bech32 import Checksum

__all__ = ["DESTINATIONS", "destination"]

ENOUGH_BYTES = 200
BLOCK_CHARACTERS = {8: 11, 5: 7}
ONE_HOUR_OF_2026 = 0x69000000


def destination(coin: str, name: str) -> str:
    """Where somebody of this name would be paid; the same each time."""
    return DESTINATIONS[coin](lengthened(hashlib.sha256(name.encode()).digest()))


def lengthened(seed: bytes) -> bytes:
    """Bytes that begin with these and are enough for any destination."""
    return seed + hashlib.shake_256(seed).digest(ENOUGH_BYTES)


def evm(seed: bytes) -> str:
    return to_checksum_address(seed[:20])


def tron(seed: bytes) -> str:
    return base58.encode_checked(b"\x41" + seed[:20])


def witness(prefix: str, seed: bytes, *, version: int = 0, size: int = 20) -> str:
    checksum = Checksum.BECH32M if version else Checksum.BECH32
    return bech32.encode(prefix, [version, *bech32.as_groups(seed[:size])], checksum)


def hashed(version: bytes, seed: bytes) -> str:
    return base58.encode_checked(version + seed[:20])


def spark(seed: bytes) -> str:
    return bech32.encode("sm", bech32.as_groups(seed[:84]), Checksum.BECH32M)


def xrp(seed: bytes) -> str:
    return base58.encode_checked(b"\x00" + seed[:20], base58.RIPPLES)


def x_address(seed: bytes, tag: int | None) -> str:
    shown = b"\x00" * 9 if tag is None else b"\x01" + tag.to_bytes(8, "little")
    return base58.encode_checked(b"\x05\x44" + seed[:20] + shown, base58.RIPPLES)


def ton(seed: bytes, *, flags: int = 0x51, chain: int = 0) -> str:
    content = bytes([flags, chain]) + seed[:32]
    return base64.urlsafe_b64encode(content + binascii.crc_hqx(content, 0).to_bytes(2, "big")).decode()


def solana(seed: bytes) -> str:
    key = seed[:32]
    while not is_on_curve(key):
        key = hashlib.sha256(key).digest()
    return base58.encode(key)


def monero(seed: bytes, *, kind: int = 18) -> str:
    content = bytes([kind]) + seed[: 72 if kind == 19 else 64]
    whole = content + keccak(content)[:4]
    blocks = [whole[place : place + 8] for place in range(0, len(whole), 8)]
    return "".join(base58.encode(block.lstrip(b"\x00")).rjust(BLOCK_CHARACTERS[len(block)], "1") for block in blocks)


def lightning(seed: bytes, *, amount: str = "", made_at: int = ONE_HOUR_OF_2026, network: str = "bc") -> str:
    """An invoice that nobody has signed: who reads one here does not look."""
    groups = bech32.as_groups(seed[:200])
    made = [made_at >> 5 * (6 - place) & 31 for place in range(7)]
    payment_hash = [1, 1, 20, *groups[:52]]
    return bech32.encode(f"ln{network}{amount}", [*made, *payment_hash, *groups[60:164]], Checksum.BECH32)


DESTINATIONS: Mapping[str, Callable[[bytes], str]] = {
    **dict.fromkeys(("ETH", "BNB", "MATIC", "AVAX", "ARBETH", "OPETH"), evm),
    **dict.fromkeys(("ETH-USDT", "ETH-USDC", "ETH-DAI", "ETH-PYUSD", "BNB-USDT", "BNB-USDC"), evm),
    **dict.fromkeys(("POLYGON-USDT", "POLYGON-USDC", "AVALANCHE-USDT", "AVALANCHE-USDC"), evm),
    **dict.fromkeys(("ARB-USDC", "ARB-PYUSD", "ARB-TOKEN", "OP-USDT", "OP-USDC", "OP-TOKEN"), evm),
    **dict.fromkeys(("TRX", "USDT", "USDC"), tron),
    "BTC": lambda seed: witness("bc", seed),
    "LTC": lambda seed: witness("ltc", seed),
    "DOGE": lambda seed: hashed(b"\x1e", seed),
    "FIRO": lambda seed: hashed(b"\x52", seed),
    "FIRO-SPARK": spark,
    "XRP": xrp,
    **dict.fromkeys(("TON", "TON-USDT"), ton),
    **dict.fromkeys(("SOL", "SOLANA-USDT", "SOLANA-USDC", "SOLANA-PYUSD"), solana),
    "XMR": monero,
    "BTC-LIGHTNING": lightning,
}
"""How one is made of bytes, by coin."""
