"""SHKeeper's fees: how one follows from the amount, which no price says, but two do.

Its webhooks name it, and may be lost. Of a buyer who has paid a part and goes on in another coin just the fee on the
rest is to be asked, which may be a part of it or all of it. So the price of next to nothing is asked for besides: the
fee in that is its fixed part.
"""

import asyncio
import time
from collections.abc import Callable
from decimal import Decimal

from coordinator.money import excess_over, product, quotient, rounded, rounded_up
from coordinator.payments.agreed.fees import Fee, FeePolicy
from coordinator.payments.agreed.invoices import InvoiceOpened, InvoiceWanted
from coordinator.payments.deciding.quotes import fee_priced
from providers.errors import ProviderError
from providers.shkeeper.asking.api import ShkeeperApi
from providers.shkeeper.asking.quotes import ask_for_quote

__all__ = ["FeeFinder", "fee_between"]

NEXT_TO_NOTHING = Decimal("0.01")
HALF_A_CENT = Decimal("0.005")
HUNDRED = Decimal(100)
# What could not be told is not asked for again at once: it is good to know, and nobody waits for it for long.
LEFT_ALONE_SECONDS = 300.0
WAIT_SECONDS = 2.0


class FeeFinder:
    """Finds out the fees of one SHKeeper, with each price anew: operators change them at any moment, and the next fee
    may come to the same on one amount."""

    def __init__(self, api: ShkeeperApi, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._clock = clock
        self._failed_at: dict[tuple[str, str], float] = {}
        """By coin and currency."""

    async def find(self, wanted: InvoiceWanted, opened: InvoiceOpened) -> Fee | None:
        """The fee in the price of an invoice; None if there is none, or it cannot be told."""
        priced = fee_priced(opened, wanted.amount)
        if not priced or opened.exchange_rate is None:
            return None
        key, now = (wanted.coin, wanted.currency), self._clock()
        failed_at = self._failed_at.get(key)
        if failed_at is not None and now <= failed_at + LEFT_ALONE_SECONDS:
            return None
        on_next_to_nothing = await self._on_next_to_nothing(wanted)
        if on_next_to_nothing is None:
            self._failed_at[key] = now
            return None
        return fee_between(wanted.amount, priced, on_next_to_nothing)

    async def _on_next_to_nothing(self, wanted: InvoiceWanted) -> Decimal | None:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                quoted = await ask_for_quote(self._api, wanted.coin, wanted.currency, NEXT_TO_NOTHING)
        except (ProviderError, TimeoutError):
            return None
        # A coin's last digit may be worth as much as what is looked for.
        if quoted.amount_crypto is None or product(quoted.exchange_rate, Decimal("1e-8")) >= HALF_A_CENT:
            return None
        return excess_over(product(quoted.amount_crypto, quoted.exchange_rate), NEXT_TO_NOTHING)


def fee_between(amount: Decimal, priced: Decimal, on_next_to_nothing: Decimal) -> Fee | None:
    """The fee that is so much on an amount, and so much on next to nothing; None if no policy comes to both."""
    fixed = rounded(on_next_to_nothing, 2)
    if fixed and abs(priced - fixed) <= HALF_A_CENT:
        return Fee(policy=FeePolicy.FIXED, fixed=fixed)
    if fixed > priced:
        return None
    exact = quotient(product(priced, HUNDRED), amount)
    # An operator sets no more decimals; a price has a coin's.
    percent = rounded(exact, 2)
    if abs(priced - quotient(product(amount, percent), HUNDRED)) > Decimal("0.0001"):
        percent = rounded_up(exact, 6)
    policy = FeePolicy.PERCENT_AT_LEAST_FIXED if fixed else FeePolicy.PERCENT
    return Fee(policy=policy, percent=percent, fixed=fixed)
