"""Late entries: writes into the books what moved where nobody did, at a bridge of before there were books, or before
one of them was replaced. It finds that by an index of what is not entered, which is empty as a rule."""

import asyncio
import logging

from bridge.journal import Journal
from bridge.workers.logged_failures import logged_failures

__all__ = ["LateEntries"]

logger = logging.getLogger("bridge.journal")

INTERVAL_SECONDS = 60.0
# Between two commits of it, so that webhooks have theirs meanwhile.
PAUSE_SECONDS = 0.05


class LateEntries:
    """One task that looks every minute."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def run(self) -> None:
        """Goes round until it is cancelled."""
        while True:
            with logged_failures(logger, "write the books", "trying again in a minute"):
                await self.round()
            await asyncio.sleep(INTERVAL_SECONDS)

    async def round(self) -> int:
        """Enters all that is not entered. Returns of how many payments."""
        total = 0
        while count := await self._journal.books.enter_late():
            total += count
            await asyncio.sleep(PAUSE_SECONDS)
        if total:
            logger.info("wrote into the books what was not there yet, of %d payments", total)
        return total
