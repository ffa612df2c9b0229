"""Writing to one client: the only door to its socket, in the order of the calls, and never without bounds.

What cannot be written at once waits, in a backlog or in the transport's buffer, and counts in `unread`.
"""

import asyncio
import socket
import sys
from collections.abc import Callable
from enum import Enum
from typing import Any, Protocol

from bridge.sockets.transport.backlog import Backlog
from bridge.sockets.transport.crowd_writes import CrowdWrites
from bridge.sockets.transport.direct_writes import Borrowed, Send
from bridge.sockets.transport.disconnects import Disconnect
from bridge.sockets.transport.frames import Outgoing, frame_of_packet, frames_of
from bridge.sockets.transport.unread_bytes import PIECE_BYTES, Counts

__all__ = ["Mode", "Writer", "WriterClient"]

# A client that begins to listen when it hears that it is connected would miss what comes in the same read. Long
# enough for it to have read that far, too short for anybody to notice.
APART_SECONDS = 0.02


class Mode(Enum):
    """What becomes of what is written."""

    DIRECT = "direct"
    """It goes into the socket at once."""
    BUFFERED = "buffered"
    """It waits behind what waits already: to be polled, to be read, or for a moment."""
    CLOSED = "closed"
    """It goes nowhere. Nothing leads back from here."""


class WriterClient(Protocol):
    """Whoever is written to."""

    def moved(self) -> None:
        """From now on what is written waits, or no longer."""

    def stalled(self, disconnect: Disconnect) -> None:
        """More waits than there is room for; `disconnect` says which bound was met."""


class _Nobody:
    """Whoever has gone."""

    def moved(self) -> None: ...

    def stalled(self, disconnect: Disconnect) -> None: ...


_NOBODY = _Nobody()


def _dropped(_frames: bytes) -> None:
    """Takes what is written where there is no socket, or none any more."""


