"""One connection to the front door: HTTP/1.1, one request at a time, or the beginning of a WebSocket.

uvicorn's own protocols read all that has come at once, without a bound and without a deadline, and take what follows
any upgrade for a request. Here nothing is read before its turn: a head ends within its bounds or is refused, a body
within its own, and of what comes after them no more is taken from the socket than one read until the answer is out.
"""

import asyncio
from http import HTTPStatus
from typing import Any, cast

from bridge.door.answers import STOPPING, TOO_MANY, problem
from bridge.door.body import Body, body_of, too_large
from bridge.door.connection_limits import REFUSED, AcceptedConnection
from bridge.door.doorkeeper import Doorkeeper
from bridge.door.exchange import Exchange, Message, scope_between, scope_of
from bridge.door.flow_control import FlowControl
from bridge.door.head import END, Head, RequestError, read_head, require_readable
from bridge.door.unread_answer import LARGE_ANSWER_BYTES, UnreadAnswer
from bridge.sockets.transport.handshake import Request

__all__ = ["HttpConnection"]

EMPTY_LINE = b"\r\n"
# Of a body that the application has not asked for yet. As much again comes with the read that goes over it.
WAITING_BYTES = 65_536


class HttpConnection(asyncio.BufferedProtocol):
    """What a client sends over one connection, and what it is answered."""

    __slots__ = (
        "_accepted",
        "_body",
        "_config",
        "_door",
        "_exchange",
        "_flow_control",
        "_held_bytes",
        "_is_closing",
        "_scope",
        "_searched",
        "_server_state",
        "_state",
        "_transport",
        "_unread",
        "unread_answer",
    )

    def __init__(self, door: Doorkeeper, config: Any, server_state: Any, app_state: dict[str, Any]) -> None:
        self._door = door
        self._config = config
        self._server_state = server_state
        self._state = app_state
        self._transport: asyncio.Transport
        self._accepted: AcceptedConnection | None = None
        self._unread = b""
        """What has come of the next requests."""
        self._held_bytes = 0
        """How much is kept of a head or a body that has not come whole, or of what has come before its turn."""
        self._searched = 0
        """How much of that was found to be the beginning of a head."""
        self._scope: Message | None = None
        """What of the scope is the same for all of its requests, once there was one."""
        self._exchange: Exchange | None = None
        """The request that is under way."""
        self._body: Body | None = None
        """What is still to come of its body."""
        self._flow_control: FlowControl
        self._is_closing = False
        """Whether nothing more is listened to."""
        self.unread_answer: UnreadAnswer | None = None
        """While what was answered waits for the client to read it."""

    # The transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        # From now on to pause means that something waits, and to resume that nothing does.
        self._transport.set_write_buffer_limits(high=0)
        self._server_state.connections.add(self)
        peer = transport.get_extra_info("peername")
        self._flow_control = FlowControl(self._transport, self)
        self._accepted = self._door.enter(peer[0] if isinstance(peer, tuple) else "")
        if self._accepted is None:
            self._turn_away()
        else:
            self._flow_control.begin(self._door.share_of(self._accepted))
            self._door.heads.add(self, self._door.limits.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server_state.connections.discard(self)
        self._door.forget(self)
        self._is_closing = True
        self._drop_exchange()
        self._drop_held()
        self._free_unread_answer()
        if self._accepted is not None:
            self._accepted.leave()

    def pause_writing(self) -> None:
        network = None if self._exchange is None else self._exchange.network
        self.unread_answer = UnreadAnswer(self._door, self, self._transport, network)

    def resume_writing(self) -> None:
        self._door.answers.discard(self)
        self._free_unread_answer()
        self._go_on()

    def _free_unread_answer(self) -> None:
        if self.unread_answer is not None:
            self.unread_answer.free()
            self.unread_answer = None

    def _turn_away(self, why: str = TOO_MANY) -> None:
        """It is closed without waiting for anything, even if it never reads why."""
        self._transport.write(problem(HTTPStatus.SERVICE_UNAVAILABLE, why, self.default_headers))
        self._close_outright()

    def shutdown(self) -> None:
        """uvicorn stops. Whoever has asked is answered; whoever is still asking could take as long as they like."""
        if self._exchange is None:
            self._close_outright()
        elif self._body is None or self._exchange.is_begun:
            self._exchange.keeps_alive = False
        else:
            self._turn_away(STOPPING)

    def get_buffer(self, _size: int) -> memoryview:
        buffer = self._door.read_buffer
        return buffer.whole if self._flow_control.passes_over else buffer.piece

    def buffer_updated(self, count: int) -> None:
        self._flow_control.feed(self._door.read_buffer.whole[:count])

    def receive(self, data: bytes) -> bool:
        """Something has come, and its turn with it. Returns whether it makes a request whole."""
        if self._is_closing:
            self._flow_control.pass_over()
        elif self._body is not None:
            self._read_body(data)
        elif self._exchange is None and self.unread_answer is None:
            self._read_head(self._unread + data if self._unread else data)
        else:
            self._wait_with(self._unread + data)
        return self._exchange is not None and self._body is None

    def _wait_with(self, unread: bytes) -> None:
        """What has come before its turn."""
        self._unread = unread
        self._hold(len(unread))
        if unread:
            self._flow_control.pause()

    # Reading

    def _read_head(self, data: bytes) -> None:
        limits = self._door.limits
        if data.startswith(EMPTY_LINE):  # some clients send one after a body
            data = data[2:]
        end = data.find(END, max(0, self._searched - 3))
        try:
            if 0 <= end <= limits.head_bytes:
                self._unread, self._searched = b"", 0
                self._hold(0)
                self._begin(read_head(data[:end], limits), data[end + 4 :])
                return
            require_readable(data, self._searched, limits)
        except RequestError as error:
            self.refuse(error.status, error.detail)
            return
        self._unread, self._searched = data, len(data)
        self._hold(len(data))
        if self._is_closing:
            return
        if self not in self._door.heads:
            self._door.idle.discard(self)
            self._door.heads.add(self, limits.head_seconds)
        self._flow_control.resume()

    def _begin(self, head: Head, rest: bytes) -> None:
        """A request whose head is known."""
        door = self._door
        door.waits_no_more(self)
        if self._accepted is None:
            return
        if not door.has_place(self._accepted, head.path):
            self._turn_away()
            return
        if head.is_web_socket and self._config.ws_protocol_class is not None:
            self._hand_over(head, rest)
            return
        self._exchange = exchange = Exchange(self, head)
        exchange.is_too_large = head.length > door.limits.body_bytes
        if self._accepted.is_last:
            exchange.keeps_alive = False
        self._scope = self._scope or scope_between(self._transport, self._config)
        running = exchange.run(self._config.loaded_app, scope_of(head, self._scope, self._state))
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(running)
        self._server_state.tasks.add(task)
        task.add_done_callback(self._server_state.tasks.discard)
        self._begin_body(exchange, head.length, rest)

    def _begin_body(self, exchange: Exchange, length: int, rest: bytes) -> None:
        if 0 < length <= len(rest) and not exchange.is_too_large:  # it has come with its head, as most do
            exchange.feed(rest[:length], is_whole=True)
            rest = rest[length:]
        elif length:
            self._body = body_of(length, self._door.limits.body_bytes)
            self._door.bodies.add(self, self._door.limits.body_seconds)
        if exchange.is_too_large:
            self._flow_control.pause()
        elif rest:
            self.receive(rest)

    def _read_body(self, data: bytes) -> None:
        body, exchange = self._body, self._exchange
        if body is None or exchange is None:
            return
        try:
            content, rest = body.feed(data)
        except RequestError as error:
            self.refuse(error.status, error.detail)
            return
        if body.is_whole:
            self._body = None
            self._door.bodies.discard(self)
        exchange.feed(content, is_whole=body.is_whole)
        if body.is_whole:
            self._wait_with(rest)
            return
        self._hold(self._held_bytes + len(content))
        if exchange.waiting_bytes > WAITING_BYTES:
            self._flow_control.pause()

    def _hold(self, held_bytes: int) -> None:
        if held_bytes != self._held_bytes:
            is_more, self._held_bytes = held_bytes > self._held_bytes, held_bytes
            self.count_held(is_more=is_more)

    def _drop_held(self) -> None:
        """Nothing is kept any more, nor of what waits for its turn: were that counted on, others would have to leave
        for it."""
        self._flow_control.end()
        self._held_bytes = 0
        self.count_held(is_more=False)

    def count_held(self, *, is_more: bool) -> None:
        if self._accepted is not None:
            held_bytes = self._held_bytes + self._flow_control.late_bytes
            self._door.hold(self, self._accepted.network, held_bytes, is_more=is_more)

    def resume(self) -> None:
        """Reads on, unless what comes next has its turn later."""
        if self._body is not None or not self._unread:
            self._flow_control.resume()

    # Answering

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        """Those of every answer."""
        headers: list[tuple[bytes, bytes]] = self._server_state.default_headers
        return headers

    def write(self, content: bytes) -> None:
        """Sends something of an answer."""
        self._transport.write(content)

    def answered(self, exchange: Exchange) -> None:
        """The answer to a request is written, whole."""
        self._server_state.total_requests += 1
        if not exchange.keeps_alive or self._body is not None:
            self.close()
            return
        self._exchange = None
        self._go_on()

    def _go_on(self) -> None:
        """Turns to the next request, once the one before is answered and the answer on its way."""
        if self._exchange is not None or self.unread_answer is not None or self._is_closing:
            return
        if self._unread:
            # In a turn of its own: whoever sends hundreds at once is not alone here.
            asyncio.get_running_loop().call_soon(self._read_on)
        else:
            self._door.idle.add(self, self._door.limits.idle_seconds)
            if self._flow_control.is_paused:
                self.resume()

    def _read_on(self) -> None:
        if self._exchange is None and not self._is_closing:
            self._read_head(self._unread)

    def fail(self) -> None:
        """The application has given no answer."""
        self.refuse(HTTPStatus.INTERNAL_SERVER_ERROR, "The bridge failed on this request; its log says why.")

    def refuse(self, status: HTTPStatus, detail: str) -> None:
        """Answers what has come without the application, and closes. What has begun to be answered cannot be."""
        REFUSED.labels(str(status.value)).inc()
        exchange = self._exchange
        self._drop_exchange()
        if exchange is not None and exchange.is_begun:
            self.break_off()
            return
        named = [] if exchange is None else [(b"x-request-id", exchange.request_id)]
        self._transport.write(problem(status, detail, [*self.default_headers, *named]))
        self.close()

    def _drop_exchange(self) -> None:
        exchange, self._exchange, self._body = self._exchange, None, None
        if exchange is not None:
            exchange.end()

    def close(self) -> None:
        """Closes after what is still to be written. What the client is still sending is passed over meanwhile: were
        it left unread, the system would take back what was written last."""
        self._is_closing = True
        self._unread = b""
        self._hold(0)
        is_all_read = self._exchange is not None and self._body is None and not self._flow_control.is_paused
        self._exchange = self._body = None
        if is_all_read or not self._transport.can_write_eof():
            self._close_outright()
        elif not self._transport.is_closing():
            self._leave_within_moments()
            self._flow_control.resume()
            self._transport.write_eof()

    def _close_outright(self) -> None:
        self._is_closing = True
        self._leave_within_moments()
        self._transport.close()

    def _leave_within_moments(self) -> None:
        """However long the client takes to read what is still to be written."""
        self._door.forget(self)
        if self.unread_answer is not None and self.unread_answer.unread_bytes > LARGE_ANSWER_BYTES:
            self.unread_answer.give_time()
        else:
            self._door.leaving.add(self, self._door.limits.linger_seconds)

    def break_off(self) -> None:
        """Closes at once, whatever is still to be written."""
        self._is_closing = True
        self._drop_exchange()
        self._door.forget(self)
        self._transport.abort()
        self._drop_held()

    def turn_out(self, reason: str) -> None:
        """Closes one that has nothing under way, or takes too long."""
        REFUSED.labels(reason).inc()
        if self._accepted is not None:
            self._accepted.leave()
        self.break_off()

    def refuse_body(self) -> None:
        """The application wants a body that is larger than any may be."""
        error = too_large(self._door.limits.body_bytes)
        self.refuse(error.status, error.detail)

    def late_head(self) -> None:
        """It has been given long enough to say what it asks."""
        if self._unread:
            self.late("head")
        else:
            self.turn_out("silent")

    def late_reader(self) -> None:
        """It has been given long enough to read what it was answered, or to read on."""
        if self.unread_answer is None or not self.unread_answer.gives_more_time():
            self.turn_out("answer unread")

    def late(self, part: str) -> None:
        """Some part of a request has not come whole in time."""
        self.refuse(HTTPStatus.REQUEST_TIMEOUT, f"The {part} of the request did not come in time.")

    # WebSockets

    def _hand_over(self, head: Head, rest: bytes) -> None:
        """From here on the connection is a WebSocket's. For no part of a request is it waited any more by now."""
        accepted, self._accepted = self._accepted, None
        self._is_closing = True
        self._server_state.connections.discard(self)
        protocol = self._config.ws_protocol_class(self._config, self._server_state, self._state)
        self._transport.set_protocol(protocol)
        protocol.accepted, protocol.unread = accepted, self._door.unread
        protocol.read_buffer = self._door.read_buffer
        protocol.connection_made(self._transport)
        rest += self._flow_control.end()
        protocol.shake_hands(Request(head.path, head.raw_path, head.query, head.headers))
        if rest:
            protocol.receive(rest)
