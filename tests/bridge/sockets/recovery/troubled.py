"""Journals that get into trouble: databases of which a test has the disk fill up, commits fail, and backups put
back."""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from typing import Protocol

import psycopg
from sqlalchemy import create_engine

from bridge.journal.maintenance import back_up
from bridge.journal.restoring import restore
from bridge.journal.tables import schema
from bridge.journal.writing.histories import mark_as_backup
from tests.bridge.journal.conftest import NOW
from tests.system.outages import filled

__all__ = ["TroubledJournal", "TroubledPostgresql", "TroubledSqlite"]


class TroubledJournal(Protocol):
    """A journal, with what befalls it."""

    @property
    def has_backup(self) -> bool:
        """Whether there is something to restore."""

    def filled(self) -> AbstractContextManager[None]:
        """While its disk has no room."""

    def failing(self) -> AbstractContextManager[None]:
        """While no commit comes about."""

    def back_up(self) -> None:
        """In the place of the backup that there may be."""

    def restore(self) -> None:
        """Puts the backup back, while no bridge runs."""

    def outlived(self, node: str) -> None:
        """A bridge was killed a while ago."""

    def forget(self) -> None:
        """There is no backup any more."""


class TroubledSqlite:
    """A file on a small disk."""

    def __init__(self, database: Path, backup: Path) -> None:
        self._database, self._backup = database, backup
        self._url = f"sqlite:///{database}"

    @property
    def has_backup(self) -> bool:
        return self._backup.exists()

    def filled(self) -> AbstractContextManager[None]:
        return filled(self._database.parent)

    @contextmanager
    def failing(self) -> Iterator[None]:
        """Another program holds the database."""
        # Closing it takes its transaction back.
        with closing(sqlite3.connect(self._database, isolation_level=None, timeout=0)) as other:
            with suppress(sqlite3.OperationalError):  # the bridge commits just now
                other.execute("BEGIN IMMEDIATE")
            yield

    def back_up(self) -> None:
        self.forget()
        back_up(self._url, self._backup, NOW)

    def restore(self) -> None:
        put_aside = restore(self._url, self._backup, NOW)
        assert put_aside is not None
        for path in put_aside.parent.glob(f"{put_aside.name}*"):
            path.unlink()

    def outlived(self, node: str) -> None:
        """It has one alone."""

    def forget(self) -> None:
        self._backup.unlink(missing_ok=True)


TROUBLE = """
CREATE TABLE trouble (kind text);
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT FROM trouble WHERE kind = TG_ARGV[0]) THEN
            RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full';
        END IF;
        RETURN NEW;
    END
$$;
CREATE TRIGGER has_room BEFORE INSERT OR UPDATE ON journal FOR EACH ROW EXECUTE FUNCTION fail('statement');
CREATE CONSTRAINT TRIGGER is_committed AFTER INSERT OR UPDATE ON journal DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION fail('commit');
"""


class TroubledPostgresql:
    """A database whose server refuses a statement, or the commit after all of them, as it does on a full disk."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection = psycopg.connect(url, autocommit=True)
        self._tables = [*schema.metadata.tables]
        self._backup: dict[str, bytes] | None = None
        self._connection.execute(TROUBLE)

    def close(self) -> None:
        self._connection.close()

    @property
    def has_backup(self) -> bool:
        return self._backup is not None

    def filled(self) -> AbstractContextManager[None]:
        return self._in("statement")

    def failing(self) -> AbstractContextManager[None]:
        return self._in("commit")

    @contextmanager
    def _in(self, kind: str) -> Iterator[None]:
        self._connection.execute("INSERT INTO trouble VALUES (%s)", [kind])
        try:
            yield
        finally:
            self._connection.execute("DELETE FROM trouble")

    def back_up(self) -> None:
        """As `pg_dump` does: what all tables hold at one moment."""
        with self._connection.transaction():
            self._connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            self._backup = {name: self._copied(name) for name in self._tables}

    def _copied(self, name: str) -> bytes:
        with self._connection.cursor().copy(f'COPY "{name}" TO STDOUT'.encode()) as rows:
            return b"".join(bytes(piece) for piece in rows)

    def restore(self) -> None:
        assert self._backup is not None
        with self._connection.transaction():
            self._connection.execute("SET LOCAL session_replication_role = replica")
            for name in self._tables:  # nobody minds the order
                self._connection.execute(f'DELETE FROM "{name}"'.encode())
            for name, content in self._backup.items():
                with self._connection.cursor().copy(f'COPY "{name}" FROM STDIN'.encode()) as rows:
                    rows.write(content)
        engine = create_engine(self._url.replace("postgresql://", "postgresql+psycopg://"))
        with engine.begin() as connection:
            mark_as_backup(connection, NOW)
        engine.dispose()

    def outlived(self, node: str) -> None:
        minute_ago = "UPDATE nodes SET seen_at = seen_at - interval '1 minute' WHERE node = %s"
        self._connection.execute(minute_ago, [node])

    def forget(self) -> None:
        self._backup = None
