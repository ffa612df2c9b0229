"""Clients whose line is dead without a word, and who come over another one: they hear how everybody stands, and of
what they show to have heard already nothing comes again."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bridge.sockets.activity_heard import hear
from tests.bridge.sockets.houses import Client, House
from tests.bridge.sockets.under_fire import fuzzed
from tests.conftest import IS_LONG
from tests.system.soak.records import EVERYONE, Publications

EXAMPLES = 300 if IS_LONG else 12
USERS = 2
STATUS, TYPING = "user-status-change", "user-typing"

What = tuple[str, str]
"""Of whom something is shown, and what: by the event that tells it."""
Changed = dict[What, int]

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def _comes_back_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often: nobody who brings a session is asked first."""
    monkeypatch.setattr("bridge.sockets.recovery.reconnections.EXCHANGES", 1_000)


@pytest_asyncio.fixture
async def both(house: House) -> AsyncIterator[tuple[Client, Client]]:
    """Who watches, and somebody who comes online."""
    publications = Publications()
    watcher, shopper = Client(house, publications), Client(house, publications)
    for client in (watcher, shopper):
        await client.come()
    yield watcher, shopper
    for client in (watcher, shopper):
        await client.cut()


async def publish(house: House, publications: Publications) -> int:
    """Something that everyone hears; returns its number, once it is told."""
    number, before = publications.add(EVERYONE), house.recovery.cursor
    house.publish(number, EVERYONE)
    await house.told_up_to(before + 1)
    return number


async def test_what_came_before_the_last_event_that_it_heard_does_not_come_again(
    house: House, both: tuple[Client, Client]
) -> None:
    watcher, shopper = both
    await shopper.call("user-online", "u1")
    await hear(watcher, ("u1", "online"))
    await watcher.listen_up_to(await publish(house, watcher.record.publications))
    await watcher.come()
    await hear(watcher, ("u1", "online"))
    assert watcher.recovered == [False, True]


async def test_what_came_after_it_may_have_been_lost_and_comes_until_it_is_shown_to_have_come(
    house: House, both: tuple[Client, Client]
) -> None:
    watcher, shopper = both
    await watcher.listen_up_to(await publish(house, watcher.record.publications))
    await shopper.call("user-online", "u1")
    await watcher.come()  # it has read none of it
    await hear(watcher, ("u1", "online"))
    await watcher.come()  # nothing shows that it has
    await hear(watcher, ("u1", "online"), ("u1", "online"))
    await watcher.listen_up_to(await publish(house, watcher.record.publications))
    for _ in range(2):
        await watcher.come()
        await hear(watcher, ("u1", "online"), ("u1", "online"))
    assert watcher.recovered == [False, True, True, True, True]


async def test_what_it_heard_when_it_came_back_does_not_come_again_where_it_heard_an_event_behind_it(
    house: House, both: tuple[Client, Client]
) -> None:
    watcher, shopper = both
    await watcher.cut()
    await house._eventually(lambda: len(house.server.eio.sockets) == 1)
    await shopper.call("user-online", "u1")
    number = await publish(house, watcher.record.publications)
    await watcher.come()
    await watcher.listen_up_to(number)
    await watcher.come()
    await hear(watcher, ("u1", "online"))
    assert watcher.recovered == [False, True, True]


async def test_an_answer_to_a_ping_shows_it_too(house: House, both: tuple[Client, Client]) -> None:
    watcher, shopper = both
    await shopper.call("user-online", "u1")
    assert watcher.sid is not None
    connection = house.server.manager.connection(watcher.sid)
    assert connection is not None
    assert watcher.line is not None
    connection.ping(asyncio.get_running_loop().time())
    assert await watcher._next(watcher.line, "2") == "2"
    await watcher.line.send("3")
    await hear(watcher, ("u1", "online"))
    await watcher.come()
    await hear(watcher, ("u1", "online"))
    assert watcher.recovered == [False, True]


