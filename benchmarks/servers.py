"""The bridge and its peers as processes on a core of their own."""

import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["KEY", "SERVERS", "Server", "last_core", "more_files", "running"]

PEERS = Path(__file__).parent / "peers"
KEY = "the-key-of-the-benchmark"
START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Server:
    """How a server is started; the port comes as its last argument, or in BRIDGE_PORT."""

    command: Sequence[str]
    emits_at: str = "/emit"
    is_ours: bool = False
    rounds: int = 100
    """How many events, and how many bursts, make a measurement: fewer where each takes long."""
    environment: Mapping[str, str] = field(default_factory=dict)


SERVERS: Mapping[str, Server] = {
    "bridge": Server((str(Path(sys.executable).parent / "bridge"), "serve"), emits_at="/api/events", is_ours=True),
    "Node": Server(("node", str(PEERS / "node.mjs"))),
    "uWebSockets": Server(("node", str(PEERS / "uws.mjs"))),
    "stock Python": Server((sys.executable, str(PEERS / "stock.py")), rounds=15),
}


@contextmanager
def running(server: Server) -> Iterator[tuple[int, int]]:
    """Starts a server on the first core; gives its process and its port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "BRIDGE_PORT": str(port),
            "BRIDGE_DATABASE_URL": f"sqlite:///{folder}/bridge.db",
            "BRIDGE_LOG_LEVEL": "error",
            "BRIDGE_SHKEEPER_API_KEYS": KEY,
            "BRIDGE_CHAINS_FILE": "",
            **server.environment,
        }
        process = subprocess.Popen(
            [*server.command] if server.is_ours else [*server.command, str(port)],
            cwd=folder if server.is_ours else PEERS,
            env=environment,
            stdout=subprocess.DEVNULL,
            preexec_fn=_on_first_core,
        )
        try:
            give_up = time.monotonic() + START_SECONDS
            while not _answers(port):
                if process.poll() is not None or time.monotonic() > give_up:
                    raise RuntimeError(f"{' '.join(server.command)} did not start")
                time.sleep(0.05)
            time.sleep(0.5)
            yield process.pid, port
        finally:
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def _on_first_core() -> None:
    os.sched_setaffinity(0, {0})
    more_files()


def last_core() -> None:
    """Where the clients are."""
    os.sched_setaffinity(0, {(os.cpu_count() or 2) - 1})
    more_files()


def more_files() -> int:
    """Lets a process open as many files as it may; returns how many."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most
