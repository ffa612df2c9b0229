"""Backup files: what a file is that somebody would restore, by how it begins, and what to give instead of it."""

import os
from enum import Enum
from pathlib import Path

from bridge.journal.errors import JournalUrlError

__all__ = ["BackupFile", "kind_of", "require_kind", "sync"]

HEAD_BYTES = 1_000
TAR_MAGIC_AT = 257
COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\x00", b"BZh", b"PK\x03\x04")
SQL_BEGINNINGS = ("--", "/*", "\\restrict", "\\connect", "set ", "create ", "begin", "pragma ")


class BackupFile(Enum):
    """What a file can be, in words."""

    SQLITE = "an SQLite file"
    DUMP = "a dump of a PostgreSQL"
    SQL = "SQL text"
    COMPRESSED = "a compressed file"
    EMPTY = "an empty file"
    OTHER = "neither an SQLite file nor a dump of a PostgreSQL"


def kind_of(head: bytes) -> BackupFile:
    """What a file is that begins so. Pure."""
    if not head.strip(b"\0 \r\n\t"):
        return BackupFile.EMPTY
    if head.startswith(b"SQLite format 3\0"):
        return BackupFile.SQLITE
    is_tar = head.startswith(b"toc.dat\0") and head[TAR_MAGIC_AT:].startswith(b"ustar")
    if head.startswith(b"PGDMP") or is_tar:
        return BackupFile.DUMP
    if head.startswith(COMPRESSED):
        return BackupFile.COMPRESSED
    text = head.decode("utf-8", errors="replace").lstrip("\ufeff \r\n\t").lower()
    return BackupFile.SQL if text.startswith(SQL_BEGINNINGS) and "\0" not in text else BackupFile.OTHER


def require_kind(path: Path, wanted: BackupFile) -> None:
    """Raises JournalUrlError if a file is no backup of the kind that the configured journal takes."""
    if path.is_dir():
        raise JournalUrlError(f"{path} is a folder, and a backup is one file; {_INSTEAD[wanted]}")
    if not path.is_file():
        raise JournalUrlError(f"there is no backup at {path.absolute()}; {_INSTEAD[wanted]}")
    try:
        with path.open("rb") as file:
            kind = kind_of(file.read(HEAD_BYTES))
    except OSError as error:
        raise JournalUrlError(f"{path} cannot be read: {os.strerror(error.errno or 0)}") from None
    if kind is not wanted:
        what_to_do = _OTHERWISE.get((kind, wanted), _INSTEAD[wanted])
        raise JournalUrlError(f"{path} is {kind.value}, and the journal is {_JOURNAL[wanted]}: {what_to_do}")


_JOURNAL = {BackupFile.SQLITE: "an SQLite file", BackupFile.DUMP: "in PostgreSQL"}
_INSTEAD = {
    BackupFile.SQLITE: "name a file that bridge backup has written of an SQLite journal",
    BackupFile.DUMP: "name a file that bridge backup, or pg_dump --format=custom, has written",
}
_OTHERWISE = {
    (BackupFile.DUMP, BackupFile.SQLITE): (
        "set BRIDGE_DATABASE_URL to an empty database of a PostgreSQL to restore it there, or name a backup of an"
        " SQLite journal"
    ),
    (BackupFile.SQLITE, BackupFile.DUMP): (
        "set BRIDGE_DATABASE_URL to sqlite:/// and a path to restore it there, or name a dump that bridge backup has"
        " written"
    ),
    (BackupFile.SQL, BackupFile.DUMP): (
        "psql reads it into the empty database, with the bridges stopped: psql --no-psqlrc --single-transaction"
        ' --set=ON_ERROR_STOP=1 --file=FILE "$BRIDGE_DATABASE_URL"'
    ),
    (BackupFile.COMPRESSED, BackupFile.SQLITE): "unpack it, and name what was in it",
    (BackupFile.COMPRESSED, BackupFile.DUMP): "unpack it, and name what was in it",
}


def sync(path: Path) -> None:
    """Waits until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
