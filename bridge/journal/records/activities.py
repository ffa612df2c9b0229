"""The activities' part of the journal: who is online and who types at each of the bridges that share it."""

from collections.abc import Collection, Sequence
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

__all__ = ["ActivityRecords", "Standing"]


class Standing(NamedTuple):
    """How things stand at all nodes."""

    rows: Sequence[NodeActivity]
    """In the order of their changes; with them who has lately gone, or does not type any more."""
    change: int
    """Up to which number this is all that has changed."""


class ActivityRecords:
    """What this process tells the others of its clients, and what they tell of theirs."""

    def __init__(self, read: Read, submit: Submit, nodes: NodeRecords) -> None:
        self._read = read
        self._submit = submit
        self._nodes = nodes
        self.is_shared = nodes.is_shared
        """Whether there may be others."""

    async def note(self, activities: Collection[UserActivity]) -> None:
        """Tells the others what has changed here, in order. Raises JournalUnavailableError."""

        def request(batch: Batch) -> None:
            batch.activities.note(self._nodes.own, activities)
            batch.wakeups.add(ACTIVITIES)

        await self._submit(request)

    async def tidy(self, gone: Collection[str]) -> None:
        """Forgets what has ended here long ago, and all of nodes that are gone. Raises JournalUnavailableError."""
        await self._submit(lambda batch: batch.activities.tidy(self._nodes.own, gone))

    async def standing(self, node: str | None = None) -> Standing:
        """How things stand, of all nodes or of one. Raises JournalUnavailableError."""
        return await self._read(_standing, node)

    async def after(self, change: int) -> Sequence[NodeActivity]:
        """What has changed after a number, in order. Raises JournalUnavailableError."""
        return await self._read(_after, change)


def _standing(connection: Connection, node: str | None) -> Standing:
    activities = schema.activities
    # First: what is committed in between comes once more, and is not missed.
    commits = connection.scalar(select(schema.journal.c.commits)) or 0
    query = select(activities).order_by(activities.c.change)
    if node is not None:
        query = query.where(activities.c.node == node)
    return Standing([activity_from_row(row) for row in connection.execute(query).mappings()], commits)


def _after(connection: Connection, change: int) -> Sequence[NodeActivity]:
    activities = schema.activities
    query = select(activities).where(activities.c.change > change).order_by(activities.c.change)
    return [activity_from_row(row) for row in connection.execute(query).mappings()]
