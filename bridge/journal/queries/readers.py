"""Readers of the journal: a few threads that look things up, each by a connection of its own.

Whoever asks has an answer or an error within a bounded time, whatever the database does: a connection that says
nothing is cut.
"""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import URL, Connection
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError

from bridge.journal.database.aborting import ConnectionAborter
from bridge.journal.database.engines import reading_engine
from bridge.journal.errors import JournalUnavailableError
from bridge.journal.tables.unreadable_rows import NotedRows, note_in

__all__ = ["Read", "Readers"]

logger = logging.getLogger("bridge.journal")

P = ParamSpec("P")
T = TypeVar("T")

READERS = 4
# As long as a commit may take: SHKeeper hangs up after 30 s.
LOOK_UP_SECONDS = 20.0
# A thread whose connection is cut ends at once; one that is just connecting takes as long as that may.
AFTER_CUT_SECONDS = 1.0


class Read(Protocol):
    """Looks something up: a query with its arguments, but for the connection."""

    def __call__(
        self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]: ...


class _Reader:
    """One thread's connection."""

    def __init__(self, url: URL, met: NotedRows) -> None:
        self._engine = reading_engine(url)
        note_in(self._engine, met)
        self._cutter = ConnectionAborter(self._engine)
        self.look_up: object = None
        """What it is busy with."""

    def run(self, query: Callable[[Connection], T], look_up: object) -> T:
        self.look_up = look_up
        try:
            try:
                return self._read(query)
            except DBAPIError as error:
                # It may have been broken for long, and nobody had noticed: a new one tells.
                if not error.connection_invalidated or self.look_up is None:
                    raise
                return self._read(query)
        finally:
            self.look_up = None

    def _read(self, query: Callable[[Connection], T]) -> T:
        with self._engine.connect() as connection:
            try:
                with connection.begin():
                    return query(connection)
            except BaseException:
                # Of SQLite, rows that were not read to their end would keep what is read next in the past.
                connection.invalidate()
                raise

    def cut(self) -> None:
        self.look_up = None
        self._cutter.cut()

    def close(self) -> None:
        self._engine.dispose()


class Readers:
    """Threads that look up, and the time that they are given."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.met = NotedRows()
        """What they could not read, since somebody took it."""
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="journal-reader")
        self._own = threading.local()
        self._readers: list[_Reader] = []
        self._trouble: str | None = None
        """Why nothing could be looked up last; None if it could."""

    async def read(self, query: Callable[[Connection], T], *, within_seconds: float | None = None) -> T:
        """What a query finds. Raises JournalUnavailableError if the database does not answer, or not in time."""
        seconds = LOOK_UP_SECONDS if within_seconds is None else within_seconds
        look_up = object()
        future = asyncio.get_running_loop().run_in_executor(self._threads, self._run, query, look_up)
        try:
            async with asyncio.timeout(seconds) as deadline:
                return await future
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not future.cancelled() or (task is not None and task.cancelling()):
                raise
            # No thread has taken it up, and none will.
            raise JournalUnavailableError("the journal is closed") from None
        except TimeoutError:
            if not deadline.expired():
                raise
            self._cut(look_up)
            raise JournalUnavailableError(f"the database did not answer within {seconds:g} s") from None

    def _run(self, query: Callable[[Connection], T], look_up: object) -> T:
        reader: _Reader | None = getattr(self._own, "reader", None)
        if reader is None:
            reader = self._own.reader = _Reader(self.url, self.met)
            self._readers.append(reader)
        try:
            found = reader.run(query, look_up)
        except DBAPIError as error:
            if not _is_away(error):
                raise
            reason = " ".join(str(error.orig).split())
            if reason != self._trouble:
                logger.warning("the database cannot be asked: %s", reason)
            self._trouble = reason
            raise JournalUnavailableError("the database cannot be asked at the moment") from None
        self._trouble = None
        return found

    def _cut(self, look_up: object) -> None:
        for reader in self._readers:
            if reader.look_up is look_up:
                reader.cut()

    async def close(self, within_seconds: float) -> None:
        """Waits for what is being looked up: whoever asked may have gone, the connection has not. What takes longer
        is cut."""
        closing = asyncio.get_running_loop().run_in_executor(None, self._shut_down)
        done, _ = await asyncio.wait([closing], timeout=within_seconds)
        if not done:
            for reader in self._readers:
                reader.cut()
            await asyncio.wait([closing], timeout=AFTER_CUT_SECONDS)

    def _shut_down(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        for reader in self._readers:
            reader.close()


def _is_away(error: DBAPIError) -> bool:
    """Whether it is the database and not the question: it is away, full, busy, broken or not there any more."""
    return isinstance(error, OperationalError | InterfaceError) or type(error) is DatabaseError
