"""What holds for tests of every folder: a real bridge in its own process, deterministic random input, and no disk
that is too slow."""

import functools
import gc
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, settings

from benchmarks.servers import free_port, take_ports_apart
from tests.asking import client_of
from tests.commands import Command, share_warm_parent
from tests.postgresql import OTHER_PROGRAMS, needs_postgresql
from tests.waiting import GIVE_UP_SECONDS

# The same examples in every run: a test that fails once fails again, and none fails because the machine is busy. In
# `make soak` others each time, and forty times as many.
IS_LONG = "SOAK_MINUTES" in os.environ
settings.register_profile(
    "deterministic",
    derandomize=not IS_LONG,
    deadline=None,
    max_examples=2_000 if IS_LONG else 50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("deterministic")

# A script ignores Ctrl-C in the background, and a closed terminal under nohup; so would every command that the tests
# start and send these signals.
for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)

TESTS = Path(__file__).parent
# What waits for processes, clients and browsers most of its time; and what would come last, and takes long.
LONG = (TESTS / "system" / "soak", TESTS / "pages", TESTS / "system", TESTS / "test_makefile.py")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Has the processes of the tests, which are not started yet, share what takes seconds to start."""
    share_warm_parent()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begins with what takes long, so that no worker is left alone with it in the end; with a seed, in an order of
    chance. With another PostgreSQL leaves out what needs none."""
    if OTHER_PROGRAMS in os.environ:
        config.hook.pytest_deselected(items=[item for item in items if not needs_postgresql(item)])
        items[:] = filter(needs_postgresql, items)

    @functools.cache
    def rank(path: Path) -> int:
        return next((place for place, long in enumerate(LONG) if long in (path, *path.parents)), len(LONG))

    items.sort(key=lambda item: rank(item.path))
    if seed := os.environ.get("TEST_ORDER_SEED"):
        paths = sorted({item.path for item in items})
        random.Random(seed).shuffle(paths)
        place = {path: number for number, path in enumerate(paths)}
        items.sort(key=lambda item: place[item.path])


# The interpreter's own are 700, 10 and 10, for programs with few objects.
GC_THRESHOLDS = (20_000, 20, 50)


def pytest_configure(config: pytest.Config) -> None:
    # What is imported and collected stays: a garbage collector would look through it a hundred times for nothing.
    gc.disable()
    if worker := getattr(config, "workerinput", None):
        take_ports_apart(int(worker["workerid"].removeprefix("gw")), worker["workercount"])


def pytest_collection_finish() -> None:
    """Spares the garbage collector all of that from now on, too. Little of it is garbage, and to look for that would
    take longer."""
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def no_disk_is_too_slow() -> Iterator[None]:
    """A commit to a journal that a test opens by itself may take as long as the machine needs for it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("bridge.journal.writing.writer.COMMIT_TIMEOUT_SECONDS", GIVE_UP_SECONDS)
        patched.setattr("bridge.journal.queries.readers.LOOK_UP_SECONDS", GIVE_UP_SECONDS)
        yield


class BridgeProcess:
    """`bridge serve` on a free loopback port, with a database and environment of its own."""

    beside: str | None = None
    """A module of the tests that it imports first."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self.port = free_port()  # which it comes back to after a restart
        self.url = f"http://127.0.0.1:{self.port}"
        self.database = folder / "bridge.db"
        self.log = folder / "bridge.log"
        self._folder = folder
        self._environment = {
            "PATH": os.environ["PATH"],
            "FRONTEND_URL": "http://localhost:3000",
            "BRIDGE_PORT": str(self.port),
            "BRIDGE_DATABASE_URL": f"sqlite:///{self.database}",
            # What needs a person is looked for where that is the subject.
            "BRIDGE_ALERTS": '{"look_seconds": 3600}',
            **variables,
        }
        self.process: Command

    def launch(self) -> None:
        """Starts the bridge, whatever comes of it."""
        with self.log.open("ab") as log:
            self.process = Command(
                "serve", cwd=self._folder, env=self._environment, stdout=log, stderr=log, beside=self.beside
            )

    def start(self) -> None:
        """Starts the bridge and waits until it is ready."""
        self.launch()
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        give_up = time.monotonic() + GIVE_UP_SECONDS
        with client_of(self.url) as client:
            while not self._is_ready(client):
                if self.process.poll() is not None or time.monotonic() > give_up:
                    raise AssertionError(f"the bridge did not start:\n{self.log.read_text()}")
                time.sleep(0.05)

    def _is_ready(self, client: httpx.Client) -> bool:
        try:
            return client.get("/health/ready").status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """Ends it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """Asks it to end, and returns its exit code."""
        self.process.terminate()
        return self.process.wait()


StartBridge = Callable[..., BridgeProcess]

started_by_test: list[BridgeProcess] | None = None
"""While a test runs, and not its fixtures: what it has started itself, which nobody after it knows of."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    global started_by_test
    started_by_test = []
    yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """A bridge that has nothing to do any more is not free."""
    global started_by_test
    ended, started_by_test = started_by_test or [], None
    yield
    for bridge in ended:
        bridge.kill()


@pytest.fixture(scope="module")
def make_bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartBridge]:
    """Starts bridges, each with the environment variables it is called with, and stops them after the module, or
    after the test that asked for one."""
    started: list[BridgeProcess] = []

    def start(kind: type[BridgeProcess] = BridgeProcess, **variables: str) -> BridgeProcess:
        bridge = kind(tmp_path_factory.mktemp("bridge"), variables)
        (started if started_by_test is None else started_by_test).append(bridge)
        bridge.start()
        return bridge

    yield start
    for bridge in started:
        if bridge.process.poll() is None:
            bridge.kill()
