"""A local SHKeeper for whoever has no gateway at hand: run by itself, or in a thread beside the bridge."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bridge.cli.console import bold, on_one_line, say
from coordinator.errors import BridgeError

if TYPE_CHECKING:
    from providers.shkeeper.simulator.gateway import Configuration

__all__ = ["DEFAULT_PORT", "DEFAULT_URL", "LocalShkeeperError", "announce", "local_shkeeper", "run_local_shkeeper"]

DEFAULT_PORT = 5050
DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_PORT}"


class LocalShkeeperError(BridgeError):
    """The local SHKeeper could not be run."""


@contextmanager
def local_shkeeper(configuration: "Configuration", port: int) -> Iterator[str]:
    """Runs it in a thread of its own; gives its address. Raises LocalShkeeperError."""
    from anyio.from_thread import start_blocking_portal

    from providers.shkeeper.simulator.gateway import LocalGateway
    from providers.shkeeper.simulator.server import serving

    with start_blocking_portal() as portal:
        server = portal.wrap_async_context_manager(serving(LocalGateway(configuration), port))
        try:
            url = server.__enter__()
        except OSError as error:
            raise LocalShkeeperError(
                f"the local SHKeeper cannot listen on port {port}: {error.strerror or 'it is taken'};"
                " is another one running? Take another port, with --shkeeper-port of bridge serve or --port of bridge"
                " simulate shkeeper"
            ) from None
        try:
            yield url
        finally:
            server.__exit__(None, None, None)


def run_local_shkeeper(configuration: "Configuration", port: int) -> None:
    """Runs it until Ctrl-C or SIGTERM. Raises LocalShkeeperError."""
    stopped = threading.Event()
    for stopping in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stopping, lambda *_: stopped.set())
    with local_shkeeper(configuration, port) as url:
        announce(url)
        say(
            f"  bridge    BRIDGE_SHKEEPER_URL={url} BRIDGE_SHKEEPER_USER={on_one_line(configuration.user)}"
            f" BRIDGE_SHKEEPER_PASSWORD={on_one_line(configuration.password)} bridge serve"
        )
        say("  Ctrl-C stops it.")
        stopped.wait()


def announce(url: str) -> None:
    """Says where it is, and how somebody pays."""
    where = "" if url == DEFAULT_URL else f" --shkeeper {url}"
    say(f"A local SHKeeper is ready on {bold(url)}; its books are in memory, and no money is real")
    say(f"  to pay    bridge simulate transfer ADDRESS{where}")
    say(f"  to look   {url}/simulator")
