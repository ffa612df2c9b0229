"""Who is online and who types, through restarts and moves: whoever is told that it is recovered knows how everybody
stands, and nobody is told what is not kept."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import timedelta

import psycopg
import pytest

from bridge.catalogue.activities import UserActivity
from bridge.journal import NodeActivity
from tests.bridge.sockets.activity_heard import (
    changes,
    hear,
    let_grace_pass,
    newcomer,
    store_later,
    watcher_at,
)
from tests.bridge.sockets.houses import Client, House
from tests.bridge.sockets.several import Operator

Ends = Callable[[House], Awaitable[None]]

ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


async def stop(house: House) -> None:
    """As it is told to: it says that it is there no more."""
    await house.has_saved()
    await house.journal.nodes.leave()
    await house.close()


async def kill(house: House) -> None:
    await house.has_saved()
    await house.kill()


ALONE = pytest.mark.parametrize(
    ("database_url", "is_shared"),
    [("sqlite", False), ("postgresql", True)],
    indirect=True,
    ids=["sqlite", "shared"],
)


async def start_typing(client: Client, user_id: str) -> None:
    await client.call("typing-start", {"chatId": "c1", "userId": user_id, "userName": "U"})


async def stop_typing(client: Client, user_id: str) -> None:
    await client.call("typing-stop", {"chatId": "c1", "userId": user_id})


async def cut(*clients: Client) -> None:
    for client in clients:
        await client.cut()
    for house in {client.house for client in clients}:
        await house._eventually(lambda house=house: not house.server.eio.sockets)  # type: ignore[misc]


@ALONE
@pytest.mark.parametrize("ends", [stop, kill])
async def test_who_was_away_before_a_restart_hears_who_came_left_and_stopped_typing_before_it(
    database_url: str, is_shared: bool, house: House, ends: Ends
) -> None:
    watcher, comes, leaves, types = await watcher_at(house), *[await newcomer(house) for _ in range(3)]
    await leaves.call("user-online", "u1")
    await types.call("user-online", "u2")
    await start_typing(types, "u2")
    before = [("u1", "online"), ("u2", "online"), ("u2", "types True")]
    await hear(watcher, *before)
    await watcher.cut()
    await house._eventually(lambda: len(house.server.eio.sockets) == 3)
    await comes.call("user-online", "u3")
    await leaves.call("leave-user-room", "u1")
    await stop_typing(types, "u2")
    await house._eventually(lambda: not house.server.presence.is_here("u1"))
    await cut(comes, leaves, types)
    ended = house.node
    await ends(house)
    if is_shared:
        with psycopg.connect(database_url, autocommit=True) as connection:
            Operator(connection).miss(ended)
    await house.open()
    for client in (comes, types, watcher):
        await client.come()
    while len(changes(watcher)) < 6:
        await watcher.listen()
    await watcher.listen()
    assert changes(watcher)[:3] == before
    assert {*changes(watcher)[3:]} == {("u3", "online"), ("u1", "offline"), ("u2", "types False")}
    assert len(changes(watcher)) == 6
    assert watcher.recovered == [False, True]
    # Nor is anybody taken for gone who came back.
    let_grace_pass(house)
    await watcher.listen()
    assert len(changes(watcher)) == 6
    await cut(comes, leaves, types, watcher)


@ALONE
async def test_nobody_is_told_that_somebody_went_before_that_is_kept(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher, goes = await watcher_at(house), await newcomer(house)
    await goes.call("user-online", "u1")
    await hear(watcher, ("u1", "online"))
    may_be_kept = store_later(house, monkeypatch)
    await goes.call("leave-user-room", "u1")
    await hear(watcher, ("u1", "online"))
    may_be_kept.set()
    await hear(watcher, ("u1", "online"), ("u1", "offline"))
    await cut(watcher, goes)


@ALONE
async def test_who_leaves_before_it_is_told_what_is_kept_hears_it_after_a_restart(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher, goes = await watcher_at(house), await newcomer(house)
    await goes.call("user-online", "u1")
    await hear(watcher, ("u1", "online"))
    is_kept, may_be_told = asyncio.Event(), asyncio.Event()
    note = house.journal.activities.note

    async def note_and_wait(noted: Mapping[str | None, Collection[UserActivity]]) -> None:
        await note(noted)
        is_kept.set()
        await may_be_told.wait()

    monkeypatch.setattr(house.journal.activities, "note", note_and_wait)
    await goes.call("leave-user-room", "u1")
    await is_kept.wait()
    await cut(watcher, goes)
    may_be_told.set()
    await stop(house)
    await house.open()
    await watcher.come()
    await hear(watcher, ("u1", "online"), ("u1", "offline"))
    assert watcher.recovered == [False, True]
    await cut(watcher)


@ALONE
@pytest.mark.parametrize("why", ["it was long ago", "it was not kept"])
async def test_who_was_away_for_longer_than_it_is_known_who_went_begins_anew(
    house: House, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    watcher = await watcher_at(house)
    await cut(watcher)
    await stop(house)
    if why == "it was long ago":
        monkeypatch.setattr("bridge.shared_activity.ENDED_RETENTION", timedelta(0))
    else:
        monkeypatch.setattr("bridge.shared_activity.is_of_before_activity_was_kept", lambda content: bool(content))
    await house.open()
    await watcher.come()
    assert watcher.recovered == [False, False]
    await cut(watcher)


@ON_POSTGRESQL
@pytest.mark.parametrize("place", [0, 1], ids=["started again", "another"])
async def test_who_comes_from_a_bridge_that_was_killed_leaves_and_stops_at_once(
    houses: list[House], place: int
) -> None:
    watcher, goes = await watcher_at(houses[1]), await newcomer(houses[0])
    await goes.call("user-online", "u1")
    await start_typing(goes, "u1")
    before = [("u1", "online"), ("u1", "types True")]
    await hear(watcher, *before)
    await cut(goes)
    await kill(houses[0])
    await houses[0].open()
    goes.house = houses[place]
    await goes.come()
    await hear(watcher, *before, ("u1", "types False"))
    await goes.call("leave-user-room", "u1")
    await hear(watcher, *before, ("u1", "types False"), ("u1", "offline"))
    for house in houses:  # each once it has read it
        await house._eventually(lambda house=house: not house.server.presence.is_here("u1"))  # type: ignore[misc]
    assert goes.recovered == [False, True]
    for client in (watcher, goes):
        await client.cut()


@ON_POSTGRESQL
@pytest.mark.parametrize("has_read", [False, True], ids=["before it reads", "once it has read"])
async def test_who_comes_to_a_bridge_that_was_late_begins_anew(
    houses: list[House], monkeypatch: pytest.MonkeyPatch, has_read: bool
) -> None:
    late, other = houses
    watcher, goes = await watcher_at(other), await newcomer(other)
    may_read = asyncio.Event()
    read = late.journal.activities.after

    async def read_late(change: int) -> Collection[NodeActivity]:
        await may_read.wait()
        return await read(change)

    monkeypatch.setattr(late.journal.activities, "after", read_late)
    await goes.call("user-online", "u1")
    await hear(watcher, ("u1", "online"))
    await watcher.cut()
    await goes.call("leave-user-room", "u1")
    await other._eventually(lambda: not other.server.presence.is_here("u1"))
    log = late.server.activity_log
    await late._eventually(lambda: log._heard_others_at is not None)
    assert log._heard_others_at is not None
    steady, moment = log._heard_others_at
    log._heard_others_at = steady - 10, moment
    if has_read:
        may_read.set()
        await late._eventually(lambda: log._heard_others_at is not None and log._heard_others_at[0] > steady)
    watcher.house = late
    await watcher.come()
    assert watcher.recovered == [False, False]
    may_read.set()
    await cut(watcher, goes)


@ALONE
async def test_nobody_is_told_that_somebody_stopped_typing_before_that_is_kept(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher, types = await watcher_at(house), await newcomer(house)
    await start_typing(types, "u1")
    await hear(watcher, ("u1", "types True"))
    may_be_kept = store_later(house, monkeypatch)
    await stop_typing(types, "u1")
    await hear(watcher, ("u1", "types True"))
    may_be_kept.set()
    await hear(watcher, ("u1", "types True"), ("u1", "types False"))
    await cut(watcher, types)


@ALONE
async def test_who_leaves_its_room_stops_typing_before_it_is_offline(house: House) -> None:
    watcher, types = await watcher_at(house), await newcomer(house)
    await types.call("user-online", "u1")
    await start_typing(types, "u1")
    await types.call("leave-user-room", "u1")
    before = [("u1", "online"), ("u1", "types True")]
    await hear(watcher, *before, ("u1", "types False"), ("u1", "offline"))
    await cut(watcher, types)


@ON_POSTGRESQL
async def test_who_has_another_client_at_the_bridge_that_one_comes_from_stays_online(houses: list[House]) -> None:
    first, second = houses
    watcher, stays, moves = await watcher_at(second), *[await newcomer(first) for _ in range(2)]
    for client in (stays, moves):
        await client.call("user-online", "u1")
    await hear(watcher, ("u1", "online"))
    await moves.cut()
    moves.house = second
    await moves.come()
    assert moves.recovered == [False, True]
    node = {first.node}
    await second._eventually(lambda: second.server.presence.remote_presence._nodes_of.get("u1") != node)
    await second._eventually(lambda: second.server.presence.remote_presence._nodes_of.get("u1") == node)
    await moves.call("leave-user-room", "u1")
    await hear(watcher, ("u1", "online"))
    await stays.call("leave-user-room", "u1")
    await hear(watcher, ("u1", "online"), ("u1", "offline"))
    for client in (watcher, stays, moves):
        await client.cut()


@ON_POSTGRESQL
async def test_whom_a_bridge_that_stayed_has_told_offline_is_not_expected_by_one_that_starts(
    houses: list[House], operator: Operator
) -> None:
    stays, restarts = houses
    watcher, goes = await watcher_at(stays), await newcomer(restarts)
    await goes.call("user-online", "u1")
    await hear(watcher, ("u1", "online"))
    await cut(goes)
    killed = restarts.node
    await kill(restarts)
    operator.miss(killed)
    stays.sharing._seen_at.pop(killed, None)
    told = [("u1", "online"), ("u1", "offline")]
    await hear(watcher, *told)
    await restarts.open()
    comes = await newcomer(restarts)
    await comes.call("user-online", "u2")
    await hear(watcher, *told, ("u2", "online"))
    assert not restarts.server.presence.is_here("u1")
    # Unless it does come back.
    await goes.come()
    await hear(watcher, *told, ("u2", "online"), ("u1", "online"))
    assert goes.recovered == [False, True]
    for client in (watcher, goes, comes):
        await client.cut()
