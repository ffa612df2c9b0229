"""The guard of a history: sees that nobody writes on in a database that is not the one that was opened."""

import asyncio
import logging
from collections.abc import Sequence

from sqlalchemy import Connection

from bridge.journal.errors import JournalReplacedError
from bridge.journal.grounds import ground_of
from bridge.journal.histories import Opened, epoch_of, reach_of
from coordinator.histories import Kept, Reach, judge

__all__ = ["HistoryGuard"]

logger = logging.getLogger("bridge.journal")


class HistoryGuard:
    """Knows which history was opened. Once it is another, nothing is written any more until the next start."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._loop = asyncio.get_running_loop()
        self._reach = Reach()
        self.error: JournalReplacedError | None = None
        """Why nothing is written any more."""
        self.replaced = asyncio.Event()
        """Set once it is another history."""

    def check(self, connection: Connection) -> Reach:
        """How far the journal is. Raises JournalReplacedError unless a connection leads to the history that was
        opened, and that is at least as far as it was before. From any thread."""
        if self.error is not None:
            raise self.error
        # Before anything is read: another thread may see a later one in the meantime.
        before = self._reach
        try:
            reach = reach_of(connection)
            evidence = [*self._evidence(connection, reach), *reach.behind(before)]
        except FileNotFoundError:
            raise self.replace("its file is gone") from None
        if evidence:
            raise self.replace("; ".join(evidence))
        self._reach = reach
        return reach

    def _evidence(self, connection: Connection, reach: Reach) -> Sequence[str]:
        epoch = epoch_of(connection)
        if epoch != self._opened.epoch:
            return [f"it is in the epoch {epoch}, and was in {self._opened.epoch}"]
        kept = Kept(epoch=self._opened.epoch, earlier_epochs=(), ground=self._opened.ground, reach=reach)
        judgement = judge(kept, ground_of(connection), None)
        return judgement.evidence if judgement else ()

    def replace(self, reason: str) -> JournalReplacedError:
        """Has nothing written any more. From any thread."""
        self.error = error = JournalReplacedError(
            f"the journal is not the one that was opened: {reason}. The bridge stops; started again, it begins a new"
            " history, and compares the books before it sends a payout"
        )
        logger.critical("%s", error)
        self._loop.call_soon_threadsafe(self.replaced.set)
        return error
