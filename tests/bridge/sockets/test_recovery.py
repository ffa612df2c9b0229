"""Clients that come back, over a real journal: whatever they do and whenever, they hear all that they have to, once
and in order."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.access import ANYBODY
from bridge.journal import Journal, JournaledEvent
from bridge.recovery import JournalHistory, JournalSessions
from bridge.sockets import SocketServer, create_socket_server, deliver
from bridge.sockets.recovery import Recovery
from bridge.sockets.remembered import Told
from coordinator.compact_json import compact_json
from coordinator.events import Audience, Event
from tests.bridge.sockets.under_fire import fuzzed
from tests.system.soak.lines import WebSocketLine
from tests.system.soak.records import EVERYONE, Publications, Record
from tests.waiting import GIVE_UP_SECONDS

Serve = Callable[..., Awaitable[str]]
Eventually = Callable[[Callable[[], object]], Awaitable[object]]

CLIENTS, ROOMS = 3, ("request-r0", "request-r1")


class House:
    """A socket server over a journal in a file, which can be left for another server over the same journal."""

    def __init__(self, folder: Path, serve: Serve, eventually: Eventually) -> None:
        self._address = f"sqlite:///{folder / 'journal.db'}"
        self._serve = serve
        self._eventually = eventually
        self._publishing: set[asyncio.Task[object]] = set()
        self.server: SocketServer
        self.recovery: Recovery

    async def open(self) -> None:
        self.journal = await Journal.open(self._address)
        server = create_socket_server(frontend_url="https://shop.example")

        async def tell(stretch: Sequence[JournaledEvent]) -> None:
            recovery.went_out(Told(one.offset, one.event) for one in stretch)
            offsets = [recovery.offset_text(one.offset) for one in stretch]
            deliver(server, [one.event for one in stretch], offsets=offsets)

        dispatcher = await self.journal.dispatcher(tell)
        history, sessions = JournalHistory(self.journal), JournalSessions(self.journal)
        recovery = Recovery(history, sessions, cursor=dispatcher.cursor, keeps_confidence=False)
        server.recover_with(recovery)
        self.server, self.recovery = server, recovery
        self._following = asyncio.create_task(dispatcher.run())
        host, port = (await self._serve(server)).removeprefix("http://").split(":")
        self.place = host, int(port)

    def publish(self, number: int, room: str) -> None:
        """Has an event committed, and told in its time."""
        audience = Audience(everyone=True) if room == EVERYONE else Audience(rooms=(room,))
        event = Event("news", audience, compact_json({"number": number, "room": room}))
        task = asyncio.create_task(self.journal.publish_events([event]))
        self._publishing.add(task)
        task.add_done_callback(self._publishing.discard)

    async def close(self) -> None:
        """Once its clients have gone."""
        await self._eventually(lambda: not self.server.eio.sockets)
        assert (self.recovery._sessions.connected, self.recovery.waiting_count("")) == (set(), 0)
        await asyncio.gather(*self._publishing)
        await self.recovery.close()
        self._following.cancel()
        await self.journal.close()


@pytest_asyncio.fixture
async def house(tmp_path: Path, serve: Serve, eventually: Eventually) -> AsyncIterator[House]:
    house = House(tmp_path, serve, eventually)
    await house.open()
    yield house
    await house.close()


class Client:
    """One client: a line, while it has one, and what it has to bring the next time."""

    def __init__(self, house: House, publications: Publications) -> None:
        self._house = house
        self.record = Record(publications)
        self.line: WebSocketLine | None = None
        self.pid: str | None = None
        self.offset: str | None = None
        self.recovered: list[bool] = []

    async def come(self) -> None:
        """Connects; if it has a line already, beside that, as one does whose line is dead without knowing."""
        line = WebSocketLine(*self._house.place)
        await line.open()
        await self._next(line, "0")
        brought = {"pid": self.pid, "offset": self.offset}
        await line.send("40" + json.dumps({name: value for name, value in brought.items() if value is not None}))
        pid = json.loads((await self._next(line, "40"))[2:])["pid"]
        if self.pid is None:
            self.record.connected()
        self.recovered.append(pid == self.pid)
        self.pid = pid
        await self.cut()
        self.line = line

    async def cut(self) -> None:
        if self.line is not None:
            await self.line.cut()
            self.line = None

    async def join(self, room: str) -> None:
        self.record.joining(room)
        if await self._call("join", room):
            self.record.joined(room)

    async def leave(self, room: str) -> None:
        self.record.joining(room)
        self.record.leaving(room)
        if await self._call("leave", room):
            self.record.left(room)

    async def _call(self, deed: str, room: str) -> bool:
        if self.line is None:
            await self.come()
        assert self.line is not None
        await self.line.send(f"421{json.dumps([f'{deed}-request-room', room.removeprefix('request-')])}")
        answer = await self._next(self.line, "431")
        return bool(json.loads(answer[3:])[0]["ok"])

    async def listen(self) -> None:
        """Hears what has been told so far."""
        await self._call("leave", "request-none")

    async def listen_up_to(self, number: int) -> None:
        if self.line is None:
            await self.come()
        assert self.line is not None
        while not self.record.has_heard(number):
            self._take(await self._packet(self.line))

    async def _next(self, line: WebSocketLine, beginning: str) -> str:
        while not (packet := await self._packet(line)).startswith(beginning):
            self._take(packet)
        return packet

    async def _packet(self, line: WebSocketLine) -> str:
        packet = await line.receive(asyncio.get_running_loop().time() + GIVE_UP_SECONDS)
        assert packet is not None
        return packet

    def _take(self, packet: str) -> None:
        if packet.startswith("42"):
            _, payload, self.offset = json.loads(packet[2:])
            self.record.hears(payload["number"], payload["room"])


PEOPLE = st.integers(0, CLIENTS - 1)
PUBLISHED = st.tuples(st.just("publish"), st.lists(st.sampled_from([*ROOMS, EVERYONE]), min_size=1, max_size=4))
MOVED = st.tuples(st.sampled_from(["join", "join", "leave"]), PEOPLE, st.sampled_from(ROOMS))
CAME = st.tuples(st.sampled_from(["cut", "come", "listen"]), PEOPLE)
DEEDS = st.sampled_from([PUBLISHED, PUBLISHED, MOVED, CAME, CAME, st.just(("pause",))]).flatmap(lambda deeds: deeds)
STRETCHES = st.lists(st.lists(DEEDS, min_size=10, max_size=30), min_size=1, max_size=3)
"""Between two of them the server restarts."""


@given(stretches=STRETCHES)
@settings(fuzzed, max_examples=25)
async def test_whatever_happens_all_is_heard_once_and_in_order(
    house: House, stretches: list[list[tuple[Any, ...]]]
) -> None:
    publications = Publications()
    clients = [Client(house, publications) for _ in range(CLIENTS)]

    async def everyone(work: Callable[[Client], Coroutine[Any, Any, None]]) -> None:
        await asyncio.gather(*(work(client) for client in clients))

    await everyone(Client.come)
    await everyone(lambda client: client.join(ROOMS[0]))
    for number, stretch in enumerate(stretches):
        if number:
            await everyone(Client.cut)
            await house.close()
            await house.open()
        for deed, *arguments in stretch:
            if deed == "publish":
                for room in arguments[0]:
                    house.publish(publications.add(room), room)
            elif deed == "pause":
                await asyncio.sleep(0.002)  # so that some is told in between, and some is not
            else:
                who, *what = arguments
                await getattr(clients[who], deed)(*what)
    house.publish(publications.add(EVERYONE), EVERYONE)
    await everyone(lambda client: client.listen_up_to(publications.newest))
    await everyone(Client.cut)

    assert [(client.record.faults, set(client.recovered[1:])) for client in clients if client.record.faults] == []
    assert [client.recovered for client in clients] == [[False] + [True] * (len(c.recovered) - 1) for c in clients]


async def test_who_says_goodbye_begins_anew_with_whatever_it_brings(house: House) -> None:
    client = Client(house, Publications())
    await client.come()
    await client.join("request-r0")
    assert client.line is not None
    await client.line.send("41")
    await client.cut()
    await client.come()
    assert client.recovered == [False, False]
    await client.cut()


async def test_a_room_that_is_joined_while_another_line_comes_is_kept(house: House, eventually: Eventually) -> None:
    publications = Publications()
    first = Client(house, publications)
    await first.come()
    missed = await house.recovery.take_up(first.pid, None, ANYBODY)
    assert missed is not None
    await first.join("request-r0")
    assert list(missed.session.rooms) == ["request-r0"]
    await first.cut()
