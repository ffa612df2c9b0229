"""Bridges of one journal that all end, and are started one after another: at each, whoever was there before hears who
did not come back, once it is sure."""

import asyncio

import pytest

from tests.bridge.sockets.activity_heard import GRACE_SECONDS, changes, hear, let_grace_pass
from tests.bridge.sockets.houses import Client, House
from tests.bridge.sockets.several import Operator
from tests.system.soak.records import Publications
from tests.waiting import GIVE_UP_SECONDS

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


async def watcher_at(house: House) -> Client:
    client = Client(house, Publications())
    await client.come()
    await client.call("join-chat-room", "c1")
    return client


async def come_online(client: Client, user_id: str) -> None:
    await client.call("user-online", user_id)
    await client.call("typing-start", {"chatId": "c1", "userId": user_id, "userName": "U"})


async def kill(house: House, operator: Operator) -> None:
    """Ends it so long ago that the others take it for gone."""
    killed = house.node
    await house.kill()
    operator.miss(killed)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_who_does_not_come_back_is_offline_and_types_no_more_for_watchers_at_each(
    houses: list[House], operator: Operator, order: tuple[int, int]
) -> None:
    for house in houses:
        house._options["presence_grace_seconds"] = GRACE_SECONDS
        await house.restart()
    watchers = [await watcher_at(house) for house in houses]
    goes = Client(houses[1], Publications())
    await come_online(goes, "u1")
    before = [("u1", "online"), ("u1", "types True")]
    for watcher in watchers:
        await hear(watcher, *before)
    for client in (*watchers, goes):
        await client.cut()
    for house in houses:
        await kill(house, operator)
    for place in order:
        await houses[place].open()
        reconnections = houses[place].server.reconnections
        assert reconnections is not None
        await reconnections.ready()
    for watcher in watchers:
        await watcher.come()
        await hear_in_the_end(watcher, ("u1", "types"), "types False")
    let_grace_pass(houses[order[0]])
    for watcher in watchers:
        await hear_in_the_end(watcher, ("u1", "o"), "offline")
        assert watcher.recovered == [False, True]
        await watcher.cut()


async def hear_in_the_end(client: Client, whose: tuple[str, str], last: str) -> None:
    """Waits until what was heard last of some changes is this. What was on its way may be heard twice."""
    user_id, kind = whose

    def newest() -> str:
        return [what for of, what in changes(client) if of == user_id and what.startswith(kind)][-1]

    async with asyncio.timeout(GIVE_UP_SECONDS):
        while newest() != last:
            await client.listen()
