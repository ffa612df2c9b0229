"""Rows that nobody can read: each bridge notes those that its readers met, so that a person hears of them, and
forgets those that can be read again."""

import asyncio
import logging

from bridge.journal import Journal
from bridge.workers.logged_failures import logged_failures

__all__ = ["UnreadableRows"]

logger = logging.getLogger("bridge.journal")

# Until it is noted, such a row takes a place in each page of what is worked through.
INTERVAL_SECONDS = 5.0


class UnreadableRows:
    """One task that looks every few seconds."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def run(self) -> None:
        """Goes round until it is cancelled."""
        while True:
            with logged_failures(logger, "note what cannot be read"):
                await self.round()
            await asyncio.sleep(INTERVAL_SECONDS)

    async def round(self) -> None:
        """Notes what was met, and forgets what can be read again."""
        for row in await self._journal.unreadable.update():
            logger.error("%s %s cannot be read from the journal: %s", row.kind, row.identifier, row.reason)
