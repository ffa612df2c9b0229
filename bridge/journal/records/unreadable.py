"""The part of the journal that is about rows that nobody can read: those that were met are noted for a person, and
forgotten once they can be read again or are gone."""

from collections.abc import Sequence

from bridge.journal.queries.readers import Read
from bridge.journal.queries.unreadable import NotedRow, noted_rows, readable_again
from bridge.journal.requests.unreadable_rows import replace_unreadable
from bridge.journal.tables.unreadable_rows import NotedRows, UnreadableRow
from bridge.journal.writing.writer import Submit

__all__ = ["UnreadableRecords"]

# A newer bridge may have written many; nobody looks at more than the first.
NOTED_AT_ONCE = 1_000


class UnreadableRecords:
    """Rows of the journal that cannot be read. Raises JournalUnavailableError."""

    def __init__(self, read: Read, submit: Submit, met: NotedRows) -> None:
        self._read = read
        self._submit = submit
        self._met = met

    async def rows(self, limit: int) -> Sequence[NotedRow]:
        """Those that are noted, the first first."""
        return await self._read(noted_rows, limit)

    async def update(self) -> Sequence[UnreadableRow]:
        """Notes what was met since the last time, by any reader here, and forgets what can be read again, which hears
        of what it has missed. Returns what was not noted before."""
        again = await self._read(readable_again)
        met = self._met.take(NOTED_AT_ONCE)
        return await self._submit(lambda batch: replace_unreadable(batch, again, met)) if again or met else ()
