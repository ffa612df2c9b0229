"""Accepting connections: of one address no more than so many a second, and a few in each turn of the event loop.

A server of the event loop's own has accepted all that wait, and made a connection of each, before anybody can say
that they come too often. Here whoever does costs an accept and a close.
"""

import asyncio
import errno
import logging
import socket
import struct
from collections.abc import Callable

from bridge.door.connection_limits import ConnectionLimits

__all__ = ["Acceptor"]

logger = logging.getLogger("bridge.door")

# Each costs a tenth of a millisecond until its request is read; whoever has one already is not to wait for hundreds.
ACCEPTED_PER_TURN = 16
# The system has no more files, or no memory, for another; those who wait are still there then.
RETRY_SECONDS = 1.0
EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
# So that closing leaves nothing behind: the system would remember each for a minute.
AT_ONCE = struct.pack("ii", 1, 0)


class Acceptor:
    """What accepts at one listener."""

    def __init__(self, listener: socket.socket, connection_limits: ConnectionLimits) -> None:
        self._listener = listener
        self._connection_limits = connection_limits
        self._make: Callable[[], asyncio.BaseProtocol]
        self._opening: set[asyncio.Task[object]] = set()
        self._retry: asyncio.TimerHandle | None = None

    def accept(self, make: Callable[[], asyncio.BaseProtocol]) -> None:
        """From now on each connection is given a protocol that this makes."""
        self._make = make
        asyncio.get_running_loop().add_reader(self._listener, self._accept_some)

    def close(self) -> None:
        """Accepts nobody any more."""
        asyncio.get_running_loop().remove_reader(self._listener)
        if self._retry is not None:
            self._retry.cancel()
        self._listener.close()

    def _accept_some(self) -> None:
        for _ in range(ACCEPTED_PER_TURN):
            try:
                connection, (address, *_) = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                # Any other is of one connection, which ended before it was accepted.
                if error.errno in EXHAUSTED:
                    self._accept_later(error)
                    return
                continue
            if self._connection_limits.may_come(address):
                self._open(connection)
            else:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
                connection.close()

    def _open(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        connection.setblocking(False)
        opening: asyncio.Task[object] = loop.create_task(loop.connect_accepted_socket(self._make, connection))
        self._opening.add(opening)
        opening.add_done_callback(self._opening.discard)

    def _accept_later(self, error: OSError) -> None:
        logger.error("accepting no connections for a second: %s", error.strerror)
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._listener)
        self._retry = loop.call_later(RETRY_SECONDS, self.accept, self._make)
