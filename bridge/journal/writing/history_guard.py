"""The guard of a history: sees that nobody writes on in a database that is not the one that was opened, in files that
are gone, or where another bridge writes."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from bridge.documentation import where_documented
from bridge.journal.database.corruption import is_corruption
from bridge.journal.database.open_files import OpenFiles
from bridge.journal.errors import JournalReplacedError
from bridge.journal.history.storage_identity import storage_identity_of
from bridge.journal.tables import schema
from bridge.journal.writing.commit_times import LAST_OFFSET
from bridge.journal.writing.histories import Opened, reach_of
from bridge.journal.writing.statements import rows_of_each
from coordinator.histories import Reach, StoredHistory, judge

__all__ = ["HistoryGuard", "JournalHead"]

logger = logging.getLogger("bridge.journal")

REPLACED = (
    "the journal is not the one that was opened: {}. The bridge stops; started again, it begins a new history,"
    " compares the books, and holds payouts until a person resumes them"
)
FILES_GONE = (
    "the journal's files were taken away: {}. The bridge saves what it has committed into the database, and stops;"
    " nothing may delete or replace these files while it runs"
)
DAMAGED = (
    "the journal's file is damaged: {}. The bridge stops, and does not start with it again. Was a backup copied over"
    " the file while it was open? Restore a backup as {} says"
)
TAKEN_OVER = (
    "another bridge has opened this journal and writes to it, which no lock has prevented. This one stops. A pooler"
    " between bridge and PostgreSQL has to keep a session for each connection (PgBouncer: pool_mode = session)"
)

_HEAD = select(
    schema.journal.c.epoch, schema.journal.c.writer, schema.journal.c.commits, schema.journal.c.lately_moved
)
# SQLite, which has one who writes at a time, leaves the words out.
_HEAD_LOCKED = _HEAD.with_for_update()
# Whatever the server's own habit is: what is asked once the head is locked has to see what was committed before.
_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"


class JournalHead(NamedTuple):
    """Where the journal stands, which each commit moves on."""

    commits: int
    """How many there were."""
    lately_moved: str | None
    """Which payments the last of them moved, as `lately_moved.py` reads it."""
    last_offset: int
    """Of the newest event."""


class HistoryGuard:
    """Knows which history was opened. Once it is another, nothing is written any more until the next start."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._loop = asyncio.get_running_loop()
        self._reach = Reach()
        self.committed_events = 0
        """The number of the last event that this bridge has committed: what it has answered for must be there."""
        self.commits = 0
        """How many commits there were with the last of this bridge."""
        self.error: JournalReplacedError | None = None
        """Why nothing is written any more."""
        self.is_damaged = False
        """Whether that is because its file is damaged."""
        self.replaced = asyncio.Event()
        """Set once it is another history."""
        self.beginning: str | None = None
        """Why this bridge begins another history, while it does."""
        self.files: OpenFiles | None = None
        """Those that the writer has open, while it has."""

    def check(self, connection: Connection) -> Reach:
        """How far the journal is. Raises JournalReplacedError unless a connection leads to the history that was
        opened, and that is at least as far as it was before. From any thread."""
        if self.error is not None:
            raise self.error
        # Before anything is read: another thread may see a later one in the meantime.
        before = self.known_reach
        events = max(before.events, self.committed_events)
        try:
            reach = reach_of(connection)
            behind = reach.behind(before.model_copy(update={"events": events}))
            head = connection.execute(_HEAD).all()
            evidence = [*self._evidence(connection, head[0].epoch if head else None, reach), *behind]
        except FileNotFoundError:
            raise self.replace("its file is gone") from None
        if evidence:
            raise self.replace("; ".join(evidence))
        self.check_files()
        self._check_head(head)
        self._reach = reach
        return reach

    @property
    def known_reach(self) -> Reach:
        """How far the journal is at least, without a look at it. From any thread."""
        reach = self._reach
        return reach.model_copy(update={"commits": max(reach.commits, self.commits)})

    def _evidence(self, connection: Connection, epoch: str | None, reach: Reach) -> Sequence[str]:
        if epoch != self._opened.epoch:
            return [_epoch_evidence(self._opened, epoch)]
        stored = StoredHistory(epoch=self._opened.epoch, accounted_epochs=(), ground=self._opened.ground, reach=reach)
        judgement = judge(stored, storage_identity_of(connection), None)
        return judgement.evidence if judgement else ()

    def lock_head(self, connection: Connection) -> JournalHead:
        """Locks the head of the journal until the transaction ends, which begins with it in PostgreSQL: nobody else
        commits to the journal meanwhile, or takes it.
        Where it is not as this bridge left it another has committed to it since, and this one goes on from there.

        Raises JournalReplacedError if this bridge may not write to it any more."""
        rows, [(last_offset,)] = rows_of_each(connection, [(_HEAD_LOCKED, {}), (LAST_OFFSET, {})], first=_BEGIN)
        commits, lately_moved = self._check_head(rows)
        if commits < self.commits:
            raise self.replace(f"it had {self.commits} commits, and has {commits}")
        self.commits = commits
        return JournalHead(commits, lately_moved, last_offset or 0)

    def _check_head(self, rows: Sequence[Sequence[Any]]) -> tuple[int, str | None]:
        """How many commits there were, and which payments the last of them moved."""
        epoch, writer, commits, lately_moved = rows[0] if rows else (None, None, 0, None)
        if epoch != self._opened.epoch:
            raise self.replace(_epoch_evidence(self._opened, epoch))
        if writer != self._opened.writer:
            raise self._stop(TAKEN_OVER)
        return commits, lately_moved

    def check_files(self) -> None:
        """Raises JournalReplacedError if a file that the writer has open was deleted or replaced."""
        files = self.files
        if files is None or files.are_there() or not (trouble := files.gone() or files.besides_gone()):
            return
        if files is self.files:  # or the writer has closed them meanwhile, as it may
            raise self.replace(trouble) if files.gone() else self._stop(FILES_GONE.format(trouble))

    def damage(self, error: Exception) -> JournalReplacedError | None:
        """The same if an error shows that the file is damaged, which is noted for the next start; else None."""
        if not is_corruption(error):
            return None
        self.is_damaged = True
        return self._stop(
            DAMAGED.format(getattr(error, "orig", None) or error, where_documented("docs/operations.md"))
        )

    def replace(self, reason: str) -> JournalReplacedError:
        """Has nothing written any more. From any thread."""
        return self._stop(REPLACED.format(self.beginning or reason))

    def _stop(self, message: str) -> JournalReplacedError:
        if self.error is not None:
            return self.error
        self.error = error = JournalReplacedError(message)
        logger.critical("%s", error)
        self._loop.call_soon_threadsafe(self.replaced.set)
        return error


def _epoch_evidence(opened: Opened, epoch: str | None) -> str:
    return f"it is in the epoch {epoch}, and was in {opened.epoch}"
