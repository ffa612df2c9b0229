"""The nodes' part of a batch: which bridges share the journal, and who does what only one of them does at a time.

A batch has the head of the journal locked, so whoever holds a lease in it holds it until that batch is committed.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache, cached_property

from sqlalchemy import Connection, Delete, bindparam, delete, select, update

from bridge.journal.liveness import GONE_AFTER
from bridge.journal.tables import schema
from bridge.journal.writing.statements import Row, Writing, insert_into, numbered, padded

__all__ = ["StagedNodes"]

_FORGET_NODE = delete(schema.nodes).where(schema.nodes.c.node == bindparam("by_node"))
LEASE_RETENTION = timedelta(days=2)
_SEEN = select(schema.nodes.c.node, schema.nodes.c.seen_at)
_LEASES = select(schema.leases.c.name, schema.leases.c.node, schema.leases.c.expires_at)
_SET_SEEN = update(schema.nodes).where(schema.nodes.c.node == bindparam("by_node")).values(seen_at=bindparam("at"))
_SET_END = (
    update(schema.leases).where(schema.leases.c.name == bindparam("by_name")).values(expires_at=bindparam("at"))
)


@cache
def _forget_leases(count: int) -> Delete:
    return delete(schema.leases).where(schema.leases.c.name.in_([bindparam(name) for name in numbered(count)]))


class StagedNodes:
    """Reads and staged writes about nodes and their leases, within one transaction."""

    def __init__(self, connection: Connection, *, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._seen: dict[str, Row | None] = {}
        self._leases: dict[str, Row | None] = {}
        self._ahead: set[str] = set()
        """Those that were seen while the clock was ahead."""
        self._shortened: dict[str, datetime] = {}
        """Leases that were taken while it was, and when they end now."""
        self.writes = 0
        """How many changes are staged."""

    def see(self, node: str, began_at: datetime, report: str | None = None) -> None:
        """A node is there now. What was done by those that have been gone for long is forgotten, and those that were
        seen while the clock was ahead count as seen now: else one that is gone would be there until then."""
        left = [name for name, (_, expires_at) in self._stored.items() if expires_at < self._now - LEASE_RETENTION]
        self._leases |= dict.fromkeys(left)
        self._ahead |= {other for other, seen_at in self.seen_at.items() if seen_at > self._now + GONE_AFTER}
        self._seen[node] = {"node": node, "began_at": began_at, "seen_at": self._now, "report": report}
        self.writes += 1

    @cached_property
    def seen_at(self) -> Mapping[str, datetime]:
        """When each was seen last before this batch."""
        return {row.node: row.seen_at for row in self._connection.execute(_SEEN)}

    @cached_property
    def _stored(self) -> Mapping[str, tuple[str, datetime]]:
        """Who has what, and until when, as it was before this batch."""
        return {row.name: (row.node, row.expires_at) for row in self._connection.execute(_LEASES)}

    def there(self) -> Collection[str]:
        """Those that are there, as far as others can tell."""
        return [node for node in self.seen_at if self.is_there(node)]

    def is_there(self, node: str) -> bool:
        """Whether one is."""
        seen_at = self.seen_at.get(node)
        return seen_at is not None and seen_at > self._now - GONE_AFTER

    def held_by(self, node: str) -> Collection[str]:
        """What a node does now of what only one does, with everything staged so far."""
        return [name for name, by in self._running().items() if by == node]

    def take(
        self, node: str, names: Collection[str], lasting: timedelta, *, said: Mapping[str, str] | None = None
    ) -> Collection[str]:
        """Takes of some leases those that no other node has, and renews those that `node` has; `said` is how that
        goes which it has. Returns what it has of them then. Another that took one for longer than `lasting` did so
        while the clock was ahead, and has it from now on for as long as anybody."""
        running = self._running()
        for name in {*names} & self._stored.keys() - self._leases.keys():
            by, expires_at = self._stored[name]
            if by != node and expires_at > self._now + lasting:
                self._shortened[name] = self._now + lasting
                self.writes += 1
        taken = [name for name in names if running.get(name, node) == node]
        for name in taken:
            expires_at = self._now + lasting
            content = None if said is None else said.get(name)
            self._stage(name, {"name": name, "node": node, "expires_at": expires_at, "said": content})
        return taken

    def release(self, node: str, names: Collection[str]) -> None:
        """Gives back of some leases what a node has."""
        for name in sorted({*names} & {*self.held_by(node)}):
            self._stage(name, None)

    def leave(self, node: str) -> None:
        """A node ends: it gives back what it has, and is there no more."""
        self._seen[node] = None
        self.writes += 1
        for name in self.held_by(node):
            self._stage(name, None)

    def _running(self) -> Mapping[str, str]:
        running = {name: node for name, (node, expires_at) in self._stored.items() if expires_at > self._now}
        for name, staged in self._leases.items():
            running.pop(name, None)
            if staged is not None:
                running[name] = staged["node"]
        return running

    def _stage(self, name: str, row: Row | None) -> None:
        self.writes += 1
        self._leases[name] = row

    def statements(self) -> Sequence[tuple[Writing, Sequence[Row]]]:
        """What is staged. A row that was there before makes way for its successor."""
        forgotten = padded(self._leases) if self._leases else {}
        seen_now = [{"by_node": node, "at": self._now} for node in sorted(self._ahead)]
        shortened = [{"by_name": name, "at": until} for name, until in self._shortened.items()]
        return (
            *([(_SET_SEEN, seen_now)] if seen_now else []),
            *([(_SET_END, shortened)] if shortened else []),
            (_FORGET_NODE, [{"by_node": node} for node in self._seen]),
            (insert_into(schema.nodes), [row for row in self._seen.values() if row is not None]),
            *([(_forget_leases(len(forgotten)), [forgotten])] if forgotten else []),
            (insert_into(schema.leases), [row for row in self._leases.values() if row is not None]),
        )
