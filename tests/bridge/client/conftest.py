"""Both clients under one name, and servers that fail in the ways networks do: real ones, on loopback."""

import asyncio
import socket
import socketserver
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from tenacity import wait_random_exponential

from bridge.client import AsyncBridgeClient, BridgeClient, PastEvent
from tests.bridge.http.exchanges import KEYS
from tests.waiting import GIVE_UP_SECONDS

PATIENCE = {"timeout_seconds": GIVE_UP_SECONDS, "give_up_after_seconds": GIVE_UP_SECONDS}
MARKETPLACE, CHAT, READER = "the-token-of-the-marketplace", "the-token-of-the-chat", "the-token-of-who-reads"
SERVICES = f"""
[marketplace]
token = "{MARKETPLACE}"
publishes = ["marketplace", "new-notification"]
registers = ["payments", "payouts"]

[reader]
token = "{READER}"
reads = true

[chat]
token = "{CHAT}"
publishes = ["chat"]
"""


class Blocking:
    """An AsyncBridgeClient in a loop of its own, called as if it were the other one."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._runner = asyncio.Runner()
        self._client = AsyncBridgeClient(*arguments, **options)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def call(*arguments: Any, **options: Any) -> Any:
            return await getattr(self._client, name)(*arguments, **options)

        return lambda *arguments, **options: self._runner.run(call(*arguments, **options))

    def events(self, **options: Any) -> Iterator[Any]:
        told = self._client.events(**options)

        async def following() -> PastEvent | None:
            return await anext(told, None)

        while (event := self._runner.run(following())) is not None:
            yield event

    def __repr__(self) -> str:
        return repr(self._client)

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()


Connect = Callable[..., Any]


@pytest.fixture(params=[BridgeClient, Blocking], ids=["sync", "async"])
def connect(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Makes clients of the one kind or the other, which are called alike, and closes them. They ask again soon, and
    wait for an answer for as long as it takes unless they are told otherwise."""
    monkeypatch.setattr("bridge.client.retries.backoff", wait_random_exponential(multiplier=0.01, max=0.1))
    made: list[Any] = []

    def make(url: str, token: str | None = None, **options: float) -> Any:
        made.append(request.param(url, token, **{**PATIENCE, **options}))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture(scope="module")
def bridge(make_bridge: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A bridge that knows two services."""
    services = tmp_path_factory.mktemp("services") / "services.toml"
    services.write_text(SERVICES)
    return make_bridge(
        BRIDGE_SERVICES_FILE=str(services), BRIDGE_MAX_PUBLICATION_BYTES="40000", BRIDGE_SHKEEPER_API_KEYS=KEYS[0]
    )


@pytest.fixture
def events(bridge: Any) -> Callable[[], list[str]]:
    """Reads the names of all events in the bridge's journal, in their order."""
    return partial(names_in_journal, bridge.database)


def names_in_journal(database: Any) -> list[str]:
    with closing(sqlite3.connect(database, timeout=GIVE_UP_SECONDS)) as connection:
        return [name for (name,) in connection.execute('SELECT name FROM events ORDER BY "offset"')]


@dataclass
class Answer:
    """What the scripted server says to one request."""

    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    drips: bool = False
    """The body alone is said, and then a byte again and again."""


@dataclass
class Scripted:
    """A server that gives its answers in turn, the last one for ever; `None` is no answer at all."""

    answers: list[Answer | None]
    url: str = ""
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    """Of each: the path, the headers with names in small letters, and the body."""
    over: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def answer() -> type[Answer]:
    return Answer


def scripted_handler(script: Scripted) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            script.requests.append((self.path, {name.lower(): text for name, text in self.headers.items()}, body))
            answer = script.answers[min(len(script.requests), len(script.answers)) - 1]
            if answer is None:
                script.over.wait()
                return
            if answer.drips:
                with suppress(OSError):
                    self.wfile.write(answer.body)
                    while not script.over.wait(0.02):
                        self.wfile.write(b"x")
                return
            self.send_response(answer.status)
            for name, text in answer.headers.items():
                self.send_header(name, text)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            pass

    return Handler


@pytest.fixture
def serve() -> Iterator[Callable[..., Scripted]]:
    """Starts a server that gives the answers it is called with."""
    servers: list[tuple[Scripted, ThreadingHTTPServer]] = []

    def start(*answers: Answer | None) -> Scripted:
        script = Scripted(list(answers))
        server = ThreadingHTTPServer(("127.0.0.1", 0), scripted_handler(script))
        script.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=partial(server.serve_forever, poll_interval=0.01), daemon=True).start()
        servers.append((script, server))
        return script

    yield start
    for script, server in servers:
        script.over.set()
        server.shutdown()
        server.server_close()


@dataclass
class Lossy:
    """A proxy before the bridge that loses the first answers: the request arrives, the connection ends."""

    url: str
    lost: int = 0
    """How many answers were lost."""


@pytest.fixture
def lossy_proxy() -> Callable[..., Any]:
    """`with lossy_proxy(bridge, answers_to_lose) as proxy:` starts one."""
    return run_lossy_proxy


@contextmanager
def run_lossy_proxy(bridge: Any, answers_to_lose: int) -> Iterator[Lossy]:
    proxy = Lossy("")

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", bridge.port)) as upstream:
                forward = threading.Thread(target=pump, args=(self.request, upstream), daemon=True)
                forward.start()
                # The bridge answers after its commit, so with the answer's first byte the event is in the journal.
                answer = upstream.recv(65_536)
                if answer and proxy.lost < answers_to_lose:
                    proxy.lost += 1
                elif answer:
                    self.request.sendall(answer)
                    pump(upstream, self.request)
                shut(self.request)
                shut(upstream)
                forward.join()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False  # a client may keep its connection for longer than the proxy is needed

    with Server(("127.0.0.1", 0), Handler) as server:
        proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=partial(server.serve_forever, poll_interval=0.01), daemon=True).start()
        yield proxy
        server.shutdown()


def pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    shut(sink)


def shut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that refuses connections: taken, but nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
