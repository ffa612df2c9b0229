"""Partial requests: what has come of heads and bodies that are not whole, by the address that it came from: beyond
one bound for all, those of the address that holds most make room. No I/O."""

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

from prometheus_client import Gauge

__all__ = ["PartialRequests"]

HELD = Gauge("bridge_door_held_bytes", "What has come of heads and bodies that are not whole, on all connections")

T = TypeVar("T", bound=Hashable)


class PartialRequests(Generic[T]):
    """How much each connection holds."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._of: dict[str | None, dict[T, int]] = {}
        """In bytes, by address and connection; of one address, those that have held something for longest first."""
        self._of_address: dict[str | None, int] = {}
        self._bytes = 0
        HELD.set_function(lambda: self._bytes)

    @property
    def is_too_much(self) -> bool:
        return self._bytes > self.limit_bytes

    def note(self, one: T, network: str | None, held_bytes: int) -> None:
        """A connection from an address holds so much; 0: nothing any more. None are this machine and proxies."""
        connections = self._of.setdefault(network, {})
        more_bytes = held_bytes - connections.get(one, 0)
        if held_bytes:
            connections[one] = held_bytes
        else:
            connections.pop(one, None)
        self._bytes += more_bytes
        self._of_address[network] = self._of_address.get(network, 0) + more_bytes
        if not connections:
            del self._of[network], self._of_address[network]

    def most(self) -> tuple[str, Iterable[T]]:
        """Who holds most, and its connections, of which the first has held something for longest."""
        network = max(self._of_address, key=self._of_address.__getitem__)
        return network or "this machine, or a proxy,", list(self._of[network])
