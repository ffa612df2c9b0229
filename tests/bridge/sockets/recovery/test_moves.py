"""Clients that move between servers that share a journal, each of which may be gone or only seem so: whatever they do
and whenever, they hear all that they have to, once and in order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bridge.sockets.houses import Client, House
from tests.bridge.sockets.under_fire import fuzzed
from tests.system.soak.records import EVERYONE, Publications

Serve = Callable[..., Awaitable[str]]
Eventually = Callable[[Callable[[], object]], Awaitable[object]]

SERVERS, CLIENTS, ROOMS = 2, 3, ("request-r0", "request-r1")


@pytest_asyncio.fixture
async def houses(
    database_url: str, serve: Serve, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[list[House]]:
    monkeypatch.setattr("bridge.sockets.transport.asking.ANSWER_SECONDS", 0.01)
    houses = [House(database_url, serve, eventually, is_shared=True) for _ in range(SERVERS)]
    for house in houses:
        await house.open()
    yield houses
    for house in houses:
        await house.close()


SERVER = st.integers(0, SERVERS - 1)
PEOPLE = st.integers(0, CLIENTS - 1)
PUBLISHED = st.tuples(
    st.just("publish"), SERVER, st.lists(st.sampled_from([*ROOMS, EVERYONE]), min_size=1, max_size=4)
)
MOVED = st.tuples(st.sampled_from(["join", "join", "leave"]), PEOPLE, st.sampled_from(ROOMS))
WENT = st.tuples(st.sampled_from(["cut", "listen"]), PEOPLE)
CAME = st.tuples(st.just("come"), PEOPLE, SERVER)
DEEDS = st.sampled_from([PUBLISHED, PUBLISHED, MOVED, WENT, CAME, CAME, st.just(("pause",))]).flatmap(
    lambda deed: deed
)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@given(deeds=st.lists(DEEDS, min_size=10, max_size=60))
@settings(fuzzed, max_examples=15)
async def test_whoever_moves_between_servers_hears_all_once_and_in_order(
    houses: list[House], deeds: list[tuple[Any, ...]]
) -> None:
    publications = Publications()
    clients = [Client(houses[number % SERVERS], publications) for number in range(CLIENTS)]

    async def everyone(work: Callable[[Client], Coroutine[Any, Any, None]]) -> None:
        await asyncio.gather(*(work(client) for client in clients))

    await everyone(Client.come)
    await everyone(lambda client: client.join(ROOMS[0]))
    for deed, *arguments in deeds:
        if deed == "publish":
            server, rooms = arguments
            for other in {*houses} - {houses[server]}:
                await other.published()  # or what is published after it may be committed before it
            for room in rooms:
                houses[server].publish(publications.add(room), room)
        elif deed == "pause":
            await asyncio.sleep(0.005)  # so that some is told in between, and some is not
        elif deed == "come":
            who, server = arguments
            clients[who].house = houses[server]
            await clients[who].come()
        else:
            who, *what = arguments
            await getattr(clients[who], deed)(*what)
    await houses[1].published()
    houses[0].publish(publications.add(EVERYONE), EVERYONE)
    await everyone(lambda client: client.listen_up_to(publications.newest))
    await everyone(Client.cut)

    assert [(client.record.faults, set(client.recovered[1:])) for client in clients if client.record.faults] == []
    assert [client.recovered for client in clients] == [[False] + [True] * (len(c.recovered) - 1) for c in clients]


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
