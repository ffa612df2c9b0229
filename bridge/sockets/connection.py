"""One client's connection: written to at once, without a task and a queue for it, and never without bounds.

What it overrides of python-engineio 4.15 is undocumented; see `server.py` for how it is held:

- `AsyncSocket.__init__`, `send`, `schedule_ping`, `_upgrade_websocket`: stock has a writer task, a queue without
  bounds, two tasks for each message read and one for each ping. Here whatever goes to a client, of whatever kind,
  goes through `put` or `Hearers`: straight into the WebSocket in the order of the calls, or into the queue of a
  client that polls. A task runs only while something that came is handled.
"""

import asyncio
import logging
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from engineio.async_socket import AsyncSocket
from engineio.exceptions import SocketIsClosedError
from engineio.packet import NOOP, PING, PONG, UPGRADE, Packet
from prometheus_client import Counter

from bridge.sockets.frames import Outgoing, frame_of, frames_of
from bridge.sockets.incoming import Message, Receive, Send, packet_of
from bridge.sockets.web_socket_protocol import DOOR, WebSocketProtocol
from bridge.sockets.web_socket_protocol import Send as WriteAtOnce

if TYPE_CHECKING:
    from bridge.sockets.engine import Engine

__all__ = ["CLOSED", "Connection"]

logger = logging.getLogger("bridge.sockets")

