"""Dates of gateways: each bridge learns out of the journal in which zone a provider writes its dates, has them read
so, and says where that is not UTC."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence

from bridge.journal import DatedNotice, Journal
from bridge.workers.health.checks import DegradedError
from bridge.workers.logged_failures import logged_failures
from coordinator.attention.gateway_dates import dates_off
from coordinator.attention.items import Attention
from coordinator.payments.counting.date_offsets import SOON, DatesAhead, dates_ahead
from providers.contract import UnzonedDates

__all__ = ["GatewayDates", "zone_of"]

logger = logging.getLogger("bridge.providers")

CHECK_INTERVAL_SECONDS = 30.0


def zone_of(dates: UnzonedDates, notices: Iterable[DatedNotice]) -> DatesAhead | None:
    """What the notices of coins that need not wait for long show; None where they show nothing."""
    soon = SOON.total_seconds()
    return dates_ahead([one.dated for one in notices if dates.settling_seconds(one.coin) <= soon])


class GatewayDates:
    """Looks for them."""

    def __init__(self, journal: Journal, dates: Mapping[str, UnzonedDates]) -> None:
        self._journal = journal
        self._dates = dates
        self._known: dict[str, DatesAhead] = {}
        self.items: Sequence[Attention] = ()
        """What a person has to know of."""

    async def run(self) -> None:
        """Looks again and again until it is cancelled."""
        while True:
            await self.try_to_refresh()
            await asyncio.sleep(CHECK_INTERVAL_SECONDS)

    async def try_to_refresh(self) -> None:
        """Looks once. If that fails, nothing else is affected."""
        with logged_failures(logger, "look how providers date what they tell of"):
            await self.refresh()

    async def refresh(self) -> None:
        """Raises JournalUnavailableError."""
        for provider, dates in self._dates.items():
            found = zone_of(dates, await self._journal.console.dated_notices(provider))
            known = self._known.get(provider)
            if found is None:
                continue  # what was known holds until something else is shown
            if known is None or known.ahead != found.ahead:
                dates.correct_dates(found.ahead)
                self._known[provider] = found
                if found.ahead:
                    logger.error("%s: %s", provider, dates_off(provider, found).detail)
        self.items = [dates_off(provider, found) for provider, found in self._known.items() if found.ahead]

    async def check(self) -> None:
        """Raises DegradedError while dates are off."""
        if self.items:
            raise DegradedError("; ".join(f"{item.title}: {item.detail}. {item.advice}" for item in self.items))
