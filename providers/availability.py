"""Availability of a neighbour: whether one that is asked many different things is there, and whose trouble a
question is that it did not answer. Pure; the clock is an argument.

A question may fail for its own sake, again and again. So no number of failures alone says that a neighbour is away: a
harmless question, put because another one failed, has to go unanswered too. As long as that is answered, whoever asks
something else is kept back by nobody.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from providers.errors import ProviderUnavailableError

__all__ = ["Availability", "AvailabilityLimits", "Turn", "UnansweredError"]


class UnansweredError(ProviderUnavailableError):
    """The provider is there and answers other questions, but not this one, which is put again late and ever later."""


class Turn(StrEnum):
    """What whoever has a question is to do."""

    ASK = "ask"
    FIND_OUT = "find-out"
    """Ask, and have the harmless question put as well: nobody else asks until one of them is answered."""
    LEAVE = "leave"
    """Nothing is asked now."""


@dataclass(frozen=True, slots=True)
class AvailabilityLimits:
    """When a neighbour counts as away, and for how long."""

    failures: int
    """So many in a row: more than one question and the harmless one make, since what hiccups is back soon."""
    open_seconds: float


@dataclass(frozen=True, slots=True)
class Availability:
    """What is known of one neighbour, or of one part of it."""

    answers: int = 0
    """How many questions it has answered. Whoever asks remembers it: what was answered since shows that it was there
    meanwhile."""
    failures: int = 0
    """How many tries failed since the last answer, the harmless ones included."""
    away_until: float | None = None
    """In seconds. Until when nothing is asked; None while it is there, as far as is known."""
    reason: str = ""
    """Of the last failure."""

    def turn(self, now: float) -> Turn:
        if self.away_until is None:
            return Turn.ASK
        return Turn.LEAVE if now < self.away_until else Turn.FIND_OUT

    def finding_out(self, now: float, limits: AvailabilityLimits) -> "Availability":
        """Somebody finds out whether it is back; the next one does in `open_seconds`."""
        return replace(self, away_until=now + limits.open_seconds)

    def answered(self) -> "Availability":
        """An answer came, whatever it says."""
        return Availability(self.answers + 1)

    def blames_question(self, answers_before: int) -> bool:
        """Whether a question that failed has only itself to blame: other ones were answered since it was put, when
        there had been so many answers."""
        return self.answers > answers_before

    def failed(self, reason: str) -> "Availability":
        """A try was not answered."""
        return replace(self, failures=self.failures + 1, reason=reason)

    def is_doubted(self, limits: AvailabilityLimits) -> bool:
        """Whether the next failure is enough. Nobody tries again then before the harmless question is answered."""
        return self.failures + 1 >= limits.failures

    def missed(self, answers_before: int, now: float, limits: AvailabilityLimits) -> "Availability":
        """A question was given up that was put when there had been so many answers, and nor was the harmless one
        answered in time."""
        if self.blames_question(answers_before):
            return self
        failures = self.failures + 1
        away_until = now + limits.open_seconds if failures >= limits.failures else self.away_until
        return replace(self, failures=failures, away_until=away_until)
