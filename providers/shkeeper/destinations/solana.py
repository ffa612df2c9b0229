"""Solana addresses: the Base58 of 32 bytes, which have no checksum.

What can be told is whether the bytes are a point of the curve of Ed25519, as the public key of a wallet is and one
mistyped address of two is not. The accounts that programs make (a wallet's account for one token is such) are put
beside the curve on purpose. A token goes to the wallet, and SHKeeper finds or makes the account for it.
"""

from providers.shkeeper.destinations.family import Family, NotOfFamilyError
from providers.shkeeper.texts import base58

__all__ = ["SOLANA", "is_on_curve"]

KEY_BYTES = 32
_MODULUS = 2**255 - 19
_D = -121665 * pow(121666, -1, _MODULUS) % _MODULUS
_TOKENS = {
    "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB": "USDT",
    "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v": "USDC",
    "2b1kV6DkPAnxd5ixfnxCpjxmKwqjjaYmCZfHsFu24GXo": "PYUSD",
    "So11111111111111111111111111111111111111112": "SOL",
}
# Programs whose addresses are points of the curve by chance.
_PROGRAMS = {
    "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",
    "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb",
    "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL",
    "Stake11111111111111111111111111111111111111",
    "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr",
    "SysvarRent111111111111111111111111111111111",
    "SysvarC1ock11111111111111111111111111111111",
}
_SYSTEM_PROGRAM = "1" * 32


def _read(address: str, test_network: bool) -> str:
    """A wallet is the same on the test networks."""
    key = base58.decode(address)
    if len(key) != KEY_BYTES:
        raise NotOfFamilyError("this is none; is a character missing or mistyped?")
    if not is_on_curve(key):
        raise NotOfFamilyError(
            "this is not a wallet's: it has no key (a program's, a token's account?); is a character mistyped?"
        )
    return address


def is_on_curve(key: bytes) -> bool:
    """Whether there is an x for the y that a key is (RFC 8032, 5.1.3). An x that is zero has no sign."""
    number = int.from_bytes(key, "little")
    y, sign = number % 2**255, number >> 255
    square = y * y % _MODULUS
    above, below = (square - 1) % _MODULUS, (_D * square + 1) % _MODULUS
    if above == 0:
        return sign == 0
    return pow(above * below, (_MODULUS - 1) // 2, _MODULUS) == 1


def _objection(address: str) -> str | None:
    if address in _TOKENS:
        return f"this is the token {_TOKENS[address]} itself, which gives nothing back"
    if address == _SYSTEM_PROGRAM:
        return "this is an address that nobody has the key of: what is sent there is lost"
    if address in _PROGRAMS:
        return "this is a program of the chain itself"
    return None


SOLANA = Family(
    described="a Solana address",
    form="43 or 44 letters and digits",
    characters=frozenset(base58.BITCOINS),
    longest=44,
    read=_read,
    objection=_objection,
)
