"""Clients that move between servers that share a journal, each of which may be gone or only seem so: whatever they do
and whenever, they hear all that they have to, once and in order."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.journal import Exchanges
from bridge.sockets.recovery.reconnections import EXCHANGES
from tests.bridge.sockets.houses import Client, Eventually, House, Serve
from tests.bridge.sockets.several import ROOMS, SERVERS, Operator
from tests.bridge.sockets.under_fire import fuzzed
from tests.system.soak.records import EVERYONE, Publications, Record

CLIENTS = 3
R0 = ROOMS[0]

SERVER = st.integers(0, SERVERS - 1)
PEOPLE = st.integers(0, CLIENTS - 1)
PUBLISHED = st.tuples(
    st.just("publish"), SERVER, st.lists(st.sampled_from([*ROOMS, EVERYONE]), min_size=1, max_size=4)
)
MOVED = st.tuples(st.sampled_from(["join", "join", "leave"]), PEOPLE, st.sampled_from(ROOMS))
WENT = st.tuples(st.sampled_from(["cut", "listen"]), PEOPLE)
CAME = st.tuples(st.just("come"), PEOPLE, SERVER)
ENDED = st.tuples(st.sampled_from(["kill", "forget"]), SERVER)
LATE = st.tuples(st.sampled_from(["deafen", "hold", "hold"]), SERVER)
PAUSED = st.just(("pause",))
DEEDS = st.sampled_from(
    [PUBLISHED, PUBLISHED, PUBLISHED, MOVED, WENT, CAME, CAME, CAME, ENDED, LATE, PAUSED]
).flatmap(lambda deed: deed)


class World:
    """The servers and their clients, and what can happen to them."""

    def __init__(self, houses: list[House], operator: Operator, exchanges_limit: int) -> None:
        self._houses = houses
        self._operator = operator
        self._exchanges_limit = exchanges_limit
        self.publications = Publications()
        self.clients = [Client(houses[number % SERVERS], self.publications) for number in range(CLIENTS)]
        self._exchanges = dict.fromkeys(range(CLIENTS), 0)
        """How often each may have come while it was connected elsewhere."""
        self._forgotten: set[int] = set()
        """Whose sessions may be forgotten."""

    async def everyone(self, work: Callable[[int], Coroutine[Any, Any, None]]) -> None:
        await asyncio.gather(*map(work, range(CLIENTS)))

    async def begin(self, who: int) -> None:
        await self.clients[who].come()
        await self.clients[who].join(R0)

    async def publish(self, server: int, rooms: list[str]) -> None:
        for other in {*self._houses} - {self._houses[server]}:
            await other.published()  # or what is published after it may be committed before it
        for room in rooms:
            self._houses[server].publish(self.publications.add(room), room)

    async def come(self, who: int, server: int) -> None:
        """A server that is held back is waited for, until it has to go on."""
        client, house = self.clients[who], self._houses[server]
        self._exchanges[who] += client.house is not house
        client.house = house
        coming = asyncio.create_task(client.come())
        await house._eventually(lambda: coming.done() or house.recovery._waiting_for)
        house.tells.set()
        await coming
        if client.recovered[-1]:
            return
        assert who in self._forgotten or self._exchanges[who] > self._exchanges_limit
        self._forgotten.discard(who)
        self._exchanges[who] = 0
        client.record = Record(self.publications, faults=client.record.faults)
        client.record.connected()
        await client.join(R0)

    async def _be_there(self, who: int) -> Client:
        if self.clients[who].line is None:
            await self.come(who, self._houses.index(self.clients[who].house))
        return self.clients[who]

    async def join(self, who: int, room: str) -> None:
        await (await self._be_there(who)).join(room)

    async def leave(self, who: int, room: str) -> None:
        await (await self._be_there(who)).leave(room)

    async def listen(self, who: int) -> None:
        await (await self._be_there(who)).listen()

    async def cut(self, who: int) -> None:
        await self.clients[who].cut()

    async def kill(self, server: int) -> None:
        house = self._houses[server]
        for client in self.clients:
            if client.house is house:
                await client.cut()
        killed = house.node
        await house.kill()
        self._operator.miss(killed)
        await house.open()

    async def forget(self, server: int) -> None:
        """Of those who are gone; days after whatever was saved."""
        for house in self._houses:
            await house.has_saved()
        self._forgotten |= {who for who, client in enumerate(self.clients) if client.line is None}
        self._operator.let_days_pass()
        journal = self._houses[server].journal
        in_use = self._houses[server].recovery.session_ids()
        await journal.retention.forget_sessions(before=journal.clock() - timedelta(days=1), but=in_use, limit=100)

    async def deafen(self, server: int) -> None:
        self._houses[server].hears = False

    async def hold(self, server: int) -> None:
        self._houses[server].tells.clear()

    async def pause(self) -> None:
        await asyncio.sleep(0.005)  # so that some is told in between, and some is not

    async def end(self) -> None:
        """All that was told is heard."""
        for house in self._houses:
            house.hears = True
            house.tells.set()
        await self.publish(0, [EVERYONE])

        async def hear_all(who: int) -> None:
            await (await self._be_there(who)).listen_up_to(self.publications.newest)

        await self.everyone(hear_all)
        await self.everyone(self.cut)
        newest = (await self._houses[0].journal.newest_place()).number
        for house in self._houses:
            await house.told_up_to(newest)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@given(exchanges_limit=st.sampled_from([EXCHANGES, 1_000]), deeds=st.lists(DEEDS, min_size=10, max_size=60))
@settings(fuzzed, max_examples=10)
async def test_whoever_moves_between_servers_hears_all_once_and_in_order(
    houses: list[House], operator: Operator, exchanges_limit: int, deeds: list[tuple[Any, ...]]
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("bridge.sockets.recovery.reconnections.CONTESTED_SECONDS", 0.05)
        patched.setattr("bridge.recovery.EXCHANGES_OF_BRIDGES", Exchanges(exchanges_limit, timedelta(minutes=1)))
        world = World(houses, operator, exchanges_limit)
        await world.everyone(world.begin)
        for deed, *arguments in deeds:
            await getattr(world, deed)(*arguments)
        await world.end()
    assert [client.record.faults for client in world.clients] == [[]] * CLIENTS


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_whoever_watches_is_told_at_each_server_and_takes_that_along(
    database_url: str, serve: Serve, eventually: Eventually
) -> None:
    houses = [
        House(database_url, serve, eventually, is_shared=True, presence_to_watchers=True) for _ in range(SERVERS)
    ]
    for house in houses:
        await house.open()
    watcher, stranger, user = (Client(house, Publications()) for house in (houses[0], houses[0], houses[1]))
    await stranger.come()
    await watcher.call("watch-users", {"userIds": ["u1", "u2"]})
    await user.call("user-online", "u1")

    async def is_told(user_id: str) -> None:
        while ("user-status-change", user_id) not in [(name, change["userId"]) for name, change in watcher.activity]:
            await asyncio.sleep(0.05)
            await watcher.listen()

    await is_told("u1")
    await watcher.cut()
    watcher.house = houses[1]
    await watcher.come()
    await user.call("user-online", "u2")
    await is_told("u2")
    await stranger.listen()
    assert (watcher.recovered, stranger.activity) == ([False, True], [])
    assert {change["userId"] for _, change in watcher.activity} == {"u1", "u2"}
    for client in (watcher, stranger, user):
        await client.cut()
    for house in houses:
        await house.close()
