"""The operator's terms: rates, fees and wallets of the local SHKeeper, as a fresh one has them until they change.

What a price is and what a transfer is worth follow from them.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

from providers.shkeeper.simulator.terms.coins import COINS, Coin, coin_of
from providers.shkeeper.simulator.terms.number_formats import TEN_DECIMALS, stored
from providers.shkeeper.simulator.terms.refusals import RefusedError, ThrownError

__all__ = ["FeePolicy", "Fees", "Terms", "Wallet"]

HUNDRED = Decimal(100)
ZERO = Decimal(0)
# What one unit of each currency is worth in US dollars. SHKeeper has rates for these.
FIATS = {
    "USD": Decimal(1),
    "EUR": Decimal("1.1"),
    "TRY": Decimal("0.025"),
    "CAD": Decimal("0.72"),
    "JPY": Decimal("0.0065"),
}


class FeePolicy(StrEnum):
    """What SHKeeper asks for on top of an invoice."""

    NO_FEE = "NO_FEE"
    PERCENT_FEE = "PERCENT_FEE"
    FIXED_FEE = "FIXED_FEE"
    PERCENT_OR_MINIMAL_FIXED_FEE = "PERCENT_OR_MINIMAL_FIXED_FEE"


@dataclass(frozen=True, slots=True)
class Fees:
    """The fee in one coin and currency."""

    policy: FeePolicy = FeePolicy.PERCENT_FEE
    percent: Decimal = Decimal(2)
    fixed: Decimal = ZERO

    def on_top_of(self, amount: Decimal) -> Decimal:
        """The fee that an invoice asks for."""
        return self._fee(amount * self.percent / HUNDRED)

    def within(self, paid: Decimal) -> Decimal:
        """The fee in what one transfer is worth. Each transfer is taken for a whole payment."""
        net = (paid * HUNDRED / (HUNDRED + self.percent)).quantize(TEN_DECIMALS, ROUND_HALF_EVEN)
        return self._fee(paid - net)

    def _fee(self, share: Decimal) -> Decimal:
        match self.policy:
            case FeePolicy.NO_FEE:
                return ZERO
            case FeePolicy.PERCENT_FEE:
                return share
            case FeePolicy.FIXED_FEE:
                return self.fixed
            case FeePolicy.PERCENT_OR_MINIMAL_FIXED_FEE:
                return max(share, self.fixed)


@dataclass(slots=True)
class Wallet:
    """One coin, as the operator has set it up."""

    enabled: bool = True
    confirmations: int = 1
    """How many a transfer needs before its notice is posted. It counts from the first one on all the same."""
    recalculate_after: int = 0
    """For how many hours an invoice's rate holds; 0 is for ever."""
    lower_limit: Decimal = Decimal(95)
    upper_limit: Decimal = Decimal(105)
    """Percent of the amount: less than the one is partial, the other and more is overpaid."""


@dataclass(slots=True)
class Terms:
    """Everything that the operator of a SHKeeper can set and that the books go by."""

    usual_fees: Fees = field(default_factory=Fees)
    wallets: dict[str, Wallet] = field(default_factory=lambda: {name: Wallet() for name in COINS})
    fees: dict[tuple[str, str], Fees] = field(default_factory=dict)
    """By coin and currency, where they are not the usual ones."""
    rates: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    """By coin and currency, where they have moved."""
    unconfirmed_notices: bool = True
    """Whether transfers are noted and told before a block holds them."""
    payout_notices: bool = True
    disable_crypto_when_lags: bool = False
    """Whether coins are refused whose daemon is behind its chain, or down."""

    def offered(self, name: str) -> Coin:
        """A coin that is switched on. Raises RefusedError."""
        coin = coin_of(name)
        if not self.wallets[name].enabled:
            raise RefusedError(f"{name} payment gateway is unavailable")
        return coin

    def fees_of(self, crypto: str, fiat: str) -> Fees:
        return self.fees.get((crypto, fiat), self.usual_fees)

    def rate(self, crypto: str, fiat: str) -> Decimal:
        """What one coin is worth at the moment. Raises ThrownError."""
        moved = self.rates.get((crypto, fiat))
        if moved is not None:
            return stored(moved)
        if fiat not in FIATS:
            raise ThrownError(f"Exchange rate src config for {fiat}-{crypto} is not found")
        return stored(COINS[crypto].usd / FIATS[fiat])

    def price(self, coin: Coin, fiat: str, amount: Decimal) -> Decimal:
        """How many coins pay an amount and the fee. Raises ThrownError."""
        rate = self.rate(coin.name, fiat)
        asked = amount + self.fees_of(coin.name, fiat).on_top_of(amount)
        return (asked / rate).quantize(Decimal(1).scaleb(-coin.price_decimals), ROUND_HALF_EVEN)

    def rate_holds_for(self, crypto: str) -> timedelta | None:
        """How long an invoice's rate holds; None is for ever."""
        hours = self.wallets[crypto].recalculate_after
        return timedelta(hours=hours) if hours else None
