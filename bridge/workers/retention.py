"""Forgets events, and the sessions of clients that did not come back, after the time for which they are kept.
Payments, payouts and what was observed of them stay.
"""

import asyncio
import logging
from collections.abc import Callable, Collection
from datetime import timedelta

from bridge.journal import Journal

__all__ = ["Retention"]

logger = logging.getLogger("bridge.journal")

INTERVAL_SECONDS = 3600.0
# So many at once, so that nobody waits long behind it.
CHUNK = 2_000


class Retention:
    """One task that goes over the journal every hour."""

    def __init__(
        self, journal: Journal, *, days: float, newest: int, sessions_in_use: Callable[[], Collection[str]]
    ) -> None:
        """Events are kept for `days`, and the `newest` of them alone if that is not 0. `sessions_in_use` are those of
        the clients that are connected."""
        self._journal = journal
        self._days = timedelta(days=days)
        self._newest = newest
        self._sessions_in_use = sessions_in_use

    async def run(self) -> None:
        """Goes round until it is cancelled."""
        while True:
            try:
                await self.round()
            except Exception:
                logger.exception("could not forget what is old; trying again in an hour")
            await asyncio.sleep(INTERVAL_SECONDS)

    async def round(self) -> int:
        """Forgets what is old now. Returns how many events that were."""
        before = self._journal.clock() - self._days
        forgotten = 0
        while count := await self._journal.forget_events(before=before, newest=self._newest, limit=CHUNK):
            forgotten += count
        await self._journal.sessions.forget(before=before, but=self._sessions_in_use())
        if forgotten:
            logger.info("forgot %d events that were told before %s or are too many", forgotten, f"{before:%Y-%m-%d}")
        return forgotten
