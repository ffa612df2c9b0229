"""The dispatcher: follows the journal in order, from a cursor, and hands each stretch on.

The writer says what it has committed. If that goes on where the cursor stands it is handed on as it is; otherwise, as
when a commit may or may not have reached the disk or another bridge has committed in between, what comes next is read
out of the journal.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from prometheus_client import Counter, Gauge

from bridge.journal.tables.rows import JournaledEvent

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
        self._committed: deque[JournaledEvent] = deque()
        """What the writer has committed lately, in order."""
        self._knows_all = False
        """Whether nothing is in the journal beyond the cursor but what was committed lately, here or elsewhere."""
        self._elsewhere = 0
        """The last offset of which is known that another bridge has committed it."""
        self.cursor = cursor
        """Offset of the last event that was handed on."""

    def committed(self, events: Sequence[JournaledEvent], *, is_certain: bool = True) -> None:
        """The writer has committed these events; it is not certain when there may be others that it does not know."""
        self._committed += events
        self._knows_all = self._knows_all and is_certain
        self._woken.set()

    def committed_elsewhere(self, offset: int | None) -> None:
        """Another bridge has committed events up to this one; None if it is not known whether any has."""
        if offset is None:
            self._knows_all = False
        elif offset <= max(self.cursor, self._elsewhere):
            return
        else:
            self._elsewhere = offset
        self._woken.set()

    async def run(self) -> None:
        """Follows the journal until it is cancelled."""
        while True:
            self._woken.clear()
            try:
                await self.catch_up()
            except Exception:
                logger.exception("could not hand on the events after offset %d; trying again", self.cursor)
                self._knows_all = False
                await asyncio.sleep(RETRY_SECONDS)
                self._woken.set()
            await self._woken.wait()

    async def catch_up(self) -> None:
        """Hands on all that is in the journal beyond the cursor."""
        while stretch := await self._next_stretch():
            await self._deliver(stretch)
            self.cursor = stretch[-1].offset
            CURSOR.set(self.cursor)
            names = [journaled.event.name for journaled in stretch]
            for name in set(names):
                DISPATCHED.labels(name).inc(names.count(name))

    async def _next_stretch(self) -> Sequence[JournaledEvent]:
        stretch = self._next_committed()
        if stretch or (self._knows_all and not self._committed and self._elsewhere <= self.cursor):
            return stretch
        self._knows_all = True
        read = await self._read_tail(self.cursor, STRETCH_LIMIT)
        if read:
            self._knows_all = False
        elif self._elsewhere > self.cursor:
            # It is said before it can be read, or of a journal that was rewound since.
            self._elsewhere = self.cursor
        return read

    def _next_committed(self) -> list[JournaledEvent]:
        """What was committed here and comes next, with no gap."""
        committed, stretch, at = self._committed, list[JournaledEvent](), self.cursor
        while committed and committed[0].offset <= at:
            committed.popleft()  # it was read meanwhile
        while committed and committed[0].offset == at + 1 and len(stretch) < STRETCH_LIMIT:
            stretch.append(committed.popleft())
            at += 1
        return stretch
