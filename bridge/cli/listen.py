"""`bridge listen`: joins rooms as a front end does and shows what arrives."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from bridge.cli.asking import Url, answered_otherwise, bridge_in_use, token_remedy, unanswered
from bridge.cli.console import note, on_one_line, shorten
from bridge.cli.forwarding import Forwarder
from bridge.cli.options import Config
from bridge.environment import TOKEN_VARIABLE
from coordinator.endpoints.signing import new_secret, require_secret
from coordinator.errors import BridgeError

if TYPE_CHECKING:
    import socketio

__all__ = ["listen"]

output = Console(highlight=False, soft_wrap=True)

# A bridge that is busy takes its time; one that has hung must not be waited for without a word.
ANSWER_SECONDS = 30.0
# Between two tries to come back: soon after a restart, and no burden to a bridge that stays away.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 5.0
EVENT_COLUMN = 26
SESSION_ENDED = "session-ended"
# Of the bridge itself: its state, told once a second to the room of finance ops, so that whoever reads what happens
# would read little else; and that it stops, which the end of the connection says too.
UNSHOWN = frozenset({"system-status", "bridge-stopping"})

Join = tuple[str, str | None]
T = TypeVar("T")


class ListeningError(BridgeError):
    """The bridge could not be listened to."""


class BridgeUnansweredError(ListeningError):
    """The bridge did not answer, or not in time. Another try may go better."""


def listen(
    url: Url = None,
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
    forward_to: Annotated[
        str | None,
        typer.Option(help="Post each event there too, as to an endpoint, signed with a secret that is printed."),
    ] = None,
    forward_secret: Annotated[str | None, typer.Option(help="Sign with this secret instead (whsec_…).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for scripts.")] = False,
    count: Annotated[int | None, typer.Option(min=1, help="Stop after this many events.")] = None,
    seconds: Annotated[float | None, typer.Option("--for", min=0, help="Listen for this many seconds.")] = None,
    config: Config = None,
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
        target = None if forward_to is None else (forward_to, _secret(forward_secret))
        asyncio.run(
            _listen(bridge_in_use(url, config), joins, token, target, as_json=as_json, count=count, seconds=seconds)
        )


def _secret(given: str | None) -> str:
    if given is None:
        return new_secret()
    try:
        return require_secret(given)
    except ValueError as error:
        raise typer.BadParameter(f"--forward-secret: {error}") from None


async def _listen(
    url: str,
    joins: list[Join],
    token: str | None,
    target: tuple[str, str] | None,
    *,
    as_json: bool,
    count: int | None,
    seconds: float | None,
) -> None:
    """`target` is where events are forwarded to, and the secret that they are signed with."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(None) as time_given:

            def begin() -> None:
                if target is not None:
                    note(f"forwarding to {target[0]}, signed with {target[1]}")
                if seconds is not None:
                    time_given.reschedule(loop.time() + seconds)

            async with AsyncExitStack() as stack:
                forwarder = None if target is None else await stack.enter_async_context(Forwarder(*target))
                await Listener(url, joins, token, begin, forwarder, as_json=as_json, count=count).listen()
    except TimeoutError:
        if not time_given.expired():
            raise


