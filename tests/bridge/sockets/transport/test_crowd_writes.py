"""What goes to a crowd in slices, over real sockets: each hears all that is for it, once and in order, whatever else
is written to it in between."""

import asyncio
import math
import socket
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import NamedTuple, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sockets import create_socket_server, deliver
from bridge.sockets.transport import crowd_writes
from bridge.sockets.transport.connection import Connection
from bridge.sockets.transport.crowd_writes import CROWD, WAITING_LIMIT, CrowdWrites
from bridge.sockets.transport.direct_writes import Send
from bridge.sockets.transport.disconnects import Disconnect
from bridge.sockets.transport.frames import Outgoing, frames_of
from bridge.sockets.transport.unread_bytes import UnreadBytes
from bridge.sockets.transport.writer import Writer
from coordinator.events import Audience, Event
from tests.bridge.sockets.under_fire import fuzzed
from tests.system.soak.lines import WebSocketLine
from tests.waiting import GIVE_UP_SECONDS

Serve = Callable[..., Awaitable[str]]
Eventually = Callable[[Callable[[], object]], Awaitable[object]]

CLIENTS = 4
PADDING = "x" * 40_000
"""With which a few events are more than a socket takes that nobody reads."""


class Heard(asyncio.Protocol):
    """One client, with the server's end of its socket."""

    transport: asyncio.Transport

    def __init__(self, crowd: CrowdWrites, *, takes_offsets: bool) -> None:
        self.takes_offsets = takes_offsets
        self.writer = Writer(self, UnreadBytes(math.inf), 1 << 30, crowd)
        self.expected: list[str] = []
        self.is_closed = False
        ours, self.theirs = socket.socketpair()
        self.theirs.setblocking(False)
        self._ours = ours
        self._heard = b""

    async def open(self) -> None:
        transport, _ = await asyncio.get_running_loop().connect_accepted_socket(lambda: self, self._ours)
        self.writer.take_over(transport)
        self.transport = transport

    def pause_writing(self) -> None:
        self.writer.paused()

    def resume_writing(self) -> None:
        self.writer.resumed()

    def moved(self) -> None: ...

    def stalled(self, disconnect: Disconnect) -> None:
        raise AssertionError(disconnect)

    def read(self) -> bool:
        """Reads what is there; returns whether anything was."""
        before = len(self._heard)
        while True:
            try:
                piece = self.theirs.recv(1 << 20)
            except BlockingIOError:
                return len(self._heard) > before
            self._heard += piece

    @property
    def heard(self) -> list[str]:
        """The first words of the frames that came."""
        found, rest = [], self._heard
        while rest:
            length, begin = rest[1], 2
            if length >= 126:
                begin += 2 if length == 126 else 8
                length = int.from_bytes(rest[2:begin])
            found.append(rest[begin : begin + length].decode().split()[0])
            rest = rest[begin + length :]
        return found


class Told(NamedTuple):
    """Messages in one go: each to some clients, by their numbers."""

    audiences: Sequence[frozenset[int]]
    is_long: bool = False


EVERYONE = frozenset(range(CLIENTS))
AUDIENCES = st.sampled_from([EVERYONE, frozenset({0, 1, 2}), *(frozenset({who}) for who in range(CLIENTS))])
WHO = st.integers(0, CLIENTS - 1)
STEPS = st.one_of(
    st.builds(Told, st.lists(AUDIENCES, min_size=1, max_size=12), st.booleans()),
    st.tuples(st.sampled_from(["turn", "read", "close", "is held back"]), WHO),
)


class World:
    """Clients, and what writes to one of them in each turn of the loop."""

    def __init__(self) -> None:
        ticks = count()
        self.crowd = CrowdWrites(clock=lambda: float(next(ticks)))
        self.clients = [Heard(self.crowd, takes_offsets=who != 2) for who in range(CLIENTS)]
        self._numbers = count()
        self.written: list[int] = []
        """The last number of each that was written to all, in the order in which that was told."""

    async def __aenter__(self) -> "World":
        for client in self.clients:
            await client.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self.clients:
            client.transport.abort()
            client.theirs.close()

    async def take(self, deed: str, who: int) -> None:
        client = self.clients[who]
        if deed == "turn":
            await asyncio.sleep(0)
        elif deed == "read":
            client.read()
        elif deed == "close":
            client.writer.close()
            client.is_closed = True
        else:
            client.writer.keep_apart()

    def tell(self, told: Told) -> None:
        """As `deliver` does."""
        number = -1
        for audience in told.audiences:
            number = next(self._numbers)
            text = f"{number} {PADDING if told.is_long else ''}"
            self._tell(sorted(audience), [Outgoing(f"o{text}")], [Outgoing(f"p{text}")])
            for who in audience:
                client = self.clients[who]
                if not client.is_closed:
                    client.expected.append(f"4{'o' if client.takes_offsets else 'p'}{number}")
        self.crowd.close()
        self.crowd.once_written(lambda: self.written.append(number))

    def _tell(self, audience: Sequence[int], messages: list[Outgoing], plain: list[Outgoing]) -> None:
        some = [self.clients[who] for who in audience]
        if len(some) == 1:
            own = messages if some[0].takes_offsets else plain
            some[0].writer.put_messages(own, frames_of(own))
            return
        direct: dict[str, Send] = {}
        queued: dict[str, Connection] = {}
        for who, client in zip(audience, some, strict=True):
            send = client.writer.direct if client.takes_offsets else None
            if send is not None:
                direct[str(who)] = send
            else:
                queued[str(who)] = cast(Connection, client)
        self.crowd.put([str(who) for who in audience], direct, queued, messages, plain)

    async def end(self) -> None:
        """Returns once everybody has heard all, and nothing else."""
        async with asyncio.timeout(GIVE_UP_SECONDS):
            while self.crowd.waiting or any(client.heard != client.expected for client in self.clients):
                for client in self.clients:
                    client.read()
                await asyncio.sleep(0)


