"""Commit notices: how bridges that write to one PostgreSQL tell each other at once that there is something to read,
or that a session is another's now.

A notice only wakes: what was committed is read out of the journal. So one that is lost, as behind a pooler that does
not pass them on, costs the time until the next look, and no more. That asks only how far the journal is, and where
nothing has come nothing is read.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Select, bindparam, func, select

from bridge.journal.database.engines import connection_arguments
from bridge.journal.wakeups import ACTIVITIES
from coordinator.batched import batched

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn

__all__ = ["CommitNotices", "notify_others"]

logger = logging.getLogger("bridge.journal")

# Without a notice one looks so often.
POLL_SECONDS = 1.0
# A server that says nothing for so long is asked by another connection.
ANSWER_SECONDS = 5.0
RETRY_SECONDS = 1.0

_NEWEST = 'SELECT (SELECT max("offset") FROM events), (SELECT max(change) FROM activities)'
_NOTIFY = select(func.pg_notify(bindparam("channel"), bindparam("notice")))

CommittedElsewhere = Callable[[int | None, Sequence[str]], None]
"""Is given the offset of the last event of a commit, and the work that it has news for; no offset when there may have
been any."""
MovedElsewhere = Callable[[Collection[str]], object]
"""Is given sessions that another bridge has taken over."""

MOVED = "moved"
# PostgreSQL passes on up to 8,000 bytes.
MOVED_AT_ONCE = 100


def _channel_of(epoch: str) -> str:
    """Where the notices of a journal are heard. One database may hold several journals, in schemas of their own."""
    return f"bridge_{epoch}"


def notify_others(
    offset: int, wakeups: Collection[str], moved: Sequence[str], *, node: str, epoch: str
) -> tuple[Select[Any], Sequence[dict[str, Any]]]:
    """What has the others told, with the commit of a transaction, that there are events up to an offset, and news for
    some work, and that sessions of theirs are a node's by now."""
    notices = [",".join((str(offset), node, *sorted(wakeups)))]
    notices += [" ".join((MOVED, node, *some)) for some in batched(moved, MOVED_AT_ONCE)]
    return _NOTIFY, [{"channel": _channel_of(epoch), "notice": notice} for notice in notices]


class CommitNotices:
    """Listens for what others commit, on a connection of its own."""

    def __init__(self, url: URL, epoch: str, node: str, committed: CommittedElsewhere, moved: MovedElsewhere) -> None:
        """`node` is the one that listens, which knows already what it has committed and moved itself."""
        self._arguments = connection_arguments(url)
        self._channel = _channel_of(epoch)
        self._node = node
        self._committed = committed
        self._moved = moved
        self._trouble: str | None = None

    async def run(self) -> None:
        """Listens until it is cancelled."""
        import psycopg  # only where a journal is in PostgreSQL

        while True:
            try:
                await self._listen()
            except (psycopg.Error, OSError) as error:
                reason = " ".join(str(error).split())
                if reason != self._trouble:
                    logger.warning("what other bridges commit is heard late for now: %s", reason)
                self._trouble = reason
            self._committed(None, ())
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self) -> None:
        import psycopg
        from psycopg import sql

        connection = await psycopg.AsyncConnection.connect(autocommit=True, **self._arguments)
        async with connection:
            connection.add_notify_handler(lambda notice: self._note(notice.payload))
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._channel)))
            self._trouble, newest_change = None, None
            self._committed(None, ())  # from before it listened
            while True:
                await self._listen_for(POLL_SECONDS, connection.pgconn)
                # With a notice that nobody passed on.
                async with asyncio.timeout(ANSWER_SECONDS):
                    offset, change = await (await connection.execute(_NEWEST)).fetchone() or (None, None)
                self._committed(offset or 0, () if change == newest_change else [ACTIVITIES])
                newest_change = change

    async def _listen_for(self, seconds: float, pgconn: "PGconn") -> None:
        """Hears what comes within a time. By itself psycopg would make a wait of its own for each notice, of which
        there is one a commit. Raises psycopg.Error if the connection is lost."""
        loop, socket = asyncio.get_running_loop(), pgconn.socket
        lost: asyncio.Future[None] = loop.create_future()

        def read() -> None:
            try:
                pgconn.consume_input()
                while (notice := pgconn.notifies()) is not None:
                    self._note(notice.extra.decode())
            except Exception as error:
                loop.remove_reader(socket)
                if not lost.done():
                    lost.set_exception(error)

        loop.add_reader(socket, read)
        try:
            read()  # what came with the last answer
            await asyncio.wait([lost], timeout=seconds)
        finally:
            loop.remove_reader(socket)
        if lost.done():
            lost.result()

    def _note(self, notice: str) -> None:
        if not notice.startswith(MOVED):
            offset, node, *wakeups = notice.split(",")
            # What was committed here is known already, or about to be; to read it would be in vain.
            if node != self._node:
                self._committed(int(offset), wakeups)
            return
        _, node, *session_ids = notice.split()
        if node != self._node:
            self._moved(session_ids)
