"""`bridge listen`: joins rooms as a front end does and shows what arrives."""

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from bridge.cli.address import DEFAULT_URL, TOKEN_VARIABLE, bridge_url
from bridge.cli.console import on_one_line, shorten
from coordinator.errors import BridgeError

if TYPE_CHECKING:
    import socketio

__all__ = ["listen"]

output = Console(highlight=False, soft_wrap=True)
errors = Console(highlight=False, soft_wrap=True, stderr=True)

ANSWER_SECONDS = 10.0
EVENT_COLUMN = 26
SESSION_ENDED = "session-ended"
# Told once a second to the room of finance ops: whoever reads what happens would read little else.
SYSTEM_STATUS = "system-status"

Join = tuple[str, str | None]


class ListeningError(BridgeError):
    """The bridge could not be listened to."""


def listen(
    url: Annotated[str, typer.Option(callback=bridge_url, help="Where the bridge is.")] = DEFAULT_URL,
    user: Annotated[list[str], typer.Option(help="Join this user's room; may be repeated, as those below.")] = [],  # noqa: B006
    request: Annotated[list[str], typer.Option(help="Join this purchase request's room.")] = [],  # noqa: B006
    seller: Annotated[list[str], typer.Option(help="Join this seller's room, and sellers.")] = [],  # noqa: B006
    buyer: Annotated[list[str], typer.Option(help="Join this buyer's room, and buyers.")] = [],  # noqa: B006
    chat: Annotated[list[str], typer.Option(help="Join this chat's room.")] = [],  # noqa: B006
    checkout: Annotated[list[str], typer.Option(help="Join this template checkout's room.")] = [],  # noqa: B006
    ops: Annotated[bool, typer.Option("--ops", help="Join the room of finance ops.")] = False,
    token: Annotated[
        str | None, typer.Option(envvar=TOKEN_VARIABLE, help="A user's token, where the bridge asks for one.")
    ] = None,
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
        asyncio.run(_listen(url, joins, token, as_json=as_json, count=count, seconds=seconds))


async def _listen(
    url: str, joins: list[Join], token: str | None, *, as_json: bool, count: int | None, seconds: float | None
) -> None:
    import aiohttp
    import socketio

    # The client does not close a session of its own when it cannot connect.
    async with aiohttp.ClientSession() as session:
        # Its own answer to Ctrl-C stops the event loop under this command, which then fails.
        client = socketio.AsyncClient(http_session=session, handle_sigint=False)
        listener = Listener(client, url, joins, as_json=as_json, count=count)
        try:
            # This client gives handlers every argument, and would hand the offset on as part of the event.
            brought = {"recovery": False} | ({"token": token} if token else {})
            await client.connect(url, transports=["websocket"], auth=brought)
        except socketio.exceptions.ConnectionError as error:
            if listener.refusal is not None:
                raise ListeningError(
                    f"{url} refused the connection: {listener.refusal}; a token goes into --token or {TOKEN_VARIABLE}"
                ) from None
            raise ListeningError(f"no answer from {url} ({error}); is it running? Start it with: make run") from None
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(listener.finished, seconds)
        finally:
            listener.finished.cancel()
            await client.disconnect()


class Listener:
    """What happens on a client's connection. The client reports no error of a handler, so `finished` carries them."""

    def __init__(
        self, client: "socketio.AsyncClient", url: str, joins: list[Join], *, as_json: bool, count: int | None
    ) -> None:
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._client = client
        self._url = url
        self._joins = joins
        self._as_json = as_json
        self._count = count
        self._heard = 0
        self._connections = 0
        self.refusal: str | None = None
        """Why the bridge did not let this client in."""
        client.on("connect", self._on_connect)
        client.on("connect_error", self._on_refusal)
        client.on("disconnect", self._on_disconnect)
        client.on("*", self._on_event)

    async def _on_connect(self) -> None:
        self._connections += 1
        connection = self._connections
        try:
            names = [name for join in self._joins for name in await _join(self._client, join)]
        except Exception as error:
            # What a lost connection left unanswered is asked again on the next one. (The client's `connected` is no
            # help: it becomes true only after this handler was started.)
            if connection == self._connections and self._client.get_sid() is not None:
                self._finish(error)
            return
        verb = "listening" if connection == 1 else "connected again, listening"
        errors.print(Text(f"{verb} to {self._url}: {', '.join(['everyone', *names])}", style="dim"))

    async def _on_refusal(self, reason: object) -> None:
        match reason:
            case {"message": str() as message, "data": {"code": _}}:
                self.refusal = on_one_line(message)
                if self._connections:  # coming back will not help
                    self._finish(ListeningError(f"{self._url} refused the connection: {self.refusal}"))

    async def _on_disconnect(self, reason: str) -> None:
        if self.finished.done():
            return
        if reason == self._client.reason.SERVER_DISCONNECT:  # after which the client does not try again
            self._finish(ListeningError(f"{self._url} sent this client away"))
        else:
            errors.print(Text("disconnected; trying again", style="yellow"))

    async def _on_event(self, event: str, *arguments: Any) -> None:
        if self.finished.done() or event == SYSTEM_STATUS:
            return
        try:
            _show(event, arguments[0] if arguments else None, as_json=self._as_json)
        except Exception as error:  # most likely nobody reads on
            self._finish(error)
            return
        self._heard += 1
        if event == SESSION_ENDED:
            self._finish(ListeningError(f"{self._url} closes the connection: the token has expired; bring a new one"))
        if self._heard == self._count:
            self._finish()

    def _finish(self, error: Exception | None = None) -> None:
        if self.finished.done():
            return
        if error is None:
            self.finished.set_result(None)
        else:
            self.finished.set_exception(error)


async def _join(client: "socketio.AsyncClient", join: Join) -> list[str]:
    import socketio

    event, argument = join
    try:
        answer = await client.call(event, argument, timeout=ANSWER_SECONDS)
    except socketio.exceptions.TimeoutError:
        raise ListeningError(f"{event} was not answered within {ANSWER_SECONDS:g} s") from None
    match answer:
        case {"ok": True, "rooms": [*names]}:
            return [str(name) for name in names]
        case {"ok": False, "error": {"message": message}}:
            raise ListeningError(f"{event} was refused: {message}")
        case _:
            raise ListeningError(f"{event} was answered, but not as a bridge does; does --url name one?")


def _show(event: str, payload: Any, *, as_json: bool) -> None:
    now = datetime.now(UTC)
    if as_json:
        typer.echo(json.dumps({"at": now.isoformat(), "event": event, "data": payload}, ensure_ascii=False))
        return
    time = Text(now.astimezone().strftime("%H:%M:%S.") + f"{now.microsecond // 1000:03d}", style="dim")
    name = Text(f"{on_one_line(event):<{EVENT_COLUMN}}", style="bold cyan")
    fields = Text("  ").join(
        Text.assemble((f"{on_one_line(field)}=", "dim"), shorten(on_one_line(value)))
        for field, value in _fields(payload)
    )
    if not output.is_terminal:
        output.print(Text("  ").join([time, name, fields]))  # one line an event, for grep
        return
    row = Table.grid(Column(no_wrap=True), Column(no_wrap=True), Column(overflow="fold"), padding=(0, 2, 0, 0))
    row.add_row(time, name, fields)
    output.print(row, soft_wrap=False)


def _fields(payload: Any, prefix: str = "") -> list[tuple[str, str]]:
    if not isinstance(payload, dict):
        text = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False, default=str)
        return [(prefix or "data", text)]
    fields: list[tuple[str, str]] = []
    for name, value in payload.items():
        fields += _fields(value, f"{prefix}.{name}" if prefix else name)
    return fields
