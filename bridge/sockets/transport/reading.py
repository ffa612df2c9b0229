"""Reading a WebSocket: no faster than its client may send, whatever it sends.

A ping, an answer to one, an empty message or an empty part of one costs as much to read as a message does, so each
frame counts, and a long one for several. A client that is too fast is left waiting: what it sends stays with it, and
nothing is lost. So is one whose address has had its share of the event loop's time, until it is its turn, and one of
a crowd. What has come of a message that is not whole counts with all that is kept for connections, and so does what
is left waiting.
"""

import asyncio
import time
from collections.abc import Iterator
from typing import Protocol

from bridge.sockets.loop_shares import LoopShare
from bridge.sockets.rate_limit import RateLimit, messages_in
from bridge.sockets.transport.crowd_reads import CrowdReads
from bridge.sockets.transport.frame_reader import FrameReader, ReceivedFrame, WebSocketError
from bridge.sockets.transport.unread_bytes import Counts

__all__ = ["SocketReading"]

# Before somebody has taken the WebSocket over: a browser sends a handful of messages by then.
OPENING_RATE_LIMIT = RateLimit(per_second=100, burst=1_000)
# Whatever the pace is, so that who sends a burst of small frames is not alone here.
TURN_SECONDS = 0.0005
# Between two reads of what a client still sends that has broken the protocol.
PASSED_OVER_SECONDS = 0.05


class Subscriber(Protocol):
    """Whoever hears what is read."""

    def handle_frame(self, frame: ReceivedFrame) -> None:
        """A message has come."""

    def broken(self, error: WebSocketError) -> None:
        """The client has broken the protocol. Nothing is heard after that."""

    def make_room(self) -> None:
        """What it has begun to send takes too much of what is there for all: ends."""


