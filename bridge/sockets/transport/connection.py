"""One client's connection: written to at once, without a task and a queue for it, and never without bounds.

What it overrides of python-engineio 4.15 is undocumented; see `server.py` for how it is held:

- `AsyncSocket.__init__`, `send`, `receive`, `close`, `schedule_ping`: stock has a writer task, a queue without
  bounds, two tasks for each message read and one for each ping. Here whatever goes to a client, of whatever kind,
  goes by its `Writer`: into the WebSocket in the order of the calls, or into the backlog of a client that polls. A
  task runs only while something that came is handled.
- `connected`, `upgrading`, `upgraded`, `closing`, `closed`: here each is read off the one state of `states.py`.
- `poll`, `handle_get_request`: two polls at once shared what there was; one whose client had gone took what came next
  with it; and one that met an upgrade was answered at once, over and over.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from engineio.async_socket import AsyncSocket
from engineio.exceptions import SocketIsClosedError
from engineio.packet import MESSAGE, NOOP, PING, PONG, Packet
from prometheus_client import Counter

from bridge.sockets.loop_shares import LoopShare
from bridge.sockets.rate_limit import messages_in
from bridge.sockets.transport.direct_writes import Send as WriteAtOnce
from bridge.sockets.transport.disconnects import Disconnect
from bridge.sockets.transport.frames import Outgoing, content_of, frame_of
from bridge.sockets.transport.incoming import Message, Receive, Send, packet_of, received
from bridge.sockets.transport.polling import Polling
from bridge.sockets.transport.receivers import CountedConnection
from bridge.sockets.transport.states import WRITTEN_TO, State, Trigger, Written, after, is_present
from bridge.sockets.transport.web_socket_protocol import DOOR, FIRST_FRAMES, WebSocketProtocol
from bridge.sockets.transport.writer import Mode, Writer

if TYPE_CHECKING:
    from bridge.sockets.transport.engine import EngineIoServer

__all__ = ["Connection"]

logger = logging.getLogger("bridge.sockets")

ALIVE = str(PONG)
# A timer is this late in a server that is not overloaded; clients of one that is are given their time all the same.
LATENESS_SECONDS = 0.05
CLOSED = Counter("bridge_sockets_closed", "Connections that the bridge closed, by why", ["reason"])


class Connection(AsyncSocket):  # type: ignore[misc]  # python-engineio ships no types
    """One client. It is closed when more waits for it than the engine allows."""

    server: "EngineIoServer"

    def __init__(self, engine: "EngineIoServer", sid: str, address: str | None, share: LoopShare | None) -> None:
        # Not the library's, which makes a queue for each, whether it polls or not.
        self.server = engine
        self.sid = sid
        self.address = address
        """What its client counts under; None: it is not counted."""
        self._share = share
        """What its address may have of the event loop's time; None: that is not counted."""
        self.last_ping: float | None = None
        self._pinged_behind = self.told_until = 0
        """Up to when it has certainly heard who came and went, as it answered a ping: in microseconds since 1970."""
        self.session: dict[str, Any] = {}
        self.state = State.ARRIVING
        self.lost_at: float | None = None
        """When its WebSocket ended, by the event loop's clock: some time before it is closed here, in a crowd."""
        self.takes_offsets = True
        """Whether journaled events end with their offset for this client."""
        unread = engine.unread.of(None if share is None else share.network)
        self.writer = Writer(self, unread, engine.limits.stranger_backlog_bytes, engine.crowd_writes)
        """Whatever goes to the client goes by it."""
        self.protocol: WebSocketProtocol | None = None
        """What is read from, and ended; None while it polls, or where the web server has no such door."""
        self.seat: CountedConnection | None = None
        """Its place, while it polls."""
        self._polling: Polling | None = None
        self.came: list[str | bytes | None] | None = None
        """What came while something that came before is handled; None: nothing is. Ends with None once it is gone."""
        self._rate_full_at = self._joins_full_at = 0.0
        """When it may send, and join rooms, as much at once again as any may; by the event loop's clock."""

    # Where it stands

    @property
    def connected(self) -> bool:
        return self.state is not State.ARRIVING

    @property
    def upgrading(self) -> bool:
        return self.state in (State.TRYING, State.CHANGING_OVER)

    @property
    def upgraded(self) -> bool:
        return self.state is State.WEB_SOCKET

    @property
    def closing(self) -> bool:
        return self.state is State.LEAVING

    @property
    def closed(self) -> bool:
        return self.state is State.CLOSED

    @property
    def is_present(self) -> bool:
        """Whether requests may name it."""
        return is_present(self.state)

    def move(self, event: Trigger) -> None:
        """Something has happened to it."""
        self.state = after(self.state, event)
        if WRITTEN_TO[self.state] is Written.NOWHERE and self.writer.mode is not Mode.CLOSED:
            self.writer.close()

    @property
    def polling(self) -> Polling:
        """How it polls, as long as it does."""
        if self._polling is None:
            self._polling = Polling()
        return self._polling

    # Writing

    @property
    def direct(self) -> WriteAtOnce | None:
        """Where frames for all who take offsets can be written past everything; None if they cannot be."""
        return self.writer.direct if self.takes_offsets else None

    async def send(self, pkt: Any) -> None:
        if self.closed:
            raise SocketIsClosedError
        self.writer.put(pkt)

    def owe(self, messages: Sequence[Outgoing]) -> None:
        """What is sent next is more than its client could have read; until it has, that does not count against it."""
        self.writer.owe(sum(len(message.frame) for message in messages))

    def let_in(self) -> None:
        self.server.let_in(self)
        self._keep_to_bounds()

    def _keep_to_bounds(self) -> None:
        bounds = self.server.bounds(self)
        self.writer.keep_to(bounds.backlog_bytes)
        if self.protocol is not None:
            self.protocol.limit(bounds.message_bytes)

    def keep_apart(self) -> None:
        """What is sent to it alone from here on does not come in one read with what was sent before."""
        if self.upgraded:
            self.writer.keep_apart()

    def moved(self) -> None:
        """What is written waits from now on, or no longer."""
        self.server.moved(self)

    # The end

    def _note(self, disconnect: Disconnect, why: str = "") -> None:
        CLOSED.labels(disconnect.reason).inc()
        logger.info("closing the connection %s: %s", self.sid, why or disconnect.why)

    def stalled(self, disconnect: Disconnect) -> None:
        """It does not read what it is sent, or does not send on."""
        self.writer.drop()
        if self.protocol is None:
            self.end(disconnect)
        else:
            self._note(disconnect)
            self.move(Trigger.ENDED)
            self.protocol.abort()  # it would not read why

    def end(self, disconnect: Disconnect) -> None:
        """Closes it from outside, as `finish`, in a task."""
        self.move(Trigger.ENDED)
        self.server.start(self.finish(disconnect))

    async def finish(self, disconnect: Disconnect, why: str = "") -> None:
        """Closes it from outside, without a word of the engine's to the client: from that stock clients come back."""
        self._note(disconnect, why)
        await self.close(reason=disconnect.engine_reason)
        self.let_go(disconnect)

    def let_go(self, disconnect: Disconnect | None = None) -> None:
        """Answers the poll that waits, and ends the WebSocket."""
        if self.protocol is not None:
            self.protocol.finish(disconnect)
        else:
            self.writer.backlog.wake()

    async def close(self, wait: bool = True, abort: bool = False, reason: str | None = None) -> None:
        """The connection is closed, without what the library would have it wait for, or say."""
        self.server.forget(self)
        is_first = self.state not in (State.LEAVING, State.CLOSED)
        self.move(Trigger.LEFT)
        if not is_first:
            return
        try:
            given = reason or self.server.reason.SERVER_DISCONNECT
            await self.server._trigger_event("disconnect", self.sid, given, run_async=False)
        finally:
            self.move(Trigger.GONE)
            self.server.sockets.pop(self.sid, None)

    # Heartbeat, by the engine's deadlines

    def schedule_ping(self) -> None:
        self.server.pongs.discard(self)
        self.server.pings.add(self, self.server.ping_interval)

    def ping(self, due: float) -> None:
        """Asks the client whether it is there, which was due a moment ago."""
        self.last_ping = time.time()
        self._pinged_behind = self.server.told_until()
        self.writer.put(Packet(PING))
        since = max(due, asyncio.get_running_loop().time() - LATENESS_SECONDS)
        self.server.pongs.add(self, self.server.ping_timeout, since=since)

    def _answers_ping(self) -> None:
        self.last_ping = None
        self.told_until = self._pinged_behind
        self.schedule_ping()

    # Reading

    @property
    def is_paused(self) -> bool:
        """Whether what it has sent waits: since it or its address has sent too much, or behind what hangs."""
        return self.protocol is not None and self.protocol.is_paused

    def received(self, content: str | bytes) -> None:
        """A message has come over the WebSocket. They are handled one after the other."""
        if content == ALIVE:
            self._answers_ping()
        elif self.came is None:
            self.came = [content]
            self.server.start(self._handle())
        else:
            self.came.append(content)
            if self.protocol is not None:
                self.protocol.pause()

    def cut(self) -> None:
        """The WebSocket is gone, or is going to be."""
        if self.lost_at is None:
            self.lost_at = asyncio.get_running_loop().time()
            self.writer.cut()

    def lost(self) -> None:
        """The same, or it is closing; what came before is handled first."""
        if self.lost_at is None:
            self.lost_at = asyncio.get_running_loop().time()
        if self.came is None:
            self.server.start(self._leave())
        else:
            self.came.append(None)

    async def _handle(self) -> None:
        while self.came:
            content = self.came.pop(0)
            fault = None
            if content is not None:
                # Here, where next to nothing is kept of those in a crowd who wait.
                await self.server.scheduler.take()
                work = self._take(content)
                fault = await (work if self._share is None else self._share.charged(work))
            if content is None or fault is not None or self.closed:
                await self._leave(fault)  # and nothing is listened to any more
                return
            if self.protocol is not None and not self.came:
                self.protocol.resume()
            if self.came:
                await asyncio.sleep(0)  # one that sends thousands at once is not alone here
        self.came = None

    async def _leave(self, fault: Disconnect | None = None) -> None:
        """It has gone, or is closed for what it sent."""
        await self.server.scheduler.take()
        if fault is not None and not self.closed:
            self._note(fault)
        await self.close(reason=self.server.reason.TRANSPORT_CLOSE)
        if self.protocol is not None:
            self.protocol.finish(fault)

    async def _take(self, content: str | bytes) -> Disconnect | None:
        """Handles one message; returns why to close the connection, if it is to be."""
        if self.closed:
            return None
        packet = packet_of(content) if len(content) <= self.server.max_http_buffer_size else None
        if packet is None:
            return Disconnect.NO_PACKET
        try:
            await self.receive(packet)
        except SocketIsClosedError:
            return None  # it has gone meanwhile
        except Exception:
            logger.exception("closing the connection %s: what it sent could not be handled", self.sid)
            return Disconnect.FAILED
        return None

    async def receive(self, pkt: Any) -> None:
        if self.protocol is None:  # which paces whatever comes over it
            await self.keep_to_rate_limit(len(pkt.data) if isinstance(pkt.data, str | bytes) else 0)
            await self.server.scheduler.take()
        if pkt.packet_type == PONG:
            self._answers_ping()
        elif pkt.packet_type == MESSAGE:
            # Without the library's three coroutines. A handler that is cancelled is seen to where it was called.
            with suppress(asyncio.CancelledError):
                await self.server.handlers["message"](self.sid, pkt.data)
        elif pkt.packet_type not in (PING, NOOP):  # which clients have no business to send, and do no harm
            await super().receive(pkt)

    async def keep_to_rate_limit(self, size_bytes: int = 0) -> None:
        """Lets a client that sends faster than it may wait: what it sends is read later, and nothing is lost."""
        now = asyncio.get_running_loop().time()
        rate_limit = self.server.limits.messages
        self._rate_full_at = rate_limit.spent(self._rate_full_at, now, messages_in(size_bytes))
        wait_seconds = rate_limit.wait_seconds(self._rate_full_at, now)
        if wait_seconds:
            await asyncio.sleep(wait_seconds)

    def join_wait_seconds(self) -> float:
        """0, and one join is taken from what it may; or how long it has to wait for another."""
        now = asyncio.get_running_loop().time()
        self._joins_full_at, wait_seconds = self.server.limits.joins.take(self._joins_full_at, now)
        return wait_seconds

    # Polling

    async def poll(self) -> list[Any]:
        return self.writer.polled() or [Packet(NOOP)]

    async def handle_get_request(self, environ: dict[str, Any]) -> Any:
        packets = await self.polling.answer(self, environ["asgi.receive"])
        return self.server._bad_request() if packets is None else packets

    # The WebSocket

    async def serve(self, scope: Message, receive: Receive, send: Send) -> None:
        """Accepts the WebSocket, and speaks over it: through the web server's door for as long as it lasts, or else
        until it is gone."""
        door = scope.get("extensions", {}).get(DOOR)
        opening = None if self.connected else self.server.open_packets.of(self.sid, "websocket")
        accept: Message = {"type": "websocket.accept"}
        if opening is not None and door is not None:
            # As one: where it is cut off between the two, stock clients do not notice until their time-out.
            accept[FIRST_FRAMES] = frame_of(opening)
        await send(accept)
        if opening is not None:
            self.move(Trigger.ACCEPTED)
        else:
            await self.polling.change_over(self, receive, send)
        if self.state is not State.WEB_SOCKET:
            await send({"type": "websocket.close"})
            return
        self.server.leave_seat(self)
        if door is not None:
            self._take_over(door)
            return
        if opening is not None:
            self.writer.put(Packet(encoded_packet=opening))
        pump = asyncio.create_task(self._pump(send))
        fault = None
        try:
            while fault is None and not self.closed and (content := await received(receive)) is not None:
                fault = await self._take(content)
                await asyncio.sleep(0)
        finally:
            await self._leave(fault)
            self.let_go()
            await pump

    def _take_over(self, door: WebSocketProtocol) -> None:
        """From here on everything is written at once; first what has waited."""
        self.protocol = door
        self._keep_to_bounds()
        rate_limit, crowd = self.server.limits.messages, self.server.crowd_reads
        door.take_over(self, self.writer, rate_limit=rate_limit, share=self._share, crowd=crowd)

    async def _pump(self, send: Send) -> None:
        """Writes what waits, where the web server has no door for frames."""
        backlog = self.writer.backlog
        try:
            while True:
                while len(backlog) and not self.writer.holds_back:
                    content = content_of(backlog.take())
                    kind = "text" if isinstance(content, str) else "bytes"
                    await send({"type": "websocket.send", kind: content})
                if self.closed:
                    break
                self.writer.owe(0)
                await backlog.wake_up()
            await send({"type": "websocket.close"})
        except Exception:
            logger.debug("a WebSocket broke off", exc_info=True)