@pytest.fixture
def _one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd_writes, "PIECE", 1)


@pytest.mark.usefixtures("_one_at_a_time")
@fuzzed
@given(steps=st.lists(STEPS, max_size=25))
def test_each_of_a_crowd_hears_all_once_and_in_order_whatever_comes_between(
    steps: list[Told | tuple[str, int]],
) -> None:
    asyncio.run(play(steps))


async def play(steps: Sequence[Told | tuple[str, int]]) -> None:
    async with World() as world:
        for step in steps:
            if isinstance(step, Told):
                world.tell(step)
            else:
                await world.take(*step)
            assert len(world.crowd.waiting) <= WAITING_LIMIT
        await world.end()
        assert world.written == sorted(world.written)
        assert len(world.written) == sum(isinstance(step, Told) for step in steps)


@pytest.mark.usefixtures("_one_at_a_time")
async def test_what_comes_between_broadcasts_in_one_go_makes_no_more_writes_of_them() -> None:
    """Else payments that are committed together, of which each tells everyone something, would be as many writes to
    everyone."""
    async with World() as world:
        world.tell(Told([EVERYONE, frozenset({1}), EVERYONE, frozenset({2}), EVERYONE]))
        assert (world.crowd.begun, len(world.crowd.waiting)) == (1, 1)
        await world.end()
        assert [len(client.expected) for client in world.clients] == [3, 4, 4, 3]


@pytest.mark.usefixtures("_one_at_a_time")
async def test_whoever_delivers_waits_while_crowds_wait() -> None:
    async with World() as world:
        for _ in range(2):
            world.tell(Told([EVERYONE]))
        assert len(world.crowd.waiting) == 2
        await asyncio.wait_for(world.crowd.has_room(), GIVE_UP_SECONDS)
        assert len(world.crowd.waiting) == 1


async def test_a_broadcast_gives_the_loop_back_and_a_room_of_one_hears_at_once(
    serve: Serve, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowd_writes, "SLICE_SECONDS", 0.0)
    server = create_socket_server(frontend_url="https://shop.example")
    host, port = (await serve(server)).removeprefix("http://").split(":")
    lines = [WebSocketLine(host, int(port)) for _ in range(CROWD + 1)]
    for line in lines:
        await line.open()
        await line.send("40")
    waits = asyncio.get_running_loop().time() + GIVE_UP_SECONDS

    async def heard(line: WebSocketLine) -> str:
        while not (packet := cast(str, await line.receive(waits))).startswith("42"):
            pass
        return packet

    async def is_in(line: WebSocketLine) -> str:
        while not (packet := cast(str, await line.receive(waits))).startswith("40"):
            pass
        return packet.split('"')[3]

    sids = [await is_in(line) for line in lines]
    await eventually(lambda: len(server.manager.index("/").of([None]).direct) == len(lines))

    written = deliver(
        server, [Event("news", Audience(everyone=True), "1"), Event("own", Audience(rooms=(sids[0],)), "2")]
    )
    # The one that hears more than the others has heard all of it, behind what they all hear; they are written to in
    # as many turns of the loop as it takes.
    assert written == [len(lines), 1]
    assert [await heard(lines[0]), await heard(lines[0])] == ['42["news",1]', '42["own",2]']
    deliver(server, [Event("news", Audience(everyone=True), "3")])
    turns = 0
    while server.eio.crowd_writes.waiting:
        await asyncio.sleep(0)
        turns += 1
    assert turns > CROWD // 100
    for line in lines[1:]:
        assert [await heard(line), await heard(line)] == ['42["news",1]', '42["news",3]']
    for line in lines:
        await line.cut()
