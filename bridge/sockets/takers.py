"""Takers: whoever is handed what comes over a WebSocket, or is told of its end."""

from typing import Protocol

__all__ = ["Guest", "Taker"]


class Guest(Protocol):
    """Whoever counts the connections."""

    def leave(self) -> None:
        """It is gone."""


class Taker(Protocol):
    """Whoever takes a WebSocket over."""

    def received(self, content: str | bytes) -> None:
        """A message has come."""

    def lost(self) -> None:
        """The connection is gone, or closing. Called once."""

    def moved(self) -> None:
        """From now on what is written waits in memory, or no longer."""

    def stalled(self, reason: str) -> None:
        """More waits to be written than there is room for; `reason` is the word for which bound was met."""
