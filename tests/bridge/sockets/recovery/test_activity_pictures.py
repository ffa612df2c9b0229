"""Whatever users and watchers do, and whichever bridge ends, in the end each watcher, also one that was told that it
is recovered, has the same picture of who is online and who types, and it is the right one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from itertools import count
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bridge.sockets.activity_heard import GRACE_SECONDS, changes, let_grace_pass
from tests.bridge.sockets.houses import Client, Eventually, House, Serve
from tests.bridge.sockets.several import Operator
from tests.bridge.sockets.under_fire import fuzzed
from tests.conftest import IS_LONG
from tests.system.soak.records import Publications
from tests.waiting import GIVE_UP_SECONDS

PEOPLE = WATCHERS = 2
EXAMPLES = 200 if IS_LONG else 5

WHO, SERVER = st.integers(0, PEOPLE - 1), st.integers(0, 1)
SAID = st.tuples(st.sampled_from(["come_online", "come_online", "leave", "start_typing", "stop_typing"]), WHO)
CAME = st.tuples(st.sampled_from(["come", "watch"]), WHO, SERVER)
WENT = st.tuples(st.sampled_from(["cut", "look_away", "look_away"]), WHO)
ENDED = st.tuples(st.sampled_from(["stop", "kill"]), SERVER)
HOPPED = st.tuples(st.just("hop"), WHO, SERVER)
DEEDS = st.sampled_from([SAID, SAID, SAID, CAME, CAME, HOPPED, WENT, WENT, ENDED]).flatmap(lambda deed: deed)


class Person(Client):
    """A client of one user."""

    user_id: str
    is_online = types = False

    async def be_there(self) -> None:
        if self.line is None:
            await self.come()
            self.is_online &= self.recovered[-1]

    async def cut(self) -> None:
        await super().cut()
        self.types = False


class Watcher(Client):
    """A client that shows who is online and who types."""

    def __init__(self, house: House) -> None:
        super().__init__(house, Publications())
        self._looked_up: list[tuple[str, str]] = []

    async def be_there(self, user_ids: list[str]) -> None:
        if self.line is not None:
            return
        await self.come()
        if not self.recovered[-1]:
            await self.call("join-chat-room", "c1")
            found = await self.call("watch-users", {"userIds": user_ids})
            self.activity.clear()
            self._looked_up = [(one["userId"], one["status"]) for one in found["users"]]

    async def look_away(self) -> None:
        """It has read all that it was sent."""
        if self.line is not None:
            await self.listen()
        await self.cut()

    def picture(self) -> set[tuple[str, str]]:
        """Who is online, and who types."""
        shown: dict[tuple[str, bool], str] = {}
        for user_id, what in [*self._looked_up, *changes(self)]:
            shown[user_id, what.startswith("types")] = what
        return {(user_id, what) for (user_id, _), what in shown.items() if what in ("online", "types True")}


class World:
    """Bridges of one journal, and who comes to them."""

    names = count()

    def __init__(self, houses: list[House], operator: Operator | None) -> None:
        self._houses = houses
        self._operator = operator
        self.people = [Person(self._at(number), Publications()) for number in range(PEOPLE)]
        for person in self.people:
            person.user_id = f"u{next(self.names)}"
        self.watchers = [Watcher(self._at(number)) for number in range(WATCHERS)]
        self._ended: list[str] = []

    def _at(self, server: int) -> House:
        return self._houses[server % len(self._houses)]

    async def come(self, who: int, server: int) -> None:
        person = self.people[who]
        if person.line is None:
            person.house = self._at(server)
            await person.be_there()

    async def hop(self, who: int, server: int) -> None:
        """To another bridge and back within the grace period."""
        for at in (server + 1, server):
            await self.cut(who)
            await self.come(who, at)

    async def _say(self, who: int, event: str, **argument: str) -> None:
        person = self.people[who]
        await person.be_there()
        answer = await person.call(event, {"userId": person.user_id, **argument} if argument else person.user_id)
        assert answer["ok"]

    async def come_online(self, who: int) -> None:
        await self._say(who, "user-online")
        self.people[who].is_online = True

    async def leave(self, who: int) -> None:
        await self._say(who, "leave-user-room")
        self.people[who].is_online = False

    async def start_typing(self, who: int) -> None:
        # Of typing those receive nothing who type, so nobody watches who stands for the user.
        await self._say(who, "typing-start", chatId="c1", userName="U")
        self.people[who].types = True

    async def stop_typing(self, who: int) -> None:
        await self._say(who, "typing-stop", chatId="c1")
        self.people[who].types = False

    async def cut(self, who: int) -> None:
        await self.people[who].cut()

    async def watch(self, who: int, server: int) -> None:
        if self.watchers[who].line is None:
            self.watchers[who].house = self._at(server)
        await self.watchers[who].be_there([person.user_id for person in self.people])

    async def look_away(self, who: int) -> None:
        await self.watchers[who].look_away()

    async def stop(self, server: int) -> None:
        house = self._at(server)
        await self._cut_off(house)
        await house.has_saved()
        await house.journal.nodes.leave()
        await self._end(house)
        await house.open()

    async def kill(self, server: int) -> None:
        house = self._at(server)
        await house.has_saved()
        await self._cut_off(house)
        await self._end(house, is_killed=True)
        if self._operator is not None:
            self._operator.miss(self._ended[-1])
        await house.open()

    async def _end(self, house: House, *, is_killed: bool = False) -> None:
        self._ended.append(house.node)
        await (house.kill() if is_killed else house.stop())

    async def _cut_off(self, house: House) -> None:
        for person in self.people:
            if person.house is house:
                await person.cut()
        for watcher in self.watchers:
            if watcher.house is house:
                await watcher.look_away()

    async def end(self) -> None:
        """Whoever is away is not expected back any more, nor is any bridge that ended, and all watchers are there."""
        for number in range(WATCHERS):
            await self.watch(number, number)
        for house in self._houses:
            long_ago = house.journal.clock() - timedelta(minutes=1)
            house.sharing._seen_at |= dict.fromkeys(self._ended, long_ago)
            let_grace_pass(house)
        online = {(one.user_id, "online") for one in self.people if one.line is not None and one.is_online}
        typing = {(one.user_id, "types True") for one in self.people if one.types}
        truth = [online | typing] * WATCHERS + [online] * len(self._houses)
        shown: list[set[tuple[str, str]]] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(GIVE_UP_SECONDS):
                while shown != truth:
                    shown = await self._shown()
        assert shown == truth

    async def leave_all(self) -> None:
        for client in (*self.people, *self.watchers):
            await client.cut()

    async def _shown(self) -> list[set[tuple[str, str]]]:
        """By each watcher, and to whoever looks it up at each bridge."""
        for watcher in self.watchers:
            await watcher.listen()
        user_ids = [person.user_id for person in self.people]
        found = [house.server.presence.look_up(user_ids) for house in self._houses]
        looked_up = [{(one.user_id, "online") for one in users if one.is_online} for users in found]
        return [watcher.picture() for watcher in self.watchers] + looked_up


@pytest_asyncio.fixture
async def bridges(
    database_url: str, is_shared: bool, serve: Serve, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[list[House]]:
    monkeypatch.setattr("bridge.sockets.transport.asking.ANSWER_SECONDS", 0.01)
    monkeypatch.setattr("bridge.sockets.recovery.reconnections.RETRY_SECONDS", 0.01)
    monkeypatch.setattr("bridge.sockets.recovery.pending_saves.SOON_SECONDS", 0.01)
    monkeypatch.setattr("bridge.shared_activity.SAID_EVERY_SECONDS", 0.05)
    options: dict[str, Any] = {"is_shared": is_shared, "presence_grace_seconds": GRACE_SECONDS}
    houses = [House(database_url, serve, eventually, **options) for _ in range(2 if is_shared else 1)]
    async with AsyncExitStack() as stack:
        for house in houses:
            await house.open()
            stack.push_async_callback(house.close)
        yield houses


@pytest.mark.parametrize(
    ("database_url", "is_shared"),
    [("sqlite", False), ("postgresql", True)],
    indirect=["database_url"],
    ids=["sqlite", "shared"],
)
@given(deeds=st.lists(DEEDS, min_size=8, max_size=30))
@settings(fuzzed, max_examples=EXAMPLES)
async def test_in_the_end_all_watchers_have_the_right_picture(
    database_url: str, is_shared: bool, bridges: list[House], deeds: list[tuple[Any, ...]]
) -> None:
    async with AsyncExitStack() as stack:
        operator = None
        if is_shared:
            operator = Operator(stack.enter_context(psycopg.connect(database_url, autocommit=True)))
        world = World(bridges, operator)
        stack.push_async_callback(world.leave_all)
        for number in range(WATCHERS):
            await world.watch(number, number)
        for deed, *arguments in deeds:
            await getattr(world, deed)(*arguments)
        await world.end()
