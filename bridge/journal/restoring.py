"""Restoring: a backup is put in the place of a journal that no bridge has open. What was there is touched by nothing
that fails."""

import errno
import os
import shutil
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL, create_engine
from sqlalchemy.exc import DBAPIError

from bridge.documentation import where_documented
from bridge.environment import POSTGRESQL_FOLDER_VARIABLE
from bridge.journal.database.backup_files import BackupFile, require_kind, sync
from bridge.journal.database.corruption import corruption_in
from bridge.journal.database.engines import journal_place, opening, parse_database_url, writing_engine
from bridge.journal.database.lock import WriterLock
from bridge.journal.database.owners import give_to_owner_of
from bridge.journal.database.schema_versions import version_of
from bridge.journal.errors import JournalUrlError
from bridge.journal.examine import examine_version

__all__ = ["restore"]

PAGE = "docs/operations.md"
BESIDE = ("-shm", "-wal", "")
"""What the files of an SQLite journal end with, itself last."""


def restore(database_url: str, backup: Path, now: datetime) -> Path | None:
    """Puts a backup in the place of an SQLite journal that no bridge has open, or reads it into a PostgreSQL database
    that is empty. Returns where the journal is now that was there; None if there was none. Raises JournalUrlError and
    JournalBusyElsewhereError, and has changed nothing then."""
    url = parse_database_url(database_url)
    if url.get_backend_name() != "sqlite":
        require_kind(backup, BackupFile.DUMP)
        _read_back(url, database_url, backup)
        return None
    path = Path(url.database or "").absolute()
    if path.exists() and backup.exists() and backup.samefile(path):
        raise JournalUrlError(f"{backup} is the journal itself; name a backup of it")
    require_kind(backup, BackupFile.SQLITE)
    return _put_in_place(url, backup, path, now)


def _put_in_place(url: URL, backup: Path, path: Path, now: datetime) -> Path | None:
    lock = WriterLock(url, writing_engine(url)) if path.exists() else None
    copy = path.with_name(f"{path.name}.restoring")
    try:
        if lock is not None:
            lock.take()
        _copy_soundly(backup, copy)
        give_to_owner_of(path if path.exists() else path.parent, copy)
        return _exchange(copy, path, now)
    except OSError as error:
        reason, helps = os.strerror(error.errno or 0), _what_helps(error, backup)
        raise JournalUrlError(
            f"{backup} could not be restored to {path}: {reason}; {helps}. What was there is as it was"
        ) from None
    finally:
        copy.unlink(missing_ok=True)
        if lock is not None:
            lock.release()


def _what_helps(error: OSError, backup: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        megabytes = max(1, round(backup.stat().st_size / 10**6))
        return f"make room for {megabytes} MB there, beside the journal that it is to replace, and try again"
    return "see that its folder can be written by whoever restores, or set BRIDGE_DATABASE_URL to another place"


def _copy_soundly(backup: Path, copy: Path) -> None:
    """Copies a backup beside the journal that it is to be: one file, whole, and a journal that this bridge reads."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.unlink(missing_ok=True)
    copy.touch(mode=0o600)
    shutil.copyfile(backup, copy)
    if Path(f"{backup}-wal").exists():
        raise JournalUrlError(
            f"{backup} has a write-ahead log beside it, so it is a copy of a journal that was open, and not whole;"
            " bridge backup makes backups of one file"
        )
    # Nothing is written beside it to look into it, whatever it says of itself.
    read_only = {"mode": "ro", "immutable": "1", "uri": "true"}
    engine = create_engine(URL.create("sqlite", database=copy.as_uri(), query=read_only))
    try:
        with engine.connect() as connection:
            if version_of(connection) is None:
                raise JournalUrlError(f"{backup} is empty: it holds no journal")
            damage = corruption_in(connection)
    except DBAPIError as error:
        damage = str(error.orig)
    except JournalUrlError as error:
        raise JournalUrlError(f"{backup} is no backup of a journal that can be restored here: {error}") from None
    finally:
        engine.dispose()
    if damage is not None:
        raise JournalUrlError(f"{backup} is no sound journal: {damage}; take another backup")
    sync(copy)


def _exchange(copy: Path, path: Path, now: datetime) -> Path | None:
    """Gives what was there another name, its write-ahead log with it, and the copy its own. What is in that log is in
    no other file, and belongs to no other journal."""
    there = [end for end in BESIDE if Path(f"{path}{end}").exists()]
    replaced = path.with_name(f"{path.name}.replaced-{now:%Y%m%dT%H%M%SZ}")
    if there and any(Path(f"{replaced}{end}").exists() for end in BESIDE):
        raise JournalUrlError(f"{replaced} is there already; try again in a second")
    renamed: list[str] = []
    try:
        for end in there:
            Path(f"{path}{end}").rename(f"{replaced}{end}")
            renamed.append(end)
        copy.rename(path)
    except OSError:
        for end in reversed(renamed):
            Path(f"{replaced}{end}").rename(f"{path}{end}")
        raise
    sync(path.parent)
    return replaced if there else None


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
        if examine_version(database_url) is not None:
            raise JournalUrlError(
                f"there is a journal in {journal_place(database_url)}, and nothing is restored over one: rename that"
                " database, or drop it, and make an empty one of this name;"
                f" {where_documented(PAGE)} has the commands"
            )
        try:
            read_dump(program, url, backup)
        except JournalUrlError as error:
            raise JournalUrlError(f"{backup} was not restored: {error}. {_what_is_there(database_url)}") from None
    finally:
        lock.release()


def _what_is_there(database_url: str) -> str:
    """After a dump was read back whole or not at all, and the second was said."""
    try:
        is_empty = examine_version(database_url) is None
    except JournalUrlError:
        return "See what is in the database before you try again"
    return (
        "The database is as empty as it was"
        if is_empty
        else "There is a journal in the database all the same: bridge doctor says which"
    )
