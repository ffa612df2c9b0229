"""What comes from a crowd in one turn of the loop, over real sockets: of each client all is heard, once and in order,
and its end behind it; no more is taken from it meanwhile than may wait; and few are heard at once."""

import asyncio
import math
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import count, pairwise
from typing import Any

import pytest
import pytest_asyncio
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Opcode as Kind

from bridge.sockets.rate_limit import RateLimit
from bridge.sockets.transport import crowd_reads
from bridge.sockets.transport.crowd_reads import AT_ONCE, CrowdReads
from bridge.sockets.transport.crowd_writes import CrowdWrites
from bridge.sockets.transport.disconnects import Disconnect
from bridge.sockets.transport.read_buffer import READ_BYTES
from bridge.sockets.transport.unread_bytes import UnreadBytes
from bridge.sockets.transport.web_socket_protocol import DOOR, WebSocketProtocol
from bridge.sockets.transport.writer import Writer
from tests.bridge.sockets.transport.test_web_socket_protocol import frame, opened, serving
from tests.bridge.sockets.under_fire import fuzzed
from tests.conftest import IS_LONG

Eventually = Callable[[Callable[[], object]], Awaitable[object]]

EXAMPLES = 300 if IS_LONG else 25
CLIENTS = 3
UNBOUNDED = RateLimit(per_second=1_000_000, burst=1_000_000)


class Receiver:
    """Whoever takes one WebSocket over: keeps what it hears."""

    def __init__(self, door: WebSocketProtocol) -> None:
        self.door = door
        self.writer = Writer(self, UnreadBytes(math.inf), 1 << 20, CrowdWrites())
        self.heard: list[str | bytes] = []
        self.ends = 0

    def received(self, content: str | bytes) -> None:
        assert not self.ends, "heard behind its end"
        self.heard.append(content)

    def cut(self) -> None:
        self.writer.cut()

    def lost(self) -> None:
        self.ends += 1

    def moved(self) -> None: ...

    def stalled(self, disconnect: Disconnect) -> None:
        raise AssertionError(disconnect)


class Server:
    """Those who came, the first first, and how they are heard."""

    def __init__(self, eventually: Eventually) -> None:
        self.address = ""
        self._eventually = eventually
        self.crowd = CrowdReads()
        self.receivers: list[Receiver] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        receiver = Receiver(scope["extensions"][DOOR])
        self.receivers.append(receiver)
        receiver.door.take_over(receiver, receiver.writer, rate_limit=UNBOUNDED, crowd=self.crowd)

    async def client(self, stack: AsyncExitStack) -> tuple["Client", Receiver]:
        before = len(self.receivers)
        _, writer = await opened(self.address)
        client = Client(writer)
        stack.callback(writer.transport.abort)
        await self._eventually(lambda: len(self.receivers) > before)
        return client, self.receivers[before]


@pytest_asyncio.fixture
async def server(eventually: Eventually) -> AsyncIterator[Server]:
    server = Server(eventually)
    async with serving(server) as (server.address, _):
        yield server


