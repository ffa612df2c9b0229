"""Who is told of each question to a neighbour, while it is asked: nobody, unless the bridge traces."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

__all__ = ["ASKED", "CARRIES_TRACE", "QuestionSpans", "question_spans"]

ASKED = "bridge.asked"
"""Among the extensions of a request: what is asked, in a few words that may be shown."""
CARRIES_TRACE = "bridge.carries_trace"
"""Among them too: that whoever is asked may know to what trace it belongs."""


class QuestionSpan(Protocol):
    """A span of one question."""

    @property
    def traceparent(self) -> str: ...

    def answered(self, status: int) -> None: ...


class BeginSpan(Protocol):
    """Begins the span of a question, to whom and what; no URL, which may hold a key. `method` is HTTP's, if it goes
    over that."""

    def __call__(
        self, method: str | None, host: str, port: int | None, asked: str | None
    ) -> AbstractContextManager[QuestionSpan]: ...


@dataclass(slots=True)
class QuestionSpans:
    """Who begins them in this process."""

    begin: BeginSpan | None = None


question_spans = QuestionSpans()
