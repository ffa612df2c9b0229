"""The announcer tells clients who came and went: the first change at once, and those that come soon after it
together, to each client as one write, once it is kept. A crowd that comes neither holds the event loop nor takes most
of it."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from bridge.catalogue.activities import UserActivity
from bridge.sockets.errors import StoreUnavailableError
from bridge.sockets.presence.activity_log import ActivityLog
from bridge.sockets.presence.announcements import Announcements
from bridge.sockets.presence.outboxes import Outbox
from bridge.sockets.presence.presence import status_change
from bridge.sockets.rooms.manager import ClientManager
from bridge.sockets.transport.direct_writes import write_frames
from bridge.sockets.transport.frames import Outgoing
from bridge.sockets.transport.scheduling import LoopScheduler
from coordinator.batched import batched
from coordinator.events import Event

__all__ = ["CROWD", "Announcer"]

logger = logging.getLogger("bridge.sockets")

# What changes in this time is told together; nobody notices that.
WINDOW_SECONDS = 0.05
# After it has told, it rests so many times as long as that took.
REST = 3
# While the bridge stops: what is not kept by then is not told any more.
FINISH_SECONDS = 1.0
# Of what goes to everyone: some fifty kilobytes, which a client can read before there is more.
CHANGES_AT_ONCE = 500
# Within one turn of the event loop.
CLIENTS_PER_TURN = 20
CHANGES_PER_TURN = 20
PLACES_PER_TURN, CHANGE_PLACES = 1_000, 20
# How many clients may be told of everybody who comes and goes: `make bench-presence` has what it costs.
CROWD = 5_000


class Announcer:
    """Tells the clients of one server."""

    def __init__(
        self,
        announcements: Announcements,
        log: ActivityLog,
        manager: ClientManager,
        scheduler: LoopScheduler,
        wait_until_stored: Callable[[], Awaitable[None]],
    ) -> None:
        """`wait_until_stored` returns once all that there is to announce is kept; it raises StoreUnavailableError
        where nothing is any more."""
        self._wait_until_stored = wait_until_stored
        self._announcements = announcements
        self._log = log
        self._manager = manager
        self._scheduler = scheduler
        self._announcing: asyncio.Task[None] | None = None
        self._change_begun: object | None = None
        """For the log: what is waiting is still to be told."""
        self._announced = asyncio.Event()
        """Set, and replaced, each time that something is told."""
        self._is_pressed = asyncio.Event()
        """Set where there is no time to rest."""
        self._busy_seconds = 0.0
        """How long it took to tell what was told last."""
        self._audience_count = 0
        """How many clients were told last of somebody whom they may not know."""
        self._has_warned = False

    def announce(self) -> None:
        """There is something to announce."""
        if self._change_begun is None:
            self._change_begun = self._log.begin_change()
        if self._announcing is None:
            self._announcing = asyncio.create_task(self._announce_all())

    async def wait_until_announced(self, user_id: str) -> None:
        """Waits until everybody is told how a user stands."""
        while self._announcements.announced(user_id) is not None:
            await self._announced.wait()

    def announce_now(self, sid: str) -> None:
        """Tells a client what it is still to be told, before anything else."""
        outbox = self._log.outboxes.take(sid)
        if outbox is not None:
            self._write([(sid, outbox)])

    async def finish(self) -> None:
        """Tells what is still to be told, and is kept, without a rest."""
        self._is_pressed.set()
        if self._announcing is not None:
            await asyncio.wait([self._announcing], timeout=FINISH_SECONDS)

    def trouble(self) -> str | None:
        """What is wrong, for whoever can set it right."""
        if self._audience_count <= CROWD:
            return None
        return (
            f"each user who comes or goes was told to {self._audience_count} clients, which is good up to {CROWD};"
            ' set presence_to = "watchers", and have front ends watch the users whom they show'
        )

    async def _announce_all(self) -> None:
        try:
            while self._announcements:
                await self._announce_some()
                with suppress(TimeoutError):
                    async with asyncio.timeout(max(WINDOW_SECONDS, REST * self._busy_seconds)):
                        await self._is_pressed.wait()
        except StoreUnavailableError as error:
            logger.info("who came and went last is told by the next bridge: %s", error)
        finally:
            self._announcing = None
            if not self._announcements and self._change_begun is not None:
                self._log.end_change(self._change_begun)
                self._change_begun = None
            self._wake()  # also those whose change was taken back before it was told

    def _wake(self) -> None:
        """Has whoever waits look again."""
        announced, self._announced = self._announced, asyncio.Event()
        announced.set()

    async def _announce_some(self) -> None:
        self._busy_seconds = 0.0
        to_watchers = self._log.watches.are_alone
        taken = self._announcements.take(None if to_watchers else CHANGES_AT_ONCE)
        change_begun = self._change_begun
        if not self._announcements:
            self._change_begun = None  # what comes from now on is told the next time
        await self._wait_until_stored()
        changes = await self._events_of(taken)
        if to_watchers:
            await self._put_for_watchers(changes)
        else:
            with self._busy():
                self._share(changes)
        if self._change_begun is not change_begun:
            self._log.end_change(change_begun)
        while some := self._log.outboxes.take_some(CLIENTS_PER_TURN):
            with self._busy():
                self._write(some)
            await self._scheduler.take()
        self._wake()

    async def _events_of(self, taken: Sequence[UserActivity]) -> list[tuple[UserActivity, Event]]:
        events: list[tuple[UserActivity, Event]] = []
        for some in batched(taken, CHANGES_PER_TURN):
            await self._scheduler.take()
            with self._busy():
                events += [(change, _event_of(change)) for change in some]
        return events

    def _share(self, changes: Sequence[tuple[UserActivity, Event]]) -> None:
        """For everyone who is connected at this moment. Nothing may be waited for here: whoever comes later is told
        by the log, or finds them told when it looks them up."""
        noted = [self._note(*change) for change in changes]
        if not noted:
            return
        subscribers = self._manager.subscribers("/", None)
        outbox = Outbox(noted[0][0], [message for _, message in noted])
        self._log.outboxes.share([*subscribers.direct, *subscribers.queued], outbox)
        self._audience_count = len(subscribers)
        if not self._has_warned and (trouble := self.trouble()):
            self._has_warned = True
            logger.warning("%s", trouble)

    async def _put_for_watchers(self, changes: Sequence[tuple[UserActivity, Event]]) -> None:
        """For those who watch each user at the moment when it is told."""
        left = deque(changes)
        while left:
            await self._scheduler.take()
            places = 0
            with self._busy():
                while left and places < PLACES_PER_TURN:
                    change, event = left.popleft()
                    at, message = self._note(change, event)
                    watching = self._log.watches.watching(change.user_id)
                    for sid in watching:
                        self._log.outboxes.put(sid, message, at)
                    places += CHANGE_PLACES + len(watching)

    def _note(self, change: UserActivity, event: Event) -> tuple[int, Outgoing]:
        """From now on it is told, to whoever is told it a little later too."""
        self._announcements.note_announced(change)
        return self._log.note(event, change.user_id)

    def _write(self, outboxes: Sequence[tuple[str, Outbox]]) -> None:
        for sid, outbox in outboxes:
            connection = self._manager.connection(sid)
            if connection is None:
                continue  # it is gone
            if connection.lost_at is not None:
                self._log.outboxes.keep(sid, outbox)
                continue
            connection.writer.catch_up()
            if connection.direct is not None:
                write_frames([connection.direct], outbox.frames)
            else:
                connection.writer.put_messages(outbox.messages, outbox.frames)

    @contextmanager
    def _busy(self) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self._busy_seconds += time.perf_counter() - began


def _event_of(change: UserActivity) -> Event:
    return status_change(change.user_id, is_online=change.is_on, seen_at=change.at).to()
