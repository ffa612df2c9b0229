"""Confirmations of SHKeeper's coins: how long after it was booked a transfer certainly has as many as are wanted.

SHKeeper books a transfer at its first confirmation, and from then on calls it confirmed to whoever asks. Only its
webhook waits for the confirmations that the operator has set at the wallet. How many those are it does not say.
"""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["settling_seconds"]

# Blocks come unevenly: so many at twice the average time are there with a probability of one in a thousand not to be.
MARGIN = 2
# What is not known is waited for as long as for Bitcoin.
SLOWEST_SECONDS = 600.0
CAUTIOUS_CONFIRMATIONS = 6


@dataclass(frozen=True, slots=True)
class _Chain:
    block_seconds: float
    confirmations: int
    """How many are wanted where nobody has said: what exchanges ask for before they credit a deposit."""


_CHAINS = {
    "BTC": _Chain(600, 3),
    "LTC": _Chain(150, 6),
    "DOGE": _Chain(60, 20),
    "FIRO": _Chain(150, 6),
    "XMR": _Chain(120, 10),
    "XRP": _Chain(4, 2),
    "SOL": _Chain(0.4, 32),
    "TON": _Chain(5, 3),
    "TRX": _Chain(3, 20),
    "ETH": _Chain(12, 12),
    "BNB": _Chain(0.75, 15),
    "MATIC": _Chain(2, 64),
    "AVAX": _Chain(2, 12),
    "ARBETH": _Chain(0.25, 240),
    "OPETH": _Chain(2, 30),
    # A settled Lightning invoice is final.
    "BTC-LIGHTNING": _Chain(0, 0),
}
_TOKENS = {"SOLANA": "SOL", "POLYGON": "MATIC", "AVALANCHE": "AVAX", "ARB": "ARBETH", "OP": "OPETH"}


def settling_seconds(coin: str, wanted: Mapping[str, int]) -> int:
    """How long to wait for a coin. `wanted` is how many confirmations its operator asks for, by coin; a token without
    a number of its own has that of its chain's coin."""
    native = _native(coin)
    chain = _CHAINS.get(native, _Chain(SLOWEST_SECONDS, CAUTIOUS_CONFIRMATIONS))
    confirmations = wanted.get(coin, wanted.get(native, chain.confirmations))
    # It has its first when it is booked.
    return int(max(confirmations - 1, 0) * chain.block_seconds * MARGIN)


def _native(coin: str) -> str:
    """The coin of the chain that a coin or token is on. Bare USDT and USDC are Tron's."""
    if coin in _CHAINS:
        return coin
    if coin in ("USDT", "USDC"):
        return "TRX"
    prefix = coin.partition("-")[0]
    return _TOKENS.get(prefix, prefix)
