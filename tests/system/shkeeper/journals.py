"""Journals of bridges as the fault matrix reads, ages and restores them: of either database."""

import itertools
import shutil
import sqlite3
from pathlib import Path
from typing import Protocol

import psycopg

from tests.conftest import BridgeProcess
from tests.postgresql import Cluster

__all__ = ["PostgresqlJournal", "ReadJournal", "SqliteJournal"]

NUMBERS = itertools.count(1)


class ReadJournal(Protocol):
    """What the journal says; to ask the bridge about hundreds, again and again, would keep it busy."""

    def read(self, query: str) -> dict[str, str]:
        """What a query of two columns finds."""

    def write(self, statement: str) -> None:
        """Changes something of it."""

    def days_before(self, moment: str, days: float) -> str:
        """A time so many days before another, in its database's words."""

    def copy(self) -> None:
        """Keeps how it is at this moment, as a backup does of a bridge that runs."""

    def restore(self) -> None:
        """Takes it back to that, while no bridge runs."""

    def close(self) -> None:
        """Lets go of what it runs."""


class SqliteJournal:
    """The file beside a bridge."""

    def __init__(self, bridge: BridgeProcess) -> None:
        self._path = bridge.database
        self._copied: Path | None = None

    def read(self, query: str) -> dict[str, str]:
        journal = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)
        try:
            return dict(journal.execute(query).fetchall())
        finally:
            journal.close()

    def write(self, statement: str) -> None:
        journal = sqlite3.connect(self._path)
        with journal:
            journal.execute(statement)
        journal.close()

    def days_before(self, moment: str, days: float) -> str:
        return f"strftime('%Y-%m-%d %H:%M:%f', {moment}, '-{days} days')"

    def copy(self) -> None:
        self._copied = self._path.with_name(f"copy-{next(NUMBERS)}.db")
        with sqlite3.connect(self._path) as source, sqlite3.connect(self._copied) as target:
            source.backup(target)
        source.close()
        target.close()

    def restore(self) -> None:
        assert self._copied is not None
        for beside in ("-wal", "-shm"):
            Path(f"{self._path}{beside}").unlink(missing_ok=True)
        shutil.copy(self._copied, self._path)

    def close(self) -> None:
        pass


class PostgresqlJournal:
    """A database of a cluster, whose copies are snapshots of its disk."""

    def __init__(self, cluster: Cluster, database: str = "journal") -> None:
        self._cluster = cluster
        self._database = database
        self._copied: Cluster | None = None

    def read(self, query: str) -> dict[str, str]:
        with psycopg.connect(self._cluster.journal_url(self._database)) as connection:
            return dict(connection.execute(query.encode()).fetchall())

    def write(self, statement: str) -> None:
        with psycopg.connect(self._cluster.journal_url(self._database)) as connection:
            connection.execute(statement.encode())

    def days_before(self, moment: str, days: float) -> str:
        return f"{moment} - INTERVAL '{days} days'"

    def copy(self) -> None:
        self._copied = self._cluster.snapshot(f"copy-{next(NUMBERS)}")

    def restore(self) -> None:
        assert self._copied is not None
        self._cluster.stop()
        self._copied.start(self._cluster.port)
        self._cluster = self._copied

    def close(self) -> None:
        self._cluster.stop()
