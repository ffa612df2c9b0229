"""Price checks: asks again for the prices that could not be used, so that what a person was told of goes by itself;
and says for readiness which they are."""

import asyncio
import logging
from contextlib import suppress
from decimal import Decimal

from bridge.journal import Journal
from bridge.workers.logged_failures import logged_failures
from bridge.workers.payouts.sender import PayoutSender
from coordinator.attention.prices import UnusablePrice
from providers.contract import PayoutOrder
from providers.errors import ProviderError
from providers.unknown_prices import PriceUnknownError

__all__ = ["PriceChecks"]

logger = logging.getLogger("bridge.payouts")

ASKED_AGAIN_SECONDS = 60.0
SOME_AMOUNT = Decimal(1)


class PriceChecks:
    """Asks for what is noted, one price after the other."""

    def __init__(self, journal: Journal, sender: PayoutSender) -> None:
        self._journal = journal
        self._sender = sender

    async def run(self) -> None:
        """Goes on until it is cancelled."""
        while True:
            with logged_failures(logger, "ask again for prices that could not be used"):
                await self.round()
            await asyncio.sleep(ASKED_AGAIN_SECONDS)

    async def round(self) -> None:
        """Asks once for each. Raises JournalUnavailableError."""
        for price in await self._journal.prices.unusable():
            if await self._is_of_no_use(price):
                await self._journal.prices.settle(price.provider, price.coin, price.currency)
                continue
            # Whatever comes of it, the sender notes.
            with suppress(PriceUnknownError):
                order = PayoutOrder(price.coin, "", SOME_AMOUNT)
                await self._sender.worth(price.provider, order, price.currency)

    async def _is_of_no_use(self, price: UnusablePrice) -> bool:
        """Whether nothing can be sent in a coin any more, so that nobody asks what it is worth."""
        gateway = self._sender.gateways.get(price.provider)
        if gateway is None:
            return True
        try:
            return price.coin not in await gateway.coins()
        except ProviderError:
            return False

    async def trouble(self) -> str | None:
        """The prices that cannot be used, and why; None if all can, as far as is known."""
        known = await self._journal.prices.unusable()
        return "; ".join(f"{one.coin} in {one.currency}: {one.reason}" for one in known) or None
