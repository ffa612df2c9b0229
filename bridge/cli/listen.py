"""`bridge listen`: joins rooms as a front end does and shows what arrives."""

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from bridge.cli.console import errors, output, shorten
from coordinator.errors import BridgeError

if TYPE_CHECKING:
    import socketio

__all__ = ["listen"]

ANSWER_SECONDS = 10.0
EVENT_COLUMN = 26

Join = tuple[str, str | None]


class ListeningError(BridgeError):
    """The bridge could not be listened to."""


def listen(
    url: Annotated[str, typer.Option(help="Where the bridge is.")] = "http://127.0.0.1:8000",
    user: Annotated[list[str], typer.Option(help="Join this user's room; may be repeated, as those below.")] = [],  # noqa: B006
    request: Annotated[list[str], typer.Option(help="Join this purchase request's room.")] = [],  # noqa: B006
    seller: Annotated[list[str], typer.Option(help="Join this seller's room, and sellers.")] = [],  # noqa: B006
    buyer: Annotated[list[str], typer.Option(help="Join this buyer's room, and buyers.")] = [],  # noqa: B006
    chat: Annotated[list[str], typer.Option(help="Join this chat's room.")] = [],  # noqa: B006
    checkout: Annotated[list[str], typer.Option(help="Join this template checkout's room.")] = [],  # noqa: B006
    ops: Annotated[bool, typer.Option("--ops", help="Join the room of finance ops.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for scripts.")] = False,
    count: Annotated[int | None, typer.Option(min=1, help="Stop after this many events.")] = None,
    seconds: Annotated[float | None, typer.Option("--for", min=0, help="Stop after this many seconds.")] = None,
) -> None:
    """Show events as they happen. Without a room: those that go to everyone.

    Example: [bold]bridge listen --user buyer-1 --request request-1[/bold]
    """
    rooms = {
        "join-user-room": user,
        "join-request-room": request,
        "join-seller-room": seller,
        "join-buyer-room": buyer,
        "join-chat-room": chat,
        "join-template-checkout-room": checkout,
    }
    joins: list[Join] = [(event, name) for event, names in rooms.items() for name in names]
    if ops:
        joins.append(("join-ops-room", None))
    with suppress(KeyboardInterrupt):
        asyncio.run(_listen(url, joins, as_json=as_json, count=count, seconds=seconds))


async def _listen(url: str, joins: list[Join], *, as_json: bool, count: int | None, seconds: float | None) -> None:
    import aiohttp
    import socketio

    # The client does not close a session of its own when it cannot connect.
    async with aiohttp.ClientSession() as session:
        client = socketio.AsyncClient(http_session=session)
        await _follow(client, url, joins, as_json=as_json, count=count, seconds=seconds)


async def _follow(
    client: "socketio.AsyncClient",
    url: str,
    joins: list[Join],
    *,
    as_json: bool,
    count: int | None,
    seconds: float | None,
) -> None:
    import socketio

    finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    heard = 0

    async def on_connect() -> None:
        try:
            names = [name for join in joins for name in await _join(client, join)]
        except BridgeError as error:
            if not finished.done():
                finished.set_exception(error)
            return
        errors.print(f"[dim]listening to {url}: {', '.join(['everyone', *names])}[/dim]")

    async def on_event(event: str, *arguments: Any) -> None:
        nonlocal heard
        if finished.done():
            return
        _show(event, arguments[0] if arguments else None, as_json=as_json)
        heard += 1
        if heard == count:
            finished.set_result(None)

    client.on("connect", on_connect)
    client.on("disconnect", lambda *_: errors.print("[yellow]disconnected; trying again[/yellow]"))
    client.on("*", on_event)
    try:
        await client.connect(url, transports=["websocket"])
    except socketio.exceptions.ConnectionError as error:
        raise ListeningError(f"no answer from {url} ({error}); is it running? Start it with: make run") from None
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(finished, seconds)
    finally:
        client.on("disconnect", lambda *_: None)
        await client.disconnect()


async def _join(client: "socketio.AsyncClient", join: Join) -> list[str]:
    import socketio

    event, argument = join
    try:
        answer = await client.call(event, argument, timeout=ANSWER_SECONDS)
    except socketio.exceptions.TimeoutError:
        raise ListeningError(f"{event} was not answered within {ANSWER_SECONDS:g} s") from None
    if not answer.get("ok"):
        raise ListeningError(f"{event} was refused: {answer['error']['message']}")
    names: list[str] = answer["rooms"]
    return names


def _show(event: str, payload: Any, *, as_json: bool) -> None:
    now = datetime.now(UTC)
    if as_json:
        typer.echo(json.dumps({"at": now.isoformat(), "event": event, "data": payload}, ensure_ascii=False))
        return
    line = Text(now.astimezone().strftime("%H:%M:%S.") + f"{now.microsecond // 1000:03d}", style="dim")
    line.append(f"  {event:<{EVENT_COLUMN}}", style="bold cyan")
    for number, (name, value) in enumerate(_fields(payload)):
        line.append("  " if number else " ")
        line.append(f"{name}=", style="dim")
        line.append(shorten(value))
    output.print(line)


def _fields(payload: Any, prefix: str = "") -> list[tuple[str, str]]:
    if not isinstance(payload, dict):
        text = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)
        return [(prefix or "data", text)]
    fields: list[tuple[str, str]] = []
    for name, value in payload.items():
        fields += _fields(value, f"{prefix}.{name}" if prefix else name)
    return fields
