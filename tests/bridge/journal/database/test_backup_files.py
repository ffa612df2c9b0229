"""What a file is that somebody would restore, and what they are told to give instead."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from bridge.journal.database.backup_files import HEAD_BYTES, BackupFile, kind_of, require_kind
from bridge.journal.errors import JournalUrlError
from bridge.journal.restoring import restore
from tests.bridge.journal.test_restoring import NOW

PG_DUMP = "--\n-- PostgreSQL database dump\n--\n\nSET statement_timeout = 0;\n"


def tar(first: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo(first))
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", BackupFile.EMPTY),
        (bytes(4096), BackupFile.EMPTY),
        (b"SQLite format 3\0" + bytes(100), BackupFile.SQLITE),
        (b"PGDMP\x01\x0e\0", BackupFile.DUMP),
        (tar("toc.dat"), BackupFile.DUMP),
        (tar("holiday.jpg"), BackupFile.OTHER),
        (PG_DUMP.encode(), BackupFile.SQL),
        (b"\\restrict x\n" + PG_DUMP.encode(), BackupFile.SQL),
        (b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n", BackupFile.SQL),
        (gzip.compress(PG_DUMP.encode(), mtime=0), BackupFile.COMPRESSED),
        (b"no dump", BackupFile.OTHER),
        (b"\x89PNG\r\n", BackupFile.OTHER),
    ],
)
def test_a_file_is_known_by_how_it_begins(content: bytes, kind: BackupFile) -> None:
    assert kind_of(content[:HEAD_BYTES]) is kind


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["is an empty file", "bridge backup, or pg_dump --format=custom"]),
        (b"SQLite format 3\0", ["is an SQLite file", "set BRIDGE_DATABASE_URL to sqlite:///"]),
        (PG_DUMP.encode(), ["is SQL text", "psql reads it"]),
        (gzip.compress(b"PGDMP", mtime=0), ["is a compressed file", "unpack it"]),
        (b"no dump", ["is neither an SQLite file nor a dump", "bridge backup, or pg_dump --format=custom"]),
        (None, ["is a folder", "bridge backup, or pg_dump --format=custom"]),
    ],
)
def test_before_a_postgresql_is_asked_it_is_said_what_a_file_is(
    tmp_path: Path, content: bytes | None, words: list[str]
) -> None:
    path = tmp_path / "given"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(JournalUrlError) as refused:
        restore("postgresql://bridge@127.0.0.1:9/bridge", path, NOW)
    assert all(word in str(refused.value) for word in words), refused.value
    assert "pg_restore failed" not in str(refused.value)


def test_a_dump_is_no_backup_of_an_sqlite_journal(tmp_path: Path) -> None:
    (tmp_path / "bridge.dump").write_bytes(b"PGDMP")
    with pytest.raises(JournalUrlError, match="is a dump of a PostgreSQL, and the journal is an SQLite file: set"):
        require_kind(tmp_path / "bridge.dump", BackupFile.SQLITE)
