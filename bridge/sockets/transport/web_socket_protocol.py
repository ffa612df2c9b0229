"""WebSockets for uvicorn, `uvicorn.Config(ws=WebSocketProtocol)`: an ASGI server of them, with a door behind it.

`bridge/door/connection.py` hands each over once its request is read. An application may take one over: from then on
it is no task and no queue, but what comes is handed to a `Receiver` at once, and ready frames are written as they
are.
What is used of uvicorn, `UVICORN_NAMES` in `bridge/door` says.
"""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable, MutableMapping
from http import HTTPStatus
from typing import Any, cast

from bridge.sockets.loop_shares import LoopShare
from bridge.sockets.rate_limit import RateLimit
from bridge.sockets.transport.crowd_reads import CrowdReads
from bridge.sockets.transport.disconnects import FIRST_OF_OUR_OWN, Disconnect
from bridge.sockets.transport.frame_reader import Opcode, ReceivedFrame, WebSocketError
from bridge.sockets.transport.frames import frame_of
from bridge.sockets.transport.handshake import Answer, Request, accepting, response
from bridge.sockets.transport.read_buffer import ReadBuffer
from bridge.sockets.transport.reading import SocketReading
from bridge.sockets.transport.receivers import CountedConnection, Receiver
from bridge.sockets.transport.unread_bytes import UnreadBytes
from bridge.sockets.transport.writer import Writer

__all__ = ["DOOR", "FIRST_FRAMES", "WebSocketProtocol"]

logger = logging.getLogger("bridge.sockets")

DOOR = "bridge.web_socket"
"""The ASGI extension under which an application finds the protocol of its WebSocket."""
FIRST_FRAMES = "bridge.first_frames"
"""What an application's `websocket.accept` may have besides: frames that are written with it, as one."""

UNCOUNTED = UnreadBytes(math.inf)
"""Where no front door counts what waits."""

NORMAL, LOST = 1000, 1006
# For what is still to be written, and for the client's answer to a close.
FLUSH_SECONDS = 5.0
BY_CODE = {disconnect.code: disconnect for disconnect in Disconnect}

Message = MutableMapping[str, Any]


