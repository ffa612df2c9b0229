"""`bridge alerts`: whether those are reached who are told of what needs a person."""

import asyncio
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.console import say, styled, symbol
from bridge.cli.options import AsJson, Config, command_group
from bridge.documentation import where_documented
from coordinator.errors import BridgeError

if TYPE_CHECKING:
    from bridge.settings import Settings
    from bridge.workers.alerts.destinations import Destination

__all__ = ["alerts"]

alerts = command_group("Try whether those are reached who are told of what needs a person.")


class NoDestinationError(BridgeError):
    """There is no such channel."""


@alerts.callback()
def about() -> None:
    """Try whether those are reached who are told of what needs a person."""


@alerts.command("test")
def send_test(
    channel: Annotated[str | None, typer.Option(help="Only this channel.")] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Send a test message to each destination, and say what is wrong. Exits with 1 if one was not reached.

    Example: [bold]bridge alerts test --channel ops-chat[/bold]
    """
    from bridge.settings import load_settings
    from bridge.workers.alerts.destinations import destinations

    settings = load_settings(config)
    every = destinations(settings.alerts, os.environ)
    chosen = [one for one in every if channel in (None, one.channel)]
    if not chosen:
        named = "alerts.channels names nobody" if channel is None else f"there is no channel {channel!r}"
        raise NoDestinationError(f"{named}; see the comments in {where_documented('config/bridge.toml')}")
    problems = asyncio.run(_tried(chosen, settings))
    if as_json:
        told = zip(chosen, problems, strict=True)
        say(json.dumps([{"destination": one.name, "problem": problem} for one, problem in told], indent=2))
    for line in () if as_json else _lines(chosen, problems):
        say(line)
    if any(problem is not None for problem in problems):
        raise typer.Exit(1)


def _lines(tried: "Sequence[Destination]", problems: Sequence[str | None]) -> Iterator[str]:
    for one, problem in zip(tried, problems, strict=True):
        if problem is None:
            yield f"{styled(symbol('✓', 'ok'), 'green')} {one.name}: the message was taken"
        else:
            yield f"{styled(symbol('✗', 'x'), 'red', bold=True)} {one.name}: {problem}"


async def _tried(tried: "Sequence[Destination]", settings: "Settings") -> list[str | None]:
    from bridge.workers.alerts.undelivered import UndeliveredError
    from coordinator.attention.alert_messages import AlertMessage, Thing

    link = f"{settings.address}/ops"
    thing = Thing(
        "A test", "Somebody tries whether alerts of the bridge arrive here.", "Nothing needs a person.", link
    )
    message = AlertMessage("The bridge: a test", [thing], None, [], None, link)

    async def problem_of(one: "Destination") -> str | None:
        try:
            await one.send(message, secrets.token_hex(16))
        except UndeliveredError as error:
            return str(error)
        return None

    return list(await asyncio.gather(*map(problem_of, tried)))
