"""The bridge and its peers as processes on a core of their own."""

import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from benchmarks.clients import HOSTS
from benchmarks.processes import on_first_core

__all__ = ["KEY", "PEERS", "SERVERS", "Server", "ServerError", "answers", "free_port", "running", "take_ports_apart"]

PEERS = Path(__file__).parent / "peers"
PORTS = range(20_000, 32_000)
KEY = "the-key-of-the-benchmark"


class ServerError(Exception):
    """A server did not start, or did not do what was measured of it; the message says how, for people."""


@dataclass(frozen=True, slots=True)
class Server:
    """How a server is started; the port comes as its last argument, or in BRIDGE_PORT."""

    command: Sequence[str]
    emits_at: str = "/emit"
    webhooks_at: str | None = None
    """None: it is not asked to take webhooks."""
    is_ours: bool = False
    ready_at: str | None = None
    """Where it says that it is ready, if it listens before it is: what it does until then is its start's."""
    rounds: int = 100
    """How many events, and how many bursts, make a measurement: fewer where each takes long."""
    environment: Mapping[str, str] = field(default_factory=dict)
    start_seconds: float = 60.0
    """Many times what any of them takes. Past it, and past the next, a server counts as failed."""
    answer_seconds: float = 60.0
    """For each single wait: the longest there is takes stock python-socketio a second or two."""


SERVERS: Mapping[str, Server] = {
    "bridge": Server(
        (str(Path(sys.executable).parent / "bridge"), "serve"),
        emits_at="/api/events",
        webhooks_at="/webhooks/shkeeper",
        is_ours=True,
        ready_at="/health/ready",
    ),
    "Node": Server(("node", str(PEERS / "node.mjs")), webhooks_at="/webhook"),
    "uWebSockets": Server(("node", str(PEERS / "uws.mjs"))),
    "stock Python": Server((sys.executable, str(PEERS / "stock.py")), rounds=15),
}


_left = random.sample(PORTS, len(PORTS))


def take_ports_apart(place: int, of: int) -> None:
    """Leaves this process its part of the ports, where several take some at the same time: one that is free to two of
    them would be given to both."""
    _left[:] = [port for port in _left if port % of == place]


def free_port() -> int:
    """A port that nobody has at this moment, and that no connection is given by chance while a server starts: it lies
    below those that systems hand out. None is given twice: whoever had it may come back to it."""
    while _left:
        port = _left.pop()
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
    raise ServerError(f"of the ports from {PORTS.start} to {PORTS.stop} that are this process's none is left")


@contextmanager
def running(server: Server) -> Iterator[tuple[int, int]]:
    """Starts a server on the first core, gives its process and its port, and ends it whatever happens. Raises
    ServerError if it does not come up; one that is raised within also tells if the server has ended."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        process = _started(server, port, folder)
        try:
            _await_answer(process, port, server)
            yield process.pid, port
        except ServerError as error:
            if process.poll() is not None:
                raise ServerError(f"the server {_ended(process.returncode)}; {error}") from None
            raise
        finally:
            process.kill()
            process.wait()


def _started(server: Server, port: int, folder: str) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BRIDGE_")} | {
        "BRIDGE_PORT": str(port),
        "BRIDGE_DATABASE_URL": f"sqlite:///{folder}/bridge.db",
        "BRIDGE_LOG_LEVEL": "error",
        "BRIDGE_SHKEEPER_API_KEYS": KEY,
        "BRIDGE_TRUSTED_PROXIES": ",".join(HOSTS[1:]),
        **server.environment,
    }
    try:
        return subprocess.Popen(
            [*server.command] if server.is_ours else [*server.command, str(port)],
            cwd=folder if server.is_ours else PEERS,
            env=environment,
            stdout=subprocess.DEVNULL,
            preexec_fn=on_first_core,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ServerError(f"it did not start: {error}") from None


def _await_answer(process: subprocess.Popen[bytes], port: int, server: Server) -> None:
    give_up = time.monotonic() + server.start_seconds
    while not (answers(port) and (server.ready_at is None or _says_yes(port, server.ready_at))):
        if process.poll() is not None:
            raise ServerError("it did not start")
        if time.monotonic() > give_up:
            raise ServerError(f"it was not there within {server.start_seconds:g} s")
        time.sleep(0.05)
    time.sleep(0.5)
    # Whoever else may answer at that port.
    if process.poll() is not None:
        raise ServerError("it did not stay")


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _says_yes(port: int, path: str) -> bool:
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        asked.request("GET", path)
        return asked.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()


def _ended(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
