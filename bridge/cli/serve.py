"""`bridge serve`: runs the bridge until it is told to stop."""

import asyncio
import gc
import logging
import logging.config
import os
import resource
import secrets
import signal
import socket
import sys
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from bridge.cli.address import DEFAULT_URL, open_listener, reachable_url, url_of
from bridge.cli.console import bold, on_one_line, say, warn
from bridge.cli.ending import EndInTime
from bridge.cli.local_shkeeper import DEFAULT_PORT, announce, local_shkeeper
from bridge.cli.log_lines import JsonLines, LogLines, log_what_python_says, speak_as_it_is_logged
from bridge.cli.metrics_port import MetricsPort
from bridge.cli.options import Config

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bridge.settings import Settings

__all__ = ["configure_logging", "run_bridge", "serve"]

# Of the time in which the bridge has to stop: for requests to be answered. Browsers come back by themselves.
REQUESTS_SHARE = 0.2
# For others to take its clients over, where there are any.
DRAIN_SHARE = 0.3
# For what is traced to be told to its collector.
TRACES_SHARE = 0.1
# Clients that all come back at once, after a restart, must find room to wait.
BACKLOG = 4096
# What the system keeps for a client that does not read, and of one that is not read (Linux takes twice of each). Left
# to itself it would keep megabytes of each, outside of every limit that is set here, and hand the event loop a
# quarter of one at once. A client a tenth of a second away still gets, and sends, more than half a megabyte a second.
BUFFER_BYTES = 65_536
# The interpreter's own are 700, 10 and 10, for programs with few objects. Here what lives on is walked through once
# or twice, ten thousand objects at a time at most, and then once in millions of others: had the middle generation
# gathered twenty thousand clients that come at once, everybody would wait a tenth of a second for that walk.
GC_THRESHOLDS = (5_000, 0, 1_200)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of the configured one.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    config: Config = None,
    with_shkeeper: Annotated[
        bool, typer.Option("--with-shkeeper", help="Run a local SHKeeper beside it, for trying out.")
    ] = False,
    shkeeper_port: Annotated[int, typer.Option(min=0, max=65535, help="Where that one listens.")] = DEFAULT_PORT,
    how_to_try: Annotated[
        bool, typer.Option("--how-to-try", help="Say, once it is ready, how to see it at work.")
    ] = False,
) -> None:
    """Run the bridge until Ctrl-C or SIGTERM.

    Example: [bold]BRIDGE_SHKEEPER_API_KEYS=… FRONTEND_URL=https://shop.example bridge serve[/bold]
    """
    gc.disable()  # until it is ready: of what a start makes next to nothing goes away
    from bridge.cli.streams import drop_what_cannot_be_written
    from bridge.configuration.files import find_config_file
    from bridge.registry import require_use_of_keys
    from bridge.settings import load_settings
    from providers.shkeeper.settings import ShkeeperSettings

    drop_what_cannot_be_written()
    overrides: dict[str, Any] = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    speak_as_it_is_logged(config)
    settings = load_settings(config, **overrides)
    if with_shkeeper and not ShkeeperSettings.of(settings).shkeeper_keys:
        # Nobody else needs to know it: that SHKeeper, and all that it knows, ends with this process.
        overrides["shkeeper_api_keys"] = (secrets.token_urlsafe(),)
        settings = load_settings(config, **overrides)
    configure_logging(settings.log_level, settings.log_format)
    require_use_of_keys(settings)
    _warn(settings)
    # Before anything is announced. A warning may be of a misspelt BRIDGE_PORT, which explains why this one fails.
    listener = open_listener(settings.host, settings.port, BACKLOG)
    with ExitStack() as stack:
        if with_shkeeper:
            overrides |= stack.enter_context(_shkeeper_beside(settings, shkeeper_port))
            settings = load_settings(config, **overrides)
        stack.enter_context(_traced(settings))
        _run(settings, listener, announce=partial(_announce, config or find_config_file(), how_to_try=how_to_try))


@contextmanager
def _shkeeper_beside(settings: "Settings", port: int) -> "Iterator[dict[str, str]]":
    """A local SHKeeper, and the settings with which the bridge uses it."""
    from providers.shkeeper.settings import ShkeeperSettings
    from providers.shkeeper.simulator.gateway import Configuration

    password = secrets.token_urlsafe()
    key, *_ = ShkeeperSettings.of(settings).shkeeper_keys
    with local_shkeeper(Configuration(key, password=password), port) as url:
        announce(url)
        yield {"shkeeper_url": url, "shkeeper_user": "admin", "shkeeper_password": password}


