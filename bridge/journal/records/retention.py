"""The part of the journal that is about forgetting: what was kept for long enough, and in how large steps it goes."""

from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial
from typing import NamedTuple

from sqlalchemy import Connection, literal, select, tuple_

from bridge.journal.queries import payments as queries
from bridge.journal.queries.readers import Read
from bridge.journal.tables import schema
from bridge.journal.writing.batch import Batch
from bridge.journal.writing.writer import Submit

__all__ = ["RetentionRecords"]


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
        forgotten, page = 0, None if since is None else (since, "")
        while old := await self._read(_older_sessions, before, page, limit):
            page = old[-1].updated_at, old[-1].session_id
            gone = [one.session_id for one in old if one.session_id not in but and (one.is_idle or not are_idle)]
            if gone:
                await self._submit(partial(_forget_sessions, session_ids=gone))
            forgotten += len(gone)
        return forgotten

    async def forget_idempotency_keys(self, *, before: datetime, limit: int) -> int:
        return await self._forget(lambda batch: batch.forgetting.idempotency_keys(before, limit))

    async def forget_unreadable_webhooks(self, *, before: datetime, limit: int) -> int:
        return await self._forget(lambda batch: batch.forgetting.unreadable_webhooks(before, limit))

    async def give_back(self, *, pages: int, spare: int) -> int:
        """Makes an SQLite file smaller by up to so many pages that hold nothing, but leaves it some."""
        return await self._forget(lambda batch: batch.forgetting.give_back(pages, spare))

    async def _forget(self, forget: Callable[[Batch], int]) -> int:
        return await self._submit(forget)


def _forget_sessions(batch: Batch, session_ids: Collection[str]) -> None:
    for session_id in session_ids:
        batch.sessions.save(session_id, None)


class _OldSession(NamedTuple):
    updated_at: datetime
    session_id: str
    is_idle: bool


def _older_sessions(
    connection: Connection, before: datetime, after: tuple[datetime, str] | None, limit: int
) -> list[_OldSession]:
    sessions = schema.sessions
    at, session_id = sessions.c.updated_at, sessions.c.session_id
    # No name of a room can say this: within JSON its quotation marks would be escaped.
    is_idle = sessions.c.content.like('%"rooms":{},"online":[],"typing":[],%')
    statement = select(at, session_id, is_idle).where(at < before).order_by(at, session_id).limit(limit)
    if after is not None:
        statement = statement.where(
            tuple_(at, session_id) > tuple_(literal(after[0], schema.UtcDateTime()), literal(after[1]))
        )
    return [_OldSession(*row) for row in connection.execute(statement)]
