"""When the last commits were on disk and how long they took: what delays are measured from."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from bridge.journal.tables import schema

__all__ = ["LAST_OFFSET", "Commit", "CommitTimes", "committed_at", "last_offset"]

LAST_OFFSET = select(func.max(schema.events.c.offset))

# Far more than can be on their way to the sockets at one moment.
COMMITS_LIMIT = 4_096


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit, by the clock of `time.perf_counter`."""

    last_offset: int
    """Of the events that it appended; 0 if it appended none."""
    begun: float
    finished: float
    first_offset: int = 0
    """Of the same events."""
    wakeups: frozenset[str] = frozenset()
    """The work that it has news for."""


class CommitTimes:
    """The commits of this process, as far back as they are remembered."""

    def __init__(self) -> None:
        self._of_events: deque[Commit] = deque(maxlen=COMMITS_LIMIT)
        """Those with events that nobody has asked about yet."""
        self._recent: deque[Commit] = deque(maxlen=COMMITS_LIMIT)
        self.newest_offset = 0
        """Of the events that were committed here; 0 before the first."""

    def add(self, commit: Commit) -> None:
        self._recent.append(commit)
        if commit.last_offset:
            self._of_events.append(commit)
            self.newest_offset = commit.last_offset

    def of(self, offset: int) -> Commit | None:
        """The commit of an event; None if it was not this process that wrote it, or that is long ago. To be asked in
        the order of the journal: what came before is forgotten."""
        while self._of_events and self._of_events[0].last_offset < offset:
            self._of_events.popleft()
        commit = self._of_events[0] if self._of_events else None
        return commit if commit is not None and commit.first_offset <= offset else None

    def next_own(self) -> int | None:
        """Where the first events begin that were committed here and were not asked about; None if none were."""
        return self._of_events[0].first_offset if self._of_events else None

    def since(self, moment: float) -> Sequence[float]:
        """How many seconds each commit took that was finished since then."""
        return [commit.finished - commit.begun for commit in self._recent if commit.finished >= moment]


def committed_at(connection: Connection, offset: int) -> datetime | None:
    """When an event was committed; None if it is not there."""
    events = schema.events
    at: datetime | None = connection.scalar(select(events.c.committed_at).where(events.c.offset == offset))
    return at


def last_offset(connection: Connection) -> int:
    """The newest event's offset, or 0 while there is none."""
    return connection.scalar(LAST_OFFSET) or 0