class Listener:
    """Shows what a bridge tells, over one connection after the other.

    Each connection has a client of its own that does not come back by itself: the library gives up for good, and
    without a word, where a bridge is slow to answer or breaks off in the middle of it.
    """

    def __init__(
        self,
        url: str,
        joins: list[Join],
        token: str | None,
        begin: Callable[[], None],
        forwarder: Forwarder | None,
        *,
        as_json: bool,
        count: int | None,
    ) -> None:
        """`begin` is called once it listens."""
        self._finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """The client reports no error of a handler, so this carries them."""
        self._url = url
        self._joins = joins
        # This client gives handlers every argument, and would hand the offset on as part of the event.
        self._brought = {"recovery": False} | ({"token": token} if token else {})
        self._begin = begin
        self._forwarder = forwarder
        self._as_json = as_json
        self._count = count
        self._received = 0
        self._times_listening = 0

    async def listen(self) -> None:
        """Until enough was heard. Comes back whenever the connection is lost, however long that takes; raises
        ListeningError where it could not begin, or where to come back does not help."""
        pause_seconds = FIRST_PAUSE_SECONDS
        while not self._finished.done():
            try:
                await self._receive()
                pause_seconds = FIRST_PAUSE_SECONDS
            except BridgeUnansweredError:
                if self._times_listening == 0 and not self._finished.done():
                    raise
            await asyncio.wait({self._finished}, timeout=pause_seconds)
            pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)
        self._finished.result()

    async def _receive(self) -> None:
        """Over one connection, until that is lost or enough was heard."""
        import aiohttp
        import socketio

        # The client does not close a session of its own when it cannot connect.
        async with aiohttp.ClientSession() as session:
            # Its own answer to Ctrl-C stops the event loop under this command, which then fails.
            client = socketio.AsyncClient(http_session=session, reconnection=False, handle_sigint=False)
            answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
            client.on("connect", partial(_answered, answer, None))
            client.on("connect_error", partial(_answered, answer))
            client.on("disconnect", self._on_disconnect)
            client.on("*", self._on_event)
            try:
                await self._connect(client)
                gone = asyncio.create_task(client.eio.wait())  # which ends however the connection ends
                await self._be_admitted(gone, answer)
                await self._join_all(client, gone)
                await asyncio.wait({gone, self._finished}, return_when=asyncio.FIRST_COMPLETED)
                if not self._finished.done():
                    note("disconnected; trying again", "yellow")
            finally:
                await client.disconnect()

    async def _connect(self, client: "socketio.AsyncClient") -> None:
        import aiohttp

        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await client.connect(self._url, transports=["websocket"], auth=self._brought, wait=False)
        except TimeoutError as error:
            raise self._unanswered(error) from None
        except Exception as error:  # whatever this client makes of what it does not understand
            # It keeps to itself what was answered.
            if isinstance(of_http := _cause(error), aiohttp.WSServerHandshakeError):
                raise BridgeUnansweredError(answered_otherwise(f"{self._url} answered {of_http.status}")) from None
            raise self._unanswered(of_http) from None

    async def _be_admitted(self, gone: asyncio.Task[None], answer: asyncio.Future[object]) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                refusal = await self._unless_gone(gone, answer)
        except TimeoutError as error:
            raise self._unanswered(error) from None
        match refusal:
            case None:
                return
            case {"message": str() as message, "data": {"code": _}}:  # coming back will not help
                raise ListeningError(
                    f"{self._url} refused the connection: {on_one_line(message)}; {token_remedy('a token')}"
                )
            case _:
                raise self._unanswered(refusal)

    async def _unless_gone(self, gone: asyncio.Task[None], work: Awaitable[T]) -> T:
        """What comes of some work on a connection. Raises UnansweredError if the connection is gone before."""
        working = asyncio.ensure_future(work)
        try:
            await asyncio.wait({gone, working}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise self._unanswered("the connection broke off before one came")
            return working.result()
        finally:
            working.cancel()

    def _unanswered(self, reason: object) -> BridgeUnansweredError:
        words = f"none within {ANSWER_SECONDS:g} s" if isinstance(reason, TimeoutError) else on_one_line(str(reason))
        return BridgeUnansweredError(unanswered(self._url, words))

    async def _join_all(self, client: "socketio.AsyncClient", gone: asyncio.Task[None]) -> None:
        names = [name for join in self._joins for name in await self._unless_gone(gone, _join(client, join))]
        verb = "connected again, listening" if self._times_listening else "listening"
        note(f"{verb} to {self._url}: {on_one_line(', '.join(['everyone', *names]))}")
        self._times_listening += 1
        if self._times_listening == 1:
            self._begin()

    async def _on_disconnect(self, reason: str) -> None:
        import socketio

        if reason == socketio.AsyncClient.reason.SERVER_DISCONNECT:  # which is meant for this client
            self._finish(ListeningError(f"{self._url} sent this client away"))

    async def _on_event(self, event: str, *arguments: Any) -> None:
        if self._finished.done() or event in UNSHOWN:
            return
        try:
            payload = arguments[0] if arguments else None
            _show(event, payload, as_json=self._as_json)
            if self._forwarder is not None:
                came_of_it = await self._forwarder.forward(event, payload)
                note(f"{on_one_line(event)} {came_of_it}")
        except Exception as error:  # most likely nobody reads on
            self._finish(error)
            return
        self._received += 1
        if event == SESSION_ENDED:
            self._finish(ListeningError(f"{self._url} closes the connection: the token has expired; bring a new one"))
        if self._received == self._count:
            self._finish()

    def _finish(self, error: Exception | None = None) -> None:
        if self._finished.done():
            return
        if error is None:
            self._finished.set_result(None)
        else:
            self._finished.set_exception(error)


def _cause(error: BaseException) -> BaseException:
    """The error that was met first, which others were raised about."""
    while error.__context__ is not None:
        error = error.__context__
    return error


def _answered(answer: asyncio.Future[object], what: object = None) -> None:
    if not answer.done():
        answer.set_result(what)


async def _join(client: "socketio.AsyncClient", join: Join) -> list[str]:
    import socketio

    event, argument = join
    try:
        answer = await client.call(event, argument, timeout=ANSWER_SECONDS)
    except socketio.exceptions.TimeoutError:
        raise BridgeUnansweredError(f"{event} was not answered within {ANSWER_SECONDS:g} s") from None
    match answer:
        case {"ok": True, "rooms": [*names]}:
            return [str(name) for name in names]
        case {"ok": False, "error": {"message": message}}:
            raise ListeningError(f"{event} was refused: {message}")
        case _:
            raise ListeningError(answered_otherwise(f"{event} was answered"))


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
