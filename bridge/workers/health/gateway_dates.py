"""Dates of gateways: each bridge learns out of the journal in which zone a provider writes its dates, has them read
so, and says where that is not UTC, or not known.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from bridge.journal import DatedNotice, Journal
from bridge.workers.health.checks import DegradedError
from bridge.workers.logged_failures import logged_failures
from coordinator.attention.gateway_dates import dates_impossible, dates_off
from coordinator.attention.items import Attention
from coordinator.payments.counting.date_zones import LOOKED_AT, UTC_ITSELF, Dated, DateZones, date_zones
from providers.contract import UnzonedDates

__all__ = ["GatewayDates", "zones_of"]

logger = logging.getLogger("bridge.providers")

CHECK_INTERVAL_SECONDS = 30.0


def zones_of(dates: UnzonedDates, notices: Iterable[DatedNotice]) -> DateZones | None:
    """What the notices of a provider show; None where they show nothing."""
    held = ((one, timedelta(seconds=dates.settling_seconds(one.coin))) for one in notices)
    return date_zones([one.dated._replace(held_for=held_for) for one, held_for in held])


class GatewayDates:
    """Looks for them."""

    def __init__(self, journal: Journal, dates: Mapping[str, UnzonedDates]) -> None:
        self._journal = journal
        self._dates = dates
        self._known: dict[str, DateZones] = {}
        self._impossible: dict[str, Dated] = {}
        """Of each provider the newest notice whose date cannot be right, while it is among the newest."""
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
            notices = await self._journal.console.dated_notices(provider)
            self._note_impossible(provider, notices[:LOOKED_AT])
            found = zones_of(dates, notices)
            known = self._known.get(provider)
            if found is None:
                continue  # what was known holds until something else is shown
            if known is None or known.ahead != found.ahead:
                dates.correct_dates(found.read_in)
                self._known[provider] = found
                if found.ahead != (UTC_ITSELF,):
                    logger.error("%s: %s", provider, dates_off(provider, found).detail)
        known_zones = self._known.items()
        self.items = [
            *(dates_off(provider, found) for provider, found in known_zones if found.ahead != (UTC_ITSELF,)),
            *(dates_impossible(provider, told) for provider, told in self._impossible.items()),
        ]

    def _note_impossible(self, provider: str, newest_first: Sequence[DatedNotice]) -> None:
        told = next((one.dated for one in newest_first if not one.dated.can_be_right), None)
        before = self._impossible.pop(provider, None)
        if told is None:
            return
        self._impossible[provider] = told
        if before is None:
            logger.error("%s: %s", provider, dates_impossible(provider, told).detail)

    async def check(self) -> None:
        """Raises DegradedError while dates are off."""
        if self.items:
            raise DegradedError("; ".join(f"{item.title}: {item.detail}. {item.advice}" for item in self.items))
