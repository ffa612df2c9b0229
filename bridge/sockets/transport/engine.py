"""The engine: whoever knocks becomes a connection, or hears why not.

What it overrides of python-engineio 4.15 is undocumented; see `server.py` for how it is held:

- `_handle_connect`, for clients that poll: makes connections of our own kind; stock tells clients whole seconds
  alone, and never drops one that does not connect to a namespace.
- `handle_request` (public): it refused in words of its own, too little of what is wrong and preflights, too. And it
  failed on a frame that it could not read and left its client in the rooms; passed over a body that it could not
  read, or waited for ever after it had refused one; and failed on clients that had gone or were closed. WebSockets do
  not go through it at all.
- `_ok`, `_bad_request`: a POST was answered `OK` and not `ok`, and what was refused had no code.
- `generate_id` (public): it took three times as long as that of the system, and told how many came between two.
- `_async["translate_request"]`: it made a class for each request, which nothing but the garbage collector could end,
  together with the request and its body; and called every polling client 127.0.0.1.

Used besides: `_trigger_event`, `_cors_allowed_origins`, `_make_response`, `_unauthorized` and `sockets`.
"""

import asyncio
import logging
import math
import secrets
from collections.abc import Callable, Coroutine, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import engineio
from engineio.packet import Packet
from prometheus_client import Counter

from bridge.access.refused_origins import refused_origins
from bridge.sockets.addresses import COUNTED_AS, network_of
from bridge.sockets.limits import Bounds, Limits
from bridge.sockets.loop_shares import LOOP_SHARE
from bridge.sockets.rate_limit import RateLimits
from bridge.sockets.transport.connection import Connection
from bridge.sockets.transport.crowd_reads import CrowdReads
from bridge.sockets.transport.crowd_writes import CrowdWrites
from bridge.sockets.transport.deadlines import Deadlines
from bridge.sockets.transport.disconnects import Disconnect
from bridge.sockets.transport.environ import environ_of, put_body, query_of, stored_of
from bridge.sockets.transport.incoming import Message, Receive, Send, body_of, declared_bytes, is_payload
from bridge.sockets.transport.misrouted import MisroutedRequests
from bridge.sockets.transport.open_packets import OpenPackets
from bridge.sockets.transport.polling import answer_polls
from bridge.sockets.transport.receivers import CountedConnection, Places
from bridge.sockets.transport.refusals import METHODS, Code, Refusal, refusal_of
from bridge.sockets.transport.scheduling import LoopScheduler
from bridge.sockets.transport.states import State, Trigger
from bridge.sockets.transport.unread_bytes import UnreadBytes
from bridge.sockets.transport.web_socket_protocol import DOOR

__all__ = ["EngineIoServer"]

logger = logging.getLogger("bridge.sockets")

JSON, TEXT = "application/json", "text/plain; charset=utf-8"
OCTETS = "application/octet-stream"
# HTML, and not plain text, since some browsers would offer a download.
WRITTEN = {"status": "200 OK", "headers": [("Content-Type", "text/html")], "response": b"ok"}
# Of an id that nobody guesses; without a fraction of a character.
ID_BYTES = 15
TOO_FAST = "too many connections from this address; try again in {:.1f} s"
NO_PLACE = b"there are too many connections, or too many from this address; try again in a while"

REFUSED = Counter("bridge_sockets_refused", "Connections refused because their address makes too many")


