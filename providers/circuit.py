"""A circuit: asks a neighbour as long as it answers anybody, and while it answers nobody keeps no one waiting for it.
By `availability.py`, which says when that is; the harmless question is put here."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from prometheus_client import Gauge

from providers.availability import Availability, AvailabilityLimits, Turn

__all__ = ["ONE_OF_A_KIND", "Circuit", "show_circuit"]

OPEN = Gauge("bridge_circuit_open", "1 while a neighbour that has failed again and again is not asked", ["neighbour"])

# Who has failed waits so long for the answer to the harmless question: together with SHKeeper's ten seconds for a
# wallet it has to be less than a buyer waits.
EVIDENCE_SECONDS = 1.0
ONE_OF_A_KIND = AvailabilityLimits(failures=5, open_seconds=15.0)
"""Of a neighbour without parts: three questions that fail, each with the harmless one after it."""


class Circuit:
    """That of one neighbour, or of one part of it."""

    def __init__(
        self, clock: Callable[[], float], is_there: Callable[[], Awaitable[bool]] | None, limits: AvailabilityLimits
    ) -> None:
        """`clock` is in seconds, such as `time.monotonic`; `is_there` puts a harmless question and says whether it
        was answered. None where there is none but the question that failed."""
        self._clock = clock
        self._is_there = is_there
        self._limits = limits
        self._known = Availability()
        self._finding_out: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether nothing is asked now."""
        return self._known.turn(self._clock()) is Turn.LEAVE

    @property
    def is_finding_out(self) -> bool:
        """Whether a harmless question is under way."""
        return self._finding_out is not None

    @property
    def reason(self) -> str:
        """Of the last failure, since something was answered."""
        return self._known.reason

    def admit(self) -> int | None:
        """To be called before a question is put. Returns how many were answered before; None if it is not to be put.
        Once the circuit was open it lets one through in a while, and puts the harmless question beside it: a hundred
        who wait would all hang where one is enough to find out."""
        now = self._clock()
        turn = self._known.turn(now)
        if turn is Turn.LEAVE:
            return None
        if turn is Turn.FIND_OUT:
            self._known = self._known.finding_out(now, self._limits)
            self._find_out()
        return self._known.answers

    def succeed(self) -> None:
        """An answer came, whatever it says."""
        self._known = self._known.answered()

    def fail(self, reason: str) -> bool:
        """Counts a try that was not answered. Returns whether another one may do better."""
        self._known = self._known.failed(reason)
        return not self._known.is_doubted(self._limits)

    async def blames_question(self, answers_before: int) -> bool:
        """Whether a question that is given up, before which so many were answered, has only itself to blame: others
        were answered since, or the harmless one is."""
        if not self._known.blames_question(answers_before):
            finding_out = self._find_out()
            if finding_out is not None:
                await asyncio.wait({finding_out}, timeout=EVIDENCE_SECONDS)
        if self._known.blames_question(answers_before):
            return True
        self._known = self._known.missed(answers_before, self._clock(), self._limits)
        return False

    async def aclose(self) -> None:
        """Ends the harmless question that is under way."""
        if self._finding_out is not None:
            self._finding_out.cancel()
            await asyncio.gather(self._finding_out, return_exceptions=True)

    def _find_out(self) -> asyncio.Task[None] | None:
        """Has the harmless question put, unless it is under way; None if there is none."""
        if self._finding_out is None and self._is_there is not None:
            self._finding_out = asyncio.create_task(self._found_out(self._is_there))
        return self._finding_out

    async def _found_out(self, is_there: Callable[[], Awaitable[bool]]) -> None:
        try:
            if await is_there():
                self.succeed()
        finally:
            self._finding_out = None


class Opens(Protocol):
    """A circuit of any kind."""

    @property
    def is_open(self) -> bool: ...


def show_circuit(neighbour: str, circuit: Opens) -> None:
    """From now on the figure of a neighbour is that of this circuit."""
    OPEN.labels(neighbour).set_function(lambda: circuit.is_open)
