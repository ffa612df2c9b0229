"""The dispatcher: reads the journal's tail in order, from a cursor, and hands each stretch on.

The writer wakes it after each commit, but what it hands on always comes out of the journal, so a wake that is lost
or comes twice changes nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from prometheus_client import Counter, Gauge

from bridge.journal.rows import JournaledEvent

__all__ = ["Deliver", "Dispatcher"]

logger = logging.getLogger("bridge.journal")

Deliver = Callable[[Sequence[JournaledEvent]], Awaitable[None]]
ReadTail = Callable[[int, int], Awaitable[Sequence[JournaledEvent]]]

# One stretch: large enough to catch up quickly, small enough not to hold the event loop.
STRETCH_LIMIT = 256
# After a failed read: the database may be away for a moment, and nothing is lost by waiting.
RETRY_SECONDS = 0.5

DISPATCHED = Counter("bridge_events_dispatched", "Events handed to the sockets", ["event"])
CURSOR = Gauge("bridge_dispatcher_offset", "Offset of the last event handed to the sockets")


class Dispatcher:
    """One task that follows the journal for as long as the bridge runs."""

    def __init__(self, read_tail: ReadTail, deliver: Deliver, *, cursor: int) -> None:
        self._read_tail = read_tail
        self._deliver = deliver
        self._woken = asyncio.Event()
        self.cursor = cursor
        """Offset of the last event that was handed on."""

    def wake(self) -> None:
        """Says that there may be something new."""
        self._woken.set()

    async def run(self) -> None:
        """Follows the journal until it is cancelled."""
        while True:
            self._woken.clear()
            try:
                await self.catch_up()
            except Exception:
                logger.exception("could not hand on the events after offset %d; trying again", self.cursor)
                await asyncio.sleep(RETRY_SECONDS)
                self._woken.set()
            await self._woken.wait()

    async def catch_up(self) -> None:
        """Hands on all that is in the journal beyond the cursor."""
        while stretch := await self._read_tail(self.cursor, STRETCH_LIMIT):
            await self._deliver(stretch)
            self.cursor = stretch[-1].offset
            CURSOR.set(self.cursor)
            for journaled in stretch:
                DISPATCHED.labels(journaled.event.name).inc()
