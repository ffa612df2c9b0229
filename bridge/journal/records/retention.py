"""The part of the journal that is about forgetting: what was kept for long enough, and in how large steps it goes."""

import json
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Select, literal, or_, select, tuple_

from bridge.journal.queries import payments as queries
from bridge.journal.queries.readers import Read
from bridge.journal.queries.rooms import newest_in_rooms
from bridge.journal.tables import schema
from bridge.journal.writing.batch import Batch
from bridge.journal.writing.writer import Submit

__all__ = ["RetentionRecords"]


class _OldSession(NamedTuple):
    updated_at: datetime
    session_id: str
    is_idle: bool


class _OldContent(NamedTuple):
    updated_at: datetime
    session_id: str
    content: str


Old = TypeVar("Old", _OldSession, _OldContent)


class RetentionRecords:
    """Forgets a bounded number of rows in one commit, and returns how many. Raises JournalUnavailableError."""

    def __init__(self, read: Read, submit: Submit) -> None:
        self._read = read
        self._submit = submit

    async def forget_events(self, *, before: datetime, newest: int, limit: int) -> int:
        """Forgets the oldest events, if they were committed before that or are not among the `newest` (0: however
        many); never the last one, whose offset says where to go on."""
        last = await self._read(queries.last_of_the_old, before=before, newest=newest, limit=limit)
        return 0 if last is None else await self._forget(lambda batch: batch.forgetting.events(last))

    async def forget_sessions(
        self,
        *,
        before: datetime,
        since: datetime | None = None,
        but: Collection[str],
        are_idle: bool = False,
        limit: int,
    ) -> int:
        """Forgets sessions that were saved before that last, and not before `since`, but for those that are in use;
        where `are_idle`, only those that are in no room, and by which nobody types."""
        forgotten = 0
        async for page in self._old_sessions(_older_sessions, before, since, limit):
            forgotten += await self._forget_sessions(
                (one.session_id for one in page if one.session_id not in but and (one.is_idle or not are_idle)),
                before,
            )
        return forgotten

    async def forget_quiet_sessions(
        self,
        *,
        before: datetime,
        since: datetime | None,
        but: Collection[str],
        rooms_in: Callable[[dict[str, Any]], Mapping[str, int]],
        limit: int,
    ) -> int:
        """The same of those whose rooms, as `rooms_in` reads them, have heard nothing since they were joined."""
        forgotten = 0
        async for page in self._old_sessions(_older_contents, before, since, limit):
            rooms_of = {one.session_id: rooms_in(json.loads(one.content)) for one in page}
            names = {room for rooms in rooms_of.values() for room in rooms}
            newest = await self._read(newest_in_rooms, names)
            forgotten += await self._forget_sessions(
                (
                    session_id
                    for session_id, rooms in rooms_of.items()
                    if session_id not in but and all(newest.get(room, 0) <= joined for room, joined in rooms.items())
                ),
                before,
            )
        return forgotten

    async def _old_sessions(
        self, query: Callable[..., list[Old]], before: datetime, since: datetime | None, limit: int
    ) -> AsyncIterator[list[Old]]:
        page = None if since is None else (since, "")
        while old := await self._read(query, before, page, limit):
            page = old[-1].updated_at, old[-1].session_id
            yield old

    async def _forget_sessions(self, session_ids: Iterable[str], before: datetime) -> int:
        gone = list(session_ids)
        if gone:
            await self._submit(partial(_forget_sessions, session_ids=gone, before=before))
        return len(gone)

    async def forget_nodes(self, *, before: datetime) -> int:
        """Forgets the bridges that share the journal no more, and were seen last before that: no session counts from
        then."""
        return await self._forget(lambda batch: batch.forgetting.nodes(before))

    async def forget_alerts(self, *, before: datetime) -> int:
        """Forgets what needed a person and ended before that."""
        return await self._forget(lambda batch: batch.forgetting.alerts(before))

    async def forget_idempotency_keys(self, *, before: datetime, limit: int) -> int:
        return await self._forget(lambda batch: batch.forgetting.idempotency_keys(before, limit))

    async def forget_unreadable_webhooks(self, *, before: datetime, limit: int) -> int:
        return await self._forget(lambda batch: batch.forgetting.unreadable_webhooks(before, limit))

    async def forget_deliveries(self, *, before: datetime, limit: int) -> int:
        return await self._forget(lambda batch: batch.forgetting.deliveries(before, limit))

    async def give_back(self, *, pages: int, spare: int) -> int:
        """Makes an SQLite file smaller by up to so many pages that hold nothing, but leaves it some."""
        return await self._forget(lambda batch: batch.forgetting.give_back(pages, spare))

    async def _forget(self, forget: Callable[[Batch], int]) -> int:
        return await self._submit(forget)


def _forget_sessions(batch: Batch, session_ids: Collection[str], before: datetime) -> None:
    for session_id in session_ids:
        batch.sessions.forget_old(session_id, before)


def _older_sessions(
    connection: Connection, before: datetime, after: tuple[datetime, str] | None, limit: int
) -> list[_OldSession]:
    sessions = schema.sessions
    page = _page(select(sessions.c.updated_at, sessions.c.session_id, sessions.c.is_idle), before, after, limit)
    return [_OldSession(*row) for row in connection.execute(page)]


def _older_contents(
    connection: Connection, before: datetime, after: tuple[datetime, str] | None, limit: int
) -> list[_OldContent]:
    sessions = schema.sessions
    page = _page(select(sessions.c.updated_at, sessions.c.session_id, sessions.c.content), before, after, limit)
    return [_OldContent(*row) for row in connection.execute(page)]


def _page(statement: Select[Any], before: datetime, after: tuple[datetime, str] | None, limit: int) -> Select[Any]:
    """The next of those that were saved before that last, but for clients that are connected to a bridge which was
    seen since: they go when it does."""
    sessions, nodes = schema.sessions, schema.nodes
    at, session_id = sessions.c.updated_at, sessions.c.session_id
    has_gone = or_(sessions.c.is_connected.is_(False), nodes.c.node.is_(None), nodes.c.seen_at < before)
    page = statement.outerjoin_from(sessions, nodes, sessions.c.node == nodes.c.node).where(at < before, has_gone)
    page = page.order_by(at, session_id).limit(limit)
    if after is None:
        return page
    return page.where(tuple_(at, session_id) > tuple_(literal(after[0], schema.UtcDateTime()), literal(after[1])))
