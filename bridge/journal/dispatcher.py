"""The dispatcher: follows the journal in order, from a cursor, and hands each stretch on.

The writer says what it has committed. If that goes on where the cursor stands it is handed on as it is; otherwise, as
when a commit may or may not have reached the disk or another bridge has committed in between, what comes next is read
out of the journal.
"""

import asyncio
import functools
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from operator import attrgetter

from prometheus_client import Counter, Gauge

from bridge.journal.errors import JournalUnavailableError
from bridge.journal.tables.rows import JournaledEvent

__all__ = ["Deliver", "Dispatcher"]

logger = logging.getLogger("bridge.journal")

Deliver = Callable[[Sequence[JournaledEvent]], Awaitable[None]]
ReadTail = Callable[[int, int], Awaitable[Sequence[JournaledEvent]]]

# One stretch: large enough to catch up quickly, small enough not to hold the event loop.
STRETCH_LIMIT = 256
# What is committed here while the sockets are behind, until it is read from the journal again instead.
COMMITTED_LIMIT = 4 * STRETCH_LIMIT
# After a failed read: the database may be away for a moment, and nothing is lost by waiting.
RETRY_SECONDS = 0.5

_name_of = attrgetter("event.name")

DISPATCHED = Counter("bridge_events_dispatched", "Events handed to the sockets", ["event"])
CURSOR = Gauge("bridge_dispatcher_offset", "Offset of the last event handed to the sockets")
_dispatched = functools.cache(DISPATCHED.labels)


class Upcoming:
    """What comes after a cursor, as far as it is known without a look into the journal: pure, so that every order of
    what can happen can be tried (`tests/bridge/journal/test_order.py`)."""

    def __init__(self, cursor: int, committed_limit: int = COMMITTED_LIMIT) -> None:
        """No more than `committed_limit` of what was committed here is remembered until it is handed on."""
        self._committed_limit = committed_limit
        self.cursor = cursor
        """Offset of the last event that was handed on."""
        self._committed: deque[JournaledEvent] = deque()
        """What was committed here lately, in order."""
        self._knows_all = False
        """Whether the journal has nothing beyond the cursor but what is known to be committed, here or elsewhere."""
        self._elsewhere = 0
        """The last offset of which is known that another bridge has committed it."""
        self._sought = 0
        """The same when the journal was read last."""

    @property
    def newest(self) -> int:
        """The last offset that was handed on, or is known to be committed elsewhere."""
        return max(self.cursor, self._elsewhere)

    def committed(self, events: Sequence[JournaledEvent], *, is_certain: bool) -> None:
        """These were committed here; it is not certain when there may be others that nobody knows."""
        self._committed += events
        self._knows_all = self._knows_all and is_certain
        if len(self._committed) > self._committed_limit:
            self._committed.clear()
            self._knows_all = False

    def committed_elsewhere(self, offset: int | None) -> bool:
        """Another bridge has committed events up to this one; None if it is not known whether any has. Returns
        whether that is news."""
        if offset is None:
            self._knows_all = False
            return True
        is_news = offset > max(self.cursor, self._elsewhere)
        self._elsewhere = max(self._elsewhere, offset)
        return is_news

    def failed(self) -> None:
        """What was taken may not have been handed on."""
        self._knows_all = False

    def take(self, limit: int) -> list[JournaledEvent]:
        """What was committed here and comes next, with no gap."""
        committed, stretch, at = self._committed, list[JournaledEvent](), self.cursor
        # As a rule it is all of it: its offsets rise, so that there is no gap where their number has none.
        if committed and committed[0].offset == at + 1 and committed[-1].offset == at + len(committed) <= at + limit:
            stretch += committed
            committed.clear()
            return stretch
        while committed and committed[0].offset <= at:
            committed.popleft()  # it was read meanwhile
        while committed and committed[0].offset == at + 1 and len(stretch) < limit:
            stretch.append(committed.popleft())
            at += 1
        return stretch

    def is_to_be_read(self) -> bool:
        """Whether the journal may hold what comes next, and has to be read for it. What is committed from here on is
        perhaps read as well."""
        is_to_be_read = not self._knows_all or bool(self._committed) or self._elsewhere > self.cursor
        self._knows_all, self._sought = True, self._elsewhere
        return is_to_be_read

    def read(self, events: Sequence[JournaledEvent], limit: int) -> None:
        """The journal has these beyond the cursor, or more if they are as many as were asked for."""
        if len(events) == limit:
            self._knows_all = False
        elif not events and self._elsewhere == self._sought:
            # It was said of a journal that was rewound since.
            self._elsewhere = self.cursor

    def handed_on(self, stretch: Sequence[JournaledEvent]) -> None:
        """All of it, in order."""
        self.cursor = stretch[-1].offset


class Dispatcher:
    """One task that follows the journal for as long as the bridge runs."""

    def __init__(self, read_tail: ReadTail, deliver: Deliver, *, cursor: int) -> None:
        self._read_tail = read_tail
        self._deliver = deliver
        self._woken = asyncio.Event()
        self._moved = asyncio.Event()
        """Set when the cursor moves; there is another one then."""
        self._upcoming = Upcoming(cursor)
        CURSOR.set(cursor)

    @property
    def cursor(self) -> int:
        """Offset of the last event that was handed on."""
        return self._upcoming.cursor

    @property
    def newest(self) -> int:
        """Offset of the last event of which another bridge has told, or of the last that was handed on."""
        return self._upcoming.newest

    def committed(self, events: Sequence[JournaledEvent], *, is_certain: bool = True) -> None:
        """The writer has committed these events; it is not certain when there may be others that it does not know."""
        self._upcoming.committed(events, is_certain=is_certain)
        self._woken.set()

    def committed_elsewhere(self, offset: int | None) -> None:
        """Another bridge has committed events up to this one; None if it is not known whether any has."""
        if self._upcoming.committed_elsewhere(offset):
            self._woken.set()

    async def beyond(self, offset: int) -> None:
        """Returns once an event after that one was handed on, whichever bridge has committed it."""
        while self.cursor <= offset:
            await self._moved.wait()

    async def run(self) -> None:
        """Follows the journal until it is cancelled."""
        while True:
            self._woken.clear()
            try:
                await self.catch_up()
            except JournalUnavailableError:
                await self._try_again()  # whoever reads has said why
            except Exception:
                logger.exception("could not hand on the events after offset %d; trying again", self.cursor)
                await self._try_again()
            await self._woken.wait()

    async def _try_again(self) -> None:
        self._upcoming.failed()
        await asyncio.sleep(RETRY_SECONDS)
        self._woken.set()

    async def catch_up(self) -> None:
        """Hands on all that is in the journal beyond the cursor."""
        while stretch := await self._next_stretch():
            await self._deliver(stretch)
            self._upcoming.handed_on(stretch)
            moved, self._moved = self._moved, asyncio.Event()
            moved.set()
            CURSOR.set(self.cursor)
            names = list(map(_name_of, stretch))
            for name in set(names):
                _dispatched(name).inc(names.count(name))

    async def _next_stretch(self) -> Sequence[JournaledEvent]:
        upcoming = self._upcoming
        if (stretch := upcoming.take(STRETCH_LIMIT)) or not upcoming.is_to_be_read():
            return stretch
        read = await self._read_tail(self.cursor, STRETCH_LIMIT)
        upcoming.read(read, STRETCH_LIMIT)
        return read
