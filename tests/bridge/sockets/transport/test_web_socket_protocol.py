"""The ASGI server of WebSockets, and the door behind it, spoken to over real sockets."""

import asyncio
import base64
import gc
import math
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, cast

import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame
from websockets.frames import Opcode as Kind

from bridge.door.connection import HttpConnection
from bridge.sockets.limits import Limits
from bridge.sockets.loop_shares import LoopShare, LoopShares
from bridge.sockets.transport import web_socket_protocol
from bridge.sockets.transport.crowd_writes import CrowdWrites
from bridge.sockets.transport.direct_writes import write_frames
from bridge.sockets.transport.disconnects import Disconnect
from bridge.sockets.transport.frames import frame_of
from bridge.sockets.transport.read_buffer import READ_BYTES
from bridge.sockets.transport.reading import PASSED_OVER_SECONDS
from bridge.sockets.transport.unread_bytes import UnreadBytes
from bridge.sockets.transport.web_socket_protocol import DOOR, WebSocketProtocol
from bridge.sockets.transport.writer import Writer
from tests.bridge.sockets.clients import connect
from tests.doors import DeafServer, any_door
from tests.system.soak.lines import HANDSHAKE
from tests.waiting import GIVE_UP_SECONDS, until

LIMIT_BYTES = 100_000

App = Callable[[Any, Any, Any], Awaitable[None]]
Eventually = Callable[[Callable[[], object]], Awaitable[object]]


@asynccontextmanager
async def serving(app: App) -> AsyncIterator[tuple[str, uvicorn.Server]]:
    """An ASGI application on a free port, and its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        http=any_door(),
        ws=cast(Any, WebSocketProtocol),
        ws_max_size=LIMIT_BYTES,
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=int(GIVE_UP_SECONDS),
    )
    server = DeafServer(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await until(lambda: server.started)
    try:
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}/", server
    finally:
        server.should_exit = True
        await task


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Says back what it hears, until the client goes."""
    assert scope["type"] == "websocket"
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message.get("text"), "bytes": message.get("bytes")})


