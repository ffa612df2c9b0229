"""A process that has imported what `bridge` imports, and forks the commands that `tests/commands.py` asks it for.
They begin where others would have spent seconds on imports, and a tenth of one on the routes.

Its only argument is the number of the socket that it listens on. Each process of the tests has a connection. When
that ends, the process has, and what it asked for and still runs is killed. The first connection is the one of whoever
started the warm parent, which ends with it.
"""

import atexit
import gc
import io
import json
import os
import select
import signal
import socket
import sys
import threading
import traceback
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

if TYPE_CHECKING:
    from litestar import Litestar

# What commands import. Those of `bridge.cli` are left to the commands, since some look at the terminal meanwhile.
WARM = (
    "bridge.access.tokens",
    "bridge.app",
    "bridge.client",
    "bridge.journal.examine",
    "bridge.sockets.transport.web_socket_protocol",
    "providers.onchain.follower",
    "providers.onchain.nodes.rpc",
    "providers.shkeeper.invoices.invoices",
    "providers.shkeeper.payouts.payouts",
    "providers.shkeeper.simulator.server",
    "aiohttp",
    "anyio._backends._asyncio",
    "anyio.from_thread",
    "eth_hash.backends.pycryptodome",
    "httpcore",
    "httpx",
    "litestar._kwargs",
    "litestar.middleware._internal.exceptions",
    "litestar.plugins.attrs",
    "psycopg",
    "rich.markdown",
    "rich.table",
    "socketio",
    "sqlite3",
    "typer",
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
)
REQUEST_BYTES = 1_000_000
LIMITS = ("max_publication_bytes", "max_webhook_bytes")
"""The settings of which some routes are made."""
CERTIFICATES = {"SSL_CERT_FILE", "SSL_CERT_DIR"}
"""Where an environment names other authorities than those that have been read."""


@dataclass(frozen=True)
class Child:
    asker: socket.socket
    status: int
    """Where it is written how it ended."""


class WarmParent:
    """Forks on request, and says how each of its children ended."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._askers: list[socket.socket] = []
        self._children: dict[int, Child] = {}
        """By their process ids."""

    def run(self) -> None:
        ends, woken = os.pipe()
        os.set_blocking(woken, False)
        signal.set_wakeup_fd(woken)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        # Ctrl-C is for the tests; the end of the connections follows from it.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._askers.append(self._listener.accept()[0])
        starter = self._askers[0]
        while starter in self._askers:
            waiting: list[int | socket.socket] = [ends, self._listener, *self._askers]
            ready, _, _ = select.select(waiting, [], [])
            if ends in ready:
                os.read(ends, 4096)
                self._bury()
            if self._listener in ready:
                self._askers.append(self._listener.accept()[0])
            for asker in [one for one in self._askers if one in ready]:
                self._take_request(asker)
        for asker in list(self._askers):
            self._end_all_of(asker)

    def _take_request(self, asker: socket.socket) -> None:
        content, descriptors, _, _ = socket.recv_fds(asker, REQUEST_BYTES, 4)
        if not content:
            self._end_all_of(asker)
            return
        *streams, status = descriptors
        child = os.fork()
        if child == 0:
            for inherited in (self._listener, *self._askers):
                inherited.close()
            for other in (*(one.status for one in self._children.values()), status):
                os.close(other)
            _become(json.loads(content), streams)
        for stream in streams:
            os.close(stream)
        self._children[child] = Child(asker, status)
        os.write(status, child.to_bytes(4, "big"))

    def _bury(self) -> None:
        for number in list(self._children):
            pid, how = os.waitpid(number, os.WNOHANG)
            if pid:
                status = self._children.pop(number).status
                with suppress(BrokenPipeError):  # nobody waits for it any more
                    os.write(status, os.waitstatus_to_exitcode(how).to_bytes(4, "big", signed=True))
                os.close(status)

    def _end_all_of(self, asker: socket.socket) -> None:
        for number in [number for number, child in self._children.items() if child.asker is asker]:
            os.kill(number, signal.SIGKILL)
            os.waitpid(number, 0)
            os.close(self._children.pop(number).status)
        self._askers.remove(asker)
        asker.close()


def _become(request: dict[str, object], streams: list[int]) -> NoReturn:
    """Runs `bridge` in the child as if it had been started by itself."""
    signal.set_wakeup_fd(-1)
    for handled in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(handled, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    for stream in streams:
        os.close(stream)
    os.environ.clear()
    os.environ.update(request["env"])  # type: ignore[call-overload]
    os.chdir(str(request["cwd"]))
    sys.argv = ["bridge", *request["arguments"]]  # type: ignore[misc]
    sys.stdin, sys.stdout, sys.stderr = open(0, closefd=False), _stream(1), _stream(2)  # noqa: SIM115
    from bridge.cli import main
    from providers.certificates import certificates

    if not CERTIFICATES.isdisjoint(os.environ):
        certificates.cache_clear()
    if request["beside"] is not None:
        import_module(str(request["beside"]))
    code: object = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        traceback.print_exc()
        code = 1
    _end(code)


def build_once() -> None:
    """Builds for all children what is the same for all: above all the routes, which each tells what they are given
    when it has read its settings."""
    from bridge import app
    from bridge.journal.database.schema_versions import statements_that_make
    from bridge.settings import Settings, all_settings
    from providers.certificates import certificates

    all_settings()
    certificates()
    statements_that_make("sqlite+pysqlite")
    asked: Any = SimpleNamespace(origins=(), readers={})
    usual: Any = SimpleNamespace(**{name: Settings.model_fields[name].default for name in LIMITS})
    register_limited = app._with_limited
    without_limited, whole = app.rest_app(asked), register_limited(app.rest_app(asked), asked, usual)

    def rest_app(given: app.Given) -> "Litestar":
        vars(asked).update(vars(given))
        for built in (without_limited, whole):
            assert built.cors_config is not None
            built.cors_config.allow_origins.extend(given.origins)
        return without_limited

    def with_limited(rest: "Litestar", given: app.Given, settings: Settings) -> "Litestar":
        if any(getattr(settings, name) != getattr(usual, name) for name in LIMITS):
            return register_limited(rest, given, settings)
        whole.state.readers = given.readers
        return whole

    app.rest_app, app._with_limited = rest_app, with_limited


def _end(code: object) -> NoReturn:
    """Ends as Python does, but for taking apart every module, which would copy all that is shared with the parent."""
    threading._shutdown()  # type: ignore[attr-defined] # waits for threads that are no daemons
    atexit._run_exitfuncs()
    with suppress(OSError):  # nobody reads on
        sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else code is not None)


def _stream(number: int) -> TextIO:
    """Standard output or error, as Python makes it at its start."""
    raw = io.FileIO(number, "w", closefd=False)
    is_unbuffered = bool(os.environ.get("PYTHONUNBUFFERED"))
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=os.environ.get("PYTHONIOENCODING", "utf-8"),
        errors="backslashreplace" if number == 2 else "surrogateescape",
        line_buffering=number == 2 or raw.isatty(),
        write_through=is_unbuffered,
    )


if __name__ == "__main__":
    for name in WARM:
        import_module(name)
    build_once()
    gc.collect()
    gc.freeze()  # so that the children's collectors leave alone what they share
    WarmParent(socket.socket(fileno=int(sys.argv[1]))).run()
