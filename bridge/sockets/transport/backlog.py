"""What waits for one client that cannot be written to at once: because it polls, has only just been told that it is
connected, or because its web server has no door for frames.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from engineio.packet import NOOP

from bridge.sockets.transport.unread_bytes import PIECE_BYTES, Counts

__all__ = ["Backlog"]


class Backlog:
    """Packets in order. One at a time may wait for them."""

    __slots__ = ("_end", "_packets", "_unread", "_waits", "size_bytes")

    def __init__(self, unread: Counts, end: Callable[[], None]) -> None:
        """It counts in `unread`; `end` ends its client where there is no room for it any more."""
        self._unread = unread
        self._end = end
        self._packets: deque[Any] = deque()
        self._waits: asyncio.Future[None] | None = None
        self.size_bytes = 0
        """What the packets hold, without what their encoding adds."""

    def __len__(self) -> int:
        return len(self._packets)

    @property
    def unread_bytes(self) -> int:
        """What it takes to keep the packets."""
        return self.size_bytes + PIECE_BYTES * len(self._packets)

    def make_room(self) -> None:
        self._end()

    def counts_no_more(self) -> None:
        """Its client is gone, or as good as."""
        self._unread.note(self, 0)
        self._end = _nothing  # or the two would wait for the garbage collector

    def add(self, packet: Any) -> None:
        """Puts a packet behind the others."""
        self._packets.append(packet)
        self.size_bytes += _size_bytes(packet)
        self.wake()
        self._unread.note(self, self.unread_bytes)

    def take(self) -> Any:
        """The first packet."""
        packet = self._packets.popleft()
        self.size_bytes -= _size_bytes(packet)
        self._unread.note(self, self.unread_bytes)
        return packet

    def take_all(self) -> list[Any]:
        """All packets but those that say nothing."""
        packets = [packet for packet in self._packets if packet.packet_type != NOOP]
        self.clear()
        return packets

    def clear(self) -> None:
        self._packets.clear()
        self.size_bytes = 0
        self._unread.note(self, 0)

    async def wake_up(self) -> None:
        """Waits until another packet is put here, or until `wake` is called."""
        waits = self._waits = asyncio.get_running_loop().create_future()
        try:
            await waits
        finally:
            if self._waits is waits:
                self._waits = None

    def wake(self) -> None:
        """Whoever waits is to look again."""
        if self._waits is not None and not self._waits.done():
            self._waits.set_result(None)


def _nothing() -> None:
    """Ends nobody."""


def _size_bytes(packet: Any) -> int:
    return len(packet.data) if isinstance(packet.data, str | bytes) else 0
