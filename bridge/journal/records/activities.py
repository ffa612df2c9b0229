"""The activities' part of the journal: who is online and who types at each of the bridges that share it, and who
lately did, for the next process too."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from bridge.catalogue.activities import UserActivity
from bridge.journal.queries.readers import Read
from bridge.journal.records.nodes import NodeRecords
from bridge.journal.tables import schema
from bridge.journal.tables.rows import NodeActivity, activity_from_row
from bridge.journal.wakeups import ACTIVITIES
from bridge.journal.writing.batch import Batch
from bridge.journal.writing.writer import Submit

__all__ = ["ActivityRecords", "ActivitySnapshot"]

# Who has come from one node to another is there before it has gone.
_ORDER = schema.activities.c.change, schema.activities.c.is_on.desc()


class ActivitySnapshot(NamedTuple):
    """How things stand at all nodes."""

    rows: Sequence[NodeActivity]
    """In the order of their changes; with them who has lately gone, or does not type any more."""
    change: int
    """Up to which number this is all that has changed."""


class ActivityRecords:
    """What this process tells the others of its clients, and the next one, and what they tell of theirs."""

    def __init__(self, read: Read, submit: Submit, nodes: NodeRecords) -> None:
        self._read = read
        self._submit = submit
        self._nodes = nodes
        self.is_shared = nodes.is_shared
        """Whether there may be others."""

    async def note(self, noted: Mapping[str | None, Collection[UserActivity]]) -> None:
        """Keeps what has changed, in order: at other nodes by their names, and here. Raises
        JournalUnavailableError."""

        def request(batch: Batch) -> None:
            for node, activities in noted.items():
                batch.activities.note(node or self._nodes.own, activities)
            batch.wakeups.add(ACTIVITIES)

        await self._submit(request)

    async def tidy(self) -> None:
        """Forgets what has ended long ago. Raises JournalUnavailableError."""
        await self._submit(lambda batch: batch.activities.tidy())

    async def snapshot(self, node: str | None = None) -> ActivitySnapshot:
        """How things stand, of all nodes or of one. Raises JournalUnavailableError."""
        return await self._read(_snapshot, node)

    async def after(self, change: int) -> Sequence[NodeActivity]:
        """What has changed after a number, in order. Raises JournalUnavailableError."""
        return await self._read(_after, change)


def _snapshot(connection: Connection, node: str | None) -> ActivitySnapshot:
    activities = schema.activities
    # First: what is committed in between comes once more, and is not missed.
    commits = connection.scalar(select(schema.journal.c.commits)) or 0
    query = select(activities).order_by(*_ORDER)
    if node is not None:
        query = query.where(activities.c.node == node)
    return ActivitySnapshot([activity_from_row(row) for row in connection.execute(query).mappings()], commits)


def _after(connection: Connection, change: int) -> Sequence[NodeActivity]:
    activities = schema.activities
    query = select(activities).where(activities.c.change > change).order_by(*_ORDER)
    return [activity_from_row(row) for row in connection.execute(query).mappings()]
