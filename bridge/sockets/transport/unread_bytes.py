"""Unread bytes: answers and events that nobody reads, and messages that do not come whole, of all connections
together. No I/O.

Each connection has a bound of its own, and thousands of them could fill the memory all the same. So whatever waits
for a client, to be written or to be polled, counts here as well, and so does what it has sent of a message over a
WebSocket that is not whole, or waits for its turn; beyond one bound those that hold most are ended. Those of one
address have a bound of their own together, or it would fill what there is for all.

An event that waits for several clients counts for each of them. It takes that much where the transport copies what
it is written (Python 3.11); where it keeps one copy for all, the bound is met too early, and never too late. To count
what is shared once would cost every delivery a look at who else waits for it.
Whoever had a session comes back to it by its offset.
"""

import logging
import math
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from prometheus_client import Gauge

from bridge.sockets.throttled_log import ThrottledLog
from bridge.sockets.transport.disconnects import Disconnect

__all__ = ["MADE_ROOM", "PIECE_BYTES", "Counts", "Holder", "UnreadBytes"]

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


class Counts(Protocol):
    """Where it counts what waits for a connection."""

    def note(self, holder: Holder, held_bytes: int) -> None:
        """So much waits for one; 0: nothing any more."""


class OfAddress:
    """Where it counts for an address too."""

    __slots__ = ("_network", "_unread")

    def __init__(self, unread: "UnreadBytes", network: str) -> None:
        self._unread = unread
        self._network = network

    def note(self, holder: Holder, held_bytes: int) -> None:
        self._unread.note(holder, held_bytes, self._network)


class HeldBytes(NamedTuple):
    """What waits for one connection, and of which address that is; None: of one that is not counted."""

    size_bytes: int
    network: str | None


NOTHING = HeldBytes(0, None)


class UnreadBytes:
    """What waits, by the connection that it waits for."""

    def __init__(
        self,
        limit_bytes: float,
        limit_bytes_per_address: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limit_bytes = limit_bytes
        self._limit_bytes_per_address = limit_bytes_per_address
        self._held: dict[Holder, HeldBytes] = {}
        """Those that have not been empty for longest come first."""
        self._held_bytes = 0
        self._of_address: dict[str, int] = {}
        self._ended = ThrottledLog(logger, "ending connections that do not read, or do not send on", clock)

    def show(self) -> None:
        """From now on the figure is this one's."""
        UNREAD.set_function(lambda: self._held_bytes)

    @property
    def held_bytes(self) -> int:
        """What waits for all of them together."""
        return self._held_bytes

    def of(self, network: str | None) -> Counts:
        """Where it counts for an address too; None: that is not counted."""
        return self if network is None else OfAddress(self, network)

    def note(self, holder: Holder, held_bytes: int, network: str | None = None) -> None:
        """So much waits for one, which is of an address that is counted; 0: nothing any more."""
        before = self._held.get(holder, NOTHING)
        self._count(before.network, -before.size_bytes)
        self._count(network, held_bytes)
        if held_bytes:
            self._held[holder] = HeldBytes(held_bytes, network)
        else:
            self._held.pop(holder, None)
        self._held_bytes += held_bytes - before.size_bytes
        if held_bytes > before.size_bytes or network != before.network:
            if network is not None and self._of_address.get(network, 0) > self._limit_bytes_per_address:
                self._make_room_of(network)
            if self._held_bytes > self.limit_bytes:
                self._make_room_of_all()

    def _count(self, network: str | None, more_bytes: int) -> None:
        if network is not None and more_bytes:
            self._of_address[network] = self._of_address.get(network, 0) + more_bytes
            if not self._of_address[network]:
                del self._of_address[network]

    def _make_room_of_all(self) -> None:
        why = f"what waits for all of them together is more than {self.limit_bytes:.0f} bytes (unread_limit_bytes)"
        self._make_room(list(self._held), lambda: self._held_bytes > LEFT_SHARE * self.limit_bytes, why)

    def _make_room_of(self, network: str) -> None:
        limit_bytes = self._limit_bytes_per_address
        of_address = [holder for holder, held in self._held.items() if held.network == network]
        why = (
            f"what waits for those of {network} is more than {limit_bytes:.0f} bytes"
            " (unread_limit_bytes_per_address; trusted_proxies, if it is a proxy)"
        )
        self._make_room(of_address, lambda: self._of_address.get(network, 0) > LEFT_SHARE * limit_bytes, why)

    def _make_room(self, holders: list[Holder], is_too_much: Callable[[], bool], why: str) -> None:
        """Ends those that hold most, and of several that hold as much those that have for longest."""
        for holder in holders:
            held = self._held[holder]
            if holder.unread_bytes < held.size_bytes:
                self.note(holder, holder.unread_bytes, held.network)  # some of it was read meanwhile
        for holder in sorted(holders, key=lambda one: self._held.get(one, NOTHING).size_bytes, reverse=True):
            if not is_too_much():
                return
            self._ended.log(why)
            self.note(holder, 0)
            holder.make_room()

    def trouble(self) -> str | None:
        """What an operator should know: that connections were ended."""
        lately = self._ended.lately
        if not lately:
            return None
        return (
            f"{lately} connections that did not read, or send on, were ended within a minute; {self._held_bytes} of"
            f" {self.limit_bytes:.0f} bytes wait to be read (unread_limit_bytes)"
        )