async def raw_request(address: str, lines: list[str]) -> bytes:
    """The answer to a handshake that may be wrong."""
    port = int(address.rstrip("/").rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("\r\n".join([*lines, "", ""]).encode())
    answer = await asyncio.wait_for(reader.read(), GIVE_UP_SECONDS)
    writer.close()
    return answer


async def opened(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A WebSocket of which the test writes every byte itself."""
    port = int(address.rstrip("/").rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    key = base64.b64encode(os.urandom(16)).decode()
    lines = ["GET / HTTP/1.1", "Host: x", "Upgrade: websocket", "Connection: Upgrade"]
    lines += ["Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", "", ""]
    writer.write("\r\n".join(lines).encode())
    assert b"101" in await reader.readuntil(b"\r\n\r\n")
    return reader, writer


def frame(kind: int, content: bytes, *, fin: bool = True, mask: bool = True) -> bytes:
    return Frame(Kind(kind), content, fin).serialize(mask=mask)


async def test_messages_of_every_kind_and_size_come_back() -> None:
    async with serving(echo) as (address, _), connect(address, compression=None) as client:
        for message in ("", "ä" * 200, b"", b"\x00\xff" * 40_000, "x" * LIMIT_BYTES):
            await client.send(message)
            assert await client.recv() == message
        await client.send(["in ", "three ", "parts"])
        assert await client.recv() == "in three parts"
        await (await client.ping(b"there?"))


async def test_the_scope_is_that_of_asgi() -> None:
    seen: dict[str, Any] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.update(scope)
        await receive()
        await send({"type": "websocket.accept", "subprotocol": "b", "headers": [(b"x-told", b"yes")]})
        await send({"type": "websocket.close", "code": 4001})

    async with serving(app) as (address, _):
        target, names = address + "a%20path?x=1", {"X-Asked": "why"}
        async with connect(target, subprotocols=["a", "b"], additional_headers=names) as client:  # type: ignore[list-item]
            assert client.subprotocol == "b"
            assert client.response is not None
            assert client.response.headers["x-told"] == "yes"
            with pytest.raises(ConnectionClosed) as closed:
                await client.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4001
    assert (seen["path"], seen["raw_path"], seen["query_string"]) == ("/a path", b"/a%20path", b"x=1")
    assert (seen["scheme"], seen["client"][0], seen["subprotocols"]) == ("ws", "127.0.0.1", ["a", "b"])
    assert (b"x-asked", b"why") in seen["headers"]


@pytest.mark.parametrize(
    ("lines", "status", "explanation"),
    [
        (["GET / HTTP/1.1"], b"426", b"version 13"),
        (["GET / HTTP/1.1", "Sec-WebSocket-Version: 8"], b"426", b"version 13"),
        (["GET / HTTP/1.1", "Sec-WebSocket-Version: 8"], b"426", b"\r\nsec-websocket-version: 13\r\n"),
        (["GET / HTTP/1.1", "Sec-WebSocket-Version: 8"], b"426", b"\r\nupgrade: websocket\r\n"),
        (["GET / HTTP/1.1", "Sec-WebSocket-Version: 13"], b"400", b"Sec-WebSocket-Key"),
        (["GET / HTTP/1.1", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: %"], b"400", b"Sec-WebSocket-Key"),
        (["GET / HTTP/1.1", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: YQ=="], b"400", b"Sec-WebSocket-Key"),
    ],
)
async def test_a_handshake_that_is_none_is_told_why(lines: list[str], status: bytes, explanation: bytes) -> None:
    async with serving(echo) as (address, _):
        answer = await raw_request(address, [*lines, "Host: x", "Upgrade: websocket", "Connection: Upgrade"])
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert explanation in answer


async def test_what_breaks_the_protocol_before_it_is_open_is_refused() -> None:
    heard: list[str] = []

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        heard.extend([(await receive())["type"], (await receive())["type"]])
        await send({"type": "websocket.close"})

    async with serving(app) as (address, _):
        port = int(address.rstrip("/").rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HANDSHAKE + frame(1, b"not masked", mask=False))
        answer = await asyncio.wait_for(reader.read(), GIVE_UP_SECONDS)
        writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert heard == ["websocket.connect", "websocket.disconnect"]


async def test_a_handshake_ends_without_the_garbage_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        async with serving(echo) as (address, _):
            for _ in range(5):
                await (await connect(address)).close()
            left = [one for one in gc.get_objects() if type(one) is HttpConnection]
    finally:
        gc.enable()
    assert left == []


async def test_an_application_may_refuse_and_may_fail() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        if scope["path"] == "/refused":
            await send({"type": "websocket.close", "reason": "not you"})
        elif scope["path"] == "/answered":
            headers = [(b"x-told", b"yes"), (b"content-type", b"text/html")]
            await send({"type": "websocket.http.response.start", "status": 429, "headers": headers})
            await send({"type": "websocket.http.response.body", "body": b"not ", "more_body": True})
            await send({"type": "websocket.http.response.body", "body": b"so fast"})
        elif scope["path"] == "/late":
            await send({"type": "websocket.accept"})
            raise LookupError("the application's own fault")
        elif scope["path"] == "/wrong":
            await send({"type": "websocket.send", "text": "before it is open"})

    async with serving(app) as (address, _):
        for path, status, text in (("refused", 403, b"not you"), ("", 500, b"Internal"), ("wrong", 500, b"Internal")):
            with pytest.raises(InvalidStatus) as refused:
                await connect(address + path)
            assert (refused.value.response.status_code, text in (refused.value.response.body or b"")) == (
                status,
                True,
            )
        with pytest.raises(InvalidStatus) as refused:
            await connect(address + "answered")
        answer = refused.value.response
        assert (answer.status_code, answer.body) == (429, b"not so fast")
        assert (answer.headers["x-told"], answer.headers.get_all("content-type")) == ("yes", ["text/html"])
        async with connect(address + "late") as client:
            with pytest.raises(ConnectionClosed) as closed:
                await client.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1011


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (frame(Kind.TEXT, b"x", mask=False), 1002),
        (frame(Kind.CONT, b"x"), 1002),
        (frame(Kind.TEXT, b"\xff"), 1007),
        (frame(Kind.BINARY, b"x" * (LIMIT_BYTES + 1)), 1009),
        (frame(Kind.CLOSE, b"\x03\xe8"), 1000),
        (frame(Kind.CLOSE, b""), 1000),
    ],
    ids=["unmasked", "part-of-nothing", "no-utf8", "too-large", "closing", "closing-without-status"],
)
async def test_what_ends_a_connection_is_answered_after_what_came_before(sent: bytes, status: int) -> None:
    async with serving(echo) as (address, _):
        reader, writer = await opened(address)
        writer.write(frame(Kind.PING, b"first") + sent)
        answer = await asyncio.wait_for(reader.read(), GIVE_UP_SECONDS)
        writer.close()
    assert answer == bytes((0x8A, 5)) + b"first" + bytes((0x88, 2)) + status.to_bytes(2, "big")


async def test_of_what_follows_a_broken_protocol_a_piece_is_read_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    reads, read, flush_seconds = 0, WebSocketProtocol.buffer_updated, 0.5

    def buffer_updated(protocol: WebSocketProtocol, count: int) -> None:
        nonlocal reads
        reads += 1
        read(protocol, count)

    monkeypatch.setattr(WebSocketProtocol, "buffer_updated", buffer_updated)
    monkeypatch.setattr(web_socket_protocol, "FLUSH_SECONDS", flush_seconds)
    async with serving(echo) as (address, _):
        _, writer = await opened(address)
        with suppress(ConnectionError):
            async with asyncio.timeout(GIVE_UP_SECONDS):
                while True:
                    writer.write(frame(Kind.TEXT, b"x" * 10_000, mask=False) * 30)
                    await writer.drain()
        writer.transport.abort()
    assert 1 < reads < 5 + flush_seconds / PASSED_OVER_SECONDS


async def test_the_application_hears_that_the_client_has_gone(eventually: Eventually) -> None:
    heard: list[Any] = []

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        heard.append(await receive())
        try:
            await send({"type": "websocket.send", "text": "to nobody"})
        except OSError as error:
            heard.append(error)

    async with serving(app) as (address, _):
        _, writer = await opened(address)
        writer.transport.abort()
        await eventually(lambda: len(heard) == 2)
    assert heard[0] == {"type": "websocket.disconnect", "code": 1006}


async def test_a_slow_reader_slows_the_application(eventually: Eventually) -> None:
    sent = 0
    door: Any = None

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal sent, door
        door = scope["extensions"][DOOR]
        await receive()
        await send({"type": "websocket.accept"})
        for _ in range(1_000):
            await send({"type": "websocket.send", "bytes": b"x" * 100_000})
            sent += 1

    async with serving(app) as (address, _):
        reader, writer = await opened(address)
        await eventually(lambda: sent and door._writable is not None)
        before = -1
        while before != sent:  # until it gets no further, however often it may
            before = sent
            for _ in range(1_000):
                await asyncio.sleep(0)
        assert 0 < sent < 1_000
        whole = len(frame_of(b"x" * 100_000)) * 1_000
        await asyncio.wait_for(reader.readexactly(whole), GIVE_UP_SECONDS)
        await eventually(lambda: sent == 1_000)
        writer.close()


async def test_a_server_that_stops_says_so() -> None:
    async with serving(echo) as (address, server):
        client = await connect(address)
        server.should_exit = True
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(client.recv(), GIVE_UP_SECONDS)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012


class Receiver:
    """Whoever takes a WebSocket over: keeps what it hears."""

    def __init__(self) -> None:
        self.door: WebSocketProtocol
        self.writer = Writer(self, UnreadBytes(math.inf), 200_000, CrowdWrites())
        self.heard: list[str | bytes] = []
        self.moves: list[bool] = []
        self.is_lost = self.is_stalled = False

    def received(self, content: str | bytes) -> None:
        self.heard.append(content)

    def cut(self) -> None:
        raise AssertionError("it is alone, and need not wait for its end")

    def lost(self) -> None:
        assert not self.is_lost
        self.is_lost = True

    def moved(self) -> None:
        self.moves.append(self.writer.direct is not None)

    def stalled(self, _disconnect: Disconnect) -> None:
        self.is_stalled = True
        self.door.abort()


async def taken(receiver: Receiver, until: asyncio.Event | None = None, share: LoopShare | None = None) -> App:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        if until is not None:
            await until.wait()
        receiver.door = scope["extensions"][DOOR]
        receiver.door.limit(LIMIT_BYTES)
        receiver.door.take_over(receiver, receiver.writer, rate_limit=Limits().messages, share=share)

    return app


@pytest.mark.parametrize("length", [1_000, 60_000])
async def test_little_is_read_of_who_does_not_wait_for_the_answer_to_their_handshake(
    monkeypatch: pytest.MonkeyPatch, eventually: Eventually, length: int
) -> None:
    asked, received, until, receive_bytes = 0, 0, asyncio.Event(), WebSocketProtocol.receive

    def count(protocol: WebSocketProtocol, data: bytes) -> None:
        nonlocal received
        received += len(data)
        receive_bytes(protocol, data)

    monkeypatch.setattr(WebSocketProtocol, "receive", count)

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        nonlocal asked
        await receive()
        asked += 1
        await until.wait()
        await send({"type": "websocket.accept"})
        await receive()

    async with serving(app) as (address, _):
        host, port = address.removeprefix("ws://").removesuffix("/").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        sent = frame(Kind.TEXT, b"x" * length)
        writer.write(HANDSHAKE + sent)
        await eventually(lambda: asked == 1)
        _, other = await asyncio.open_connection(host, int(port))
        other.write(HANDSHAKE)
        await eventually(lambda: asked == 2)  # whatever had come before was read before
        assert received < READ_BYTES
        until.set()
        async with asyncio.timeout(GIVE_UP_SECONDS):
            assert (await reader.readline()).split()[1] == b"101"
        await eventually(lambda: received >= len(sent))
        writer.transport.abort()
        other.transport.abort()


async def test_of_an_address_that_has_had_its_share_of_the_loop_one_is_read_after_the_other(
    eventually: Eventually,
) -> None:
    now, looks = 1_000.0, list[Callable[[], object]]()
    shares = LoopShares(0.25, lambda: now, lambda _seconds, look: looks.append(look))
    shares.spend("203.0.113.7", 10.0, is_patient=True)
    first, second = Receiver(), Receiver()
    async with AsyncExitStack() as stack:
        for receiver in (first, second):
            app = await taken(receiver, share=LoopShare(shares, "203.0.113.7"))
            address, _ = await stack.enter_async_context(serving(app))
            _, writer = await opened(address)
            stack.callback(lambda writer: writer.transport.abort(), writer)
            writer.write(frame(Kind.TEXT, b"1") + frame(Kind.PING, b"") + frame(Kind.TEXT, b"2"))
            await eventually(lambda receiver=receiver: receiver.door.is_paused)  # type: ignore[misc]
        looks.pop()()
        assert (first.heard, second.heard) == ([], [])  # there is nothing left of the share yet
        now += 100
        looks.pop()()
        # What had not been read from the socket yet is read in a turn of its own.
        await eventually(lambda: first.heard == ["1", "2"] and looks)
        assert second.heard == []
        looks.pop()()
        await eventually(lambda: second.heard == ["1", "2"])
        assert looks == []
        writer.write(frame(Kind.TEXT, b"3"))
        await eventually(lambda: second.heard == ["1", "2", "3"])  # at once, as nobody waits


async def test_what_comes_while_something_is_handled_is_left_unread_and_counts_as_that(
    eventually: Eventually,
) -> None:
    class Handling(Receiver):
        def received(self, content: str | bytes) -> None:
            super().received(content)
            self.door.pause()

    receiver = Handling()
    async with serving(await taken(receiver)) as (address, _):
        _, writer = await opened(address)
        pieces = [b"a" * 1_000, b"b", b"c"]
        writer.write(b"".join(frame(Kind.TEXT, piece) for piece in pieces) + frame(Kind.CLOSE, b""))
        for number in range(1, len(pieces) + 1):
            await eventually(lambda number=number: len(receiver.heard) == number)  # type: ignore[misc]
            assert receiver.door.is_paused  # so that nobody misses an answer that is not read
            for _ in range(10):
                await asyncio.sleep(0)
            assert len(receiver.heard) == number
            assert receiver.door.unread.held_bytes > 1_000
            receiver.door.resume()
        await eventually(lambda: receiver.is_lost)
        assert receiver.heard == [piece.decode() for piece in pieces]
        assert receiver.door.unread.held_bytes == 0
        writer.transport.abort()


async def test_whoever_takes_over_hears_what_came_before_and_all_that_comes(eventually: Eventually) -> None:
    receiver, until = Receiver(), asyncio.Event()
    async with serving(await taken(receiver, until)) as (address, _):
        reader, writer = await opened(address)
        writer.write(frame(Kind.TEXT, b"early") + frame(Kind.BINARY, b"\x01"))
        await writer.drain()
        until.set()
        await eventually(lambda: receiver.heard == ["early", b"\x01"])
        writer.write(frame(Kind.TEXT, b"late") + frame(Kind.CLOSE, b""))
        await eventually(lambda: receiver.is_lost)
        assert receiver.heard == ["early", b"\x01", "late"]
        assert await asyncio.wait_for(reader.read(), GIVE_UP_SECONDS) == b"\x88\x02\x03\xe8"
        receiver.writer.write_frames(frame_of("dropped"))
        writer.close()


async def test_what_is_written_past_the_transport_and_through_it_comes_in_order(eventually: Eventually) -> None:
    receiver = Receiver()
    async with serving(await taken(receiver)) as (address, _):
        client: ClientConnection = await connect(address, compression=None, max_queue=1)
        await eventually(lambda: receiver.moves == [True])
        number = 0
        while len(receiver.moves) == 1:  # until the socket is full
            assert receiver.writer.direct is not None
            write_frames([receiver.writer.direct], frame_of(f"{number} " + "x" * 50_000))
            number += 1
        assert receiver.writer.direct is None
        receiver.writer.write_frames(frame_of(f"{number} behind"))
        heard = [int(str(await client.recv()).partition(" ")[0]) for _ in range(number + 1)]
        assert heard == list(range(number + 1))
        await eventually(lambda: receiver.moves == [True, False, True])
        assert not receiver.is_stalled
        await client.close()
        await eventually(lambda: receiver.is_lost)


async def test_one_that_does_not_read_is_given_up_past_the_limit(eventually: Eventually) -> None:
    receiver = Receiver()
    async with serving(await taken(receiver)) as (address, _):
        _, writer = await opened(address)
        await eventually(lambda: receiver.moves)
        for _ in range(1_000):
            receiver.writer.write_frames(frame_of("x" * 50_000))
            if receiver.is_stalled:
                break
        assert receiver.is_stalled
        await eventually(lambda: receiver.is_lost)
        writer.close()


async def test_one_that_is_gone_is_no_trouble_to_those_written_to_with_it(eventually: Eventually) -> None:
    gone, there = Receiver(), Receiver()
    async with serving(await taken(gone)) as (first, _), serving(await taken(there)) as (second, _):
        _, leaving = await opened(first)
        client = await connect(second)
        await eventually(lambda: gone.moves and there.moves)
        assert gone.writer.direct is not None
        assert there.writer.direct is not None
        sends = [gone.writer.direct, there.writer.direct]
        leaving.transport.abort()
        await eventually(lambda: gone.is_lost)
        write_frames(sends, frame_of("still told"))
        assert await client.recv() == "still told"
        await client.close()


async def test_a_stranger_hears_nothing_that_was_meant_for_one_that_is_gone_whatever_fails_then(
    eventually: Eventually,
) -> None:
    class Failing(Receiver):
        def lost(self) -> None:
            super().lost()
            raise RuntimeError("it cannot bear the loss")

    gone = Failing()
    async with serving(await taken(gone)) as (address, _):
        _, leaving = await opened(address)
        await eventually(lambda: gone.moves)
        send = gone.writer.direct
        assert send is not None
        lent = gone.door.transport.get_extra_info("socket")
        number = lent.fileno()
        leaving.transport.abort()
        await eventually(lambda: gone.is_lost and lent.fileno() == -1)
        # The system gives numbers that are free again to whoever comes next.
        strangers = [socket.socketpair()]
        while all(number not in (one.fileno(), other.fileno()) for one, other in strangers):
            strangers.append(socket.socketpair())
        write_frames([send], frame_of("not for strangers"))
        for stranger in [one for pair in strangers for one in pair]:
            stranger.setblocking(False)
            with pytest.raises(BlockingIOError):
                stranger.recv(1)
        for stranger in [one for pair in strangers for one in pair]:
            stranger.close()
