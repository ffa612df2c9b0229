"""Traces: what is told of a request, from where it came in to where its events went out, to whoever collects that.

As a rule nobody does: then nothing of OpenTelemetry is imported, and all that is left of it is to look whether
`tracing.traces` is None.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

__all__ = ["Delivered", "SpanMaker", "Tracing", "tracing"]


class Delivered(NamedTuple):
    """An event of a trace, as it was handed to the transports of its clients."""

    offset: int
    name: str
    traceparent: str
    clients: int


class SpanMaker(Protocol):
    """Makes spans. Moments are those of `time.perf_counter`."""

    def current(self) -> str | None:
        """The traceparent of what this task has under way."""

    def ids(self) -> Mapping[str, str]:
        """The same for a line of the log."""

    def request(self, scope: Mapping[str, Any], method: str) -> "AbstractContextManager[RequestSpan]":
        """A request is answered meanwhile."""

    def committed(self, traceparents: Sequence[str], begun: float, finished: float, *, is_stored: bool) -> None:
        """A batch was committed, or could not be, with some requests that are traced."""

    def delivered(self, events: Sequence[Delivered], begun: float) -> None:
        """Events were delivered, together."""

    def continued(self, traceparent: str | None) -> AbstractContextManager[None]:
        """What is done meanwhile belongs to the trace of an event."""

    def close(self, within_seconds: float) -> None:
        """Says what has not been said yet, if that can be done in time."""


class RequestSpan(Protocol):
    """A span of a request."""

    def answered(self, route: str | None, status: int) -> None: ...


@dataclass(slots=True)
class Tracing:
    """Who traces in this process."""

    traces: SpanMaker | None = None


tracing = Tracing()