def run_bridge(
    settings: "Settings", beside: "Callable[[str], AbstractContextManager[None]]", listener: socket.socket
) -> None:
    """Runs the bridge until Ctrl-C or SIGTERM, and, for as long as it takes questions, `beside`, which is given its
    address. It listens with a socket that is open already."""
    with _traced(settings):
        _run(settings, listener, beside=beside)


@contextmanager
def _traced(settings: "Settings") -> "Iterator[None]":
    """What runs meanwhile is traced, if it is to be."""
    if not settings.traces:
        yield
        return
    from bridge.traces.otel import begin_tracing, end_tracing

    begin_tracing()
    try:
        yield
    finally:
        end_tracing(TRACES_SHARE * settings.stop_seconds)


def _warn(settings: "Settings") -> None:
    """Of what may not be as it was meant."""
    from bridge.secret_files import exposed_secret_files
    from providers import known

    _note_injected(os.environ)
    for provider in known.PROVIDERS:
        for doubt in provider.doubts(settings):
            warn(doubt)
    for path in exposed_secret_files(os.environ):
        warn(f"others on this machine can read {path}; run: chmod 600 {path}")


def _note_injected(environment: "Mapping[str, str]") -> None:
    from bridge.environment import injected_variables

    injected = injected_variables(environment)
    if injected:
        warn(
            f"{', '.join(injected)} come from an orchestrator with a service called bridge, and are ignored; a port"
            " for the bridge itself is set by --port, or in the configuration file"
        )


def configure_logging(level: str, log_format: str = "text") -> None:
    log_what_python_says()
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "text": {"()": LogLines, "format": "%(asctime)s %(levelname)-7s %(name)s: %(message)s"},
                "json": {"()": JsonLines},
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": log_format}},
            "root": {"level": level.upper(), "handlers": ["stderr"]},
            # Their news is the server's start and stop, which is said more plainly here.
            "loggers": {
                "uvicorn": {"level": "CRITICAL"},
                "alembic": {"level": "WARNING"},
                # Theirs tell the URLs that are asked, which hold keys.
                "httpx": {"level": "WARNING"},
                "httpcore": {"level": "WARNING"},
                "websockets": {"level": "WARNING"},
                # Of a collector that is away one line for all that is tried again.
                "opentelemetry": {"level": "ERROR"},
                # It warns of a broken connection what it also raises, and is said by whoever asked.
                "psycopg": {"level": "ERROR"},
            },
        }
    )


def _bound_buffers(listener: socket.socket) -> None:
    """Of each connection that it accepts."""
    for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        listener.setsockopt(socket.SOL_SOCKET, buffer, BUFFER_BYTES)


def _run(
    settings: "Settings",
    listener: socket.socket,
    *,
    announce: "Callable[[Settings], None]" = lambda _: None,
    beside: "Callable[[str], AbstractContextManager[None]]" = lambda _: nullcontext(),
) -> None:
    import uvicorn

    from bridge.app import create_applications
    from bridge.cli.waiting_server import WaitingServer
    from bridge.door import Door
    from bridge.door.acceptor import Acceptor
    from bridge.drain import Drain
    from bridge.sockets.loop_shares import LoopShares
    from bridge.sockets.transport.web_socket_protocol import WebSocketProtocol

    failures: list[BaseException] = []
    metrics_port = MetricsPort.opened(settings)
    listener.setblocking(False)
    _bound_buffers(listener)
    # Port 0 has become a real one, which providers are told to call.
    settings = settings.model_copy(update={"port": listener.getsockname()[1]})

    end, drain = EndInTime(settings.stop_seconds), Drain(DRAIN_SHARE * settings.stop_seconds)

    def give_up(reason: BaseException) -> None:
        failures.append(reason)
        end.begin()
        server.should_exit = True

    connection_limits, unread = settings.connection_limits(_raised_file_limit()), settings.unread
    shares = LoopShares(settings.loop_share_per_address)
    applications = create_applications(
        settings, stop=give_up, connection_limits=connection_limits, unread=unread, shares=shares, drain=drain
    )
    application = _explaining(applications.public, failures)
    company = ExitStack()
    door, acceptor = (
        Door(connection_limits, settings.door_limits, unread, shares),
        Acceptor(listener, connection_limits),
    )

    class Server(WaitingServer):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            end.begin()
            # Whoever presses Ctrl-C, or asks twice, waits for it.
            if sig == signal.SIGTERM and not drain.has_begun:
                drain.begin(partial(super().handle_exit, sig, frame))
            else:
                super().handle_exit(sig, frame)

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets=[])
            # Not every version of uvicorn raises when the application could not start.
            if self.started:
                acceptor.accept(lambda: door(self.config, self.server_state, self.lifespan.state))
                await metrics_port.serve(applications.metrics, settings, unread)
                _spare_the_collector()
                announce(settings)
                company.enter_context(beside(url_of(settings.host, settings.port)))

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            await asyncio.to_thread(company.close)
            acceptor.close()
            connection_limits.close()
            metrics_port.close()
            await super().shutdown(sockets)

    server = Server(
        uvicorn.Config(
            application,
            interface="asgi3",
            loop="uvloop",
            http=cast(Any, door),
            ws=cast(Any, WebSocketProtocol),
            ws_per_message_deflate=False,
            ws_ping_interval=None,  # Engine.IO has a heartbeat of its own
            ws_max_size=settings.max_payload_bytes,
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # which Forwarded reads
            timeout_graceful_shutdown=max(1, round(REQUESTS_SHARE * settings.stop_seconds)),
        )
    )

    def stop(_number: int, _frame: object) -> None:
        # uvicorn sends itself the signal that stopped it once more when it is done; that is no reason to fail. A
        # signal that comes before uvicorn listens to signals has nobody else to obey it.
        end.begin()
        if not server.started:
            raise typer.Exit

    for stopping in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stopping, stop)
    with suppress(SystemExit):
        server.run(sockets=[listener])
    _explain_end(failures, is_started=server.started)