class Client:
    """One who sends numbers, in frames that come whole or in pieces."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.sent: list[str] = []
        self.has_ended = self.is_cut = False
        self._numbers = count()
        self._rest = b""

    def send(self, *, is_cut_in_two: bool = False) -> None:
        if self.has_ended:
            return
        number = str(next(self._numbers))
        content = frame(Kind.TEXT, number.encode())
        half = len(content) // 2 if is_cut_in_two else len(content)
        self.writer.write(self._rest + content[:half])
        self._rest = content[half:]
        self.sent.append(number)

    def end(self, *, is_cut: bool) -> None:
        """Ends its connection without a word; `is_cut`: also what is under way may be lost."""
        if self.has_ended:
            return
        self.has_ended, self.is_cut = True, is_cut
        self.writer.write(self._rest)
        if is_cut:
            lent = self.writer.get_extra_info("socket")
            lent.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.writer.transport.abort()
        else:
            self.writer.write_eof()


STEPS = st.tuples(
    st.sampled_from(["send", "send", "send", "send in two", "turn", "turn", "many", "few", "end", "cut"]),
    st.integers(0, CLIENTS - 1),
)


@given(steps=st.lists(STEPS, min_size=5, max_size=40))
@settings(fuzzed, max_examples=EXAMPLES)
async def test_of_each_all_is_heard_once_and_in_order_and_its_end_behind_it(
    server: Server, eventually: Eventually, monkeypatch: pytest.MonkeyPatch, steps: list[tuple[str, int]]
) -> None:
    monkeypatch.setattr(crowd_reads, "SLICE", 1)
    monkeypatch.setattr(crowd_reads, "AT_ONCE", 0)
    async with AsyncExitStack() as stack:
        both = [await server.client(stack) for _ in range(CLIENTS)]
        for deed, who in steps:
            client, _ = both[who]
            if deed.startswith("send"):
                client.send(is_cut_in_two=deed == "send in two")
            elif deed == "turn":
                await asyncio.sleep(0)
            elif deed in ("many", "few"):
                monkeypatch.setattr(crowd_reads, "AT_ONCE", 0 if deed == "many" else 1)
            else:
                client.end(is_cut=deed == "cut")
        for client, _ in both:
            client.end(is_cut=False)
        await eventually(lambda: all(receiver.ends for _, receiver in both))
        for client, receiver in both:
            assert receiver.heard == (client.sent[: len(receiver.heard)] if client.is_cut else client.sent)
            assert receiver.ends == 1


async def test_whoever_waits_is_read_no_further_than_may_wait(
    server: Server, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    monkeypatch.setattr(crowd_reads, "AT_ONCE", 0)
    monkeypatch.setattr(crowd_reads, "SLICE", 0)
    async with AsyncExitStack() as stack:
        client, receiver = await server.client(stack)
        reading = receiver.door._reading
        assert reading is not None
        message = frame(Kind.TEXT, b"x" * 1_000)
        client.writer.write(message * 1_000)
        await eventually(lambda: reading._held_bytes > READ_BYTES)  # counted with what waits for all
        for _ in range(50):
            await asyncio.sleep(0)
        assert READ_BYTES < reading.unread_bytes <= 2 * READ_BYTES
        assert (receiver.heard, receiver.door.is_paused) == ([], True)
        monkeypatch.setattr(crowd_reads, "SLICE", 64)
        await eventually(lambda: len(receiver.heard) == 1_000)
        await eventually(lambda: not receiver.door.is_paused)
        assert reading._held_bytes == 0


async def test_what_has_come_is_heard_before_its_connection_is_closed_at_a_stop(
    server: Server, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    monkeypatch.setattr(crowd_reads, "AT_ONCE", 0)
    monkeypatch.setattr(crowd_reads, "SLICE", 0)
    async with AsyncExitStack() as stack:
        client, receiver = await server.client(stack)
        client.send()
        await eventually(lambda: receiver.door.is_paused)
        receiver.door.shutdown()
        assert (receiver.heard, receiver.ends) == (client.sent, 1)


@pytest.mark.parametrize("is_cut", [True, False])
async def test_nothing_is_written_to_a_connection_that_waits_for_its_end(
    server: Server, monkeypatch: pytest.MonkeyPatch, eventually: Eventually, is_cut: bool
) -> None:
    """Its number is soon another's."""
    monkeypatch.setattr(crowd_reads, "AT_ONCE", 0)
    monkeypatch.setattr(crowd_reads, "SLICE", 0)
    async with AsyncExitStack() as stack:
        client, receiver = await server.client(stack)
        send = receiver.writer.direct
        assert send is not None
        client.end(is_cut=is_cut)
        await eventually(lambda: receiver.writer.direct is None)
        assert receiver.ends == 0
        with pytest.raises(OSError, match="Bad file descriptor"):
            send(b"x")
        receiver.writer.write_frames(b"x")
        receiver.writer.paused()
        receiver.writer.resumed()  # as its transport may still say
        assert receiver.writer.direct is None
        monkeypatch.setattr(crowd_reads, "SLICE", 1)
        await eventually(lambda: receiver.ends)


def test_few_are_heard_at_once_and_the_rest_in_slices_in_the_order_in_which_they_came() -> None:
    heard: list[tuple[int, int]] = []

    async def crowd() -> None:
        ticks, turns, loop = count(), count(), asyncio.get_running_loop()
        begun_at = None
        while begun_at != loop.time():  # once more, where the clock of the loop has gone on meanwhile
            begun_at = loop.time()
            reads = CrowdReads(clock=lambda: next(ticks) * crowd_reads.SLICE_SECONDS / 4)
            has_turn = [reads.has_turn() for _ in range(AT_ONCE + 1)]
        assert has_turn == [True] * AT_ONCE + [False]
        turn = next(turns)
        for number in range(20):
            reads.wait(lambda number=number: heard.append((turn, number)))  # type: ignore[misc]
        while len(heard) < 20:
            assert not reads.has_turn()
            await asyncio.sleep(0)
            turn = next(turns)
        await asyncio.sleep(0.001)  # as long as the clock of the loop takes to go on
        assert reads.has_turn()

    uvloop.run(crowd())
    assert [number for _, number in heard] == [*range(20)]
    of_turns = [sum(turn == one for one, _ in heard) for turn in dict.fromkeys(turn for turn, _ in heard)]
    assert max(of_turns) <= 5
    assert all(before <= after for before, after in pairwise(turn for turn, _ in heard))