class EngineIoServer(engineio.AsyncServer):  # type: ignore[misc]  # python-engineio ships no types
    """The engine of our connections."""

    _async: dict[str, Any]

    def __init__(self, *, limits: Limits, unread: UnreadBytes, places: Places | None, **options: Any) -> None:
        # Each connection is watched by the deadlines below.
        super().__init__(**options, monitor_clients=False)
        self._async = {**self._async, "translate_request": _as_it_is}
        self.limits = limits
        self.unread = unread  # also by those who are no clients of the sockets
        self._arriving = RateLimits(limits.connections)  # by the address that they come from
        self.pings: Deadlines[Connection] = Deadlines(Connection.ping)
        """Who is to be asked next whether it is there; and who has been asked."""
        self.pongs: Deadlines[Connection] = Deadlines(self._no_pong)
        self.arrivals: Deadlines[Connection] = Deadlines(self._never_connected)
        """Who is not connected to any namespace yet."""
        self.places = places
        """Who gives out those of sessions that poll; None: there is one for everybody."""
        if places is not None:
            places.at_close(lambda: answer_polls(self.sockets.values()))
        self._seated_strangers: dict[Connection, None] = {}
        """Those of them who are not connected to any namespace yet, who has waited longest first."""
        self.moved: Callable[[Connection], None] = lambda _: None
        """Called when a connection can be written to directly, or no longer."""
        self.told_until: Callable[[], int] = lambda: 0
        """Up to when all clients have been told who came and went, in microseconds since 1970."""
        self.misrouted = MisroutedRequests()
        self.open_packets = OpenPackets(self)
        self.scheduler = LoopScheduler()  # shared by all that clients have done
        self.crowd_writes, self.crowd_reads = CrowdWrites(), CrowdReads()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs something for a connection."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def forget(self, connection: Connection) -> None:
        """Watches a connection no longer."""
        self.leave_seat(connection)
        for deadlines in (self.pings, self.pongs, self.arrivals):
            deadlines.discard(connection)

    def bounds(self, connection: Connection) -> Bounds:
        """What may wait for a client, and what it may send."""
        limits, message_bytes = self.limits, self.max_http_buffer_size
        if connection in self.arrivals:
            return Bounds(limits.stranger_backlog_bytes, min(limits.stranger_message_bytes, message_bytes))
        return Bounds(limits.backlog_bytes, message_bytes)

    def _no_pong(self, connection: Connection, _due: float) -> None:
        if connection.is_paused:  # by the bridge, which may not have read its answer yet
            self.pongs.add(connection, self.ping_timeout)
        else:
            connection.end(Disconnect.PING_TIMEOUT)

    def _never_connected(self, connection: Connection, _due: float) -> None:
        connection.end(Disconnect.NEVER_CONNECTED)

    async def handle_request(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._serve_websocket(scope, receive, send)
        else:
            await self._serve_polling(scope, receive, send)

    # Polling

    async def _serve_polling(self, scope: Message, receive: Receive, send: Send) -> None:
        environ = environ_of(scope, receive, _as_everywhere(send))
        if scope["method"] == "OPTIONS":
            await self._answer(environ, HTTPStatus.NO_CONTENT)
            return
        query = query_of(scope["query_string"])
        connection = self._present(query)
        refusal = self._refusal(query, environ, connection)
        if refusal is not None:
            allow = [("Allow", ", ".join(METHODS))] if refusal.status == HTTPStatus.METHOD_NOT_ALLOWED else []
            await self._answer(environ, refusal.status, [("Content-Type", JSON), *allow], refusal.content)
            return
        limit_bytes = self.max_http_buffer_size if connection is None else self.bounds(connection).message_bytes
        body = b"" if declared_bytes(scope) > limit_bytes else await body_of(receive, limit_bytes)
        if body is None:
            return
        put_body(environ, body)
        if max(declared_bytes(scope), len(body)) > limit_bytes:
            await self._answer(environ, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        elif connection is not None and scope["method"] == "POST" and not _is_payload(environ, body):
            await connection.finish(Disconnect.NO_PACKET)
            await self._make_response(self._bad_request(), environ)
        elif connection is not None and connection.polling.is_repeat(scope["method"], query.get("t")):
            await self._answer_again(connection, environ)
        else:
            if connection is not None and scope["method"] == "POST":
                connection.polling.note("POST", query.get("t"))
                if not body:
                    await connection.keep_to_rate_limit()  # as for a packet, of which such a POST has none
            await super().handle_request(environ)
            if connection is not None and scope["method"] == "GET":
                connection.polling.note("GET", query.get("t"))

    async def _answer_again(self, connection: Connection, environ: dict[str, Any]) -> None:
        """A request whose answer the client has not had. What it posted has been taken; what a poll had brought is
        lost, so it has to come back for that."""
        if environ["REQUEST_METHOD"] == "POST":
            await self._make_response(self._ok(), environ)
            return
        await connection.finish(Disconnect.POLL_LOST)
        await self._make_response(self._bad_request(), environ)

    def _present(self, query: Mapping[str, str]) -> Connection | None:
        """The connection that a request names; None if there is none, or none any more."""
        connection: Connection | None = self.sockets.get(query.get("sid", ""))
        if connection is None:
            return None
        if self.pongs.is_missed(connection):
            self.pongs.discard(connection)
            self._no_pong(connection, 0)
        return connection if connection.is_present else None

    def _refusal(
        self, query: Mapping[str, str], environ: dict[str, Any], connection: Connection | None
    ) -> Refusal | None:
        origin, allowed = environ.get("HTTP_ORIGIN"), self._cors_allowed_origins(environ)
        barred = origin if origin and allowed is not None and origin not in allowed else None
        if barred is not None:
            refused_origins.note(barred, "a WebSocket" if _is_websocket(environ) else "polling", ", ".join(allowed))
        transport = None if connection is None else "websocket" if connection.state is State.WEB_SOCKET else "polling"
        refusal = refusal_of(
            query,
            method=environ["REQUEST_METHOD"],
            is_upgrade=_is_websocket(environ),
            session_transport=transport,
            barred_origin=barred,
        )
        if refusal is not None and refusal.code == Code.SESSION_UNKNOWN:
            self.misrouted.note(query["sid"])
        return refusal

    async def _answer(
        self, environ: dict[str, Any], status: HTTPStatus, headers: Sequence[tuple[str, str]] = (), body: bytes = b""
    ) -> None:
        """Answers a request that does not become a WebSocket."""
        response = {"status": f"{status.value} {status.phrase}", "headers": list(headers), "response": body}
        await self._make_response(response, environ)

    # WebSockets

    async def _serve_websocket(self, scope: Message, receive: Receive, send: Send) -> None:
        """A WebSocket for a new connection, or for one that has been polling."""
        await receive()
        await self.scheduler.take()
        query = query_of(scope["query_string"])
        environ = environ_of(scope, receive, send)
        connection = self._present(query)
        refusal = self._refusal(query, environ, connection)
        if refusal is not None:
            logger.debug("refused a WebSocket: %s", refusal.message)
            await _turn_away(scope, send, refusal.status, refusal.message)
        elif connection is None:
            wait_seconds = self._wait_seconds(scope)
            if wait_seconds:
                await _turn_away(
                    scope, send, HTTPStatus.TOO_MANY_REQUESTS, TOO_FAST.format(wait_seconds), wait_seconds
                )
                return
            connection = await self._arrived(environ)
            if connection is None:
                await send({"type": "websocket.close"})
            else:
                await connection.serve(scope, receive, send)
        elif connection.state is not State.POLLING:
            # The reference server closes it after the handshake, and browsers cannot see why one is refused.
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close"})
        else:
            await connection.serve(scope, receive, send)

    # Both transports

    async def _handle_connect(self, environ: dict[str, Any], transport: str, jsonp_index: int | None = None) -> Any:
        await self.scheduler.take()
        wait_seconds = self._wait_seconds(environ["asgi.scope"])
        if wait_seconds:
            return self._too_fast(wait_seconds)
        seat = None
        if self.places is not None:
            scope = environ["asgi.scope"]
            seat = self.places.seat(_address_in(scope), scope.get(COUNTED_AS), self._make_room)
            if seat is None:
                return self._no_place()
        connection = await self._arrived(environ, seat)
        if connection is None:
            return self._unauthorized()
        connection.move(Trigger.OPENED)
        connection.writer.put(Packet(encoded_packet=self.open_packets.of(connection.sid, transport)))
        return self._ok(await connection.poll(), jsonp_index=jsonp_index)

    def _wait_seconds(self, scope: Message) -> float:
        """How long the client's address has to wait until another connection is taken from it; 0: it is welcome."""
        network = _counted_as(scope)
        if network is None:
            return 0.0
        wait_seconds = self._arriving.wait_seconds(network, asyncio.get_running_loop().time())
        if wait_seconds:
            REFUSED.inc()
            logger.info("refused a connection from %s: they come too fast", network)
        return wait_seconds

    def _ok(self, packets: Any = None, headers: Any = None, jsonp_index: int | None = None) -> dict[str, Any]:
        if packets is None:
            return WRITTEN
        answer: dict[str, Any] = super()._ok(packets, headers, jsonp_index)
        return answer

    def _bad_request(self, message: str | None = None) -> dict[str, Any]:
        content = Refusal(Code.BAD_REQUEST, message).content
        return {"status": "400 BAD REQUEST", "headers": [("Content-Type", JSON)], "response": content}

    def _too_fast(self, wait_seconds: float) -> dict[str, Any]:
        return {
            "status": "429 TOO MANY REQUESTS",
            "headers": [("Content-Type", "text/plain"), ("Retry-After", str(math.ceil(wait_seconds)))],
            "response": TOO_FAST.format(wait_seconds).encode(),
        }

    def _no_place(self) -> dict[str, Any]:
        return {
            "status": "503 SERVICE UNAVAILABLE",
            "headers": [("Content-Type", "text/plain")],
            "response": NO_PLACE,
        }

    def _make_room(self) -> bool:
        """Has the session leave that has polled longest without asking for a connection."""
        longest = next(iter(self._seated_strangers), None)
        if longest is None:
            return False
        self.leave_seat(longest)
        longest.end(Disconnect.MADE_ROOM)
        return True

    def leave_seat(self, connection: Connection) -> None:
        """It polls no more."""
        self._seated_strangers.pop(connection, None)
        if connection.seat is not None:
            connection.seat.leave()
            connection.seat = None

    def let_in(self, connection: Connection) -> None:
        """It is connected to a namespace."""
        self.arrivals.discard(connection)
        self._seated_strangers.pop(connection, None)

    async def _arrived(self, environ: dict[str, Any], seat: CountedConnection | None = None) -> Connection | None:
        """A new connection; None if a handler does not want it."""
        scope = environ["asgi.scope"]
        sid = self.misrouted.prefix + self.generate_id()
        connection = Connection(self, sid, _counted_as(scope), scope.get(LOOP_SHARE))
        self.sockets[connection.sid] = connection
        if seat is not None:
            connection.seat = seat
            self._seated_strangers[connection] = None
        answer = await self._trigger_event("connect", connection.sid, stored_of(environ), run_async=False)
        if answer is not None and answer is not True:
            self.sockets.pop(connection.sid, None)
            self.leave_seat(connection)
            return None
        connection.schedule_ping()
        self.arrivals.add(connection, self.limits.connect_timeout_seconds)
        return connection

    def generate_id(self) -> str:
        return secrets.token_urlsafe(ID_BYTES)


def _address_in(scope: Message) -> str:
    """Where a request comes from."""
    address: str = (scope.get("client") or ("",))[0]
    return address


def _counted_as(scope: Message) -> str | None:
    """What a client counts under; None if it is of this machine."""
    counted_as: str | None = scope.get(COUNTED_AS) or network_of(_address_in(scope))
    return counted_as


def _is_websocket(environ: Mapping[str, Any]) -> bool:
    return bool(environ["asgi.scope"]["type"] == "websocket")


def _as_it_is(environ: dict[str, Any]) -> dict[str, Any]:
    return environ


def _as_everywhere(send: Send) -> Send:
    """The same `send`, with what the headers of every answer say: no cache is to keep it, and none to answer one site
    with what was meant for another."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), (b"Cache-Control", b"no-store"), (b"Vary", b"Origin")]
        await send(message)

    return send_with_headers


def _is_payload(environ: dict[str, Any], body: bytes) -> bool:
    """Whether a POST holds packets; as bytes they are of an older protocol."""
    return environ.get("CONTENT_TYPE") != OCTETS and is_payload(body)


async def _turn_away(scope: Message, send: Send, status: HTTPStatus, reason: str, wait_seconds: float = 0) -> None:
    """Refuses a WebSocket before it is open."""
    if DOOR not in scope.get("extensions", {}):
        # A web server of another kind answers 403; uvicorn's own takes an answer, and then for a fault that it did.
        await send({"type": "websocket.close", "reason": reason})
        return
    headers = [(b"Content-Type", TEXT.encode()), (b"Content-Length", b"%d" % len(reason.encode()))]
    if wait_seconds:
        headers.append((b"Retry-After", b"%d" % math.ceil(wait_seconds)))
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": reason.encode()})