def _explain_end(failures: "Sequence[BaseException]", *, is_started: bool) -> None:
    """Raises why it ended, unless it was told to."""
    if failures:
        raise failures[0]
    if not is_started:
        raise typer.Exit(1)


def _raised_file_limit() -> int:
    """How many files this process may have open: as many as it may allow itself, since every connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(OSError, ValueError):  # some systems have a lower limit than they say
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def _spare_the_collector() -> None:
    """What is there now stays, even what a start made for nothing: to look for that takes longer than it is worth. Of
    what comes most is freed without the collector, which would walk through every client's objects again and again
    while they connect."""
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    gc.enable()


def _explaining(application: Any, failures: list[BaseException]) -> Any:
    """The application; why it failed to start or to stop is kept in `failures`, to be told without uvicorn's
    traceback."""

    def explaining(scope: Any, receive: Any, send: Any) -> "Awaitable[None]":
        asked = lifespan if scope["type"] == "lifespan" else application
        return asked(scope, receive, send)

    async def lifespan(scope: Any, receive: Any, send: Any) -> None:
        async def send_without_traceback(message: Any) -> None:
            await send({"type": message["type"]})

        try:
            await application(scope, receive, send_without_traceback)
        except Exception as error:
            failures.append(_cause(error))

    return explaining


def _cause(error: BaseException) -> BaseException:
    """The one error at the bottom of a group of groups, which is how a failed start arrives."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _announce(config: "Path | None", settings: "Settings", *, how_to_try: bool) -> None:
    from bridge.configuration.files import DEFAULT_CONFIG_FILE
    from bridge.journal.database.engines import journal_place
    from providers import known

    url = on_one_line(url_of(settings.host, settings.port))
    here = on_one_line(reachable_url(settings.host, settings.port))
    public = on_one_line(settings.public_url) or here
    say(f"The bridge is ready on {bold(url)}")
    say(f"  pages     {public}/ops   {public}/ops/system   {public}/pay/PAYMENT_ID")
    webhooks = [f"{public}/webhooks/{one.name}" for one in known.PROVIDERS if one.takes_webhooks(settings)]
    say(f"  webhooks  {'   '.join(webhooks) or 'of nobody: no provider is set up'}")
    say(f"  REST      {public}/api/payments   (described in {public}/schema/openapi.json)")
    say(f"  sockets   {public}   (Socket.IO, pages of {on_one_line(settings.frontend_url)})")
    asked = "asked for tokens" if settings.access == "jwt" else "asked nothing"
    say(f"  users     are {asked} (access = {settings.access})")
    if settings.metrics_port:
        say(f"  metrics   {on_one_line(url_of(settings.metrics_host, settings.metrics_port))}/metrics")
    if settings.chains:
        say(f"  chains    {', '.join(settings.chains)}")
    say(f"  journal   {on_one_line(journal_place(settings.database_url))}")
    file = on_one_line(str((config or DEFAULT_CONFIG_FILE).absolute()))
    say(f"  settings  {file}" if config else f"  settings  of no file: there is no {file}, and --config names none")
    if how_to_try:
        program, where = on_one_line(sys.argv[0]), "" if here == DEFAULT_URL else f" --url {here}"
        say("  to try    run in two more terminals:")
        say(f"    {program} listen{where} --user buyer-1 --user seller-1 --request request-1")
        say(f"    {program} simulate shkeeper{where} --request-id request-1 --buyer-id buyer-1 --seller-id seller-1")
    say("  Ctrl-C stops it.")
