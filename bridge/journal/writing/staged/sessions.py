"""The sessions' part of a batch: what is saved of them, and which bridge has each where several share the journal."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, bindparam, delete, or_, select

from bridge.journal.tables import schema
from bridge.journal.writing.statements import Row, Writing, insert_into, numbered, padded, rows_found
from coordinator.compact_json import compact_json

__all__ = [
    "Exchanges",
    "MovedSession",
    "SavedSession",
    "StagedSessions",
    "newest_content",
]

_SESSIONS = schema.sessions
_SESSION = select(_SESSIONS).where(_SESSIONS.c.session_id == bindparam("by_session_id"))
_FORGET = delete(_SESSIONS).where(_SESSIONS.c.session_id == bindparam("by_session_id"))
_FORGET_OLD = _FORGET.where(_SESSIONS.c.updated_at < bindparam("before"))


class SavedSession(NamedTuple):
    """A session as it is to be kept."""

    content: str
    is_idle: bool
    is_connected: bool
    is_new: bool
    """Whether it was never kept before."""


class Exchanges(NamedTuple):
    """How often a session may be taken from a bridge to which its client is connected, so far as that knows."""

    limit: int
    within: timedelta


class MovedSession(NamedTuple):
    """A session that a node has by now."""

    content: str
    node: str | None
    """The node that had it before."""
    is_contested: bool = False
    """Whether it was taken from one to the other too often, and stays where it is."""


class _Holding(NamedTuple):
    """What the journal has of a session that is to be saved."""

    node: str | None
    exchanges: str | None


@cache
def _holdings(count: int) -> Select[Any]:
    return select(_SESSIONS.c.session_id, _SESSIONS.c.node, _SESSIONS.c.exchanges).where(
        _SESSIONS.c.session_id.in_([bindparam(name) for name in numbered(count)])
    )


class StagedSessions:
    """Reads and staged writes about sessions, within one transaction."""

    def __init__(self, connection: Connection, *, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._contents: dict[str, Row | None] = {}
        self._old: dict[str, datetime] = {}
        self.moved: list[str] = []
        """Those that are taken from a node which is there, and does not know it yet."""
        self.writes = 0
        """How many changes are staged."""

    def save(self, sessions: Mapping[str, SavedSession | None]) -> None:
        """Keeps sessions as they are now, and forgets those that are None."""
        for session_id, session in sessions.items():
            if session is None:
                self.forget(session_id)
            else:
                self._stage(session_id, session.content, session.is_idle, is_connected=session.is_connected)

    def save_of(self, node: str, sessions: Mapping[str, SavedSession | None]) -> Collection[str]:
        """The same of the sessions of a node, where several share the journal. Returns those that it does not have
        any more, which stay as they are: another has taken them over, or they are over."""
        holdings = self._held(sessions)
        lost = []
        for session_id, session in sessions.items():
            holding = holdings.get(session_id)
            is_new = session is not None and session.is_new
            if (holding is None and not is_new) or (holding is not None and holding.node != node):
                lost.append(session_id)
            elif session is None:
                self.forget(session_id)
            else:
                exchanges = None if holding is None else holding.exchanges
                self._stage(
                    session_id,
                    session.content,
                    session.is_idle,
                    is_connected=session.is_connected,
                    node=node,
                    exchanges=exchanges,
                )
        return lost

    def _held(self, session_ids: Collection[str]) -> Mapping[str, _Holding]:
        """Who has each of some sessions, with everything staged so far."""
        if not session_ids:
            return {}
        parameters = padded(session_ids)
        rows = rows_found(self._connection, _holdings(len(parameters)), parameters)
        held = {session_id: _Holding(node, exchanges) for session_id, node, exchanges in rows}
        for session_id in self._contents.keys() & set(session_ids):
            held.pop(session_id, None)
            if row := self._contents[session_id]:
                held[session_id] = _Holding(row["node"], row["exchanges"])
        return held

    def take_over(
        self, session_id: str, node: str, *, there: Collection[str], exchanges: Exchanges
    ) -> MovedSession | None:
        """Gives a session to a node, unless it is contested; None if there is none. `there` are the nodes that are
        there."""
        row = self._contents.get(session_id)
        if session_id not in self._contents:
            stored = self._connection.execute(_SESSION, {"by_session_id": session_id}).mappings().first()
            row = None if stored is None else dict(stored)
        if row is None:
            return None
        taken = MovedSession(row["content"], row["node"])
        if taken.node == node:
            return taken
        lately = row["exchanges"]
        if taken.node in there:
            if row["is_connected"] is not False:
                now = self._now.timestamp()
                since = now - exchanges.within.total_seconds()
                before = [at for at in json.loads(row["exchanges"] or "[]") if at > since]
                if len(before) >= exchanges.limit:
                    self.moved.append(session_id)  # so that its node asks whether its client is still there
                    return taken._replace(is_contested=True)
                lately = compact_json([*before, now])
            self.moved.append(session_id)
        # Its client is about to be connected, or is gone.
        self._stage(session_id, row["content"], row["is_idle"], is_connected=False, node=node, exchanges=lately)
        return taken

    def forget(self, session_id: str) -> None:
        self.writes += 1
        self._contents[session_id] = None

    def forget_old(self, session_id: str, before: datetime) -> None:
        """Forgets a session unless it was saved, or taken over, after that."""
        self.writes += 1
        self._old[session_id] = before

    def _stage(
        self,
        session_id: str,
        content: str,
        is_idle: bool,
        *,
        is_connected: bool,
        node: str | None = None,
        exchanges: str | None = None,
    ) -> None:
        self.writes += 1
        self._contents[session_id] = {
            "session_id": session_id,
            "content": content,
            "updated_at": self._now,
            "is_idle": is_idle,
            "node": node,
            "is_connected": is_connected,
            "exchanges": exchanges,
        }

    def statements(self) -> Sequence[tuple[Writing, list[Row]]]:
        """What is staged. A row that was there before makes way for its successor."""
        return [
            (_FORGET_OLD, [{"by_session_id": name, "before": before} for name, before in self._old.items()]),
            (_FORGET, [{"by_session_id": session_id} for session_id in self._contents]),
            (insert_into(_SESSIONS), [row for row in self._contents.values() if row is not None]),
        ]


def newest_content(connection: Connection, there: Collection[str] = ()) -> str | None:
    """The session that was saved last by any but some nodes, if there is any."""
    is_of_none = or_(_SESSIONS.c.node.is_(None), _SESSIONS.c.node.not_in(there))
    newest = select(_SESSIONS.c.content).where(is_of_none).order_by(_SESSIONS.c.updated_at.desc()).limit(1)
    content: str | None = connection.scalar(newest)
    return content
