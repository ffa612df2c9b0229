"""The sockets' part of the journal: the sessions of clients that may come back."""

import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, or_, select

from bridge.journal.queries.readers import Read
from bridge.journal.records.nodes import NodeRecords
from bridge.journal.tables import schema
from bridge.journal.writing.batch import Batch
from bridge.journal.writing.writer import Submit
from coordinator.compact_json import compact_json

__all__ = ["SessionRecords", "TakenOverSession"]


# Those who are online at once, and those who have lately gone.
ACTIVE_LIMIT = 20_000


class TakenOverSession(NamedTuple):
    """A session that this bridge has by now."""

    content: dict[str, Any]
    was_own: bool
    """Whether it had it already."""
    seen_at: datetime | None
    """When the bridge was seen last that had it before; None where that is not known."""


class SessionRecords:
    """What is stored of sessions: a JSON document for each, of which only the sockets know what it says."""

    def __init__(
        self,
        read: Read,
        submit: Submit,
        nodes: NodeRecords,
        key: bytes,
        note_commits: Callable[[], Awaitable[None]],
    ) -> None:
        self.key = key
        """Signs the proofs of sessions; the same for every process of this journal."""
        self._note_commits = note_commits
        self._read = read
        self._submit = submit
        self._nodes = nodes
        self.is_shared = nodes.is_shared
        """Whether other bridges may take sessions over."""

    async def save(
        self, contents: Mapping[str, dict[str, Any] | None], *, idle: Collection[str] = ()
    ) -> Collection[str]:
        """Saves sessions; forgets those that are None. Those that are `idle` keep nothing that their clients would
        miss. Returns those that it leaves as they are, since another bridge has taken them over. Raises
        JournalUnavailableError."""
        node = self._nodes.own if self.is_shared else None

        def request(batch: Batch) -> Collection[str]:
            elsewhere = () if node is None else batch.sessions.of_other_nodes(contents, node)
            for session_id, content in contents.items():
                if session_id in elsewhere:
                    continue
                if content is None:
                    batch.sessions.forget(session_id)
                else:
                    batch.sessions.save(session_id, compact_json(content), is_idle=session_id in idle, node=node)
            return elsewhere

        elsewhere = await self._submit(request)
        # No client can prove a join to which nothing was told since: what has forgotten it must show by the mark.
        await self._note_commits()
        return elsewhere

    async def take_over(self, session_id: str) -> TakenOverSession | None:
        """Gives a session to this bridge, whichever had it, and says how it was saved last; None if there is none.
        Raises JournalUnavailableError."""
        taken = await self._submit(lambda batch: batch.sessions.take_over(session_id, self._nodes.own))
        if taken is None:
            return None
        was_own = taken.node == self._nodes.own
        seen_at = None if was_own or taken.node is None else (await self._nodes.seen()).get(taken.node)
        return TakenOverSession(json.loads(taken.content), was_own, seen_at)

    async def load(self, session_id: str) -> dict[str, Any] | None:
        content = await self._read(_content, session_id)
        return None if content is None else json.loads(content)

    async def active(self) -> tuple[dict[str, Any] | None, dict[str, dict[str, Any]]]:
        """The session that was kept last, if there is any; and those by which somebody was online or typed, as far as
        they were saved lately."""
        newest, active = await self._read(_newest), await self._read(_active)
        return None if newest is None else json.loads(newest), {
            session_id: json.loads(content) for session_id, content in active
        }


def _content(connection: Connection, session_id: str) -> str | None:
    sessions = schema.sessions
    content: str | None = connection.scalar(select(sessions.c.content).where(sessions.c.session_id == session_id))
    return content


def _newest(connection: Connection) -> str | None:
    sessions = schema.sessions
    content: str | None = connection.scalar(
        select(sessions.c.content).order_by(sessions.c.updated_at.desc()).limit(1)
    )
    return content


def _active(connection: Connection) -> list[tuple[str, str]]:
    sessions = schema.sessions
    is_active = or_(sessions.c.content.like('%"online":["%'), sessions.c.content.like('%"typing":[["%'))
    rows = connection.execute(
        select(sessions.c.session_id, sessions.c.content)
        .where(is_active)
        .order_by(sessions.c.updated_at.desc())
        .limit(ACTIVE_LIMIT)
    )
    return [(row.session_id, row.content) for row in rows]
