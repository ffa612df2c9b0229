"""The databases for a journal that a test opens by itself, of both kinds."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from bridge.journal.database.engines import parse_database_url, writing_engine
from bridge.journal.database.schema_versions import ALEMBIC_VERSION, bring_up_to_date
from bridge.journal.tables import schema
from bridge.journal.writing import histories
from coordinator.payouts.provider_names import Installation
from tests.postgresql import Cluster

INSTALLATION = Installation("0123456789abcdef")
"""Whose every journal is that a test begins, so that it knows by what names payouts are asked for."""


@pytest.fixture(autouse=True)
def named_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histories, "new_installation", lambda: INSTALLATION.key)


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL server on loopback, for the session; the URL lacks the name of the database."""
    folder = Path(tempfile.mkdtemp(prefix="bridge-postgresql-"))
    cluster = Cluster(folder)
    cluster.make()
    # What would be left of it if the machine failed is no matter here. Nor is how large its tables grow, for which
    # each of its databases would be looked through each minute.
    cluster.start(fsync="off", synchronous_commit="off", full_page_writes="off", autovacuum="off")
    yield cluster.url
    cluster.stop()
    shutil.rmtree(folder)


def _made(server: str, *, like: str = "template1") -> str:
    name = f"journal_{time.monotonic_ns()}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}"'.encode())
    return f"{server}/{name}"


# All that a test could have changed of a database but what is in its tables.
STRUCTURE = b"""SELECT md5(concat(
    (SELECT string_agg(one::text, ',' ORDER BY attrelid, attnum) FROM pg_attribute one WHERE attrelid >= 16384),
    (SELECT string_agg(one::text, ',' ORDER BY oid) FROM pg_constraint one WHERE conrelid >= 16384),
    (SELECT string_agg(one::text, ',' ORDER BY oid) FROM pg_trigger one),
    (SELECT string_agg(setconfig::text, ',') FROM pg_db_role_setting JOIN pg_database ON oid = setdatabase
        WHERE datname = current_database()),
    (SELECT string_agg(version_num, ',') FROM alembic_version)))"""
LEFT_ALONE = b"""SELECT datname FROM pg_database WHERE datname = ANY(%s)
    AND datname NOT IN (SELECT datname FROM pg_stat_activity WHERE datname IS NOT NULL)"""


class EmptyJournals:
    """Databases with the tables of a journal, and nothing in them. One that a test gave back is emptied for the next
    that asks, if its tables are what they were: to make another takes ten times as long."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._model = _made(server)
        self._given_back: list[str] = []
        engine = writing_engine(parse_database_url(self._model))
        bring_up_to_date(engine)
        engine.dispose()
        with psycopg.connect(self._model) as connection:
            self._structure = connection.execute(STRUCTURE).fetchone()
        tables = [name for name in schema.metadata.tables if name != ALEMBIC_VERSION.name]
        # Nobody minds the order in which rows go that belong together.
        self._emptying = "; ".join(
            ["SET session_replication_role = replica", *(f"DELETE FROM {one}" for one in tables)]
        )

    @contextmanager
    def one(self) -> Iterator[str]:
        url = self._emptied() or _made(self._server, like=self._model.rpartition("/")[2])
        yield url
        self._given_back.append(url.rpartition("/")[2])

    def _emptied(self) -> str | None:
        with psycopg.connect(f"{self._server}/postgres", autocommit=True) as connection:
            # To somebody who is still connected it may matter what becomes of it.
            found = connection.execute(LEFT_ALONE, [self._given_back]).fetchall()
        for (name,) in found:
            self._given_back.remove(name)
            with psycopg.connect(f"{self._server}/{name}") as connection:
                if connection.execute(STRUCTURE).fetchone() == self._structure:
                    connection.execute(self._emptying.encode())
                    return f"{self._server}/{name}"
        return None


@pytest.fixture(scope="session")
def empty_journals(postgresql_url: str) -> EmptyJournals:
    return EmptyJournals(postgresql_url)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with nothing in it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'journal.db'}"
    return _made(request.getfixturevalue("postgresql_url"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that does not hold a journal yet. In PostgreSQL it has the tables of one already."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'journal.db'}"
        return
    journals: EmptyJournals = request.getfixturevalue("empty_journals")
    with journals.one() as url:
        yield url