class SocketReading:
    """What comes over one WebSocket."""

    __slots__ = (
        "_fed_bytes",
        "_frames",
        "_held_bytes",
        "_is_paused",
        "_late",
        "_rate_full_at",
        "_reader",
        "_resting",
        "_subscriber",
        "_transport",
        "_unread",
        "crowd",
        "rate_limit",
        "share",
        "waits_for_turn",
    )

    def __init__(
        self, transport: asyncio.Transport, subscriber: Subscriber, limit_bytes: int, unread: Counts
    ) -> None:
        """What has come and is not read whole counts in `unread`."""
        self._transport = transport
        self._unread = unread
        self._held_bytes = 0
        """As it counts there."""
        self._fed_bytes = 0
        """Of what came last, while not all of it is read."""
        self._subscriber = subscriber
        self._reader: FrameReader | None = FrameReader(limit_bytes=limit_bytes)
        """None once the client has broken the protocol."""
        self._frames: Iterator[ReceivedFrame | None] | None = None
        """What has come and is still to be read."""
        self.rate_limit = OPENING_RATE_LIMIT
        self._rate_full_at = 0.0
        """When it may send as much at once again as any may; by the event loop's clock."""
        self.share: LoopShare | None = None
        """What its address may have of the event loop's time; None: that is not counted."""
        self.waits_for_turn = False
        """While its address has had more than that."""
        self.crowd: CrowdReads | None = None
        """Among whom it has its turn; None: it need not wait for others."""
        self._late = b""
        """What has come and waits for that."""
        self._resting: asyncio.Handle | None = None
        """While it has sent more than it may, or is to go on in another turn."""
        self._is_paused = False

    def limit(self, limit_bytes: int) -> None:
        """From now on one message has no more than that."""
        if self._reader is not None:
            self._reader.limit_bytes = limit_bytes

    def count_in(self, unread: Counts) -> None:
        """From now on what has come and is not read whole counts there."""
        self._unread = unread
        if self._held_bytes:
            unread.note(self, self._held_bytes)

    def feed(self, data: bytes) -> None:
        """Something has come."""
        if self._reader is None:
            self._rest(PASSED_OVER_SECONDS)
        elif self._late:
            self._late += data
            if not self._transport.is_closing():
                self._transport.pause_reading()  # the rest waits with the client
            self._note()
        elif self.crowd is None or self.crowd.has_turn():
            self._frames, self._fed_bytes = self._reader.feed(data), len(data)
            self._read()
            self._note()
        else:
            self._late = data
            self._note()
            self.crowd.wait(self.read_late)

    def read_late(self) -> None:
        """Reads what has waited for its turn, as it comes or now."""
        late, self._late = self._late, b""
        if self._reader is not None and late:
            self._frames, self._fed_bytes = self._reader.feed(late), len(late)
            self._read_on()

    @property
    def unread_bytes(self) -> int:
        """What has come and is not read whole."""
        return self._fed_bytes + len(self._late) + (0 if self._reader is None else self._reader.held_bytes)

    def make_room(self) -> None:
        self._subscriber.make_room()

    def _note(self) -> None:
        held_bytes = self.unread_bytes
        if held_bytes != self._held_bytes:
            self._held_bytes = held_bytes
            self._unread.note(self, held_bytes)

    def _read(self, *, has_turn: bool = False) -> None:
        """Reads on, unless somebody is waited for."""
        share = self.share
        if self._frames is None or self._is_paused:
            return
        if share is None:
            self._read_frames()
        elif has_turn or share.is_due():
            began = share.clock()
            self._read_frames()
            share.spend(share.clock() - began)
        elif not self._transport.is_closing():
            self._transport.pause_reading()
            self.waits_for_turn = True
            share.when_due(self._has_turn)

    def _read_frames(self) -> None:
        frames, reader = self._frames, self._reader
        if frames is None or reader is None:
            return
        now, over_at = asyncio.get_running_loop().time(), time.perf_counter() + TURN_SECONDS
        try:
            for frame in frames:
                if frame is not None:
                    self._subscriber.handle_frame(frame)
                self._rate_full_at = self.rate_limit.spent(self._rate_full_at, now, messages_in(reader.frame_bytes))
                wait_seconds = self.rate_limit.wait_seconds(self._rate_full_at, now)
                if wait_seconds or time.perf_counter() > over_at:
                    self._rest(wait_seconds)
                    return
                if self._is_paused:
                    return
        except WebSocketError as error:
            self._reader = None
            self._subscriber.broken(error)
        self._frames, self._fed_bytes = None, 0

    def _rest(self, seconds: float) -> None:
        """Reads on after a while, or in another turn."""
        if self._resting is None and not self._transport.is_closing():
            self._transport.pause_reading()
            self._resting = asyncio.get_running_loop().call_later(seconds, self._is_rested)

    def _is_rested(self) -> None:
        self._resting = None
        self._read_on()

    def _has_turn(self) -> None:
        self.waits_for_turn = False
        self._read_on(has_turn=True)

    def _read_on(self, *, has_turn: bool = False) -> None:
        self._read(has_turn=has_turn)
        self._note()
        self._listen()

    def pause(self) -> None:
        """Reads no more until `resume`, so that what the client sends waits with the client."""
        if not self._is_paused and not self._transport.is_closing():
            self._is_paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Reads again."""
        if self._is_paused:
            self._is_paused = False
            if self._frames is None:
                self._listen()
            elif self._resting is None and not self.waits_for_turn:
                self._rest(0)

    @property
    def is_paused(self) -> bool:
        """Whether what the client sends waits: for its turn, for its rate, or for what it sent before."""
        return self._is_paused or self.waits_for_turn or self._resting is not None or self._late != b""

    def _listen(self) -> None:
        if not self.is_paused and not self._transport.is_closing():
            self._transport.resume_reading()

    def stop(self) -> None:
        """The connection is gone."""
        self._frames = self._reader = None
        self._fed_bytes, self._late = 0, b""
        self._note()
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
