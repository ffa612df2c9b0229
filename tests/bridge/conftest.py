"""What holds for every journal that a test opens by itself, and the databases for one."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.postgresql import Cluster
from tests.waiting import GIVE_UP_SECONDS


@pytest.fixture(scope="session", autouse=True)
def no_disk_is_too_slow() -> Iterator[None]:
    """A commit may take as long as the machine needs for it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("bridge.journal.writer.COMMIT_TIMEOUT_SECONDS", GIVE_UP_SECONDS)
        yield


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL server on loopback, for the session; the URL lacks the name of the database."""
    folder = Path(tempfile.mkdtemp(prefix="bridge-postgresql-"))
    cluster = Cluster(folder)
    cluster.make()
    cluster.start()
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