class Writer:
    """Writes to one client."""

    # Unlike most objects there are tens of thousands of these.
    __slots__ = (
        "_backlog",
        "_borrowed",
        "_client",
        "_crowd_writes",
        "_is_apart",
        "_is_cut",
        "_is_full",
        "_limit_bytes",
        "_owed_bytes",
        "_send",
        "_transport",
        "_unread",
        "_waiting_frames",
        "holds_back",
        "mode",
        "write_frames",
    )

    def __init__(self, client: WriterClient, unread: Counts, limit_bytes: int, crowd_writes: CrowdWrites) -> None:
        """No more than `limit_bytes` may wait for the client. What does counts in `unread`. What waits for it in
        `crowd_writes` is written before anything else."""
        self._client = client
        self._crowd_writes = crowd_writes
        self._unread = unread
        self._limit_bytes = limit_bytes
        self._owed_bytes = 0
        """What the server itself put there at once, which the client needs time to read."""
        self._backlog: Backlog | None = None
        self._transport: asyncio.Transport | None = None
        """That of its WebSocket; None while it polls, or where the web server has no door."""
        self._borrowed: Borrowed | None = None
        self._send: Send | None = None
        self._waiting_frames = 0
        """How many were written behind what waits in the transport."""
        self._is_full = False
        """Whether something waits there."""
        self._is_apart = False
        """Whether what is sent to it alone is held back first."""
        self._is_cut = False
        """Whether nothing is written any more, whatever the transport says."""
        self.holds_back = False
        """Whether what is sent waits for a moment."""
        self.mode = Mode.BUFFERED
        self.write_frames: Callable[[bytes], None] = _dropped
        """Writes frames that are ready into the socket, past what is held back."""

    @property
    def direct(self) -> Send | None:
        """Writes past the transport, which is cheaper; None when something waits, or it cannot be done."""
        return self._send if self.mode is Mode.DIRECT else None

    @property
    def backlog(self) -> Backlog:
        """What waits to be polled, or for a moment."""
        if self._backlog is None:
            self._backlog = Backlog(self._unread, self._make_room)
        return self._backlog

    # What is sent

    def put(self, packet: Any) -> None:
        """Sends a packet of the engine."""
        self.catch_up()
        if self._transport is not None and not self.holds_back:
            self.write_frames(frame_of_packet(packet))
        else:
            self._put_behind(packet)

    def put_messages(self, messages: list[Outgoing], frames: bytes) -> None:
        """Sends messages, of which `frames` are the frames in a row."""
        self.catch_up()
        self.put_in_turn(messages, frames)

    def catch_up(self) -> None:
        """Writes what waits for it as one of a crowd."""
        if self._crowd_writes.waiting:
            self._crowd_writes.write_to(self, self._send)

    def put_in_turn(self, messages: list[Outgoing], frames: bytes) -> None:
        """The same for whoever has seen to it that nothing comes before."""
        if self._is_apart:
            self._hold_back()
        if self._transport is not None and not self.holds_back:
            self.write_frames(frames)
        else:
            for message in messages:
                self._put_behind(message.packet)

    def put_parts(self, parts: list[str | bytes]) -> None:
        """Sends one packet of Socket.IO, with its attachments."""
        messages = [Outgoing(part) for part in parts]
        self.put_messages(messages, frames_of(messages))

    def owe(self, owed_bytes: int) -> None:
        """So much of what is sent next is more than its client could have read; until it has read all, that does not
        count against it."""
        self._owed_bytes = owed_bytes

    def keep_to(self, limit_bytes: int) -> None:
        """From now on no more may wait."""
        self._limit_bytes = limit_bytes

    def _put_behind(self, packet: Any) -> None:
        if self.mode is Mode.CLOSED:
            return
        self.backlog.add(packet)
        if self.backlog.size_bytes > self._limit_bytes + self._owed_bytes:
            self._client.stalled(Disconnect.BACKLOG)

    def _write_behind(self, frames: bytes) -> None:
        """To what waits in the transport already."""
        if self._transport is None:
            return
        self._transport.write(frames)
        self._waiting_frames += 1
        if self._transport.get_write_buffer_size() > self._limit_bytes + self._owed_bytes:
            self._client.stalled(Disconnect.BACKLOG)
        else:
            self._unread.note(self, self.unread_bytes)

    # What waits

    @property
    def unread_bytes(self) -> int:
        """What waits in the transport, and what it takes to keep it."""
        waiting_bytes = 0 if self._transport is None else self._transport.get_write_buffer_size()
        return waiting_bytes + PIECE_BYTES * self._waiting_frames

    def make_room(self) -> None:
        if self.mode is Mode.CLOSED and self._transport is not None:
            self._transport.abort()  # which has had its moments to read the rest
        else:
            self._make_room()

    def _make_room(self) -> None:
        self._client.stalled(Disconnect.MADE_ROOM)

    def polled(self) -> list[Any]:
        """All that waits, for a poll."""
        self._owed_bytes = 0
        return self.backlog.take_all()

    # What is said to one alone, right after it is connected

    def keep_apart(self) -> None:
        """What is sent to this client alone from here on does not come in one read with what was sent before."""
        self._is_apart = True
        # A timer and no look at the clock: what is said at once is held back even if that took long.
        asyncio.get_running_loop().call_later(APART_SECONDS, self._end_apart)

    def _end_apart(self) -> None:
        self._is_apart = False

    def _hold_back(self) -> None:
        self._is_apart = False
        if not self.holds_back and self.mode is not Mode.CLOSED:
            self.holds_back = True
            self._settle()
            asyncio.get_running_loop().call_later(APART_SECONDS, self._let_out)

    def _let_out(self) -> None:
        if not self.holds_back:
            return
        self.holds_back = False
        if self._transport is None:
            self.backlog.wake()
            return
        self.write_frames(self._held_frames())
        self._settle()

    def _held_frames(self) -> bytes:
        waiting = [] if self._backlog is None else self._backlog.take_all()
        return b"".join(map(frame_of_packet, waiting))

    # The socket

    def take_over(self, transport: asyncio.Transport) -> None:
        """From now on everything goes into a WebSocket; first what has waited."""
        self._transport = transport
        transport.write(self._held_frames())
        # From now on to pause means that something waits, and to resume that nothing does.
        transport.set_write_buffer_limits(high=0)
        if transport.get_write_buffer_size():
            self.paused()
        else:
            self._write_directly()

    def _write_directly(self) -> None:
        if self._transport is None or self._is_cut:
            return
        self.write_frames, self._is_full = self._transport.write, False
        if self._borrowed is None and sys.platform != "win32" and not self._transport.get_extra_info("sslcontext"):
            lent = self._transport.get_extra_info("socket")
            # To send is all that it does, which is the same for every family: to ask for that takes a dozen calls.
            self._borrowed = Borrowed(socket.AF_INET, socket.SOCK_STREAM, 0, lent.fileno())
            self._borrowed.writer = self
            self._send = self._borrowed.send
        self._settle()

    def paused(self) -> None:
        """The socket is full: what is written waits in the transport."""
        if self.mode is not Mode.CLOSED and not self._is_cut:
            self.write_frames, self._is_full = self._write_behind, True
            self._settle()
        self._unread.note(self, self.unread_bytes)

    def resumed(self) -> None:
        """The client has read all that waited."""
        self._waiting_frames = 0
        self._unread.note(self, 0)
        self._owed_bytes = 0
        if self.mode is not Mode.CLOSED:
            self._write_directly()

    def _settle(self) -> None:
        """Whether what is written waits, as things stand."""
        if self.mode is not Mode.CLOSED:
            waits = self._transport is None or self._is_full or self.holds_back
            self._set(Mode.BUFFERED if waits else Mode.DIRECT)

    def _set(self, mode: Mode) -> None:
        if mode is not self.mode:
            if self._send is not None and self._crowd_writes.waiting:
                self._crowd_writes.moved(self, self._send)
            self.mode = mode
            self._client.moved()

    # The end

    def close(self, last: bytes = b"") -> None:
        """Writes what is held back, then `last`, and nothing after that."""
        self.catch_up()
        if self._transport is not None and not self._transport.is_closing():
            frames = (self._held_frames() if self.holds_back else b"") + last
            if frames:
                self._transport.write(frames)
        elif self._transport is None and self._backlog is not None:
            self._backlog.wake()
        self._stop()

    def cut(self) -> None:
        """The socket is gone, or going: nothing is written to it, and `drop` follows."""
        self.write_frames, self._is_cut = _dropped, True
        # Before anything that may fail: the number of the socket is soon another client's.
        if self._borrowed is not None:
            self._borrowed.detach()
            self._borrowed = self._send = None

    def drop(self) -> None:
        """Writes nothing any more, whatever waits: it would not be read, or is sent again once the client is back."""
        self._unread.note(self, 0)
        if self._backlog is not None:
            self._backlog.clear()
        self._stop()

    def _stop(self) -> None:
        self.cut()
        self.holds_back = self._is_apart = False
        if self._backlog is not None:
            self._backlog.counts_no_more()
        self._set(Mode.CLOSED)
        self._client = _NOBODY  # or the two would wait for the garbage collector
