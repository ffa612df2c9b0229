"""Bridges that stood still for a while, as a process does that is paused: what the others have told of their users
meanwhile holds until those have answered."""

import asyncio
from collections.abc import Collection
from datetime import timedelta

import pytest

from bridge.catalogue.activities import UserActivity
from bridge.journal import ActivitySnapshot, NodeActivity
from tests.bridge.sockets.activity_heard import hear, newcomer, store_later, watcher_at
from tests.bridge.sockets.houses import Client, House
from tests.waiting import GIVE_UP_SECONDS

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


async def answer_pings(client: Client) -> None:
    while client.line is not None:
        packet = await client._packet(client.line)
        client._take(packet)
        if packet == "2":
            await client.line.send("3")


@pytest.mark.parametrize("is_there", [True, False], ids=["who is there", "who went without a word"])
@pytest.mark.parametrize("is_long", [False, True], ids=["for seconds", "for minutes"])
async def test_who_was_told_to_be_gone_while_a_bridge_stood_still_is_online_once_it_has_answered(
    houses: list[House], monkeypatch: pytest.MonkeyPatch, is_there: bool, is_long: bool
) -> None:
    late, other = houses
    watchers, user = [await watcher_at(house) for house in houses], await newcomer(late)
    await user.call("user-online", "u1")
    for watcher in watchers:
        await hear(watcher, ("u1", "online"))
    may_read, read, snapshot = asyncio.Event(), late.journal.activities.after, late.journal.activities.snapshot

    async def read_late(change: int) -> Collection[NodeActivity]:
        await may_read.wait()
        return await read(change)

    async def look_late() -> ActivitySnapshot:
        await may_read.wait()
        return await snapshot()

    monkeypatch.setattr(late.journal.activities, "after", read_late)
    monkeypatch.setattr(late.journal.activities, "snapshot", look_late)
    if is_there:
        monkeypatch.setattr("bridge.sockets.transport.asking.ANSWER_SECONDS", GIVE_UP_SECONDS)
        monkeypatch.setattr("bridge.sockets.transport.asking.POLLS", 100 * int(GIVE_UP_SECONDS))
    if is_long:
        late.sharing._read_at -= timedelta(hours=1)
    gone = UserActivity("u1", None, is_on=False, at=other.journal.clock())
    await other.journal.activities.note({late.node: [gone]})
    told = [("u1", "online"), ("u1", "offline")]
    await hear(watchers[1], *told)
    log = late.server.activity_log
    assert log._heard_others_at is not None
    log._heard_others_at = log._heard_others_at[0] - 10, log._heard_others_at[1]
    answering = asyncio.create_task(answer_pings(user)) if is_there else None
    may_read.set()
    if is_there:
        told.append(("u1", "online"))
    else:
        await late._eventually(lambda: len(late.server.eio.sockets) == 1)
    for house, watcher in zip(houses, watchers, strict=True):
        await hear(watcher, *told)
        assert house.server.presence.is_here("u1") == is_there
    if answering is not None:
        answering.cancel()
    for client in (*watchers, user):
        await client.cut()


async def test_who_goes_without_a_word_while_it_is_being_stored_that_they_are_here_is_gone_everywhere(
    houses: list[House], monkeypatch: pytest.MonkeyPatch
) -> None:
    late, other = houses
    watchers, user = [await watcher_at(house) for house in houses], await newcomer(late)
    await user.call("user-online", "u1")
    for watcher in watchers:
        await hear(watcher, ("u1", "online"))
    may_store = store_later(late, monkeypatch)
    now = other.journal.clock()
    late.server.presence.remote_presence.publish(UserActivity("u1", None, is_on=True, at=now))
    late.sharing._doubts_until = asyncio.get_running_loop().time() + GIVE_UP_SECONDS
    await other.journal.activities.note({late.node: [UserActivity("u1", None, is_on=False, at=now)]})
    await late._eventually(lambda: not late.server.presence.is_here("u1"))
    may_store.set()
    told = [("u1", "online"), ("u1", "offline")]
    await hear(watchers[0], *told)
    await hear(watchers[1], *told, *told)
    assert not any(house.server.presence.is_here("u1") for house in houses)
    for client in (*watchers, user):
        await client.cut()


@pytest.mark.parametrize("left_before", [False, True], ids=["left since", "left before"])
async def test_who_left_another_bridge_since_it_was_heard_late_is_recovered_and_who_left_before_begins_anew(
    houses: list[House], left_before: bool
) -> None:
    one, late = houses
    client = await newcomer(one)
    await client.call("join-request-room", "r0")
    await one.has_saved()
    log = late.server.activity_log
    if left_before:
        await client.cut()
        await one.has_saved()
    await late._eventually(lambda: log._heard_others_at is not None)
    assert log._heard_others_at is not None
    log._heard_others_at = log._heard_others_at[0] - 10, log._heard_others_at[1]
    log.hears_others()
    if not left_before:
        log._others_complete_since -= 10_000_000  # ten seconds ago
        await client.cut()
        await one.has_saved()
    client.house = late
    await client.come()
    assert client.recovered == [False, not left_before]
    await client.cut()
