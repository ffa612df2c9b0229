"""The engine: connections that are written to at once, without a task and a queue for each, and never without bounds.

What it overrides of python-engineio 4.15 is undocumented; see `server.py` for how it is held:

- `AsyncServer._handle_connect`: makes connections of our own kind; stock tells clients whole seconds alone; and
  clients that never connect to a namespace are dropped.
- `AsyncSocket._websocket_handler`, `send`, `schedule_ping`: stock has a writer task, a queue without bounds, two
  tasks for each message read and one for each ping. Here whatever goes to a client, of whatever kind, goes through
  `put`: straight into the WebSocket in the order of the calls, or into the queue of a client that polls.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import engineio
from engineio.async_socket import AsyncSocket
from engineio.exceptions import SocketIsClosedError, UnknownPacketError
from engineio.packet import NOOP, OPEN, PING, PONG, UPGRADE, Packet
from prometheus_client import Counter

from bridge.sockets.frames import Outgoing, frame_of
from bridge.sockets.web_socket_protocol import FrameProtocol, protocol_of

__all__ = ["Connection", "Engine"]

logger = logging.getLogger("bridge.sockets")

# After being silent a client may send as much at once as in so many seconds.
BURST_SECONDS = 10.0

CLOSED = Counter("bridge_sockets_closed", "Connections that the bridge closed, by why", ["reason"])


class Connection(AsyncSocket):  # type: ignore[misc]  # python-engineio ships no types
    """One client. It is closed when more waits for it than the engine allows."""

    def __init__(self, engine: "Engine", sid: str) -> None:
        super().__init__(engine, sid)
        self.connected = False
        self.last_ping: float | None = None
        self.takes_offsets = True
        """Whether journaled events end with their offset for this client."""
        self.has_namespace = False
        """Whether it has been connected to a namespace."""
        self._protocol: FrameProtocol | None = None
        """What is written to at once; None while it polls, or where the web server has no such door."""
        self._queued_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._allowance = BURST_SECONDS * engine.messages_per_second
        self._heard_at = 0.0

    # Writing: everything goes through `put` or `put_messages`

    async def send(self, pkt: Any) -> None:
        if self.closed:
            raise SocketIsClosedError
        self.put(pkt)

    def put(self, packet: Any) -> None:
        """Sends a packet of the engine."""
        if self._protocol is not None:
            self._write(frame_of(packet.encode()))
        else:
            self._enqueue(packet)

    def put_messages(self, messages: list[Outgoing], frames: bytes) -> None:
        """Sends messages, of which `frames` are the frames in a row."""
        if self._protocol is not None:
            self._write(frames)
        else:
            for message in messages:
                self._enqueue(message.packet)

    def _write(self, frames: bytes) -> None:
        protocol = self._protocol
        if protocol is None or not protocol.is_writable:
            return
        protocol.write_frames(frames)
        if protocol.backlog_bytes > self.server.backlog_limit_bytes:
            self._give_up()
            protocol.abort()

    def _enqueue(self, packet: Any) -> None:
        if self.closed or self.closing:
            return
        self._queued_bytes = 0 if self.queue.empty() else self._queued_bytes
        self._queued_bytes += len(packet.data) if isinstance(packet.data, str | bytes) else 0
        self.queue.put_nowait(packet)
        if self._queued_bytes > self.server.backlog_limit_bytes:
            self._give_up()
            self.end(self.server.reason.TRANSPORT_ERROR)

    def _give_up(self) -> None:
        CLOSED.labels("backlog").inc()
        logger.info("closing the connection %s: it does not read what it is sent", self.sid)

    def end(self, reason: str) -> None:
        """Closes it from outside, as `finish`, in a task."""
        self.server.start_background_task(self.finish, reason)

    async def finish(self, reason: str) -> None:
        """Closes it from outside, without a word of the engine's to the client: from that stock clients come back."""
        await self.close(wait=False, abort=True, reason=reason)
        self.queue.put_nowait(Packet(NOOP))  # a poll that waits is answered
        if self._protocol is not None:
            self._protocol.finish()

    def let_go(self) -> None:
        """Answers the poll that waits, and ends the WebSocket: the client has said that it closes."""
        self.queue.put_nowait(Packet(NOOP))
        if self._protocol is not None:
            self._protocol.finish()

    # Heartbeat and patience, by timers instead of tasks

    def schedule_ping(self) -> None:
        self._set_timer(self.server.ping_interval, self._ping)

    def _ping(self) -> None:
        if not self.closing and not self.closed:
            self.last_ping = time.time()
            self.put(Packet(PING))
            self._set_timer(self.server.ping_timeout, self._no_pong)

    def _no_pong(self) -> None:
        CLOSED.labels("ping timeout").inc()
        self.end(self.server.reason.PING_TIMEOUT)

    def _set_timer(self, seconds: float, call: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, call)

    async def receive(self, pkt: Any) -> None:
        if pkt.packet_type == PONG:
            self.last_ping = None
            self.schedule_ping()
            return
        await self._keep_pace()
        await super().receive(pkt)

    async def _keep_pace(self) -> None:
        """Lets a client that sends faster than it may wait: what it sends is read later, and nothing is lost."""
        now = asyncio.get_running_loop().time()
        rate = self.server.messages_per_second
        self._allowance = min(BURST_SECONDS * rate, self._allowance + (now - self._heard_at) * rate) - 1
        self._heard_at = now
        if self._allowance < 0:
            await asyncio.sleep(-self._allowance / rate)

    async def close(self, wait: bool = True, abort: bool = False, reason: str | None = None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await super().close(wait=wait, abort=abort, reason=reason)
        if self.closed:
            self.server.sockets.pop(self.sid, None)

    # The WebSocket

    async def _websocket_handler(self, ws: Any) -> None:
        if self.connected and not await self._upgrade(ws):
            return
        self.connected = self.upgraded = True
        protocol = protocol_of(ws.asgi_send)
        pump = None
        if protocol is None:
            pump = asyncio.create_task(self._pump(ws))
        else:
            self._take_over(protocol)
        try:
            await self._read(ws)
        finally:
            await self.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_CLOSE)
            self._protocol = None
            if pump is not None:
                self.queue.put_nowait(None)
                await pump
            elif protocol is not None:
                await ws.close()

    def _take_over(self, protocol: FrameProtocol) -> None:
        """From here on everything is written at once; first what has waited."""
        waiting = []
        while not self.queue.empty():
            packet = self.queue.get_nowait()
            if packet is not None and packet.packet_type != NOOP:
                waiting.append(frame_of(packet.encode()))
        self._protocol = protocol
        if waiting:
            self._write(b"".join(waiting))

    async def _upgrade(self, ws: Any) -> bool:
        """The change from polling, in the words of the protocol. Returns whether it came about."""
        self.upgrading = True
        try:
            if await ws.wait() != f"{PING}probe":
                return False
            await ws.send(f"{PONG}probe")
            self.queue.put_nowait(Packet(NOOP))  # ends the poll that waits
            if await ws.wait() != str(UPGRADE):
                return False
        except OSError:
            return False
        finally:
            self.upgrading = False
        return True

    async def _read(self, ws: Any) -> None:
        while not self.closed:
            try:
                content = await ws.wait()
            except OSError:
                return
            if len(content) > self.server.max_http_buffer_size:
                return
            try:
                await self.receive(Packet(encoded_packet=content))
            except (UnknownPacketError, ValueError):
                continue
            except SocketIsClosedError:
                return
            await asyncio.sleep(0)  # one that sends thousands at once is not alone here

    async def _pump(self, ws: Any) -> None:
        """Writes what is queued, where the web server has no door for frames."""
        while (packet := await self.queue.get()) is not None:
            try:
                await ws.send(packet.encode())
            except Exception:
                logger.debug("a WebSocket broke off", exc_info=True)
                break
        await ws.close()


