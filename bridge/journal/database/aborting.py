"""Aborting a connection to the database from another thread, so that whoever waits for its answer goes on.

A server that is frozen, or behind a network that swallows everything, gives no answer and no error; no time-out of
its own helps then, and the driver waits for ever.
"""

import os
import socket
from contextlib import suppress
from typing import Any

from sqlalchemy import Engine, event

__all__ = ["ConnectionAborter"]


class ConnectionAborter:
    """The connection of an engine that has one at a time, and the means to end what it waits for."""

    def __init__(self, engine: Engine) -> None:
        self._driver: Any = None
        self._socket: socket.socket | None = None
        # First of all that is done on a connection, since any of it may wait.
        event.listen(engine, "connect", self._opened, insert=True)
        event.listen(engine, "close", self._closed)

    def _opened(self, driver: Any, _record: object) -> None:
        self.close()
        self._driver = driver
        if hasattr(driver, "pgconn"):
            # One of our own: the driver's number may be another connection's by the time that it is needed.
            self._socket = socket.socket(fileno=os.dup(driver.fileno()))

    def _closed(self, driver: object, _record: object) -> None:
        if driver is self._driver:
            self.close()

    def close(self) -> None:
        """Lets go of a connection that is closed."""
        ours, self._socket, self._driver = self._socket, None, None
        if ours is not None:
            ours.close()

    def cut(self) -> None:
        """Ends what the connection waits for, with an error there. From any thread. What waits for a disk cannot be
        ended."""
        driver, ours = self._driver, self._socket
        if ours is not None:
            with suppress(OSError):
                ours.shutdown(socket.SHUT_RDWR)
        elif driver is not None:
            with suppress(Exception):
                driver.interrupt()