class Viewer(Client):
    """A client that shows who is online and who types."""

    def __init__(self, house: House, publications: Publications) -> None:
        super().__init__(house, publications)
        self.shown: dict[What, bool] = {}

    def show(self, changed: Changed, proven: Changed) -> None:
        """What it was told since the last time; nothing comes that it has shown to have heard."""
        for name, told in self.activity:
            what = name, told["userId"]
            if what not in changed:
                continue  # of somebody who was here before
            assert changed[what] > proven.get(what, 0), f"{told} again"
            self.shown[what] = told["isTyping"] if name == TYPING else told["status"] == "online"
        self.activity.clear()


class World:
    """A bridge, those who come, go and type there, and one who hears it over lines that die."""

    names = count()

    def __init__(self, house: House) -> None:
        publications = Publications()
        self._house = house
        self._viewer = Viewer(house, publications)
        self._people = [Client(house, publications) for _ in range(USERS)]
        self._user_ids = [f"user-{next(self.names)}" for _ in self._people]
        self._truth: dict[What, bool] = {}
        self._changed: Changed = {}
        """The last change of each, by a number."""
        self._changes = count(1)
        self._before: list[Changed] = []
        """Those that had been told before each event."""
        self._proven: Changed = {}
        """Those that had been told before the last event that it has heard."""

    async def __aenter__(self) -> "World":
        for client in (self._viewer, *self._people):
            await client.come()
            await client.call("join-chat-room", "c1")
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in (self._viewer, *self._people):
            await client.cut()

    async def take(self, deed: str, who: int) -> None:
        if deed in (STATUS, TYPING):
            await self._change(deed, who)
        elif deed == "publish":
            self._before.append(dict(self._changed))
            await publish(self._house, self._viewer.record.publications)
        elif deed == "listen":
            await self.listen()
        else:
            await self._viewer.come()
            assert self._viewer.recovered[-1]

    async def _change(self, event: str, who: int) -> None:
        """Returns once it is told."""
        user_id = self._user_ids[who]
        is_on = not self._truth.get((event, user_id), False)
        person = self._people[who]
        if event == STATUS:
            answer = await person.call("user-online" if is_on else "leave-user-room", user_id)
        elif is_on:
            answer = await person.call("typing-start", {"chatId": "c1", "userId": user_id, "userName": "U"})
        else:
            answer = await person.call("typing-stop", {"chatId": "c1", "userId": user_id})
        assert answer["ok"], answer
        log, announcements = self._house.server.activity_log, self._house.server.presence.announcements
        await self._house._eventually(
            lambda: not (log._change_begun or log.outboxes or announcements.announced(user_id))
        )
        self._note(event, user_id, is_on=is_on)
        if event == STATUS and self._truth.get((TYPING, user_id)):
            self._note(TYPING, user_id, is_on=is_on)

    def _note(self, event: str, user_id: str, *, is_on: bool) -> None:
        self._truth[event, user_id] = is_on
        self._changed[event, user_id] = next(self._changes)

    async def listen(self) -> None:
        await self._viewer.listen()
        self._viewer.show(self._changed, self._proven)
        if self._viewer.record.last >= 0:
            self._proven = self._before[self._viewer.record.last]

    def shown_and_true(self) -> list[set[What]]:
        """Who is online, and who types: to the viewer, and in truth."""
        return [{what for what, is_on in told.items() if is_on} for told in (self._viewer.shown, self._truth)]


STEPS = st.tuples(
    st.sampled_from([STATUS, TYPING, "publish", "listen", "listen", "come", "come"]), st.integers(0, USERS - 1)
)


@given(steps=st.lists(STEPS, min_size=10, max_size=25))
@settings(fuzzed, max_examples=EXAMPLES)
async def test_whatever_dies_the_picture_is_right_and_what_was_shown_to_be_heard_does_not_come_again(
    house: House, steps: list[tuple[str, int]]
) -> None:
    async with World(house) as world:
        for deed, who in steps:
            await world.take(deed, who)
        await world.listen()
        shown, truth = world.shown_and_true()
        assert shown == truth