class Engine(engineio.AsyncServer):  # type: ignore[misc]  # python-engineio ships no types
    """The engine of our connections."""

    def __init__(
        self,
        *,
        backlog_limit_bytes: int,
        connect_timeout_seconds: float,
        messages_per_second: float,
        **options: Any,
    ) -> None:
        # Each connection watches itself.
        super().__init__(**options, monitor_clients=False)
        self.backlog_limit_bytes = backlog_limit_bytes
        self.connect_timeout_seconds = connect_timeout_seconds
        self.messages_per_second = messages_per_second

    async def _handle_connect(self, environ: dict[str, Any], transport: str, jsonp_index: int | None = None) -> Any:
        connection = Connection(self, self.generate_id())
        self.sockets[connection.sid] = connection
        connection.put(
            Packet(
                OPEN,
                {
                    "sid": connection.sid,
                    "upgrades": self._upgrades(connection.sid, transport),
                    "pingInterval": round(self.ping_interval * 1000),
                    "pingTimeout": round(self.ping_timeout * 1000),
                    "maxPayload": self.max_http_buffer_size,
                },
            )
        )
        answer = await self._trigger_event("connect", connection.sid, environ, run_async=False)
        if answer is not None and answer is not True:
            self.sockets.pop(connection.sid, None)
            return self._unauthorized(answer or None)
        connection.schedule_ping()
        asyncio.get_running_loop().call_later(self.connect_timeout_seconds, self._drop_unless_connected, connection)
        if transport == "websocket":
            return await connection.handle_get_request(environ)
        connection.connected = True
        return self._ok(await connection.poll(), jsonp_index=jsonp_index)

    def _drop_unless_connected(self, connection: Connection) -> None:
        if not connection.has_namespace and not connection.closed:
            CLOSED.labels("never connected").inc()
            connection.end(self.reason.TRANSPORT_CLOSE)
