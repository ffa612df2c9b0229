"""Receivers: whoever is handed what comes over a WebSocket, or told of its end; and whoever counts who is there."""

from collections.abc import Callable
from typing import Protocol

__all__ = ["Guest", "Places", "Receiver"]


class Guest(Protocol):
    """Whoever counts the connections."""

    def leave(self) -> None:
        """It is gone."""


class Places(Protocol):
    """Whoever gives out places."""

    def seat(self, address: str, counted_as: str | None, make_room: Callable[[], bool]) -> Guest | None:
        """One for a session that polls, which keeps it also while no connection of its is open; None if there is
        none. `counted_as` is the name that its client counts under, if not its address. `make_room` has another
        session leave; it returns whether there was one."""


class Receiver(Protocol):
    """Whoever takes a WebSocket over."""

    def received(self, content: str | bytes) -> None:
        """A message has come."""

    def lost(self) -> None:
        """The connection is gone, or closing. Called once."""

    def moved(self) -> None:
        """From now on what is written waits in memory, or no longer."""

    def stalled(self, reason: str) -> None:
        """More waits to be written than there is room for; `reason` is the word for which bound was met."""
