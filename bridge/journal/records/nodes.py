"""The nodes' part of the journal: this bridge among those that share the journal, and what one of them does at a
time."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from bridge.journal.clocks import Clock
from bridge.journal.errors import JournalUnavailableError
from bridge.journal.liveness import GONE_AFTER
from bridge.journal.queries.readers import Read
from bridge.journal.tables import schema
from bridge.journal.wakeups import LEASES
from bridge.journal.writing.batch import Batch
from bridge.journal.writing.writer import Submit

__all__ = ["Lease", "NodeRecords", "NodeReport", "new_node"]

logger = logging.getLogger("bridge.journal")

# Between two looks whether another node has finished what is to be done alone.
POLL_SECONDS = 0.1

_SEEN = select(schema.nodes.c.node, schema.nodes.c.seen_at)
_NODES_AND_LEASES = (
    select(schema.nodes, schema.leases.c.name)
    .join(schema.leases, schema.leases.c.node == schema.nodes.c.node, isouter=True)
    .order_by(schema.nodes.c.began_at, schema.nodes.c.node, schema.leases.c.name)
)


@dataclass(frozen=True, slots=True)
class Lease:
    """Who does what only one does at a time, and how that goes."""

    node: str
    expires_at: datetime
    """From then on another may take it, unless it is renewed."""
    said: str | None
    """How it goes, as its node said last."""


@dataclass(frozen=True, slots=True)
class NodeReport:
    """How one of those that share the journal is doing."""

    node: str
    began_at: datetime
    seen_at: datetime
    report: str | None
    """As it said itself, as JSON."""
    work: tuple[str, ...]
    """What it does of what only one does at a time, or did last."""


def new_node() -> str:
    """A name for a process that is like no other's."""
    return secrets.token_hex(16)


class NodeRecords:
    """This process, and the others of its journal. Where nobody shares the journal it does everything, and nothing is
    written down."""

    def __init__(
        self,
        read: Read,
        submit: Submit,
        own: str,
        clock: Clock,
        *,
        is_shared: bool,
        on_return: Callable[[], object] = lambda: None,
    ) -> None:
        """`on_return` is told when this one is back after the others took it for gone."""
        self._read = read
        self._submit = submit
        self._clock = clock
        self._began_at = clock()
        self.is_shared = is_shared
        """Whether there may be others."""
        self.own = own
        """The name of this one."""
        self._has_said_so = False
        self._on_return = on_return

    async def take(
        self,
        names: Collection[str],
        lasting: timedelta,
        *,
        said: Mapping[str, str] | None = None,
        report: str | None = None,
    ) -> Collection[str]:
        """Says that this process is there, and takes of what only one does at a time all that no other has, or keeps
        it; `said` is how that goes which it has, and `report` how this process is doing. Returns what it has then.
        Raises JournalUnavailableError."""
        if not self.is_shared:
            return names

        def request(batch: Batch) -> tuple[Collection[str], bool]:
            was_there = batch.nodes.is_there(self.own)
            self.say_so(batch, report)
            return batch.nodes.take(self.own, names, lasting, said=said), was_there

        had_said_so = self._has_said_so
        held, was_there = await self._submit(request)
        self._has_said_so = True
        if had_said_so and not was_there:
            logger.warning("this bridge was late, and taken for gone by the others; it looks which clients it has")
            self._on_return()
        return held

    def say_so(self, batch: Batch, report: str | None = None) -> None:
        """Says with a batch that this process is there."""
        batch.nodes.see(self.own, self._began_at, report)

    async def release(self, names: Collection[str]) -> None:
        """Gives back what it has of these, so that another takes it at once. Raises JournalUnavailableError."""

        def request(batch: Batch) -> None:
            batch.nodes.release(self.own, names)
            batch.wakeups.add(LEASES)

        if self.is_shared:
            await self._submit(request)

    async def leave(self) -> None:
        """Gives back what it has, so that another takes it at once, and says that it is there no more. Raises
        JournalUnavailableError."""

        def request(batch: Batch) -> None:
            batch.nodes.leave(self.own)
            batch.wakeups.add(LEASES)

        if self.is_shared:
            await self._submit(request)

    def holds(self, batch: Batch, name: str) -> bool:
        """Whether this process has a lease, and will until a batch is committed."""
        return not self.is_shared or name in batch.nodes.held_by(self.own)

    async def are_others(self, within: timedelta) -> bool:
        """Whether any other was there within a time."""
        since = self._clock() - within
        return any(node != self.own and at >= since for node, at in (await self.seen()).items())

    @asynccontextmanager
    async def alone(self, name: str, lasting: timedelta) -> AsyncIterator[None]:
        """While nobody else of those that share the journal does the same, once whoever does has finished. Within
        this process it keeps nobody out. Raises JournalUnavailableError, and TimeoutError where it has to be over
        because `lasting` is."""
        if not self.is_shared:
            yield
            return
        # That it is over need not be told at once: two who want the same are rare.
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        while not await self._submit(lambda batch: batch.nodes.take(self.own, [name], lasting)):
            await asyncio.sleep(POLL_SECONDS)
            asked_at = loop.time()
        try:
            async with asyncio.timeout_at(asked_at + lasting.total_seconds()):
                yield
        finally:
            with suppress(JournalUnavailableError):  # it ends by itself
                await self._submit(lambda batch: batch.nodes.release(self.own, [name]))

    async def leases(self) -> Mapping[str, Lease]:
        """Who does what, by its name; also where that should have been renewed by now."""
        return await self._read(_leases) if self.is_shared else {}

    async def there(self) -> Sequence[str]:
        """Those that there are."""
        since = self._clock() - GONE_AFTER
        return [node for node, seen_at in (await self.seen()).items() if seen_at > since]

    async def reports(self) -> Sequence[NodeReport]:
        """Of those that there are, and lately were, how each is doing."""
        return await self._read(_reports) if self.is_shared else ()

    async def seen(self) -> Mapping[str, datetime]:
        """When each of those that there are, or lately were, was seen last."""
        return await self._read(_seen) if self.is_shared else {}


def _reports(connection: Connection) -> list[NodeReport]:
    found: dict[str, NodeReport] = {}
    for row in connection.execute(_NODES_AND_LEASES):
        report = NodeReport(row.node, row.began_at, row.seen_at, row.report, ())
        work = () if row.name is None else (row.name,)
        found[row.node] = replace(report, work=(*found.get(row.node, report).work, *work))
    return list(found.values())


def _leases(connection: Connection) -> dict[str, Lease]:
    rows = connection.execute(select(schema.leases))
    return {row.name: Lease(row.node, row.expires_at, row.said) for row in rows}


def _seen(connection: Connection) -> dict[str, datetime]:
    return {row.node: row.seen_at for row in connection.execute(_SEEN)}
