"""Leased work: what one bridge does at a time, of those that share a journal, and another within seconds once that
one is gone, stands still or is cut off from the database.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping
from datetime import timedelta

from bridge.journal import Journal, JournalUnavailableError

__all__ = ["LeasedWork"]

logger = logging.getLogger("bridge")

LEASE = timedelta(seconds=8)
"""Longer than one that is at work is ever late, and short enough that another takes over within ten seconds."""
RENEWED_EVERY_SECONDS = 2.0
# Whoever could not renew its leases stops so much before another may begin.
MARGIN_SHARE = 0.25

Work = Callable[[], Coroutine[None, None, None]]
"""Goes on until it is cancelled, or has nothing left to do."""


class LeasedWork:
    """Runs what this process holds the leases of."""

    def __init__(
        self,
        journal: Journal,
        work: Mapping[str, Work],
        *,
        lease: timedelta = LEASE,
        renewed_every_seconds: float = RENEWED_EVERY_SECONDS,
    ) -> None:
        """`work` is by the names of the leases."""
        self._journal = journal
        self._work = work
        self._lease = lease
        self._safe_seconds = lease.total_seconds() * (1 - MARGIN_SHARE)
        self._renewed_every_seconds = renewed_every_seconds
        self._running: dict[str, asyncio.Task[None]] = {}
        self._safe_until = 0.0
        """Until then nobody else takes what it holds, by the loop's clock."""

    async def run(self) -> None:
        """Takes what can be had, and does it, until it is cancelled; then gives it back."""
        try:
            while True:
                await self._follow(await self._take())
                await asyncio.sleep(self._renewed_every_seconds)
        finally:
            await self._follow(())
            try:
                await self._journal.nodes.leave()
            except JournalUnavailableError as error:
                logger.warning("another bridge takes over only in %s: %s", self._lease, error)

    async def _take(self) -> Collection[str]:
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        try:
            async with asyncio.timeout_at(self._safe_until if self._running else asked_at + self._safe_seconds):
                held = await self._journal.nodes.take(tuple(self._work), self._lease)
        except (JournalUnavailableError, TimeoutError) as error:
            if loop.time() < self._safe_until:
                return self._running.keys()
            if self._running:
                said = str(error) or "the database does not answer"
                logger.warning("what one bridge does at a time is left to others: %s", said)
            return ()
        self._safe_until = asked_at + self._safe_seconds
        return held

    async def _follow(self, held: Collection[str]) -> None:
        lost = [self._running.pop(name) for name in sorted(self._running.keys() - set(held))]
        for task in lost:
            task.cancel()
        await asyncio.gather(*lost, return_exceptions=True)
        for name, task in list(self._running.items()):
            if task.done() and not task.cancelled() and task.exception() is not None:
                logger.error("%s has failed, and is begun again", name, exc_info=task.exception())
                del self._running[name]
        for name in held:
            if name not in self._running:
                self._running[name] = asyncio.create_task(self._work[name]())
