"""Opening the database: the URL, the settings every connection needs, and the guard against a second writer."""

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool, QueuePool

from bridge.journal.errors import JournalBusyElsewhereError, JournalUrlError

__all__ = [
    "READERS",
    "WriterLock",
    "journal_place",
    "parse_database_url",
    "reading_engine",
    "writing_engine",
]

# Long enough for a checkpoint or a backup to finish, short enough that a caller still gets its 503 in time.
BUSY_TIMEOUT_MS = 5_000

# Any number will do as long as no other program on the same PostgreSQL takes it.
_ADVISORY_LOCK = 0x62_72_69_64_67_65

READERS = 4

# Whoever only looks whether a journal is open holds its lock for a moment.
LOCK_SECONDS = 1.0


def parse_database_url(text_url: str) -> URL:
    """Reads `sqlite:///path/to.db` or `postgresql://user@host/name`, whatever driver it names.

    Raises JournalUrlError for any other database, and for SQLite in memory, which would not survive a crash.
    """
    try:
        url = make_url(text_url)
        backend = url.get_backend_name()
    except ArgumentError:
        raise JournalUrlError("the database URL is not a URL; write one such as sqlite:///var/bridge.db") from None
    if backend == "sqlite":
        if url.database in (None, "", ":memory:"):
            raise JournalUrlError("the journal must be a file; write a URL such as sqlite:///var/bridge.db")
        return url.set(drivername="sqlite+pysqlite")
    if backend in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    raise JournalUrlError(f"the journal is kept in SQLite or PostgreSQL, not in {backend}")


def journal_place(text_url: str) -> str:
    """Where a journal is, for a person to read: the whole path of its file, or the URL without its password."""
    url = parse_database_url(text_url)
    if url.get_backend_name() == "sqlite":
        return str(Path(url.database or "").absolute())
    return url.set(drivername="postgresql").render_as_string(hide_password=True)


def _prepare_sqlite(engine: Engine, *, begin: str, pragmas: tuple[str, ...]) -> None:
    def on_connect(connection: Any, _record: object) -> None:
        # SQLAlchemy is to say BEGIN itself, below: the driver's own habit would begin too late.
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    def on_begin(connection: Connection) -> None:
        # Not by SQLAlchemy's own way, which costs as much as what the transaction does.
        driver: Any = connection.connection.driver_connection
        driver.execute(begin)

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)


def _make_folder(path: Path) -> None:
    """Makes the folder of the database and of its lock, and sees that both can be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Payments are nobody's business but the bridge's.
        for file in (path, Path(f"{path}.lock")):
            file.touch(mode=0o600)
    except OSError as error:
        raise JournalUrlError(
            f"{path} cannot be written ({os.strerror(error.errno or 0)}); let the bridge's user write there, or set"
            " BRIDGE_DATABASE_URL to another file"
        ) from None


def writing_engine(url: URL) -> Engine:
    """The engine of the single writer: one connection, durable at each commit."""
    if url.get_backend_name() != "sqlite":
        return create_engine(url, poolclass=NullPool)
    _make_folder(Path(url.database or ""))
    engine = create_engine(url, poolclass=NullPool)
    _prepare_sqlite(
        engine,
        begin="BEGIN IMMEDIATE",
        pragmas=(f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=WAL", "synchronous=FULL"),
    )
    return engine


def reading_engine(url: URL) -> Engine:
    """The engine of everybody else: it cannot write."""
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_size=READERS, pool_pre_ping=True).execution_options(postgresql_readonly=True)
    engine = create_engine(url, poolclass=QueuePool, pool_size=READERS, connect_args={"check_same_thread": False})
    _prepare_sqlite(engine, begin="BEGIN", pragmas=(f"busy_timeout={BUSY_TIMEOUT_MS}", "query_only=ON"))
    return engine


class WriterLock:
    """Held for as long as a bridge writes to a database, so that a second one stops at its start.

    A file lock beside an SQLite file, an advisory lock in PostgreSQL: both vanish with the process, however it ends.
    """

    def __init__(self, url: URL, engine: Engine) -> None:
        self._path = Path(f"{url.database}.lock") if url.get_backend_name() == "sqlite" else None
        self._engine = engine
        self._file: IO[str] | None = None
        self._connection: Connection | None = None

    def ensure(self) -> None:
        """Takes the lock unless it is held. A PostgreSQL that restarted has forgotten it, so ask before each
        new connection. Raises JournalBusyElsewhereError when another bridge has it."""
        if self._path is not None:
            self._take_file_lock(self._path)
        else:
            self._take_advisory_lock()

    def _take_file_lock(self, path: Path) -> None:
        if self._file is not None:
            return
        lock = path.open("a+")
        give_up = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() < give_up:
                    time.sleep(0.05)
                    continue
                lock.seek(0)
                holder = lock.read().strip()
                lock.close()
                raise JournalBusyElsewhereError(
                    f"another bridge (process {holder}) has {path.with_suffix('')} open;"
                    " stop it, or set BRIDGE_DATABASE_URL to another database"
                ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._file = lock

    def _take_advisory_lock(self) -> None:
        if self._connection is not None:
            try:
                self._connection.execute(text("SELECT 1"))
            except DBAPIError:
                self.release()
            else:
                return
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _ADVISORY_LOCK}):
            connection.close()
            raise JournalBusyElsewhereError(
                "another bridge writes to this database; stop it, or set BRIDGE_DATABASE_URL to another one"
            )
        self._connection = connection

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._connection is not None:
            with suppress(DBAPIError):
                self._connection.close()
            self._connection = None
