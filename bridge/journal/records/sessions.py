"""The sockets' part of the journal: the sessions of clients that may come back."""

import functools
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from bridge.journal.queries.connections import ConnectedClient, connected_clients
from bridge.journal.queries.readers import Read
from bridge.journal.records.nodes import NodeRecords
from bridge.journal.tables import schema
from bridge.journal.wakeups import Moves
from bridge.journal.writing.batch import Batch
from bridge.journal.writing.staged.sessions import (
    Exchanges,
    MovedSession,
    SavedSession,
    newest_content,
)
from bridge.journal.writing.writer import Submit
from coordinator.compact_json import compact_json

__all__ = ["SessionRecords", "TakenOverSession"]


class TakenOverSession(NamedTuple):
    """A session that this bridge has by now, unless it is contested."""

    content: dict[str, Any]
    was_own: bool
    """Whether it had it already."""
    seen_at: datetime | None
    """When the bridge was seen last that had it before; None where that is not known."""
    is_contested: bool
    """Whether it was taken from one bridge to the other too often, and stays where it is."""
    node: str | None
    """The bridge that had it before."""
    are_others: bool
    """Whether there are other bridges."""


class SessionRecords:
    """What is stored of sessions: a JSON document for each, of which only the sockets know what it says."""

    def __init__(
        self,
        read: Read,
        submit: Submit,
        nodes: NodeRecords,
        key: bytes,
        note_commits: Callable[[], Awaitable[None]],
        moves: Moves,
    ) -> None:
        self.moves = moves
        """Who is told that sessions are another bridge's by now."""
        self.key = key
        """Signs the proofs of sessions; the same for every process of this journal."""
        self._note_commits = note_commits
        self._read = read
        self._submit = submit
        self._nodes = nodes
        self.is_shared = nodes.is_shared
        """Whether other bridges may take sessions over."""

    async def save(
        self,
        contents: Mapping[str, dict[str, Any] | None],
        *,
        idle: Collection[str] = (),
        connected: Collection[str] = (),
        new: Collection[str] = (),
    ) -> Collection[str]:
        """Saves sessions; forgets those that are None. Those that are `idle` keep nothing that their clients would
        miss, the clients of those that are `connected` are there, and those that are `new` were never saved before.
        Returns those that it leaves as they are, since this bridge does not have them any more. Raises
        JournalUnavailableError."""
        sessions = {
            session_id: None
            if content is None
            else SavedSession(
                compact_json(content), session_id in idle, session_id in connected, is_new=session_id in new
            )
            for session_id, content in contents.items()
        }

        def request(batch: Batch) -> Collection[str]:
            if self.is_shared:
                return batch.sessions.save_of(self._nodes.own, sessions)
            batch.sessions.save(sessions)
            return ()

        lost = await self._submit(request)
        # No client can prove a join to which nothing was told since: what has forgotten it must show by the mark.
        await self._note_commits()
        return lost

    async def take_over(self, session_id: str, exchanges: Exchanges) -> TakenOverSession | None:
        """Gives a session to this bridge, whichever had it, and says how it was saved last; None if there is none.
        Those that are there are told that they have lost it. Raises JournalUnavailableError."""

        def request(batch: Batch) -> tuple[MovedSession, datetime | None, bool] | None:
            own, nodes = self._nodes.own, batch.nodes
            there = nodes.there()
            taken = batch.sessions.take_over(session_id, own, there=there, exchanges=exchanges)
            are_others = any(node != own for node in there)
            return None if taken is None else (taken, nodes.seen_at.get(taken.node or ""), are_others)

        found = await self._submit(request)
        if found is None:
            return None
        taken, seen_at, are_others = found
        was_own = taken.node == self._nodes.own
        return TakenOverSession(
            json.loads(taken.content),
            was_own,
            None if was_own else seen_at,
            is_contested=taken.is_contested,
            node=taken.node,
            are_others=are_others,
        )

    async def load(self, session_id: str) -> dict[str, Any] | None:
        content = await self._read(_content, session_id)
        return None if content is None else json.loads(content)

    async def newest(self) -> dict[str, Any] | None:
        """The session that an earlier bridge has saved last, if there is any; where several share the journal, one
        that is not there any more. Raises JournalUnavailableError."""
        there = await self._nodes.there() if self.is_shared else ()
        content = await self._read(newest_content, there)
        return None if content is None else json.loads(content)

    async def connected(
        self, *, user_id: str | None, room: str | None, after: str, limit: int
    ) -> Sequence[ConnectedClient]:
        """The next clients that are connected, by their ids: of a user, in a room, or all. One that has come or gone
        a moment ago may be told of as it was."""
        nodes = await self._nodes.there() if self.is_shared else None
        return await self._read(
            functools.partial(connected_clients, user_id=user_id, room=room, nodes=nodes, after=after, limit=limit)
        )


def _content(connection: Connection, session_id: str) -> str | None:
    sessions = schema.sessions
    content: str | None = connection.scalar(select(sessions.c.content).where(sessions.c.session_id == session_id))
    return content
