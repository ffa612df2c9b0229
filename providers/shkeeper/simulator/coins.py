"""The coins of the local SHKeeper: what each is worth, how it is counted, and what its addresses look like."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

__all__ = ["COINS", "Coin", "UnknownFiatError"]

# What one unit is worth in US dollars. SHKeeper knows these two currencies.
FIAT = {"USD": Decimal(1), "EUR": Decimal("1.1")}
HUNDRED = Decimal(100)


class UnknownFiatError(Exception):
    """SHKeeper has no exchange rate for this currency."""


@dataclass(frozen=True, slots=True)
class Coin:
    """One of SHKeeper's coins."""

    name: str
    display_name: str
    usd: Decimal
    """What one is worth in US dollars."""
    precision: int
    """Decimals that SHKeeper counts it in."""
    address_prefix: str = "0x"
    sends_at_once: bool = False
    """Whether a payout is answered with its transaction instead of a task, as the wallets like Bitcoin's do."""

    def rate(self, fiat: str) -> Decimal:
        """What one is worth in a fiat currency. Raises UnknownFiatError."""
        if fiat not in FIAT:
            raise UnknownFiatError(f"Exchange rate src config for {fiat}-{self.name} is not found")
        return self.usd / FIAT[fiat]

    def price(self, amount: Decimal, fiat: str, fee_percent: Decimal) -> Decimal:
        """How much of it pays an amount and the fee (SHKeeper: models.py ExchangeRate.convert)."""
        coins = (amount + amount * fee_percent / HUNDRED) / self.rate(fiat)
        return coins.quantize(Decimal(1).scaleb(-self.precision), ROUND_HALF_EVEN)

    def new_address(self) -> str:
        return self.address_prefix + secrets.token_hex(20)

    def new_txid(self) -> str:
        return ("0x" if self.address_prefix == "0x" else "") + secrets.token_hex(32)


_COINS = (
    Coin("BTC", "Bitcoin", Decimal(60_000), 8, "bc1q", sends_at_once=True),
    Coin("LTC", "Litecoin", Decimal(80), 8, "ltc1q", sends_at_once=True),
    Coin("DOGE", "Dogecoin", Decimal("0.15"), 8, "D", sends_at_once=True),
    Coin("ETH", "Ethereum", Decimal(3_000), 18),
    Coin("ETH-USDT", "ERC20 USDT", Decimal(1), 6),
    Coin("ETH-USDC", "ERC20 USDC", Decimal(1), 6),
    Coin("BNB", "Binance Coin", Decimal(600), 18),
    Coin("BNB-USDT", "BEP20 USDT", Decimal(1), 18),
    Coin("MATIC", "Polygon", Decimal("0.5"), 18),
    Coin("POLYGON-USDT", "Polygon USDT", Decimal(1), 6),
    Coin("TRX", "Tron", Decimal("0.25"), 6, "T"),
    Coin("USDT", "TRC20 USDT", Decimal(1), 6, "T"),
    Coin("XRP", "XRP", Decimal("2.18"), 6, "r"),
)
COINS: Mapping[str, Coin] = {coin.name: coin for coin in _COINS}
"""By name, at rates that stand still."""
