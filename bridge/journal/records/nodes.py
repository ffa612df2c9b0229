"""The nodes' part of the journal: this bridge among those that share the journal, and what one of them does at a
time."""

import secrets
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from bridge.journal.clocks import Clock
from bridge.journal.queries.readers import Read
from bridge.journal.tables import schema
from bridge.journal.writing.batch import Batch
from bridge.journal.writing.writer import Submit

__all__ = ["SENDING_PAYOUTS", "NodeRecords"]

SENDING_PAYOUTS = "payouts"
"""The lease of who asks providers to send money."""


class NodeRecords:
    """This process, and the others of its journal. Where nobody shares the journal it does everything, and nothing is
    written down."""

    def __init__(self, read: Read, submit: Submit, clock: Clock, *, is_shared: bool) -> None:
        self._read = read
        self._submit = submit
        self._clock = clock
        self._began_at = clock()
        self.is_shared = is_shared
        """Whether there may be others."""
        self.own = secrets.token_hex(16)
        """The name of this one."""

    async def take(self, names: Collection[str], lasting: timedelta) -> Collection[str]:
        """Says that this process is there, and takes of what only one does at a time all that no other has, or keeps
        it. Returns what it has then. Raises JournalUnavailableError."""
        if not self.is_shared:
            return names

        def request(batch: Batch) -> Collection[str]:
            self.see_own(batch)
            return batch.nodes.take(self.own, names, lasting)

        return await self._submit(request)

    def see_own(self, batch: Batch) -> None:
        """Says that this process is there."""
        batch.nodes.see(self.own, self._began_at)

    async def release(self) -> None:
        """Gives back what it has, so that another takes it at once. Raises JournalUnavailableError."""
        if self.is_shared:
            await self._submit(lambda batch: batch.nodes.release(self.own))

    def holds(self, batch: Batch, name: str) -> bool:
        """Whether this process has a lease, and will until a batch is committed."""
        return not self.is_shared or name in batch.nodes.held_by(self.own)

    async def are_others(self, within: timedelta) -> bool:
        """Whether any other was there within a time."""
        since = self._clock() - within
        return any(node != self.own and at >= since for node, at in (await self.seen()).items())

    async def seen(self) -> Mapping[str, datetime]:
        """When each of those that there are, or lately were, was seen last."""
        return await self._read(_seen) if self.is_shared else {}


def _seen(connection: Connection) -> dict[str, datetime]:
    return {row.node: row.seen_at for row in connection.execute(select(schema.nodes))}
