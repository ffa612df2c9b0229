"""Answers and events that nobody reads, and messages that do not come whole, of all connections together. No I/O.

Each connection has a bound of its own, and thousands of them could fill the memory all the same. So whatever waits
for a client, to be written or to be polled, counts here as well, and so does what it has sent of a message over a
WebSocket that is not whole; beyond one bound those that hold most are ended.

An event that waits for several clients counts for each of them. It takes that much where the transport copies what
it is written (Python 3.11); where it keeps one copy for all, the bound is met too early, and never too late. To count
what is shared once would cost every delivery a look at who else waits for it.
Whoever had a session comes back to it by its offset.
"""

import logging
import time
from collections.abc import Callable
from typing import Protocol

from prometheus_client import Gauge

from bridge.sockets.notice import Notice
from bridge.sockets.transport.disconnects import Disconnect

__all__ = ["MADE_ROOM", "PIECE_BYTES", "Holder", "Unread"]

logger = logging.getLogger("bridge.sockets")

UNREAD = Gauge("bridge_unread_bytes", "What waits to be read, or to come whole, on all connections together")

MADE_ROOM = Disconnect.MADE_ROOM.reason
"""Why a connection is ended, in the figures, for the bound of all together: also one that is no client's."""

# What each piece that waits takes beside its content: of the smallest ones that is nearly all.
PIECE_BYTES = 180
# Those that hold most are looked for again only when a good deal more has come to wait.
LEFT_SHARE = 0.75


class Holder(Protocol):
    """One connection."""

    @property
    def unread_bytes(self) -> int:
        """What waits for it at this moment."""

    def make_room(self) -> None:
        """It holds too much of what is there for all: ends, whatever it was still to be told."""


class Unread:
    """What waits, by the connection that it waits for."""

    def __init__(self, limit_bytes: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit_bytes = limit_bytes
        self._held: dict[Holder, int] = {}
        """In bytes. Those that have not been empty for longest come first."""
        self._held_bytes = 0
        self._notice = Notice(logger, "ending connections that do not read, or do not send on", clock)

    def show(self) -> None:
        """From now on the figure is this one's."""
        UNREAD.set_function(lambda: self._held_bytes)

    @property
    def held_bytes(self) -> int:
        """What waits for all of them together."""
        return self._held_bytes

    def note(self, holder: Holder, held_bytes: int) -> None:
        """So much waits for one; 0: nothing any more."""
        more_bytes = held_bytes - self._held.get(holder, 0)
        if held_bytes:
            self._held[holder] = held_bytes
        else:
            self._held.pop(holder, None)
        self._held_bytes += more_bytes
        if more_bytes > 0 and self._held_bytes > self.limit_bytes:
            self._make_room()

    def _make_room(self) -> None:
        """Ends those that hold most, and of several that hold as much those that have for longest."""
        for holder in list(self._held):
            if holder.unread_bytes < self._held[holder]:
                self.note(holder, holder.unread_bytes)  # some of it was read meanwhile
        left_bytes = LEFT_SHARE * self.limit_bytes
        by_size = sorted(self._held, key=self._held.__getitem__, reverse=True)
        for holder in by_size:
            if self._held_bytes <= left_bytes:
                return
            self._notice.log(
                f"what waits for all of them together is more than {self.limit_bytes:.0f} bytes (unread_limit_bytes)"
            )
            self.note(holder, 0)
            holder.make_room()

    def trouble(self) -> str | None:
        """What an operator should know: that connections were ended."""
        lately = self._notice.lately
        if not lately:
            return None
        return (
            f"{lately} connections that did not read, or send on, were ended within a minute; {self._held_bytes} of"
            f" {self.limit_bytes:.0f} bytes wait to be read (unread_limit_bytes)"
        )
