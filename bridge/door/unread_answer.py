"""What of an answer waits for its client to read it: bounded in time, and in bytes together with everybody else's."""

import asyncio

from bridge.door.doorkeeper import Doorkeeper, WatchedConnection
from bridge.sockets.transport.unread_bytes import MADE_ROOM

__all__ = ["LARGE_ANSWER_BYTES", "UnreadAnswer"]

# What a client reads within moments, if it reads at all; who reads less in all the time that it is given does not.
LARGE_ANSWER_BYTES = 65_536


class UnreadAnswer:
    """The way out of one connection, from when something waits there until nothing does."""

    __slots__ = ("_connection", "_door", "_free", "_transport", "_unread", "_waiting_bytes")

    def __init__(
        self, door: Doorkeeper, connection: WatchedConnection, transport: asyncio.Transport, network: str | None
    ) -> None:
        """`network` is the address for which was asked what is answered, if that is counted."""
        self._door = door
        self._unread = door.unread.of(network)
        self._connection = connection
        self._transport = transport
        self._free: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting_bytes = 0
        """How much waited when the client was last given time for it."""
        self.give_time()
        self._unread.note(self, self._waiting_bytes)

    @property
    def unread_bytes(self) -> int:
        return self._transport.get_write_buffer_size()

    def free(self) -> None:
        """Nothing waits any more, or nobody is there who could read it."""
        self._unread.note(self, 0)
        self._free.set_result(None)

    def give_time(self) -> None:
        """Lets the client read."""
        self._waiting_bytes = self.unread_bytes
        self._door.answers.add(self._connection, self._door.limits.answer_seconds)

    def gives_more_time(self) -> bool:
        """Lets the client read on, if it has read enough in the time that it was given; returns whether it has."""
        if self._waiting_bytes - self.unread_bytes < LARGE_ANSWER_BYTES:
            return False
        self.give_time()
        return True

    async def freed(self) -> None:
        """Returns once there is room for more."""
        await asyncio.shield(self._free)

    def make_room(self) -> None:
        self._connection.turn_out(MADE_ROOM)