ALIVE = str(PONG)

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
        self.takes_offsets = True
        """Whether journaled events end with their offset for this client."""
        self.protocol: WebSocketProtocol | None = None
        """What is written to at once; None while it polls, or where the web server has no such door."""
        self._queue: asyncio.Queue[Any] | None = None
        self._queued_bytes = 0
        self._came: deque[str | bytes | None] | None = None
        """What came while something that came before is handled; None: nothing is. Ends with None once it is gone."""
        self._pace_full_at = 0.0
        """When it may send as much at once again as any may; by the event loop's clock."""
        self._joins_full_at = 0.0
        """The same for joining rooms."""

    @property
    def direct(self) -> WriteAtOnce | None:
        """Where frames for all who take offsets can be written past everything; None if they cannot be."""
        return self.protocol.direct if self.protocol is not None and self.takes_offsets else None

    @property
    def queue(self) -> asyncio.Queue[Any]:
        """What waits for the next poll."""
        if self._queue is None:
            self._queue = asyncio.Queue()
        return self._queue

    # Writing

    async def send(self, pkt: Any) -> None:
        if self.closed:
            raise SocketIsClosedError
        self.put(pkt)

    def put(self, packet: Any) -> None:
        """Sends a packet of the engine."""
        if self.protocol is not None:
            self.protocol.write_frames(frame_of(packet.encode()))
        else:
            self._enqueue(packet)

    def put_messages(self, messages: list[Outgoing], frames: bytes) -> None:
        """Sends messages, of which `frames` are the frames in a row."""
        if self.protocol is not None:
            self.protocol.write_frames(frames)
        else:
            for message in messages:
                self._enqueue(message.packet)

    def put_parts(self, parts: list[str | bytes]) -> None:
        """Sends one packet of Socket.IO, with its attachments."""
        messages = [Outgoing(part) for part in parts]
        self.put_messages(messages, frames_of(messages))

    def _enqueue(self, packet: Any) -> None:
        if self.closed or self.closing:
            return
        self._queued_bytes = 0 if self.queue.empty() else self._queued_bytes
        self._queued_bytes += len(packet.data) if isinstance(packet.data, str | bytes) else 0
        self.queue.put_nowait(packet)
        if self._queued_bytes > self.server.limits.backlog_bytes:
            self._give_up()
            self.end(self.server.reason.TRANSPORT_ERROR)

    def _give_up(self) -> None:
        CLOSED.labels("backlog").inc()
        logger.info("closing the connection %s: it does not read what it is sent", self.sid)

    def end(self, reason: str) -> None:
        """Closes it from outside, as `finish`, in a task."""
        self.server.start(self.finish(reason))

    async def finish(self, reason: str) -> None:
        """Closes it from outside, without a word of the engine's to the client: from that stock clients come back."""
        await self.close(wait=False, abort=True, reason=reason)
        self.let_go()

    def let_go(self) -> None:
        """Answers the poll that waits, and ends the WebSocket."""
        if self.protocol is not None:
            self.protocol.finish()
        else:
            self.queue.put_nowait(None if self.upgraded else Packet(NOOP))

    async def close(self, wait: bool = True, abort: bool = False, reason: str | None = None) -> None:
        self.server.forget(self)
        await super().close(wait=wait and self._queue is not None, abort=abort, reason=reason)
        if self.closed:
            self.server.sockets.pop(self.sid, None)

    # Heartbeat, by the engine's deadlines instead of tasks

    def schedule_ping(self) -> None:
        self.server.pongs.discard(self)
        self.server.pings.add(self, self.server.ping_interval)

    def ping(self) -> None:
        """Asks the client whether it is there."""
        self.last_ping = time.time()
        self.put(Packet(PING))
        self.server.pongs.add(self, self.server.ping_timeout)

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
        self.server.moved(self)
        if self._came is None:
            self.server.start(self._leave())
        else:
            self._came.append(None)

    def moved(self) -> None:
        """What is written waits from now on, or no longer."""
        self.server.moved(self)

    def stalled(self) -> None:
        """The client does not read what it is sent."""
        if self.protocol is not None:
            self._give_up()
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
        if pkt.packet_type == PONG:
            self.last_ping = None
            self.schedule_ping()
        elif pkt.packet_type not in (PING, NOOP):  # which clients have no business to send, and do no harm
            await self._keep_pace()
            await super().receive(pkt)

    async def _keep_pace(self) -> None:
        """Lets a client that sends faster than it may wait: what it sends is read later, and nothing is lost."""
        now = asyncio.get_running_loop().time()
        pace = self.server.limits.messages
        self._pace_full_at = pace.spent(self._pace_full_at, now)
        wait_seconds = pace.wait_seconds(self._pace_full_at, now)
        if wait_seconds:
            await asyncio.sleep(wait_seconds)

    def join_wait_seconds(self) -> float:
        """0, and one join is taken from what it may; or how long it has to wait for another."""
        now, pace = asyncio.get_running_loop().time(), self.server.limits.joins
        full_at = pace.spent(self._joins_full_at, now)
        wait_seconds = pace.wait_seconds(full_at, now)
        if not wait_seconds:
            self._joins_full_at = full_at
        return wait_seconds

    # The WebSocket

    async def serve(self, scope: Message, receive: Receive, send: Send) -> None:
        """Accepts the WebSocket, and speaks over it: through the web server's door for as long as it lasts, or else
        until it is gone."""
        await send({"type": "websocket.accept"})
        opening = []
        if not self.connected:
            opening = [self.server.open_packet(self, "websocket")]
        elif not await self._upgrade(receive, send):
            await send({"type": "websocket.close"})
            return
        self.connected = self.upgraded = True
        door = scope.get("extensions", {}).get(DOOR)
        if door is not None:
            self._take_over(door, opening)
            return
        for packet in opening:
            self.put(packet)
        pump = asyncio.create_task(self._pump(send))
        try:
            while (content := await _next(receive)) is not None:
                if not await self._take(content):
                    break
                await asyncio.sleep(0)
        finally:
            await self.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_CLOSE)
            self.queue.put_nowait(None)
            await pump

    def _take_over(self, door: WebSocketProtocol, opening: list[Any]) -> None:
        """From here on everything is written at once; first what has waited."""
        waiting = opening
        while self._queue is not None and not self._queue.empty():
            waiting.append(self._queue.get_nowait())
        self.protocol, self._queue = door, None
        for packet in waiting:
            if packet is not None and packet.packet_type != NOOP:
                self.put(packet)
        door.take_over(self, backlog_limit_bytes=self.server.limits.backlog_bytes)

    async def _upgrade(self, receive: Receive, send: Send) -> bool:
        """The change from polling, in the words of the protocol. Returns whether it came about."""
        self.upgrading = True
        try:
            if await _next(receive) != f"{PING}probe":
                return False
            await send({"type": "websocket.send", "text": f"{PONG}probe"})
            self.queue.put_nowait(Packet(NOOP))  # ends the poll that waits
            return await _next(receive) == str(UPGRADE)
        finally:
            self.upgrading = False

    async def _pump(self, send: Send) -> None:
        """Writes what is queued, where the web server has no door for frames."""
        try:
            while (packet := await self.queue.get()) is not None:
                if packet.packet_type == NOOP:
                    continue  # it was to end a poll
                content = packet.encode()
                kind = "text" if isinstance(content, str) else "bytes"
                await send({"type": "websocket.send", kind: content})
            await send({"type": "websocket.close"})
        except Exception:
            logger.debug("a WebSocket broke off", exc_info=True)


async def _next(receive: Receive) -> str | bytes | None:
    """What comes next over a WebSocket; None when it is gone."""
    message = await receive()
    if message["type"] != "websocket.receive":
        return None
    text: str | bytes | None = message.get("text")
    return message.get("bytes") if text is None else text
