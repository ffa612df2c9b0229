"""Crowd writes: what goes to hundreds of clients, written to them in slices, so that whoever else waits for the event
loop, a webhook for one, waits for a slice and not for all of them.

Whatever else is written to one of them meanwhile comes behind it, since it is written to that one first. What waits
is kept once, however many it is for.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from bridge.sockets.transport.direct_writes import Send, write_frames
from bridge.sockets.transport.frames import Outgoing, frames_of

if TYPE_CHECKING:
    from bridge.sockets.transport.connection import Connection
    from bridge.sockets.transport.writer import Writer

__all__ = ["CROWD", "CrowdWrites"]

# More clients than this are a crowd: so many are written to within a slice.
CROWD = 256
# What is written in one turn of the loop.
SLICE_SECONDS = 0.002
# So many are written to between two looks at the clock.
PIECE = 64
# Whoever delivers waits while more than this are under way; what has come by then goes out as one write.
UNDER_WAY = 1
# No more wait at all: each takes some memory for each of its clients.
WAITING_LIMIT = 8

To = Sequence[str | None]
"""Some rooms; None is that of everyone."""


class _Run:
    """Messages in a row."""

    __slots__ = ("_frames", "messages")

    def __init__(self) -> None:
        self.messages: list[Outgoing] = []
        self._frames: bytes | None = None

    def add(self, messages: Sequence[Outgoing]) -> None:
        self.messages += messages
        self._frames = None

    @property
    def frames(self) -> bytes:
        if self._frames is None:
            self._frames = frames_of(self.messages)
        return self._frames


class _Crowd:
    """What waits for the same clients."""

    __slots__ = ("_ahead", "_direct", "_plain", "_queued", "_run", "then", "to")

    def __init__(self, to: To, direct: Mapping[str, Send], queued: Mapping[str, "Connection"]) -> None:
        self.to = to
        self._run, self._plain = _Run(), _Run()
        """The same for those who take offsets, and for those who take none."""
        self._direct = dict.fromkeys(direct.values())
        """Those whose sockets take at once what they are sent."""
        self._queued = {one.writer: self._run if one.takes_offsets else self._plain for one in queued.values()}
        """The others, with what they are sent."""
        self._ahead: dict[Writer, tuple[_Run, int]] = {}
        """Who was written to before its turn, and how much of what."""
        self.then: list[Callable[[], object]] = []
        """Called once it is written to all of them."""

    def add(self, messages: Sequence[Outgoing], plain: Sequence[Outgoing]) -> None:
        """More for all of them, before the first has had its turn."""
        self._run.add(messages)
        self._plain.add(plain)

    def write_some(self) -> bool:
        """Writes to some of them; returns whether all have been written to."""
        if self._direct:
            pop = self._direct.popitem
            sends = [pop()[0] for _ in range(min(PIECE, len(self._direct)))]
            write_frames(sends, self._run.frames)
        elif self._queued:
            writer, run = self._queued.popitem()
            writer.put_in_turn(run.messages, run.frames)
        elif self._ahead:
            writer, (run, count) = self._ahead.popitem()
            _write_rest(writer, run, count)
        return not (self._direct or self._queued or self._ahead)

    def write_to(self, writer: "Writer", send: Send | None, *, more_may_come: bool) -> None:
        """Writes to one of them before its turn, if it is one."""
        if writer in self._ahead:
            run, count = self._ahead.pop(writer)
            _write_rest(writer, run, count)
        elif writer in self._queued:
            run = self._queued.pop(writer)
            writer.put_in_turn(run.messages, run.frames)
        elif send is not None and send in self._direct:
            del self._direct[send]
            run = self._run
            writer.write_frames(run.frames)
        else:
            return
        if more_may_come:
            self._ahead[writer] = run, len(run.messages)

    def moved(self, writer: "Writer", send: Send) -> None:
        """One of them cannot be written to at once any more."""
        if send in self._direct:
            del self._direct[send]
            self._queued[writer] = self._run


def _write_rest(writer: "Writer", run: _Run, count: int) -> None:
    """What of a run was added after so much of it was written."""
    if rest := run.messages[count:]:
        writer.put_in_turn(rest, frames_of(rest))


class CrowdWrites:
    """What waits for crowds, the first first."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self.waiting: deque[_Crowd] = deque()
        self._open: _Crowd | None = None
        """The last of them, as long as more may go to the same clients."""
        self._is_scheduled = False
        self._one_is_done = asyncio.Event()
        self.begun = 0
        """How many there have been."""

    # Whoever delivers

    async def has_room(self) -> None:
        """Returns once another may be put here."""
        while len(self.waiting) > UNDER_WAY:
            self._one_is_done.clear()
            await self._one_is_done.wait()

    def put(
        self,
        to: To,
        direct: Mapping[str, Send],
        queued: Mapping[str, "Connection"],
        messages: Sequence[Outgoing],
        plain: Sequence[Outgoing],
    ) -> None:
        """Puts messages here for clients, `plain` for those who take no offsets. Until `close`, `to` stands for the
        same clients."""
        if self._open is None or self._open.to != to:
            if len(self.waiting) == WAITING_LIMIT:
                while not self._write_some():
                    pass
            self._open = _Crowd(to, direct, queued)
            self.waiting.append(self._open)
            self.begun += 1
            self._schedule()
        self._open.add(messages, plain)

    def close(self) -> None:
        """What was put here is complete: whoever comes from now on hears none of it."""
        self._open = None

    def once_written(self, then: Callable[[], object]) -> None:
        """Calls this once all that was put here is written; calls come in the order in which they were asked for."""
        if self.waiting:
            self.waiting[-1].then.append(then)
        else:
            then()

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        self._is_scheduled = False
        self.close()
        ends_at = self._clock() + SLICE_SECONDS
        try:
            while self.waiting:
                self._write_some()
                if self._clock() >= ends_at:
                    break
        finally:
            if self.waiting:
                self._schedule()

    def _write_some(self) -> bool:
        """Returns whether the first is done."""
        if not self.waiting[0].write_some():
            return False
        done = self.waiting.popleft()
        self._one_is_done.set()
        for then in done.then:
            then()
        return True

    # Whoever writes to one of them

    def write_to(self, writer: "Writer", send: Send | None) -> None:
        """Writes to a client what waits for it as one of a crowd, before something else is written to it."""
        for crowd in self.waiting:
            crowd.write_to(writer, send, more_may_come=crowd is self._open)

    def moved(self, writer: "Writer", send: Send) -> None:
        """A client cannot be written to at once any more."""
        for crowd in self.waiting:
            crowd.moved(writer, send)
