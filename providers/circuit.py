"""A circuit breaker: after several failures in a row it is open for a while, and keeps nobody waiting for another."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import Gauge

__all__ = ["CircuitBreaker", "show_circuit"]

OPEN = Gauge("bridge_circuit_open", "1 while a neighbour that has failed again and again is not asked", ["neighbour"])


@dataclass(slots=True)
class CircuitBreaker:
    """Opens after `failure_limit` failures in a row, for `open_seconds`; then one try closes it or opens it again."""

    clock: Callable[[], float]
    """In seconds, such as `time.monotonic`."""
    failure_limit: int = 5
    open_seconds: float = 15.0
    failures: int = 0
    reason: str = ""
    """Of the last failure."""
    _opened_at: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether nothing should be tried now."""
        return self._opened_at is not None and self.clock() < self._opened_at + self.open_seconds

    def admits(self) -> bool:
        """Whether this one may try now. Once it was open it lets one through in `open_seconds`, whose success closes
        it: a hundred who wait would all hang where one is enough to find out."""
        if self.is_open:
            return False
        if self._opened_at is not None:
            self._opened_at = self.clock()
        return True

    def succeed(self) -> None:
        self.failures = 0
        self._opened_at = None

    def fail(self, reason: str) -> None:
        self.failures += 1
        self.reason = reason
        if self.failures >= self.failure_limit:
            self._opened_at = self.clock()


class Opens(Protocol):
    """A circuit of any kind."""

    @property
    def is_open(self) -> bool: ...


def show_circuit(neighbour: str, circuit: Opens) -> None:
    """From now on the figure of a neighbour is that of this circuit."""
    OPEN.labels(neighbour).set_function(lambda: circuit.is_open)
