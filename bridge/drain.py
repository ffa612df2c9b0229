"""Drain: a bridge that is told to stop, and shares its journal with others, leaves its work and its clients to those
before it ends.

First it says that it is not ready, so that balancers ask others; it still takes and answers everything. Then it gives
back what one bridge does at a time, and closes its clients' connections, spread over the time that is left: they come
back to others, which recover them.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Iterable
from typing import Protocol

from coordinator.errors import BridgeError

__all__ = ["Company", "Drain"]

logger = logging.getLogger("bridge")

# Of the time that there is: for balancers to notice.
NOTICE_SHARE = 0.4
STEP_SECONDS = 0.05


class Company(Protocol):
    """What a bridge leaves to others."""

    async def others(self) -> bool:
        """Whether there are any who could take it."""

    async def give_back(self) -> None:
        """Leaves to them what one bridge does at a time."""

    def clients(self) -> Iterable[Callable[[], object]]:
        """What closes the connection of each client that there is now."""


class Drain:
    """Takes `seconds` before a bridge ends, if there are others."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._company: Company | None = None
        self._draining: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.has_begun = False

    def serve(self, company: Company) -> None:
        """From now on there is something to leave."""
        self._company = company
        self._loop = asyncio.get_running_loop()

    def begin(self, end: Callable[[], object]) -> None:
        """Has the bridge leave what it has, and then end. From any thread, and out of a signal's handler."""
        if self.has_begun or self._company is None or self._loop is None:
            end()
            return
        self.has_begun = True
        self._loop.call_soon_threadsafe(self._start, self._company, end)

    def _start(self, company: Company, end: Callable[[], object]) -> None:
        self._draining = asyncio.create_task(self._drain(company))
        self._draining.add_done_callback(lambda _: end())

    async def check(self) -> None:
        """Raises BridgeError once the bridge is not to be asked any more."""
        if self.has_begun:
            raise BridgeError("the bridge stops; the others of its journal go on")

    async def _drain(self, company: Company) -> None:
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + self._seconds
        try:
            async with asyncio.timeout(self._seconds):
                if not await company.others():
                    return
                logger.info("clients and work are left to other bridges for %g s", self._seconds)
                await asyncio.sleep(NOTICE_SHARE * self._seconds)
                await company.give_back()
                await _close_clients(company, ends_at)
        except TimeoutError:
            logger.warning("not everything could be left to other bridges in time")
        except BridgeError as error:
            logger.warning("nothing can be left to other bridges: %s", error)


async def _close_clients(company: Company, ends_at: float) -> None:
    """Closes them a few at a time, also those that still come, until there are none."""
    loop = asyncio.get_running_loop()
    while closing := [*company.clients()]:
        steps = max(1, math.floor((ends_at - loop.time()) / STEP_SECONDS) - 2)
        for close in closing[: math.ceil(len(closing) / steps)]:
            close()
        await asyncio.sleep(STEP_SECONDS)
