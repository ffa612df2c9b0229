"""The databases for a journal that a test opens by itself, of both kinds."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bridge.journal.database.engines import parse_database_url, writing_engine
from bridge.journal.database.schema_versions import bring_up_to_date
from tests.postgresql import Cluster


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL server on loopback, for the session; the URL lacks the name of the database."""
    folder = Path(tempfile.mkdtemp(prefix="bridge-postgresql-"))
    cluster = Cluster(folder)
    cluster.make()
    # What would be left of it if the machine failed is no matter here.
    cluster.start(fsync="off", synchronous_commit="off", full_page_writes="off")
    yield cluster.url
    cluster.stop()
    shutil.rmtree(folder)


def _made(server: str, *, like: str = "template1") -> str:
    name = f"journal_{time.monotonic_ns()}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}"'.encode())
    return f"{server}/{name}"


@pytest.fixture(scope="session")
def postgresql_tables(postgresql_url: str) -> str:
    """The name of a database on that server which has the tables of a journal, and nothing in them."""
    made = _made(postgresql_url)
    engine = writing_engine(parse_database_url(made))
    bring_up_to_date(engine)
    engine.dispose()
    return made.rpartition("/")[2]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with nothing in it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'journal.db'}"
    return _made(request.getfixturevalue("postgresql_url"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database that does not hold a journal yet. In PostgreSQL it has the tables of one already: to have
    them copied takes half as long as to make them."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'journal.db'}"
    return _made(request.getfixturevalue("postgresql_url"), like=request.getfixturevalue("postgresql_tables"))
