"""Maintenance: what is done to a journal from a terminal. A backup of one that runs, the word that it was restored,
its schema brought up to date, and its file made as small as what it holds."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL, create_engine

from bridge.documentation import where_documented
from bridge.environment import POSTGRESQL_FOLDER_VARIABLE
from bridge.journal.database.backup_files import sync
from bridge.journal.database.engines import (
    journal_place,
    opening,
    parse_database_url,
    reading_engine,
    writing_engine,
)
from bridge.journal.database.lock import WriterLock
from bridge.journal.database.schema_versions import bring_up_to_date, known_versions, version_of
from bridge.journal.errors import JournalUrlError
from bridge.journal.examine import examine_database, examine_version
from bridge.journal.history.mark_file import MarkFile
from bridge.journal.writing.histories import HistoryRecord, histories, mark_as_backup, open_history

__all__ = ["back_up", "compact", "declare_restored", "histories_of"]

PAGE = "docs/operations.md"
HISTORIES_SHOWN = 20


def back_up(database_url: str, path: Path, now: datetime) -> None:
    """Makes a consistent copy of a journal, whether a bridge is writing to it or not; of one in PostgreSQL with
    pg_dump. A copy of SQLite says of itself that it is a backup, and what lies elsewhere than where it was written
    shows that, so that each is noticed wherever it is restored. Raises JournalUrlError."""
    url = parse_database_url(database_url)
    if url.get_backend_name() != "sqlite":
        _dump(url, database_url, path)
        return
    source = Path(url.database or "")
    if not source.exists():
        raise JournalUrlError(f"there is no journal at {source.absolute()}")
    examine_database(database_url)
    with _written_whole(path) as unfinished:
        with closing(sqlite3.connect(source)) as journal, closing(sqlite3.connect(unfinished)) as copy:
            journal.execute("PRAGMA query_only=ON")
            journal.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # so that it is one file
        _say_what_it_is(unfinished, now)


def _dump(url: URL, database_url: str, path: Path) -> None:
    from bridge.journal.database.dumps import dump, find_program  # with psycopg

    program = find_program("pg_dump")
    if program is None:
        raise JournalUrlError(
            "the journal is in PostgreSQL, which makes its own backups: pg_dump --format=custom for one now and then,"
            f" or pg_basebackup with archived WAL for any point in time; {where_documented(PAGE)} has both."
            f" Where pg_dump is on the PATH, or in the folder that {POSTGRESQL_FOLDER_VARIABLE} names, bridge backup"
            " runs it"
        )
    if examine_version(database_url) is None:
        raise JournalUrlError(f"there is no journal at {journal_place(database_url)}")
    with _written_whole(path) as unfinished:
        dump(program, url, unfinished)


@contextmanager
def _written_whole(path: Path) -> Iterator[Path]:
    """A file to write a backup into, which has its name once it is on the disk. Raises JournalUrlError."""
    if path.exists():
        raise JournalUrlError(f"{path} is there already; name a file that is not")
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        unfinished.unlink(missing_ok=True)
        unfinished.touch(mode=0o600)  # payments are nobody's business
        yield unfinished
        sync(unfinished)
        unfinished.rename(path)
    except JournalUrlError:
        unfinished.unlink(missing_ok=True)
        raise
    except (OSError, sqlite3.Error) as error:
        unfinished.unlink(missing_ok=True)
        reason = os.strerror(error.errno or 0) if isinstance(error, OSError) else error
        raise JournalUrlError(
            f"the backup could not be written to {path}: {reason}; see that its folder is there, can be written and"
            " has room, or name another place"
        ) from None


def _say_what_it_is(path: Path, now: datetime) -> None:
    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.begin() as connection:
            # One of an older bridge says nothing of what it lies on.
            if version_of(connection) == known_versions()[-1]:
                mark_as_backup(connection, now)
    finally:
        engine.dispose()


def declare_restored(database_url: str, mark_file: Path, said: str, now: datetime) -> str:
    """Begins a new history of a journal that no bridge has open. Returns its epoch. Raises JournalUrlError and
    JournalBusyElsewhereError."""
    examine_database(database_url)
    url = parse_database_url(database_url)
    engine = writing_engine(url)
    lock = WriterLock(url, engine)
    try:
        with opening(url):
            lock.take()
            bring_up_to_date(engine)
            return open_history(engine, now, MarkFile(mark_file), said).epoch
    finally:
        lock.release()


def histories_of(database_url: str) -> list[HistoryRecord]:
    """The histories of a journal, the present one first, whether a bridge has it open or not. Raises
    JournalUrlError."""
    examine_database(database_url)
    engine = reading_engine(parse_database_url(database_url))
    try:
        with engine.begin() as connection:
            if version_of(connection) != known_versions()[-1]:
                raise JournalUrlError("the journal is of an older version; start the bridge once")
            return histories(connection, HISTORIES_SHOWN)
    finally:
        engine.dispose()


def compact(database_url: str) -> tuple[int, int]:
    """Writes an SQLite journal anew that no bridge has open, so that it holds no room that is empty, and from then on
    gives back by itself what retention leaves. Returns the bytes it had and has. Raises JournalUrlError and
    JournalBusyElsewhereError."""
    url = parse_database_url(database_url)
    if url.get_backend_name() != "sqlite":
        raise JournalUrlError("the journal is in PostgreSQL, which does this by itself (autovacuum)")
    path = Path(url.database or "")
    if not path.exists():
        raise JournalUrlError(f"there is no journal at {path.absolute()}")
    examine_database(database_url)
    lock = WriterLock(url, writing_engine(url))
    try:
        lock.take()
        before = path.stat().st_size
        with closing(sqlite3.connect(path, isolation_level=None)) as journal:
            journal.execute("PRAGMA auto_vacuum=INCREMENTAL")
            journal.execute("VACUUM")
            journal.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return before, path.stat().st_size
    except sqlite3.Error as error:
        raise JournalUrlError(f"{path} could not be written anew: {error}; it needs as much room again") from None
    finally:
        lock.release()
