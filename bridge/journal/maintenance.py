"""Maintenance: what is done to a journal from a terminal. A backup of one that runs, a backup put in its place, the
word that it was restored, its schema brought up to date, and its file made as small as what it holds."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL, create_engine
from sqlalchemy.exc import DBAPIError

from bridge.documentation import where_documented
from bridge.environment import POSTGRESQL_FOLDER_VARIABLE
from bridge.journal.database.corruption import corruption_in
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
from bridge.journal.examine import examine_database
from bridge.journal.history.mark_file import MarkFile
from bridge.journal.writing.histories import HistoryRecord, histories, mark_as_backup, open_history

__all__ = ["back_up", "compact", "declare_restored", "histories_of", "restore"]

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
    if _version_in(url, database_url) is None:
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
        _sync(unfinished)
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


def restore(database_url: str, backup: Path, now: datetime) -> Path | None:
    """Puts a backup in the place of an SQLite journal that no bridge has open, or reads it into a PostgreSQL database
    that is empty. Returns where the journal is now that was there; None if there was none. Raises JournalUrlError and
    JournalBusyElsewhereError, and has changed nothing then."""
    url = parse_database_url(database_url)
    if not backup.is_file():
        raise JournalUrlError(
            f"there is no backup at {backup.absolute()}; name a file that bridge backup has written"
        )
    if url.get_backend_name() != "sqlite":
        _read_back(url, database_url, backup)
        return None
    path = Path(url.database or "").absolute()
    if path.exists() and backup.samefile(path):
        raise JournalUrlError(f"{backup} is the journal itself; name a backup of it")
    lock = WriterLock(url, writing_engine(url)) if path.exists() else None
    try:
        if lock is not None:
            lock.take()
        copy = _sound_copy(backup, path)
        _keep_owner(copy, path)
        replaced = _rename_old(path, now)
        copy.rename(path)
        _sync_folder(path.parent)
        return replaced
    except OSError as error:
        raise JournalUrlError(f"{backup} could not be restored to {path}: {error}") from None
    finally:
        if lock is not None:
            lock.release()


def _read_back(url: URL, database_url: str, backup: Path) -> None:
    from bridge.journal.database.dumps import find_program, read_dump, require_dump_of_journal  # with psycopg

    program = find_program("pg_restore")
    if program is None:
        raise JournalUrlError(
            "the journal is in PostgreSQL, which restores its own backups: stop the bridges, and use pg_restore, or a"
            f" base backup with its WAL; {where_documented(PAGE)} has both. Where pg_restore is on the PATH, or in"
            f" the folder that {POSTGRESQL_FOLDER_VARIABLE} names, bridge restore runs it"
        )
    require_dump_of_journal(program, backup)
    lock = WriterLock(url, writing_engine(url))
    try:
        with opening(url):
            lock.take()
        if _version_in(url, database_url) is not None:
            raise JournalUrlError(
                f"there is a journal in {journal_place(database_url)}, and nothing is restored over one: rename that"
                " database, or drop it, and make an empty one of this name;"
                f" {where_documented(PAGE)} has the commands"
            )
        read_dump(program, url, backup)
    finally:
        lock.release()


def _version_in(url: URL, database_url: str) -> str | None:
    """The version of a journal in PostgreSQL; None while its database is empty. Raises JournalUrlError."""
    examine_database(database_url)
    engine = reading_engine(url)
    try:
        with opening(url), engine.connect() as connection:
            return version_of(connection)
    finally:
        engine.dispose()


def _sound_copy(backup: Path, path: Path) -> Path:
    """A copy of a backup, beside the journal that it is to be: one file, whole, and a journal that this bridge
    reads."""
    copy = path.with_name(f"{path.name}.restoring")
    path.parent.mkdir(parents=True, exist_ok=True)
    copy.unlink(missing_ok=True)
    try:
        copy.touch(mode=0o600)
        shutil.copyfile(backup, copy)
        if Path(f"{backup}-wal").exists():
            raise JournalUrlError(
                f"{backup} has a write-ahead log beside it, so it is a copy of a journal that was open, and not"
                " whole; bridge backup makes backups of one file"
            )
        engine = create_engine(f"sqlite:///{copy}")
        try:
            with engine.connect() as connection:
                if version_of(connection) is None:
                    raise JournalUrlError(f"{backup} is empty: it holds no journal")
                damage = corruption_in(connection)
        finally:
            engine.dispose()
        if damage is not None:
            raise JournalUrlError(f"{backup} is no sound journal: {damage}; take another backup")
        _sync(copy)
    except (DBAPIError, JournalUrlError, OSError) as error:
        copy.unlink(missing_ok=True)
        if isinstance(error, DBAPIError):
            raise JournalUrlError(f"{backup} is no sound journal: {error.orig}; take another backup") from None
        raise
    return copy


def _keep_owner(copy: Path, path: Path) -> None:
    """Gives it the owner of the journal that it replaces, or else of its folder: whoever runs the bridge has to write
    it, and root may be the one who restores."""
    if os.geteuid() == 0:
        owner = (path if path.exists() else path.parent).stat()
        os.chown(copy, owner.st_uid, owner.st_gid)


def _rename_old(path: Path, now: datetime) -> Path | None:
    """Gives a journal another name, its write-ahead log with it: what is in that is in no other file."""
    if not path.exists():
        return None
    replaced = path.with_name(f"{path.name}.replaced-{now:%Y%m%dT%H%M%SZ}")
    if replaced.exists():
        raise JournalUrlError(f"{replaced} is there already; try again in a second")
    for end in ("-shm", "-wal", ""):
        if (file := Path(f"{path}{end}")).exists():
            file.rename(f"{replaced}{end}")
    return replaced


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _say_what_it_is(path: Path, now: datetime) -> None:
    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.begin() as connection:
            # One of an older bridge says nothing of what it lies on.
            if version_of(connection) == known_versions()[-1]:
                mark_as_backup(connection, now)
    finally:
        engine.dispose()


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


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
