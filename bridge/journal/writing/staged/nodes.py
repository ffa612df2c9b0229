"""The nodes' part of a batch: which bridges share the journal, and who does what only one of them does at a time.

A batch has the head of the journal locked, so whoever holds a lease in it holds it until that batch is committed.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, select

from bridge.journal.tables import schema
from bridge.journal.writing.statements import Row, Writing, insert_into

__all__ = ["StagedNodes"]

_FORGET_LEASE = delete(schema.leases).where(schema.leases.c.name == bindparam("by_name"))
_FORGET_NODE = delete(schema.nodes).where(schema.nodes.c.node == bindparam("by_node"))
# Of one that is gone it is asked when it was seen last, by clients that come back from it.
NODES_KEPT_FOR = timedelta(days=2)


class StagedNodes:
    """Reads and staged writes about nodes and their leases, within one transaction."""

    def __init__(self, connection: Connection, *, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._seen: dict[str, Row | None] = {}
        self._leases: dict[str, Row | None] = {}
        self.writes = 0
        """How many changes are staged."""

    def see(self, node: str, began_at: datetime) -> None:
        """A node is there now. Those that have been gone for long are forgotten, with what they did."""
        nodes, leases, long_ago = schema.nodes, schema.leases, self._now - NODES_KEPT_FOR
        gone = select(nodes.c.node).where(nodes.c.seen_at < long_ago)
        self._seen |= dict.fromkeys(self._connection.scalars(gone))
        left = select(leases.c.name).where(leases.c.expires_at < long_ago)
        self._leases |= dict.fromkeys(self._connection.scalars(left))
        self._seen[node] = {"node": node, "began_at": began_at, "seen_at": self._now}
        self.writes += 1

    def held_by(self, node: str) -> Collection[str]:
        """What a node does now of what only one does, with everything staged so far."""
        return [name for name, by in self._running().items() if by == node]

    def take(
        self, node: str, names: Collection[str], lasting: timedelta, *, said: Mapping[str, str] | None = None
    ) -> Collection[str]:
        """Takes of some leases those that no other node has, and renews those that `node` has; `said` is how that
        goes which it has. Returns what it has of them then."""
        running = self._running()
        taken = [name for name in names if running.get(name, node) == node]
        for name in taken:
            expires_at = self._now + lasting
            told = None if said is None else said.get(name)
            self._stage(name, {"name": name, "node": node, "expires_at": expires_at, "said": told})
        return taken

    def release(self, node: str, names: Collection[str]) -> None:
        """Gives back of some leases what a node has."""
        for name in sorted({*names} & {*self.held_by(node)}):
            self._stage(name, None)

    def _running(self) -> Mapping[str, str]:
        rows = self._connection.execute(select(schema.leases)).all()
        running = {row.name: row.node for row in rows if row.expires_at > self._now}
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
        return (
            (_FORGET_NODE, [{"by_node": node} for node in self._seen]),
            (insert_into(schema.nodes), [row for row in self._seen.values() if row is not None]),
            (_FORGET_LEASE, [{"by_name": name} for name in self._leases]),
            (insert_into(schema.leases), [row for row in self._leases.values() if row is not None]),
        )
