"""The coins of the local SHKeeper: what each is called and worth, and what kind of daemon keeps its wallet."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from providers.shkeeper.simulator.terms.refusals import RefusedError

__all__ = ["COINS", "Coin", "Family", "coin_of"]


class Family(Enum):
    """The kinds of daemons. They differ in their addresses, their answers and their errors."""

    BITCOIN = "bitcoin"
    LIGHTNING = "lightning"
    FIRO = "firo"
    MONERO = "monero"
    XRP = "xrp"
    TON = "ton"
    SOLANA = "solana"
    TRON = "tron"
    EVM = "evm"

    @property
    def sends_at_once(self) -> bool:
        """Whether a payout is answered with its transaction, and there are neither tasks nor batches."""
        return self in (Family.LIGHTNING, Family.FIRO, Family.MONERO)


@dataclass(frozen=True, slots=True)
class Coin:
    """One of SHKeeper's coins."""

    name: str
    display_name: str
    usd: Decimal
    """What one is worth in US dollars, until its rate is moved."""
    family: Family = Family.EVM
    witness_prefix: str | None = None
    """Of its addresses, if they are Bech32."""

    @property
    def price_decimals(self) -> int:
        """Decimals that a price has, however many the coin itself has."""
        return 12 if self.family is Family.MONERO else 8


ONE = Decimal(1)
ETHER = Decimal("3379.24")
COINS: Mapping[str, Coin] = {
    coin.name: coin
    for coin in (
        Coin("ARBETH", "Arbitrum ETH", ETHER),
        Coin("AVAX", "Avalanche AVAX", Decimal(20)),
        Coin("BNB", "BNB", Decimal(600)),
        Coin("BNB-USDT", "BEP20 USDT", ONE),
        Coin("BTC", "Bitcoin", Decimal(60_000), Family.BITCOIN, "bc"),
        Coin("BTC-LIGHTNING", "BTC Lightning", Decimal(60_000), Family.LIGHTNING),
        Coin("DOGE", "Dogecoin", Decimal("0.15"), Family.BITCOIN),
        Coin("ETH", "Ethereum", ETHER),
        Coin("ETH-USDC", "ERC20 USDC", ONE),
        Coin("ETH-USDT", "ERC20 USDT", ONE),
        Coin("FIRO", "Firo", ONE, Family.FIRO),
        Coin("LTC", "Litecoin", Decimal(80), Family.BITCOIN, "ltc"),
        Coin("MATIC", "POL (prev. MATIC)", Decimal("0.5")),
        Coin("OPETH", "Optimism ETH", ETHER),
        Coin("POLYGON-USDT", "POLYGON ERC20 USDT", ONE),
        Coin("SOL", "Solana", Decimal(150), Family.SOLANA),
        Coin("SOLANA-PYUSD", "SOLANA SPL PYUSD", ONE, Family.SOLANA),
        Coin("SOLANA-USDT", "SOLANA SPL USDT", ONE, Family.SOLANA),
        Coin("TON", "GRAM (prev. TON)", Decimal(3), Family.TON),
        Coin("TON-USDT", "Jetton USDT", ONE, Family.TON),
        Coin("TRX", "Tron TRX", Decimal("0.25"), Family.TRON),
        Coin("USDC", "TRC20 USDC", ONE, Family.TRON),
        Coin("USDT", "TRC20 USDT", ONE, Family.TRON),
        Coin("XMR", "Monero XMR", Decimal(150), Family.MONERO),
        Coin("XRP", "XRP", Decimal("2.18"), Family.XRP),
    )
}
"""By name, in the order in which SHKeeper lists them."""


def coin_of(name: str) -> Coin:
    """A coin by its name, for an invoice. Raises RefusedError."""
    if name not in COINS:
        raise RefusedError(f"{name} payment gateway is unavailable")
    return COINS[name]
