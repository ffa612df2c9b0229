"""The feed of one endpoint: takes the journal's events in their order, from its cursor on, and sends those that it
wants. In memory are a stretch of events and what is under way; whatever else waits is in the journal.

An ordered endpoint is sent one event after the other, and what it does not take holds up what follows. Any other is
sent several at once, and what it does not take is tried again beside what follows.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import nullcontext, suppress
from typing import ParamSpec, Protocol, TypeVar

from prometheus_client import Counter, Gauge

from bridge.journal import Journal, JournaledEvent, JournalUnavailableError
from bridge.traces import tracing
from bridge.workers.endpoints.messages import new_delivery, sent_body
from coordinator.endpoints.endpoints import (
    DeliveryStatus,
    Endpoint,
    EndpointDelivery,
    EndpointRules,
    Try,
    after_try,
)

__all__ = ["BEHIND", "DELIVERIES", "OUTCOMES", "Feed", "Progress", "Send"]

logger = logging.getLogger("bridge.endpoints")

P = ParamSpec("P")
T = TypeVar("T")

# Of events at once in memory, for each endpoint.
STRETCH_EVENTS, STRETCH_BYTES = 100, 2_000_000
# At once under way, to one that keeps no order; and what is tried again, to any.
AT_ONCE, AGAIN_AT_ONCE = 8, 4
# What was taken is written down many at once. If the bridge is killed these come twice.
SAVED_EVERY_SECONDS, UNSAVED_LIMIT = 0.1, 256
# What an endpoint without order has not taken waits in the journal; with so many waiting, nothing new is sent.
PENDING_LIMIT = 1_000
# What is not wanted is passed over in memory, and written down now and then.
PASSED_EVENTS, PASSED_SECONDS = 1_000, 60.0
# Nothing depends on being woken.
POLL_SECONDS = 30.0
RETRY_SECONDS = 1.0

OUTCOMES = ("delivered", "refused", "failed")
DELIVERIES = Counter("bridge_endpoint_tries", "Tries to send an event to an endpoint", ["endpoint", "outcome"])
BEHIND = Gauge("bridge_endpoint_behind", "Events that an endpoint has not dealt with yet", ["endpoint"])


class Send(Protocol):
    """Makes one try."""

    async def __call__(self, url: str, message_id: str, body: bytes, keys: list[str]) -> Try: ...


class Progress:
    """How far an endpoint is: up to which event everything is settled, whatever is under way beyond it."""

    def __init__(self, cursor: int) -> None:
        self._taken = cursor
        self._open: dict[int, None] = {}
        """What is under way, in order."""

    def take(self, offset: int) -> None:
        """This is the next one, and is sent."""
        self._open[offset] = None
        self._taken = offset

    def pass_over(self, offset: int) -> None:
        """This is the next one, and is not wanted."""
        self._taken = offset

    def settle(self, offset: int) -> None:
        self._open.pop(offset, None)

    def cursor(self, *, without: int | None = None) -> int:
        """All up to here is settled, if one is too that is still under way."""
        return next((offset - 1 for offset in self._open if offset != without), self._taken)


class Feed:
    """What is sent to one endpoint, as it was when this began: whoever changes it has another feed begun."""

    def __init__(
        self,
        journal: Journal,
        endpoint: Endpoint,
        send: Send,
        rules: EndpointRules,
        *,
        granted: Callable[[Endpoint], frozenset[str]],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.endpoint = endpoint
        self._journal = journal
        self._records = journal.endpoints
        self._send = send
        self._rules = rules
        self._granted = granted
        self._chance = chance
        self._progress = Progress(endpoint.cursor)
        self._read_until = endpoint.cursor
        self._saved = endpoint.cursor
        self._newest = endpoint.cursor
        self._refused_since_counted = 0
        self._refused_ahead: set[int] = set()
        """What is tried again once everything before it is settled."""
        self._settled: list[EndpointDelivery] = []
        """Taken, and not written down yet."""
        self._to_save, self._has_room = asyncio.Event(), asyncio.Event()
        self._has_room.set()
        self._newest_moved, self._due, self._woken = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._rests_until = journal.steady()
        """Until when the endpoint has asked to be sent nothing new, by the steady clock."""

    def note_newest(self, newest: int) -> None:
        """There are events up to this one."""
        self._newest = max(self._newest, newest)
        self._show_behind()
        self._newest_moved.set()

    def _show_behind(self) -> None:
        if self.endpoint.is_enabled:
            BEHIND.labels(self.endpoint.endpoint_id).set(max(0, self._newest - self._progress.cursor()))

    def wake(self) -> None:
        """Somebody may want something of before to be sent again."""
        self._due.set()
        self._woken.set()

    async def run(self) -> None:
        """Sends until it is cancelled."""
        self.note_newest(await self._steadily(self._records.newest_offset))
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._try_again())
                tasks.create_task(self._save_settled())
                if self.endpoint.is_enabled and self.endpoint.is_ordered:
                    tasks.create_task(self._send_in_order())
                elif self.endpoint.is_enabled:
                    tasks.create_task(self._send_side_by_side(tasks))
        finally:
            if self._settled:
                with suppress(JournalUnavailableError):  # then they come twice
                    await self._record(self._settled, self._progress.cursor())

    # What comes

    async def _wanted(self) -> AsyncIterator[JournaledEvent]:
        """The events that it wants, as they come."""
        while True:
            self._newest_moved.clear()
            stretch, granted = await self._next_stretch()
            for event in stretch:
                self._read_until = event.offset
                if event.event.name in granted:
                    self._progress.take(event.offset)
                    yield event
                else:
                    self._progress.pass_over(event.offset)
            self._show_behind()
            if self._progress.cursor() - self._saved >= PASSED_EVENTS:
                await self._save_cursor()
            if not stretch:
                await self._rest()

    async def _next_stretch(self) -> tuple[list[JournaledEvent], frozenset[str]]:
        """What comes next, and the names of what of it may be sent."""
        while not (granted := self._granted(self.endpoint)):  # noqa: ASYNC110 (a file says so, which nothing signals)
            await asyncio.sleep(RETRY_SECONDS)
        after = self._read_until
        stretch = await self._steadily(
            self._records.next_events, after, limit=STRETCH_EVENTS, limit_bytes=STRETCH_BYTES
        )
        if stretch and stretch[0].offset > after + 1:
            await self._say_missed(after + 1, stretch[0].offset - 1)
        return stretch, granted

    async def _say_missed(self, first: int, last: int) -> None:
        """Of events that were forgotten before it took them nobody knows whether it wanted them."""
        because = f"events {first} to {last} were forgotten before they could be sent"
        logger.error("%s: %s", self.endpoint.endpoint_id, because)
        self._progress.pass_over(last)
        cursor = self._progress.cursor()
        await self._steadily(
            self._records.note_missed, self.endpoint, last - first + 1, because=because, cursor=cursor
        )

    async def _rest(self) -> None:
        """Until there are others."""
        try:
            async with asyncio.timeout(PASSED_SECONDS):
                await self._newest_moved.wait()
        except TimeoutError:
            if self._progress.cursor() > self._saved:
                await self._save_cursor()

    async def _save_cursor(self) -> None:
        cursor = self._progress.cursor()
        await self._steadily(self._records.save_cursor, self.endpoint, cursor)
        self._saved = cursor

    # What is sent

    async def _send_in_order(self) -> None:
        known = True
        async for event in self._wanted():
            delivery = new_delivery(self.endpoint.endpoint_id, event)
            if known:
                # Of what it was not sent yet only the first can have been tried.
                delivery = await self._as_it_stands(delivery)
                known = delivery.tries > 0
            while True:
                delivery = await self._try(await self._when_due(delivery), event)
                if delivery.status is DeliveryStatus.DELIVERED:
                    await self._settle(delivery)
                    break
                await self._refused(delivery)

    async def _as_it_stands(self, delivery: EndpointDelivery) -> EndpointDelivery:
        """Where the endpoint was enabled since, its tries begin anew."""
        endpoint_id, name = self.endpoint.endpoint_id, delivery.message_id
        stored = await self._steadily(self._records.delivery, endpoint_id, name)
        is_going_on = stored is not None and stored.status is DeliveryStatus.PENDING
        return stored if stored is not None and is_going_on and self.endpoint.failing_since is not None else delivery

    async def _when_due(self, delivery: EndpointDelivery) -> EndpointDelivery:
        """Once it is time for it, or somebody wants it at once."""
        while delivery.next_at is not None:
            self._woken.clear()
            try:
                async with asyncio.timeout(delivery.left(self._journal.clock()).total_seconds()):
                    await self._woken.wait()
            except TimeoutError:
                break
            endpoint_id, name = delivery.endpoint_id, delivery.message_id
            stored = await self._steadily(self._records.delivery, endpoint_id, name)
            delivery = stored or delivery
        return delivery

    async def _send_side_by_side(self, tasks: asyncio.TaskGroup) -> None:
        room = asyncio.Semaphore(AT_ONCE)

        async def send(event: JournaledEvent) -> None:
            try:
                delivery = await self._try(new_delivery(self.endpoint.endpoint_id, event), event)
                if delivery.status is DeliveryStatus.DELIVERED:
                    await self._settle(delivery)
                else:
                    await self._refused(delivery)
                    self._refused_since_counted += 1
                    self._refused_ahead.add(event.offset)
                self._read_backlog()
            finally:
                room.release()

        async for event in self._wanted():
            await self._room_in_the_journal()
            await room.acquire()
            await self._rest_is_over()
            tasks.create_task(send(event))

    async def _rest_is_over(self) -> None:
        """Once the endpoint may be sent something new. What is under way meanwhile may make it longer."""
        while (left_seconds := (self._rests_until - self._journal.steady()).total_seconds()) > 0:  # noqa: ASYNC110 (a clock, which nothing signals)
            await asyncio.sleep(left_seconds)

    def _read_backlog(self) -> None:
        cursor = self._progress.cursor()
        behind = {offset for offset in self._refused_ahead if offset <= cursor}
        if behind:
            self._refused_ahead -= behind
            self._due.set()

    async def _room_in_the_journal(self) -> None:
        """Until not too much of what it refused waits there."""
        while self._refused_since_counted * 10 >= PENDING_LIMIT:
            if await self._steadily(self._records.count_pending, self.endpoint.endpoint_id) < PENDING_LIMIT:
                self._refused_since_counted = 0
            else:
                await asyncio.sleep(RETRY_SECONDS)

    async def _try_again(self) -> None:
        """What was refused and lies behind the cursor, at its time; and what somebody wants at once."""
        only_wanted = not self.endpoint.is_enabled
        endpoint_id = self.endpoint.endpoint_id
        while True:
            self._due.clear()
            cursor, now = self._progress.cursor(), self._journal.clock()
            found = await self._steadily(
                self._records.due, endpoint_id, now, cursor=cursor, limit=AGAIN_AT_ONCE, only_wanted=only_wanted
            )
            if found:
                await asyncio.gather(*(self._try_one_again(one.delivery, one.event) for one in found))
                continue
            next_at = await self._steadily(
                self._records.next_due, endpoint_id, cursor=cursor, only_wanted=only_wanted
            )
            # A clock that is put back meanwhile is noticed at the next look.
            seconds = POLL_SECONDS if next_at is None else (next_at - self._journal.clock()).total_seconds()
            try:
                async with asyncio.timeout(min(max(seconds, 0.0), POLL_SECONDS)):
                    await self._due.wait()
            except TimeoutError:
                pass

    async def _try_one_again(self, delivery: EndpointDelivery, event: JournaledEvent | None) -> None:
        is_gone = event is None or new_delivery(delivery.endpoint_id, event).message_id != delivery.message_id
        if is_gone and not delivery.is_test:
            because = f"{delivery.event} {delivery.message_id} was forgotten before it was taken"
            await self._save([delivery.given_up(self._journal.clock(), because)], self._progress.cursor())
            await self._steadily(
                self._records.note_missed, self.endpoint, 1, because=because, cursor=self._progress.cursor()
            )
            return
        tried = await self._try(delivery, event, only_once=not self.endpoint.is_enabled)
        await self._save([tried], self._progress.cursor())

    # One try, and what is written down of it

    async def _try(
        self, delivery: EndpointDelivery, event: JournaledEvent | None, *, only_once: bool = False
    ) -> EndpointDelivery:
        body = sent_body(delivery, event, self._records.offset_text)
        keys = self.endpoint.keys(self._journal.clock())
        traces = tracing.traces
        with nullcontext() if traces is None or event is None else traces.continued(event.traceparent):
            tried = await self._send(self.endpoint.url, delivery.message_id, body, keys)
        if tried.rest_asked is not None and not tried.is_accepted:
            self._rests_until = max(self._rests_until, self._journal.steady() + tried.rest_asked)
        after = after_try(delivery, tried, self._rules, self._chance(), only_once=only_once)
        outcome = after.status if after.status is not DeliveryStatus.PENDING else "refused"
        DELIVERIES.labels(self.endpoint.endpoint_id, outcome).inc()
        return after

    async def _settle(self, delivery: EndpointDelivery) -> None:
        """It was taken, which is written down beside what is sent next."""
        if delivery.offset is not None:
            self._progress.settle(delivery.offset)
        self._settled.append(delivery)
        self._to_save.set()
        if len(self._settled) >= UNSAVED_LIMIT:
            self._has_room.clear()
        await self._has_room.wait()

    async def _save_settled(self) -> None:
        while True:
            await self._to_save.wait()
            await asyncio.sleep(SAVED_EVERY_SECONDS)
            taken = self._settled[:]
            self._to_save.clear()
            await self._save(taken, self._progress.cursor())
            del self._settled[: len(taken)]
            self._has_room.set()
            if self._settled:
                self._to_save.set()

    async def _refused(self, delivery: EndpointDelivery) -> None:
        """It was not taken: that is written down before anything follows. If that disables the endpoint, nothing
        does, and this feed is ended."""
        held = self.endpoint.is_ordered
        endpoint = await self._save([delivery], self._progress.cursor(without=None if held else delivery.offset))
        if not held:
            self._progress.settle(delivery.offset or 0)
        if endpoint is not None and not endpoint.is_enabled:
            logger.warning("%s is sent nothing any more: %s", endpoint.endpoint_id, endpoint.disabled_because)
        if endpoint is None or not endpoint.is_enabled:
            await asyncio.Event().wait()

    async def _save(self, deliveries: Sequence[EndpointDelivery], cursor: int) -> Endpoint | None:
        saved = await self._steadily(self._record, deliveries, cursor)
        self._saved = max(self._saved, cursor)
        return saved

    async def _record(self, deliveries: Sequence[EndpointDelivery], cursor: int) -> Endpoint | None:
        return await self._records.record_try(self.endpoint, deliveries, cursor=cursor, rules=self._rules)

    async def _steadily(self, ask: Callable[P, Coroutine[None, None, T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Asks the journal, until it answers."""
        while True:
            try:
                return await ask(*args, **kwargs)
            except JournalUnavailableError:
                await asyncio.sleep(RETRY_SECONDS)
