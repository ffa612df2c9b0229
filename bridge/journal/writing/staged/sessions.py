"""The sessions' part of a batch."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, bindparam, delete, select

from bridge.journal.tables import schema
from bridge.journal.writing.statements import Row, Writing, found, insert_into, numbered, padded

__all__ = ["StagedSessions", "TakenOver"]

_SESSION = select(schema.sessions).where(schema.sessions.c.session_id == bindparam("by_session_id"))
_FORGET = delete(schema.sessions).where(schema.sessions.c.session_id == bindparam("by_session_id"))


class TakenOver(NamedTuple):
    """A session that a node has by now."""

    content: str
    node: str | None
    """The node that had it before."""


@cache
def _elsewhere(count: int) -> Select[Any]:
    sessions = schema.sessions
    return select(sessions.c.session_id).where(
        sessions.c.session_id.in_([bindparam(name) for name in numbered(count)]),
        sessions.c.node != bindparam("not_node"),
    )


class StagedSessions:
    """Staged writes about sessions, within one transaction."""

    def __init__(self, connection: Connection, *, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._contents: dict[str, Row | None] = {}
        self.writes = 0
        """How many changes are staged."""

    def save(self, session_id: str, content: str, *, is_idle: bool, node: str | None = None) -> None:
        """Keeps a session as it is now, which a node has where several share the journal."""
        self.writes += 1
        row = {"session_id": session_id, "content": content, "is_idle": is_idle, "node": node}
        self._contents[session_id] = row | {"updated_at": self._now}

    def of_other_nodes(self, session_ids: Collection[str], node: str) -> Collection[str]:
        """Those of some sessions that another node has taken over, with everything staged so far."""
        if not session_ids:
            return ()
        parameters = padded(session_ids)
        elsewhere = set(found(self._connection, _elsewhere(len(parameters)), {"not_node": node, **parameters}))
        elsewhere -= self._contents.keys()
        staged = {session_id: self._contents.get(session_id) for session_id in session_ids}
        return elsewhere | {name for name, row in staged.items() if row and row["node"] not in (None, node)}

    def take_over(self, session_id: str, node: str) -> TakenOver | None:
        """Gives a session to a node; None if there is none."""
        row = self._contents.get(session_id)
        if session_id not in self._contents:
            stored = self._connection.execute(_SESSION, {"by_session_id": session_id}).mappings().first()
            row = None if stored is None else dict(stored)
        if row is None:
            return None
        if row["node"] != node:
            self.save(session_id, row["content"], is_idle=row["is_idle"], node=node)
        return TakenOver(row["content"], row["node"])

    def forget(self, session_id: str) -> None:
        self.writes += 1
        self._contents[session_id] = None

    def statements(self) -> Sequence[tuple[Writing, list[Row]]]:
        """What is staged. A row that was there before makes way for its successor."""
        return [
            (_FORGET, [{"by_session_id": session_id} for session_id in self._contents]),
            (insert_into(schema.sessions), [row for row in self._contents.values() if row is not None]),
        ]