class WebSocketProtocol(asyncio.BufferedProtocol):
    """One WebSocket: its handshake, then messages either way."""

    # Unlike most objects there are tens of thousands of these.
    __slots__ = (
        "_accept_key",
        "_closing",
        "_config",
        "_early",
        "_is_open",
        "_next",
        "_reading",
        "_receiver",
        "_refusal",
        "_server_state",
        "_state",
        "_status",
        "_writable",
        "_writer",
        "accepted",
        "read_buffer",
        "transport",
        "unread",
    )

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any]) -> None:
        self._config = config
        self._server_state = server_state
        self._state = app_state
        self._reading: SocketReading | None = None
        """None before it begins, and once it is gone."""
        self._accept_key = b""
        self._refusal: Answer | None = None
        """What the application has said so far of why it does not want it."""
        self._is_open = False
        self._closing: asyncio.TimerHandle | None = None
        """Once it has said that it closes: gives up waiting for the client's word."""
        self._status: int | None = None
        """Why it ended; None until it does."""
        self._receiver: Receiver | None = None
        self._early: deque[Message] | None = None
        """What the application has not asked for yet."""
        self._next: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._writer: Writer | None = None
        """Whoever alone writes, once it was taken over."""
        self.unread = UNCOUNTED
        """What waits on all connections, this one among them; given before it is made."""
        self.read_buffer: ReadBuffer
        """Of all connections; given before anything comes."""
        self.accepted: CountedConnection | None = None
        """What is told when the connection is gone."""
        self.transport: asyncio.Transport

    # The transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._reading = SocketReading(self.transport, self, self._config.ws_max_size, self.unread)
        self._server_state.connections.add(self)

    def eof_received(self) -> bool:
        """Nothing more comes. Returns whether the connection is left open, to be closed when it has its turn."""
        return self._waits_to(self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._waits_to(self._lose):
            self._lose()

    def _waits_to(self, end: Callable[[], object]) -> bool:
        """Whether others end at the same time, so that this is called when it has its turn."""
        crowd = None if self._reading is None else self._reading.crowd
        if crowd is None or self._receiver is None or crowd.has_turn():
            return False
        self._receiver.cut()
        crowd.wait(end)
        return True

    def _lose(self) -> None:
        """The connection is gone, and so is its turn to read what came before."""
        self._server_state.connections.discard(self)
        if self._closing is not None:
            self._closing.cancel()
        self._end(LOST)
        if self._writer is not None:
            self._writer.drop()
        if self._reading is not None:
            self._reading.stop()
            self._reading = None
        if self.accepted is not None:
            self.accepted.leave()

    def pause_writing(self) -> None:
        if self._writer is not None:
            self._writer.paused()
        else:
            self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._writable is not None:
            self._writable.set_result(None)
            self._writable = None
        if self._writer is not None:
            self._writer.resumed()

    def get_buffer(self, _size: int) -> memoryview:
        return self.read_buffer.piece

    def buffer_updated(self, count: int) -> None:
        self.receive(bytes(self.read_buffer.piece[:count]))

    def receive(self, data: bytes) -> None:
        """Something has come."""
        if self._reading is not None:
            self._reading.feed(data)

    def broken(self, error: WebSocketError) -> None:
        """The client has broken the protocol."""
        logger.debug("closing a WebSocket: the client sent %s", error)
        if not self._is_open and self._status is None:
            self._answer(HTTPStatus.BAD_REQUEST, [], b"what follows the handshake is no frame of a WebSocket")
            self._end(LOST)
            return
        self.finish(BY_CODE[error.status])
        # The rest of what it sends is still read, or the system would reset the connection, and it not hear why.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def shutdown(self) -> None:
        """uvicorn stops."""
        if self._reading is not None:
            self._reading.read_late()  # nobody is told to have been heard who was not
        self.finish(Disconnect.RESTARTING)
        self.transport.close()

    def handle_frame(self, frame: ReceivedFrame) -> None:
        opcode, content = frame
        if opcode == Opcode.PING:
            self._write(frame_of(cast(bytes, content), Opcode.PONG))
        elif opcode == Opcode.CLOSE:
            self.finish()
            self.transport.close()
        elif opcode == Opcode.PONG or self._status is not None:
            return
        elif self._receiver is not None:
            self._receiver.received(cast(str | bytes, content))
        else:
            kind = "text" if opcode == Opcode.TEXT else "bytes"
            self._deliver({"type": "websocket.receive", kind: content})
            self.pause()

    def _end(self, status: int) -> None:
        if self._status is not None:
            return
        self._status = status
        if self._writer is not None:
            self._writer.close()
        if self._writable is not None:
            self._writable.set_result(None)
        if self._receiver is not None:
            receiver, self._receiver = self._receiver, None
            receiver.lost()
        self._deliver({"type": "websocket.disconnect", "code": status})

    def shake_hands(self, request: Request) -> None:
        """Begins, as the request asks. `connection_made` was called, and nothing else."""
        if request.fault is not None:
            self._answer(*request.fault)
            return
        self._accept_key = request.accept_key
        scope = {
            **request.scope(self.transport, root_path=self._config.root_path),
            "asgi": {"version": self._config.asgi_version, "spec_version": "2.4"},
            "state": self._state.copy(),
            "extensions": {DOOR: self, "websocket.http.response": {}},
        }
        self._early = deque([{"type": "websocket.connect"}])
        self.pause()  # until somebody asks for what comes
        task = asyncio.get_running_loop().create_task(self._run(scope))
        self._server_state.tasks.add(task)
        task.add_done_callback(self._server_state.tasks.discard)

    async def _run(self, scope: Message) -> None:
        try:
            await self._config.loaded_app(scope, self._receive, self._send)
        except Exception:
            if self._status is None:  # or it has failed to write to a client that has gone
                logger.exception("the application failed on a WebSocket")
            self.finish(Disconnect.FAILED)
        if self._receiver is not None or self._status is not None:
            return
        if self._is_open:
            self.finish()
        else:
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, [], b"Internal Server Error")

    def _answer(self, status: HTTPStatus, headers: list[tuple[bytes, bytes]], body: bytes = b"") -> None:
        self.transport.write(response(status, [*self._server_state.default_headers, *headers], body))
        if status != HTTPStatus.SWITCHING_PROTOCOLS:
            self.transport.close()

    # The application's side, as ASGI has it

    async def _receive(self) -> Message:
        while not self._early:
            self.resume()
            self._next = asyncio.get_running_loop().create_future()
            await self._next
        return self._early.popleft()

    def _deliver(self, message: Message) -> None:
        if self._early is not None:
            self._early.append(message)
        if self._next is not None and not self._next.done():
            self._next.set_result(None)

    async def _send(self, message: Message) -> None:
        if self._writable is not None:
            await asyncio.shield(self._writable)
        kind = message["type"]
        if self._status is not None:
            if kind != "websocket.close":
                raise OSError("the client has gone")  # as the ASGI specification has it
        elif not self._is_open:
            self._open(message)
        elif kind == "websocket.send":
            text, content = message.get("text"), message.get("bytes", b"")
            self._write(frame_of(content if text is None else text))
        elif kind == "websocket.close":
            self._say(message.get("code", NORMAL))
        else:
            raise RuntimeError(f"an open WebSocket is not sent {kind}")

    def _open(self, message: Message) -> None:
        """Says whether the application wants it."""
        kind = message["type"]
        if kind == "websocket.accept":
            self._accept(message)
        elif kind == "websocket.close":
            self._refuse(HTTPStatus.FORBIDDEN, [], (message.get("reason") or "").encode())
        elif kind == "websocket.http.response.start":
            self._refusal = HTTPStatus(message["status"]), list(message.get("headers", [])), b""
        elif kind == "websocket.http.response.body" and self._refusal is not None:
            status, headers, body = self._refusal
            self._refusal = status, headers, body + message.get("body", b"")
            if not message.get("more_body"):
                self._refuse(*self._refusal)
        else:
            raise RuntimeError(f"a WebSocket is not sent {kind} before it is open")

    def _refuse(self, status: HTTPStatus, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self._status = LOST
        self._answer(status, headers, body)

    def _accept(self, message: Message) -> None:
        headers = accepting(self._accept_key, message)
        self._answer(HTTPStatus.SWITCHING_PROTOCOLS, headers, message.get(FIRST_FRAMES, b""))
        self._accept_key = b""
        self._is_open = True

    def _write(self, frames: bytes) -> None:
        """Writes frames that are ready; none once it has ended, nor before it is open."""
        if self._writer is not None:
            self._writer.write_frames(frames)
        elif self._is_open and self._status is None:
            self.transport.write(frames)

    # The door

    def take_over(
        self,
        receiver: Receiver,
        writer: Writer,
        *,
        rate_limit: RateLimit,
        share: LoopShare | None = None,
        crowd: CrowdReads | None = None,
    ) -> None:
        """From now on everything is handed to `receiver`, first what the application has not asked for, and `writer`
        alone writes. `share` is what may be had of the event loop's time, and `crowd` says when."""
        self._writer = writer
        if self._status is not None:
            writer.drop()
            receiver.lost()
            return
        self._receiver = receiver
        if self._reading is not None:
            self._reading.rate_limit = rate_limit
            self._reading.share, self._reading.crowd = share, crowd
            if share is not None:
                self._reading.count_in(self.unread.of(share.network))
        writer.take_over(self.transport)
        early, self._early, self._next = self._early, None, None
        for message in early or ():
            content = message.get("bytes") if message.get("text") is None else message["text"]
            if content is not None and self._status is None:
                receiver.received(content)
        self.resume()

    def limit(self, message_bytes: int) -> None:
        """From now on no more may come as one message."""
        if self._reading is not None:
            self._reading.limit(message_bytes)

    def make_room(self) -> None:
        if self._receiver is not None:
            self._receiver.stalled(Disconnect.MADE_ROOM)
        else:
            self.abort()

    @property
    def is_paused(self) -> bool:
        """Whether what the client sends waits: nothing that it may have answered is read meanwhile."""
        return self._reading is not None and self._reading.is_paused

    def pause(self) -> None:
        """Reads no more until `resume`, so that what the client sends waits with the client."""
        if self._reading is not None:
            self._reading.pause()

    def resume(self) -> None:
        """Reads again."""
        if self._reading is not None:
            self._reading.resume()

    def finish(self, disconnect: Disconnect | None = None) -> None:
        """Ends the connection after what is still to be written, once the client has said that it closes too, or has
        been given moments for it. It is told why, unless there is nothing to tell."""
        if disconnect is None:
            self._say(NORMAL)
        else:
            self._say(disconnect.code, disconnect.reason if disconnect.code >= FIRST_OF_OUR_OWN else "")

    def _say(self, status: int, reason: str = "") -> None:
        if self._is_open and self._status is None and not self.transport.is_closing():
            frame = frame_of(status.to_bytes(2, "big") + reason.encode(), Opcode.CLOSE)
            if self._writer is not None:
                self._writer.close(frame)
            else:
                self.transport.write(frame)
            self._closing = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.transport.abort)
            self._end(status)
            self.resume()

    def abort(self) -> None:
        """Ends the connection at once, whatever is still to be written."""
        if self._writer is not None:
            self._writer.drop()
        self.transport.abort()
