"""Receivers: whoever is handed what comes over a WebSocket, or told of its end; and whoever counts who is there."""

from collections.abc import Callable
from typing import Protocol

from bridge.sockets.transport.disconnects import Disconnect

__all__ = ["CountedConnection", "Places", "Receiver"]


class CountedConnection(Protocol):
    """Whoever counts the connections."""

    def leave(self) -> None:
        """It is gone."""


class Places(Protocol):
    """Whoever gives out places."""

    def at_close(self, answer: Callable[[], object]) -> None:
        """Has this called when nobody comes any more, and polls should not keep waiting."""

    def seat(self, address: str, counted_as: str | None, make_room: Callable[[], bool]) -> CountedConnection | None:
        """One for a session that polls, which keeps it also while no connection of its is open; None if there is
        none. `counted_as` is the name that its client counts under, if not its address. `make_room` has another
        session leave; it returns whether there was one."""


class Receiver(Protocol):
    """Whoever takes a WebSocket over."""

    def received(self, content: str | bytes) -> None:
        """A message has come."""

    def cut(self) -> None:
        """The connection is gone, or as good as: nothing is written to it. `lost` is called when it has its turn."""

    def lost(self) -> None:
        """The connection is gone, or closing. Called once."""

    def stalled(self, disconnect: Disconnect) -> None:
        """What it has begun to send takes too much of what is there for all."""
