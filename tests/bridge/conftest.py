"""The databases for a journal that a test opens by itself, of both kinds."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

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


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database that does not hold a journal yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'journal.db'}"
    server: str = request.getfixturevalue("postgresql_url")
    name = f"journal_{time.monotonic_ns()}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return f"{server}/{name}"
