"""`bridge demo`: a simulated afternoon of sales, to see the pages alive. Nothing of it is kept; no money is real."""

import asyncio
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

import typer

from bridge.cli.address import bridge_url, open_free_listener, open_listener
from bridge.cli.console import bold, on_one_line, report, say, warn
from bridge.cli.demo.chain import chain_settings, own_chain
from bridge.cli.local_shkeeper import DEFAULT_URL as DEFAULT_SHKEEPER_URL
from bridge.cli.local_shkeeper import local_shkeeper
from bridge.cli.options import Config
from bridge.cli.serve import configure_logging, run_bridge
from bridge.cli.simulate import configured_key
from coordinator.errors import BridgeError
from providers.onchain.chains import ENDPOINTS_VARIABLE_PREFIX

if TYPE_CHECKING:
    from bridge.cli.demo.sales import Showing

__all__ = ["DemoError", "demo"]

HOST, USUAL_PORT = "127.0.0.1", 8000
SEED = 7
# So that a payment which nobody pays can be seen to run out.
EXPIRY_SECONDS = 180
# One that its wallet never has in a block is shown, and the sale that is shown does not wait behind it.
TURN_SECONDS = 3
# However long it plays, only what is large waits for a second person.
ENDLESS = 1_000_000_000
LIMITS = {"USD": {"per_payout": 300, "per_seller_and_day": ENDLESS, "per_day": ENDLESS, "under_way": ENDLESS}}


class DemoError(BridgeError):
    """The demonstration cannot go on; the message says why."""


def demo(
    url: Annotated[
        str | None,
        typer.Option(
            callback=bridge_url,
            help="Play to a bridge that runs already, from `bridge serve --with-shkeeper`.",
        ),
    ] = None,
    shkeeper: Annotated[
        str, typer.Option(callback=bridge_url, help="With --url: where its local SHKeeper is.")
    ] = DEFAULT_SHKEEPER_URL,
    port: Annotated[
        int | None,
        typer.Option(
            envvar="BRIDGE_PORT",
            min=0,
            max=65535,
            help="Port to listen on; 0 takes any. Without it: 8000, or the next free one.",
        ),
    ] = None,
    days: Annotated[int, typer.Option(min=2, max=90, help="Days of sales that have been already.")] = 14,
    pace: Annotated[float, typer.Option(min=0.01, max=60, help="Seconds that a step takes.")] = 2.0,
    config: Config = None,
) -> None:
    """Show a simulated afternoon of sales, on a bridge and a local SHKeeper of its own, until Ctrl-C.

    Where anvil is on the PATH, some buyers pay over a chain of its own.

    Example: [bold]bridge demo[/bold]
    """
    if url is not None:
        _play_elsewhere(url, shkeeper, configured_key(config), pace)
        return
    from bridge.cli.demo.past import play_past
    from bridge.console.pages import is_built
    from bridge.settings import load_settings

    _follow_no_real_chain()
    listener = _listener(port)
    key, password = secrets.token_urlsafe(32), secrets.token_urlsafe()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bridge-demo-")))
        database_url = f"sqlite:///{folder / 'bridge.db'}"
        empty = folder / "empty.toml"
        empty.touch(mode=0o600)
        overrides: dict[str, Any] = {
            "host": HOST,
            "port": listener.getsockname()[1],
            "public_url": "",
            "access": "open",
            "database_url": database_url,
            "shkeeper_api_keys": key,
            "shkeeper_user": "admin",
            "shkeeper_password": password,
            "services_file": empty,  # whoever is named in the one at the usual place
            "payout_limits": LIMITS,
            "payout_turn_seconds": TURN_SECONDS,
            "chains_file": empty,
            "payment_expiry_seconds": EXPIRY_SECONDS,
            "log_level": "error",
        }
        configure_logging(load_settings(config, **overrides).log_level)
        if not is_built():
            warn("the pages are not built, so their addresses will say how to do that; build them with: make pages")
        say(f"Playing the sales of the last {days} days ...")
        played = asyncio.run(play_past(database_url, key, days=days, random=_random()))
        say(f"  {played.payments} payments and {played.payouts} payouts are in the books.")
        overrides["shkeeper_url"] = stack.enter_context(_shkeeper(key, password))
        chain_url = stack.enter_context(own_chain())
        if chain_url is not None:
            overrides["chains_file"] = chain_settings(folder / "chains.toml", chain_url)
        run_bridge(
            load_settings(config, **overrides),
            beside=lambda url: _playing(url, overrides["shkeeper_url"], key, pace, chain_url),
            listener=listener,
        )
    say("Stopped. Nothing of it is stored.")


