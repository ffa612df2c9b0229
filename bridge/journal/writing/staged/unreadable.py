"""The part of a batch that is about rows that nobody can read: which are noted, and which no longer are."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select

from bridge.journal.tables import schema
from bridge.journal.tables.unreadable_rows import UnreadableRow
from bridge.journal.writing.statements import Row, Writing, insert_into

__all__ = ["StagedUnreadable"]

_NOTED = schema.unreadable_rows
_FORGET = delete(_NOTED).where(
    _NOTED.c.kind == bindparam("by_kind"), _NOTED.c.identifier == bindparam("by_identifier")
)


class StagedUnreadable:
    """Staged writes about rows that cannot be read, within one transaction."""

    def __init__(self, connection: Connection, *, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._forgotten: list[Row] = []
        self._new: list[Row] = []
        self.writes = 0
        """How many changes are staged."""

    def replace(self, again: Sequence[UnreadableRow], met: Sequence[UnreadableRow]) -> Sequence[UnreadableRow]:
        """Forgets those that can be read again, and notes those that were met and are not noted, which it returns."""
        known = {(row.kind, row.identifier) for row in self._connection.execute(select(_NOTED))}
        known -= {(one.kind.value, one.identifier) for one in again}
        new = [one for one in met if (one.kind.value, one.identifier) not in known]
        self._forgotten += [{"by_kind": one.kind.value, "by_identifier": one.identifier} for one in again]
        self._new += [
            {
                "kind": one.kind.value,
                "identifier": one.identifier,
                "concerns": one.concerns,
                "reason": one.reason,
                "found_at": self._now,
            }
            for one in new
        ]
        self.writes = len(self._forgotten) + len(self._new)
        return new

    def statements(self) -> Sequence[tuple[Writing, Sequence[Row]]]:
        """What is staged."""
        return ((_FORGET, self._forgotten), (insert_into(_NOTED), self._new))
