"""A whole machine that was taken back to a snapshot, and nobody noticed: a client that is recovered, and asks again
for all that it was in, is told what its session did not have, and is there."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.bridge.sockets.activity_heard import hear
from tests.bridge.sockets.houses import Client, House
from tests.system.soak.records import Publications

Serve = Callable[..., Awaitable[str]]
Eventually = Callable[[Callable[[], object]], Awaitable[object]]


def copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)


class Machine:
    """One with a bridge on it, which can be taken back."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house = house
        self._journal, self._snapshot = folder / "journal.db", folder / "snapshot.db"

    async def snap(self) -> None:
        await self.house.has_saved()
        await asyncio.to_thread(copy, self._journal, self._snapshot)

    async def take_back(self) -> None:
        await self.house.has_saved()
        await self.house.kill()
        await asyncio.to_thread(copy, self._snapshot, self._journal)
        await self.house.open()


@pytest_asyncio.fixture
async def machine(
    tmp_path: Path, serve: Serve, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Machine]:
    monkeypatch.setattr("bridge.sockets.recovery.pending_saves.SOON_SECONDS", 0.01)
    house = House(f"sqlite:///{tmp_path / 'journal.db'}", serve, eventually, presence_to_watchers=True)
    await house.open()
    yield Machine(house, tmp_path)
    await house.close()


ASKED: tuple[tuple[str, Any], ...] = (
    ("join-request-room", "r2"),
    ("join-seller-room", "s1"),
    ("user-online", "u1"),
    ("watch-users", {"userIds": ["u2", "u3"]}),
)


async def answers(client: Client) -> list[bool | None]:
    """What each answer says of whether its subject was recovered."""
    found = [await client.call(event, argument) for event, argument in (("join-request-room", "r1"), *ASKED)]
    assert all(answer["ok"] for answer in found)
    return [answer.get("recovered") for answer in found]


async def test_who_asks_again_after_a_rewind_that_nobody_noticed_is_there_and_told_what_was_lost(
    machine: Machine,
) -> None:
    house, publications = machine.house, Publications()
    client, user = Client(house, publications), Client(house, publications)
    assert (await client.call("join-request-room", "r1")).get("recovered") is None
    await machine.snap()
    assert await answers(client) == [None] * 5
    await machine.take_back()
    await client.come()
    assert client.recovered == [False, True]
    assert await answers(client) == [None, False, False, False, False]
    assert await answers(client) == [None] * 5  # it has all of that now
    await user.call("user-online", "u2")
    await hear(client, ("u2", "online"))
    house.publish(publications.add("request-r2"), "request-r2")
    await client.listen_up_to(publications.newest)
    for one in (client, user):
        await one.cut()


async def test_who_is_recovered_with_everything_is_told_nothing_else_and_nothing_is_stored_for_what_it_asks_again(
    machine: Machine,
) -> None:
    client = Client(machine.house, Publications())
    await answers(client)
    await machine.snap()
    await machine.take_back()
    await client.come()
    await machine.house.has_saved()
    saves: list[float] = []

    def dally() -> float:
        saves.append(0.0)
        return saves[-1]

    machine.house.dallies = dally
    assert await answers(client) == [None] * 5
    assert (client.recovered, saves) == ([False, True], [])
    assert not (await client.call("join-request-room", "another"))["recovered"]
    assert saves == [0.0]
    await client.cut()


async def test_who_is_in_as_many_rooms_as_it_may_be_is_still_answered_when_it_asks_again(machine: Machine) -> None:
    house = machine.house
    client = Client(house, Publications())
    await client.call("join-seller-room", "s1")
    limit = len(house.server.manager.own_rooms(str(client.sid), "/"))
    house.server.eio.limits = house.server.eio.limits.__class__(rooms=limit)
    assert (await client.call("join-seller-room", "s1"))["ok"]
    assert (await client.call("join-request-room", "r1"))["error"]["code"] == "too_many"
    await client.cut()
