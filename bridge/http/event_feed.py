"""The feed of everything, for services that read: whoever has read all there is waits here for what comes next, in a
long poll or in a stream of server-sent events.

Each reads the journal by its own offset and at its own speed, a little at a time, so that one who is slow holds
nothing in memory. Whichever bridge commits an event, everybody hears of it.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException, TooManyRequestsException
from litestar.params import SkipValidation
from prometheus_client import Gauge

from bridge.access import Principal
from bridge.http.event_forms import Form
from bridge.http.front.problems import OFFSET_NOT_HELD
from bridge.journal import Dispatcher, Journal, JournalUnavailableError, OffsetElsewhereError, Stretch
from coordinator.compact_json import compact_json

__all__ = ["GONE", "STREAM_MEDIA_TYPE", "EventFeed", "Follower", "GivenEventFeed", "WantedStream", "gone", "opening"]

STREAM_MEDIA_TYPE = "text/event-stream"
GONE = "gone"
"""The id, and the kind, of the event that says that an offset is not held: whoever brings it back has heard so."""

# Services, not users: those have sockets, of which a bridge holds thousands.
FOLLOWERS_LIMIT = 100
# Proxies give up an answer in which nothing comes for a minute, some for half of that.
HEARTBEAT_SECONDS = 15.0
HEARTBEAT = b":\n\n"
# How soon it is noticed that a token was taken back.
POLL_SECONDS = 1.0
# Of a stream, at once: what is read for a hundred that are slow stays small.
STRETCH_EVENTS = 500
STRETCH_BYTES = 256_000
CHUNK_BYTES = 32_000
# After which a browser comes back that was cut off; not all at one moment.
RETRY_MS = (500, 1_500)

FOLLOWERS = Gauge("bridge_followers", "Who waits for events by a long poll or a stream")


class Follower:
    """Somebody who waits for what comes next."""

    def __init__(self) -> None:
        self._ended = asyncio.Event()

    def has_ended(self) -> bool:
        """Whether the bridge stops, or leaves its followers to others."""
        return self._ended.is_set()

    def end(self) -> None:
        self._ended.set()

    async def wait(self, dispatcher: Dispatcher, after: int, within_seconds: float) -> bool:
        """Returns once there is an event after that one, or it is ended, which is to return True; or once the time is
        over."""
        waiting = [asyncio.ensure_future(dispatcher.beyond(after)), asyncio.ensure_future(self._ended.wait())]
        try:
            done, _ = await asyncio.wait(waiting, timeout=within_seconds, return_when=asyncio.FIRST_COMPLETED)
            return bool(done)
        finally:
            for one in waiting:
                one.cancel()

    async def wait_for_delivery(self, dispatcher: Dispatcher, stretch: Stretch) -> None:
        """Returns once what was read was delivered here, so that whatever it takes back is known; or it is ended."""
        last = stretch.events[-1].offset if stretch.events else 0
        while dispatcher.cursor < last and not self.has_ended():
            await self.wait(dispatcher, last - 1, POLL_SECONDS)


class WantedStream(NamedTuple):
    """What a stream is read out of, how, and who reads it."""

    journal: Journal
    dispatcher: Dispatcher
    form: Form
    authorization: str | None


class EventFeed:
    """All who wait, and what they share."""

    def __init__(self, recognize: Callable[[str | None], Principal]) -> None:
        """`recognize` says who brings an `Authorization` header; it raises NotAuthorizedException."""
        self.recognize = recognize
        self._followers: dict[Follower, None] = {}
        self._readings: dict[int, asyncio.Task[Stretch]] = {}
        """What is just being read, by the offset that it comes after: most are at the same."""
        FOLLOWERS.set_function(lambda: len(self._followers))

    def followers(self) -> list[Follower]:
        return [*self._followers]

    def end(self) -> None:
        """Has everybody answered who waits."""
        for follower in self.followers():
            follower.end()

    def require_place(self) -> None:
        """Raises TooManyRequestsException."""
        if len(self._followers) >= FOLLOWERS_LIMIT:
            raise TooManyRequestsException(
                f"{FOLLOWERS_LIMIT} services wait for events of this bridge, which is all that may; ask without"
                " waiting, or later",
                headers={"Retry-After": "5"},
            )

    @contextmanager
    def following(self) -> Iterator[Follower]:
        follower = Follower()
        self._followers[follower] = None
        try:
            yield follower
        finally:
            del self._followers[follower]

    def may_go_on(self, authorization: str | None) -> bool:
        """Whether whoever began may still read everything: a token may have been taken back, or have expired."""
        try:
            return self.recognize(authorization).may_read_all_events
        except NotAuthorizedException:
            return False

    async def stream(self, wanted: WantedStream, after: int, last_id: str | None) -> AsyncGenerator[bytes, None]:
        """What comes after an offset, for as long as the client listens and its token is good. Where it ends in
        between, as when the bridge stops, the client comes back with the id of the last event, and loses nothing."""
        journal, dispatcher, form, authorization = wanted
        with self.following() as follower:
            # The place where it begins, for who is cut off before the first event.
            yield opening(last_id)
            silent_seconds = 0.0
            while not follower.has_ended() and self.may_go_on(authorization):
                try:
                    stretch = await self._read(journal, after)
                except JournalUnavailableError:
                    return
                if after and stretch.events and stretch.events[0].offset > after + 1:
                    yield gone("what came next is not stored any more")
                    return
                await follower.wait_for_delivery(dispatcher, stretch)
                for chunk in _chunks(journal, stretch, form):
                    if follower.has_ended() or not self.may_go_on(authorization):
                        return
                    yield chunk
                    silent_seconds = 0.0
                after = stretch.next.number
                if stretch.more:
                    continue
                while not await follower.wait(dispatcher, after, POLL_SECONDS):
                    if not self.may_go_on(authorization):
                        return
                    silent_seconds += POLL_SECONDS
                    if silent_seconds >= HEARTBEAT_SECONDS:
                        yield HEARTBEAT
                        silent_seconds = 0.0

    async def _read(self, journal: Journal, after: int) -> Stretch:
        reading = self._readings.get(after)
        if reading is None:
            reading = asyncio.create_task(
                journal.all_events(after=after, limit=STRETCH_EVENTS, limit_bytes=STRETCH_BYTES)
            )
            self._readings[after] = reading
            reading.add_done_callback(lambda _: self._readings.pop(after))
        return await asyncio.shield(reading)  # others may wait for it too


GivenEventFeed = NamedDependency[SkipValidation[EventFeed]]


def _chunks(journal: Journal, stretch: Stretch, form: Form) -> Iterator[bytes]:
    """Events as a stream has them, several at once where they are small."""
    frames: list[bytes] = []
    size_bytes = 0
    for journaled in stretch.events:
        document = compact_json(form(journal, journaled).model_dump(mode="json"))
        frames.append(f"{_id(journal.offset_text(journaled.place))}data: {document}\n\n".encode())
        size_bytes += len(frames[-1])
        if size_bytes >= CHUNK_BYTES:
            yield b"".join(frames)
            frames, size_bytes = [], 0
    if frames:
        yield b"".join(frames)


def opening(last_id: str | None = None) -> bytes:
    """How a stream begins, or all of it where the browser is to come back a little later."""
    return f"retry: {random.randint(*RETRY_MS)}\n{_id(last_id)}\n".encode()  # noqa: S311 (no secret)


def _id(text: str | None) -> str:
    return "" if text is None else f"id: {text}\n"


def gone(why: OffsetElsewhereError | str) -> bytes:
    """The event that says that an offset is not held. A browser cannot read an answer of 410, and would not say so;
    this it can, and comes back with GONE, upon which it is told to stop."""
    said = {"type": "about:blank", "title": OFFSET_NOT_HELD, "status": 410, "detail": f"{why}"}
    return f"event: {GONE}\n{_id(GONE)}data: {compact_json(said)}\n\n".encode()
