"""One client's connection: written to at once, without a task and a queue for it, and never without bounds.

What it overrides of python-engineio 4.15 is undocumented; see `server.py` for how it is held:

- `AsyncSocket.__init__`, `send`, `receive`, `close`, `schedule_ping`: stock has a writer task, a queue without
  bounds, two tasks for each message read and one for each ping. Here whatever goes to a client, of whatever kind,
  goes through `put` or `Subscribers`: straight into the WebSocket in the order of the calls, or into the backlog of a
  client that polls. A task runs only while something that came is handled.
- `poll`, `handle_get_request`: two polls at once shared what there was, in no order; one whose client had gone took
  what came next with it; and one that met an upgrade was answered at once, over and over.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from engineio.async_socket import AsyncSocket
from engineio.exceptions import SocketIsClosedError
from engineio.packet import NOOP, PING, PONG, Packet
from prometheus_client import Counter

from bridge.sockets.rate_limit import messages_in
from bridge.sockets.transport.backlog import Backlog
from bridge.sockets.transport.direct import Send as WriteAtOnce
from bridge.sockets.transport.frames import Outgoing, content_of, frame_of_packet, frames_of
from bridge.sockets.transport.incoming import Message, Receive, Send, packet_of, received
from bridge.sockets.transport.polling import Polling
from bridge.sockets.transport.receivers import Guest
from bridge.sockets.transport.unread import BACKLOG, MADE_ROOM
from bridge.sockets.transport.web_socket_protocol import DOOR, FIRST_FRAMES, WebSocketProtocol

if TYPE_CHECKING:
    from bridge.sockets.transport.engine import Engine

__all__ = ["CLOSED", "Connection"]

logger = logging.getLogger("bridge.sockets")

ALIVE = str(PONG)

# A client that begins to listen when it hears that it is connected would miss what comes in the same read. Long
# enough for it to have read that far, too short for anybody to notice.
APART_SECONDS = 0.02
# A timer is this late in a server that is not overloaded; in one that is, clients are given their time all the same.
LATENESS_SECONDS = 0.05
WHY = {BACKLOG: "it does not read what it is sent", MADE_ROOM: "it does not read, or send on, and takes too much"}
CLOSED = Counter("bridge_sockets_closed", "Connections that the bridge closed, by why", ["reason"])


class Connection(AsyncSocket):  # type: ignore[misc]  # python-engineio ships no types
    """One client. It is closed when more waits for it than the engine allows."""

    server: "Engine"

    def __init__(self, engine: "Engine", sid: str) -> None:
        # Not the library's, which makes a queue for each, whether it polls or not.
        self.server = engine
        self.sid = sid
        self.last_ping: float | None = None
        self.connected = self.upgrading = self.upgraded = self.closing = self.closed = False
        self.session: dict[str, Any] = {}
        self.ends = False
        """Whether it is about to be closed from outside."""
        self.lost_at: float | None = None
        """When its WebSocket ended, by the event loop's clock: some time before it is closed here, in a crowd."""
        self.takes_offsets = True
        """Whether journaled events end with their offset for this client."""
        self.protocol: WebSocketProtocol | None = None
        """What is written to at once; None while it polls, or where the web server has no such door."""
        self.seat: Guest | None = None
        """Its place, while it polls."""
        self._backlog: Backlog | None = None
        self._owed_bytes = 0
        """What the server itself put there at once, which the client needs time to read."""
        self._is_apart = False
        """Whether what is sent to it alone is held back first."""
        self._holds_back = False
        """Whether what is sent waits for a moment."""
        self._polling: Polling | None = None
        self._came: deque[str | bytes | None] | None = None
        """What came while something that came before is handled; None: nothing is. Ends with None once it is gone."""
        self._rate_full_at = 0.0
        """When it may send as much at once again as any may; by the event loop's clock."""
        self._joins_full_at = 0.0
        """The same for joining rooms."""

    @property
    def direct(self) -> WriteAtOnce | None:
        """Where frames for all who take offsets can be written past everything; None if they cannot be."""
        if self.protocol is None or self._holds_back or not self.takes_offsets:
            return None
        return self.protocol.direct

    @property
    def backlog(self) -> Backlog:
        """What waits to be polled, or to be written."""
        if self._backlog is None:
            self._backlog = Backlog(self.server.unread, partial(self._end_unread, MADE_ROOM))
        return self._backlog

    @property
    def polling(self) -> Polling:
        """How it polls, as long as it does."""
        if self._polling is None:
            self._polling = Polling()
        return self._polling

    # Writing

    async def send(self, pkt: Any) -> None:
        if self.closed:
            raise SocketIsClosedError
        self.put(pkt)

    def put(self, packet: Any) -> None:
        """Sends a packet of the engine."""
        if self.protocol is not None and not self._holds_back:
            self.protocol.write_frames(frame_of_packet(packet))
        else:
            self._put_behind(packet)

    def put_messages(self, messages: list[Outgoing], frames: bytes) -> None:
        """Sends messages, of which `frames` are the frames in a row."""
        if self._is_apart:
            self._hold_back()
        if self.protocol is not None and not self._holds_back:
            self.protocol.write_frames(frames)
        else:
            for message in messages:
                self._put_behind(message.packet)

    def put_parts(self, parts: list[str | bytes]) -> None:
        """Sends one packet of Socket.IO, with its attachments."""
        messages = [Outgoing(part) for part in parts]
        self.put_messages(messages, frames_of(messages))

    def owe(self, messages: Sequence[Outgoing]) -> None:
        """What is sent next is more than its client could have read; until it has, that does not count against it."""
        self._owed_bytes = sum(len(message.frame) for message in messages)
        if self.protocol is not None:
            self.protocol.owe(self._owed_bytes)

    def let_in(self) -> None:
        """It is connected to a namespace."""
        self.server.let_in(self)
        if self.protocol is not None:
            self.protocol.keep_to(self.server.bounds(self))

    def _put_behind(self, packet: Any) -> None:
        if self.closed or self.closing or self.ends:
            return
        self.backlog.add(packet)
        if self.backlog.size_bytes > self.server.bounds(self).backlog_bytes + self._owed_bytes:
            self._end_unread(BACKLOG)

    def _end_unread(self, reason: str) -> None:
        self.backlog.clear()  # it will not be read, or is sent again once the client has come back
        self._give_up(reason)
        self.end(self.server.reason.TRANSPORT_ERROR)

    def keep_apart(self) -> None:
        """What is sent to this client alone from here on does not come in one read with what was sent before."""
        if self.upgraded:
            self._is_apart = True
            # A timer and no look at the clock: what is said at once is held back even if that took long.
            asyncio.get_running_loop().call_later(APART_SECONDS, self._end_apart)

    def _end_apart(self) -> None:
        self._is_apart = False

    def _hold_back(self) -> None:
        self._is_apart = False
        if not self._holds_back:
            self._holds_back = True
            self.server.moved(self)
            asyncio.get_running_loop().call_later(APART_SECONDS, self._let_out)

    def _let_out(self) -> None:
        if self._holds_back:
            self._holds_back = False
            if self.protocol is None:
                self.backlog.wake()
                return
            self.protocol.write_frames(b"".join(map(frame_of_packet, self.backlog.take_all())))
            self.server.moved(self)

    def _give_up(self, reason: str) -> None:
        CLOSED.labels(reason).inc()
        logger.info("closing the connection %s: %s", self.sid, WHY[reason])

    def end(self, reason: str) -> None:
        """Closes it from outside, as `finish`, in a task."""
        self.ends = True
        self.server.start(self.finish(reason))

    async def finish(self, reason: str) -> None:
        """Closes it from outside, without a word of the engine's to the client: from that stock clients come back."""
        await self.close(wait=False, abort=True, reason=reason)
        self.let_go()

    async def cut_off(self, fault: str) -> None:
        """Closes it because of what it sent."""
        logger.info("cutting off the connection %s: it sent %s", self.sid, fault)
        await self.finish(self.server.reason.TRANSPORT_ERROR)

    def let_go(self) -> None:
        """Answers the poll that waits, and ends the WebSocket."""
        self._let_out()
        if self.protocol is not None:
            self.protocol.finish()
        else:
            self.backlog.wake()

    async def close(self, wait: bool = True, abort: bool = False, reason: str | None = None) -> None:
        self.server.forget(self)
        if self._backlog is not None:
            self._backlog.counts_no_more()
        await super().close(wait=False, abort=abort, reason=reason)
        if self.closed:
            self.server.sockets.pop(self.sid, None)

    # Heartbeat, by the engine's deadlines instead of tasks

    def schedule_ping(self) -> None:
        self.server.pongs.discard(self)
        self.server.pings.add(self, self.server.ping_interval)

    def ping(self, due: float) -> None:
        """Asks the client whether it is there, which was due a moment ago."""
        self.last_ping = time.time()
        self.put(Packet(PING))
        since = max(due, asyncio.get_running_loop().time() - LATENESS_SECONDS)
        self.server.pongs.add(self, self.server.ping_timeout, since=since)

    # Reading

    def received(self, content: str | bytes) -> None:
        """A message has come over the WebSocket. They are handled one after the other."""
        if content == ALIVE:
            self.last_ping = None
            self.schedule_ping()
        elif self._came is None:
            self._came = deque((content,))
            self.server.start(self._handle())
        else:
            self._came.append(content)
            if self.protocol is not None:
                self.protocol.pause()

    def lost(self) -> None:
        """The WebSocket is gone; what came before is handled first."""
        self.lost_at = asyncio.get_running_loop().time()
        self.server.moved(self)
        if self._came is None:
            self.server.start(self._leave())
        else:
            self._came.append(None)

    def moved(self) -> None:
        """What is written waits from now on, or no longer."""
        self.server.moved(self)

    def stalled(self, reason: str) -> None:
        """The client does not read what it is sent."""
        if self.protocol is not None:
            self._give_up(reason)
            self.protocol.abort()

    async def _handle(self) -> None:
        while self._came:
            content = self._came.popleft()
            if content is None or not await self._take(content):
                await self._leave()  # and nothing is listened to any more
                return
            if self.protocol is not None and not self._came:
                self.protocol.resume()
            if self._came:
                await asyncio.sleep(0)  # one that sends thousands at once is not alone here
        self._came = None

    async def _leave(self) -> None:
        await self.server.turns.take()
        await self.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_CLOSE)
        if self.protocol is not None:
            self.protocol.finish()

    async def _take(self, content: str | bytes) -> bool:
        """Handles one message; returns whether to go on."""
        packet = packet_of(content) if len(content) <= self.server.max_http_buffer_size else None
        if packet is None or self.closed:
            return False
        try:
            await self.receive(packet)
        except SocketIsClosedError:
            return False
        except Exception:
            logger.exception("closing the connection %s: what it sent could not be handled", self.sid)
            return False
        return True

    async def receive(self, pkt: Any) -> None:
        if self.protocol is None:  # which paces whatever comes over it, down to a part of a message
            await self.keep_to_rate_limit(len(pkt.data) if isinstance(pkt.data, str | bytes) else 0)
        if pkt.packet_type == PONG:
            self.last_ping = None
            self.schedule_ping()
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
        self._owed_bytes = 0
        return self.backlog.take_all() or [Packet(NOOP)]

    async def handle_get_request(self, environ: dict[str, Any]) -> Any:
        packets = await self.polling.answer(self, environ["asgi.receive"])
        return self.server._bad_request() if packets is None else packets

    # The WebSocket

    async def serve(self, scope: Message, receive: Receive, send: Send) -> None:
        """Accepts the WebSocket, and speaks over it: through the web server's door for as long as it lasts, or else
        until it is gone."""
        door = scope.get("extensions", {}).get(DOOR)
        opening = None if self.connected else self.server.open_packet(self, "websocket")
        accept: Message = {"type": "websocket.accept"}
        if opening is not None and door is not None:
            # As one: where it is cut off between the two, stock clients do not notice until their time-out.
            accept[FIRST_FRAMES] = frame_of_packet(opening)
        await send(accept)
        if opening is None and not await self.polling.change_over(self, receive, send):
            await send({"type": "websocket.close"})
            return
        self.connected = self.upgraded = True
        self.server.leave_seat(self)
        if door is not None:
            self._take_over(door)
            return
        if opening is not None:
            self.put(opening)
        pump = asyncio.create_task(self._pump(send))
        try:
            while (content := await received(receive)) is not None:
                if not await self._take(content):
                    break
                await asyncio.sleep(0)
        finally:
            await self.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_CLOSE)
            self.let_go()
            await pump

    def _take_over(self, door: WebSocketProtocol) -> None:
        """From here on everything is written at once; first what has waited."""
        waiting = self._backlog.take_all() if self._backlog is not None else ()
        self.protocol = door
        for packet in waiting:
            self.put(packet)
        door.owe(self._owed_bytes)
        door.take_over(self, bounds=self.server.bounds(self), rate_limit=self.server.limits.messages)

    async def _pump(self, send: Send) -> None:
        """Writes what waits, where the web server has no door for frames."""
        try:
            while True:
                while len(self.backlog) and not self._holds_back:
                    content = content_of(self.backlog.take())
                    kind = "text" if isinstance(content, str) else "bytes"
                    await send({"type": "websocket.send", kind: content})
                if self.closed:
                    break
                self._owed_bytes = 0
                await self.backlog.wake_up()
            await send({"type": "websocket.close"})
        except Exception:
            logger.debug("a WebSocket broke off", exc_info=True)
