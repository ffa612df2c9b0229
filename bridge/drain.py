"""Drain: a bridge that is told to stop, and shares its journal with others, leaves its work and its clients to those
before it ends.

First it says that it is not ready, so that balancers ask others; it still takes and answers everything. Then it gives
back what one bridge does at a time, and closes its clients' connections, spread over the time that is left: they come
back to others, which recover them. Each is told before when to come back, so that they do not come all at once; where
there are no others, so that they come once a bridge can be there again.
"""

import asyncio
import logging
import math
import random
from collections.abc import Callable, Sequence
from typing import Protocol

from coordinator.batched import batched
from coordinator.errors import BridgeError

__all__ = ["Company", "Drain", "LeavingClient", "come_back_in_ms"]

logger = logging.getLogger("bridge")

# Of the time that there is: for balancers to notice.
NOTICE_SHARE = 0.4
STEP_SECONDS = 0.05
# Of a core, for a client that comes back: they are told to come as quickly as one bridge can take them up.
RETURN_MS = 1.0
# A bridge that stops alone is not there again sooner; who comes meanwhile comes in vain.
STARTS_WITHIN_MS = 1_000
LONGEST_MS = 30_000
TOLD_AT_ONCE = 200
# Whoever polls asks again within this, or is not told.
HEARD_SECONDS, LOOK_SECONDS = 0.5, 0.01


def come_back_in_ms(share: float, clients: int, *, are_others: bool) -> int:
    """When one of so many clients is to come back, by its `share` of the time that all of them have: 0 to 1."""
    soonest = 0 if are_others else STARTS_WITHIN_MS
    return min(LONGEST_MS, soonest + round(share * clients * RETURN_MS))


class LeavingClient(Protocol):
    """Somebody whom a bridge that stops closes the connection of."""

    def tell(self, come_back_in_ms: int) -> object:
        """Says that it is about to be closed, and when to come back."""

    @property
    def has_heard(self) -> bool:
        """Whether nothing that it was told waits until it asks."""

    def close(self) -> object: ...


class Company(Protocol):
    """What a bridge leaves to others."""

    async def others(self) -> bool:
        """Whether there are any who could take it."""

    async def give_back(self) -> None:
        """Leaves to them what one bridge does at a time."""

    def clients(self) -> Sequence[LeavingClient]:
        """Those that there are now."""


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
                    await _tell_clients(company)
                    return
                logger.info("clients and work are left to other bridges for %g s", self._seconds)
                await asyncio.sleep(NOTICE_SHARE * self._seconds)
                await company.give_back()
                await _close_clients(company, ends_at)
        except TimeoutError:
            logger.warning("not everything could be left to other bridges in time")
        except BridgeError as error:
            logger.warning("nothing can be left to other bridges: %s", error)


def _share() -> float:
    return random.random()  # noqa: S311 (no secret)


async def _tell_clients(company: Company) -> None:
    """Those of a bridge that stops alone, whose server closes them."""
    clients = company.clients()
    for some in batched(clients, TOLD_AT_ONCE):
        for client in some:
            client.tell(come_back_in_ms(_share(), len(clients), are_others=False))
        await asyncio.sleep(0)
    await _until_heard(clients)


async def _close_clients(company: Company, ends_at: float) -> None:
    """Closes them a few at a time, also those that still come, until there are none."""
    loop = asyncio.get_running_loop()
    of_all = len(company.clients())
    while clients := company.clients():
        steps = max(1, math.floor((ends_at - loop.time()) / STEP_SECONDS) - 2)
        for client in clients[: math.ceil(len(clients) / steps)]:
            client.tell(come_back_in_ms(_share(), of_all, are_others=True))
            client.close()
        await asyncio.sleep(STEP_SECONDS)


async def _until_heard(clients: Sequence[LeavingClient]) -> None:
    """Waits for those who are between two polls; not for long, since some may be gone without a word."""
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + HEARD_SECONDS
    # Nothing signals that a poll took what waited.
    while loop.time() < ends_at and not all(client.has_heard for client in clients):  # noqa: ASYNC110
        await asyncio.sleep(LOOK_SECONDS)