def _follow_no_real_chain() -> None:
    """No money of a demonstration is real, whatever endpoints the environment has."""
    for name in list(os.environ):
        if name.startswith(ENDPOINTS_VARIABLE_PREFIX):
            del os.environ[name]


def _listener(port: int | None) -> socket.socket:
    """Opened first of all, so that nobody waits for a past that is played in vain, and nobody takes the port
    meanwhile. Raises AddressError."""
    if port is not None:
        return open_listener(HOST, port)
    listener = open_free_listener(HOST, USUAL_PORT)
    taken = listener.getsockname()[1]
    if taken != USUAL_PORT:
        say(f"Port {USUAL_PORT} is taken, perhaps by another bridge, so this one is on port {taken}.")
    return listener


def _shkeeper(key: str, password: str) -> Any:
    from providers.shkeeper.simulator.gateway import Configuration

    return local_shkeeper(Configuration(key, password=password, task_seconds=1, confirm_seconds=1), 0)


@contextmanager
def _playing(url: str, shkeeper_url: str, key: str, pace: float, chain_url: str | None) -> Iterator[None]:
    """Plays in a thread of its own for as long as the bridge runs."""
    from anyio.from_thread import start_blocking_portal

    async def play() -> None:
        try:
            await _play(url, shkeeper_url, key, pace, chain_url)
        except BridgeError as error:
            report(error)

    with start_blocking_portal() as portal:
        playing = portal.start_task_soon(play)
        try:
            yield
        finally:
            playing.cancel()


def _play_elsewhere(url: str, shkeeper_url: str, key: str, pace: float) -> None:
    try:
        asyncio.run(_play(url, shkeeper_url, key, pace))
    except KeyboardInterrupt:
        say("Stopped. What was played is in the books of that bridge.")


async def _play(url: str, shkeeper_url: str, key: str, pace: float, chain_url: str | None = None) -> None:
    """Begins, says what to look at, and goes on until it is cancelled. Raises DemoError."""
    import httpx

    from bridge.cli.demo.sales import Afternoon

    afternoon = Afternoon(
        bridge_url=url, shkeeper_url=shkeeper_url, key=key, pace=pace, random=_random(), chain_url=chain_url
    )
    try:
        _announce(url, await afternoon.begin())
        await afternoon.play(warn)
    except httpx.HTTPStatusError as error:
        raise DemoError(
            f"{error.request.url} answered {error.response.status_code}; play to a bridge that asks nobody for a"
            " token and has a local SHKeeper, such as bridge serve --with-shkeeper starts"
        ) from None
    except httpx.HTTPError as error:
        raise DemoError(
            f"no answer from {error.request.url}; is it running? Start it with: bridge serve --with-shkeeper"
        ) from None
    finally:
        await afternoon.aclose()


def _random() -> Random:
    """The same days each time, but for their ids, so that what is shown can be talked about."""
    return Random(SEED)  # noqa: S311 (nothing secret is made of it)


def _announce(url: str, showing: "Showing") -> None:
    at = on_one_line(url)
    say("Sales go on now. Open, in as many windows as you like:")
    say(f"  the buyer's page      {bold(f'{at}/pay/{showing.payment_id}')}")
    say(f"  the seller's view     {at}/pay/{showing.payment_id}?as=seller")
    say(f"  a template checkout   {at}/checkout/{showing.checkout_id}")
    if showing.chain_payment_id is not None:
        say(f"  one over a chain      {at}/pay/{showing.chain_payment_id}")
    say(f"  the buyer's orders    {at}/orders?{urlencode({'buyerId': showing.buyer_id})}")
    say(f"  the seller's sales    {at}/sales?{urlencode({'sellerId': showing.seller_id})}")
    say(f"  the payout console    {bold(f'{at}/ops')}")
    say(f"  the books             {at}/ops/books")
    say(f"  the system            {at}/ops/system")
    say("  Ctrl-C stops it.")
