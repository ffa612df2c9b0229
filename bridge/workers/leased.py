"""Leased work: what one bridge does at a time, of those that share a journal, and another within seconds once that
one is gone, stands still or is cut off from the database.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping
from datetime import timedelta

from bridge.journal import LEASES, Journal, JournalUnavailableError
from bridge.journal.liveness import LEASE, SAID_EVERY_SECONDS

__all__ = ["LeasedWork"]

logger = logging.getLogger("bridge")

# Whoever could not renew its leases stops so much before another may begin.
MARGIN_SHARE = 0.25

Work = Callable[[], Coroutine[None, None, None]]
"""Goes on until it is cancelled, or has nothing left to do. Another may have done it since it was done here last."""
Say = Callable[[], str]
"""Says how some work goes, or this process is doing, as JSON."""


class LeasedWork:
    """Runs what this process holds the leases of."""

    def __init__(
        self,
        journal: Journal,
        work: Mapping[str, Work],
        *,
        says: Mapping[str, Say] | None = None,
        report: Say | None = None,
        lease: timedelta = LEASE,
        renewed_every_seconds: float = SAID_EVERY_SECONDS,
    ) -> None:
        """`work` is by the names of the leases, and so is `says`, which the others are told with each renewal;
        `report` says how this process is doing."""
        self._journal = journal
        self._work = work
        self._says = says or {}
        self._report = report
        self._lease = lease
        self._safe_seconds = lease.total_seconds() * (1 - MARGIN_SHARE)
        self._renewed_every_seconds = renewed_every_seconds
        self._woken = journal.wakeups.of(LEASES)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()
        """Of who takes leases, or gives them back."""
        self._safe_until = 0.0
        """Until then nobody else takes what it holds, by the loop's clock."""

    async def run(self) -> None:
        """Takes what can be had, and does it, until it is cancelled; then gives it back."""
        try:
            while True:
                self._woken.clear()
                async with self._turn:
                    await self._follow(await self._take())
                await self._rest()
        finally:
            await self._follow(())
            try:
                await self._journal.nodes.leave()
            except JournalUnavailableError as error:
                logger.warning("another bridge takes over only in %s: %s", self._lease, error)

    async def give_back(self) -> None:
        """Leaves to others what it has, and takes nothing any more; but it goes on to say that this bridge is there,
        which may still have clients. Raises JournalUnavailableError."""
        async with self._turn:
            held, self._work = tuple(self._work), {}
            await self._follow(())
            await self._journal.nodes.release(held)

    async def _rest(self) -> None:
        """Until it is time to renew, or there is something to take or to say."""
        try:
            async with asyncio.timeout(self._renewed_every_seconds):
                await self._woken.wait()
        except TimeoutError:
            pass

    async def _take(self) -> Collection[str]:
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        report = None if self._report is None else self._report()
        said = {name: say() for name, say in self._says.items() if name in self._running}
        try:
            async with asyncio.timeout_at(self._safe_until if self._running else asked_at + self._safe_seconds):
                held = await self._journal.nodes.take(tuple(self._work), self._lease, said=said, report=report)
        except (JournalUnavailableError, TimeoutError) as error:
            if loop.time() < self._safe_until:
                return self._running.keys()
            if self._running:
                reason = str(error) or "the database does not answer"
                logger.warning("what one bridge does at a time is left to others: %s", reason)
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
