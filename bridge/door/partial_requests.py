"""Partial requests: what has come of heads and bodies that are not whole, by the address that it came from: beyond
one bound for each, its own make room, and beyond one for all those of the address that holds most. No I/O."""

from collections.abc import Hashable, Sequence
from typing import Generic, TypeVar

from prometheus_client import Gauge

__all__ = ["PartialRequests"]

HELD = Gauge("bridge_door_held_bytes", "What has come of heads and bodies that are not whole, on all connections")

T = TypeVar("T", bound=Hashable)


class PartialRequests(Generic[T]):
    """How much each connection holds."""

    def __init__(self, limit_bytes: int, limit_bytes_per_address: int) -> None:
        self._limit_bytes = limit_bytes
        self._limit_bytes_per_address = limit_bytes_per_address
        self._of: dict[str | None, dict[T, int]] = {}
        """In bytes, by address and connection; of one address, those that have held something for longest first."""
        self._of_address: dict[str | None, int] = {}
        self._bytes = 0
        HELD.set_function(lambda: self._bytes)

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

    def too_much(self, network: str | None) -> tuple[str, Sequence[T]]:
        """Those of whom one has to make room for what an address holds, the one that has held something for longest
        first, and why. There are none, if that is not too much."""
        of_address = self._of_address.get(network, 0)
        if network is not None and of_address > self._limit_bytes_per_address:
            return f"what has not come whole of {network} is more than {self._limit_bytes_per_address} bytes", [
                *self._of[network]
            ]
        if self._bytes <= self._limit_bytes:
            return "", ()
        most = max(self._of_address, key=self._of_address.__getitem__)
        return (
            f"what has not come whole of heads and bodies is more than {self._limit_bytes} bytes, and"
            f" {most or 'this machine, or a proxy,'} holds most of it",
            [*self._of[most]],
        )
