"""The nodes' part of the journal: this bridge among those that share the journal, and what one of them does at a
time."""

import logging
import secrets
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from bridge.journal.clocks import Clock
from bridge.journal.queries.readers import Read
from bridge.journal.tables import schema
from bridge.journal.writing.batch import Batch
from bridge.journal.writing.writer import Submit

__all__ = ["SENDING_PAYOUTS", "NodeRecords", "new_node"]

logger = logging.getLogger("bridge.journal")

SENDING_PAYOUTS = "payouts"
"""The lease of who asks providers to send money."""


def new_node() -> str:
    """A name for a process that is like no other's."""
    return secrets.token_hex(16)


class NodeRecords:
    """This process, and the others of its journal. Where nobody shares the journal it does everything, and nothing is
    written down."""

    def __init__(self, read: Read, submit: Submit, own: str, clock: Clock, *, is_shared: bool) -> None:
        self._read = read
        self._submit = submit
        self._began_at = clock()
        self.is_shared = is_shared
        """Whether there may be others."""
        self.own = own
        """The name of this one."""
        self._has_said_so = False
        self.on_return: Callable[[], object] = lambda: None
        """Is told when this one is back after the others took it for gone."""

    async def take(self, names: Collection[str], lasting: timedelta) -> Collection[str]:
        """Says that this process is there, and takes of what only one does at a time all that no other has, or keeps
        it. Returns what it has then. Raises JournalUnavailableError."""
        if not self.is_shared:
            return names

        def request(batch: Batch) -> tuple[Collection[str], bool]:
            was_there = batch.nodes.is_there(self.own)
            self.say_so(batch)
            return batch.nodes.take(self.own, names, lasting), was_there

        had_said_so = self._has_said_so
        held, was_there = await self._submit(request)
        self._has_said_so = True
        if had_said_so and not was_there:
            logger.warning("this bridge was late, and taken for gone by the others; it looks which clients it has")
            self.on_return()
        return held

    def say_so(self, batch: Batch) -> None:
        """Says with a batch that this process is there."""
        batch.nodes.see(self.own, self._began_at)

    async def leave(self) -> None:
        """Gives back what it has, so that another takes it at once, and says that it is there no more. Raises
        JournalUnavailableError."""
        if self.is_shared:
            await self._submit(lambda batch: batch.nodes.leave(self.own))

    def holds(self, batch: Batch, name: str) -> bool:
        """Whether this process has a lease, and will until a batch is committed."""
        return not self.is_shared or name in batch.nodes.held_by(self.own)

    async def seen(self) -> Mapping[str, datetime]:
        """When each of those that there are, or lately were, was seen last."""
        return await self._read(_seen) if self.is_shared else {}


def _seen(connection: Connection) -> dict[str, datetime]:
    return {row.node: row.seen_at for row in connection.execute(select(schema.nodes))}
