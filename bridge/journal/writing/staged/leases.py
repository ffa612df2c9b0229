"""The leases' part of a batch: who does what only one bridge does at a time.

A batch has the head of the journal locked, so whoever holds a lease in it holds it until that batch is committed.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, select

from bridge.journal.tables import schema
from bridge.journal.writing.statements import Row, Writing, insert_into

__all__ = ["StagedLeases"]

_FORGET = delete(schema.leases).where(schema.leases.c.name == bindparam("by_name"))


class StagedLeases:
    """Reads and staged writes about leases, within one transaction."""

    def __init__(self, connection: Connection, *, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._staged: dict[str, Row | None] = {}
        self.writes = 0
        """How many changes are staged."""

    def held_by(self, holder: str) -> Collection[str]:
        """What somebody holds now, with everything staged so far."""
        return [name for name, (by, _) in self._running().items() if by == holder]

    def take(self, holder: str, names: Collection[str], lasting: timedelta) -> Collection[str]:
        """Takes of some leases those that nobody else holds, and renews those that `holder` has. Returns what it
        holds of them then."""
        running = self._running()
        taken = [name for name in names if running.get(name, (holder, None))[0] == holder]
        for name in taken:
            self._stage(name, {"name": name, "holder": holder, "expires_at": self._now + lasting})
        return taken

    def release(self, holder: str) -> None:
        """Gives back what somebody holds."""
        for name in self.held_by(holder):
            self._stage(name, None)

    def _running(self) -> Mapping[str, tuple[str, datetime]]:
        rows = self._connection.execute(select(schema.leases)).all()
        running = {row.name: (row.holder, row.expires_at) for row in rows if row.expires_at > self._now}
        for name, staged in self._staged.items():
            running.pop(name, None)
            if staged is not None:
                running[name] = staged["holder"], staged["expires_at"]
        return running

    def _stage(self, name: str, row: Row | None) -> None:
        self.writes += 1
        self._staged[name] = row

    def statements(self) -> Sequence[tuple[Writing, Sequence[Row]]]:
        """What is staged. A row that was there before makes way for its successor."""
        return (
            (_FORGET, [{"by_name": name} for name in self._staged]),
            (insert_into(schema.leases), [row for row in self._staged.values() if row is not None]),
        )
