"""Flow control: when what a connection sends is read. Not while what came before waits, nor while its address has had
its share of the event loop's time; and of what nobody looks at any more, a piece at a time."""

import asyncio
from typing import Protocol

from bridge.sockets.loop_shares import LoopShare

__all__ = ["FlowControl"]

# Between two reads of what a client that was refused still sends. The system keeps a tenth of a megabyte of each, so
# that ten times what a body may have is passed over before the client is given up.
RESTING_SECONDS = 0.02
# What the system and the loop have done by the time that it is handed over: each copies it.
SECONDS_FOR_EACH_BYTE = 1e-9
# What it takes to accept a connection and to close it.
SECONDS_FOR_EACH_CONNECTION = 0.0002


class Reader(Protocol):
    """Whoever understands what comes."""

    def receive(self, data: bytes) -> bool:
        """Something has come. Returns whether that makes a request whole, which is counted with its answer."""

    def count_held(self, *, is_more: bool) -> None:
        """More, or less, is kept that was not read."""


class FlowControl:
    """What comes over one connection."""

    __slots__ = ("_has_turn", "_is_waiting", "_late", "_reader", "_share", "_transport", "is_paused", "passes_over")

    def __init__(self, transport: asyncio.Transport, reader: Reader) -> None:
        self._transport = transport
        self._reader: Reader | None = reader
        """None once nothing more is read."""
        self._share: LoopShare | None = None
        """What its address may have of the event loop's time; None: that is not counted."""
        self.is_paused = False
        self._is_waiting = False
        """While its address has had more than that, or it rests."""
        self._has_turn = False
        """Whether it has waited, and what comes next is read."""
        self._late = b""
        """What has come meanwhile."""
        self.passes_over = False
        """Whether nobody looks at what comes any more."""

    @property
    def late_bytes(self) -> int:
        """How much has come that its address has no turn for."""
        return len(self._late)

    def begin(self, share: LoopShare | None) -> None:
        """Nothing is read of an address that has had its share: what hundreds have to say would have to be kept."""
        self._share = share
        if share is not None:
            share.spend(SECONDS_FOR_EACH_CONNECTION)
            if not share.is_due():
                self._wait_for_turn(share)

    def feed(self, came: memoryview) -> None:
        """Something has come, which is good until this returns."""
        reader, share = self._reader, self._share
        if reader is None:
            return
        if self.passes_over:
            if share is not None:
                share.spend(len(came) * SECONDS_FOR_EACH_BYTE)
            self._rest()
        elif share is None:
            reader.receive(bytes(came))
        elif self._is_waiting or share.has_had_turn() or not (self._has_turn or share.is_due()):
            self._late += came
            reader.count_held(is_more=True)
            self._wait_for_turn(share)
        else:
            self._read(reader, share, bytes(came))

    def _read(self, reader: Reader, share: LoopShare, data: bytes) -> None:
        self._has_turn = False
        began = share.clock()
        is_whole = reader.receive(data)
        seconds = share.clock() - began + len(data) * SECONDS_FOR_EACH_BYTE
        if is_whole:
            share.take(seconds)
        else:
            share.spend(seconds)
            if not share.is_due():
                self._wait_for_turn(share)

    def _wait_for_turn(self, share: LoopShare) -> None:
        if self._can_wait:
            self._wait()
            share.when_due(self._take_turn)
        elif self._is_waiting:  # since before it was made: uvloop has begun to read it all the same
            self._transport.pause_reading()

    def _take_turn(self) -> None:
        self._is_waiting, self._has_turn = False, not self.passes_over
        reader, share, late, self._late = self._reader, self._share, self._late, b""
        if reader is not None and share is not None and late:
            reader.count_held(is_more=False)
            self._read(reader, share, late)
        self._listen()

    def pass_over(self) -> None:
        """From now on nobody looks at what comes; it is read a piece at a time, and none of it is kept."""
        self.passes_over, self._late = True, b""
        self._rest()

    def _rest(self) -> None:
        if self._can_wait:
            self._wait()
            asyncio.get_running_loop().call_later(RESTING_SECONDS, self._is_rested)

    def _is_rested(self) -> None:
        self._is_waiting = False
        if self._share is not None:  # hundreds that rest would go on at once
            self._wait_for_turn(self._share)
        else:
            self._listen()

    def pause(self) -> None:
        """Reads no more until `resume`, so that what the client sends waits with the client."""
        if not self.is_paused and not self._transport.is_closing():
            self.is_paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Reads again."""
        if self.is_paused:
            self.is_paused = False
            self._listen()

    def end(self) -> bytes:
        """Nothing comes any more, or somebody else reads it, with what has come and was not read."""
        self._reader = None  # which has this: both would be gone only once the garbage collector comes
        if (self.is_paused or self._is_waiting) and not self._transport.is_closing():
            self._transport.resume_reading()
        late, self._late = self._late, b""
        return late

    @property
    def _can_wait(self) -> bool:
        return not (self._is_waiting or self._reader is None or self._transport.is_closing())

    def _wait(self) -> None:
        self._is_waiting = True
        self._transport.pause_reading()

    def _listen(self) -> None:
        if not (self.is_paused or self._is_waiting or self._reader is None or self._transport.is_closing()):
            self._transport.resume_reading()
