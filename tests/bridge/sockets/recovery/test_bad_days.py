"""Sessions over a real journal through bad days, in any order of joins, leaves, cuts, kills, failed commits, restores
and full disks: nobody is deaf, nothing that was acknowledged is lost, and who may have missed something is told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bridge.conftest import EmptyJournals
from tests.bridge.sockets.houses import Client, House
from tests.bridge.sockets.recovery.troubled import TroubledJournal, TroubledPostgresql, TroubledSqlite
from tests.bridge.sockets.under_fire import fuzzed
from tests.conftest import IS_LONG
from tests.system.outages import small_disk
from tests.system.soak.records import EVERYONE, Publications

Serve = Callable[..., Awaitable[str]]
Eventually = Callable[[Callable[[], object]], Awaitable[object]]

CLIENTS, ROOMS = 2, ("request-r0", "request-r1")
DISK_MEGABYTES = 8


class Visitor(Client):
    """A client that knows what it was promised."""

    is_kept = False
    """Whether anything was acknowledged in this session, so that it is known to whoever starts."""
    may_begin_anew = True
    has_to_begin_anew = False
    """Whether the journal does not hold what it was told."""


class World:
    """A server, its journal, a backup, and visitors."""

    def __init__(self, house: House, journal: TroubledJournal) -> None:
        self.house, self._journal = house, journal
        self.publications = Publications()
        self.visitors = [Visitor(house, self.publications) for _ in range(CLIENTS)]
        self._trouble = ExitStack()
        self.is_in_trouble = False

    # What visitors do

    async def come(self, who: int) -> None:
        visitor = self.visitors[who]
        if self.house.is_shared and visitor.pid is not None:
            await self.recover()  # a session is taken over by a commit, so until then it waits
        await visitor.come()
        assert visitor.recovered[-1] or visitor.may_begin_anew
        assert not (visitor.recovered[-1] and visitor.has_to_begin_anew)
        visitor.is_kept = visitor.is_kept and visitor.recovered[-1]
        visitor.may_begin_anew = visitor.has_to_begin_anew = False

    async def cut(self, who: int) -> None:
        await self.visitors[who].cut()

    async def ask(self, who: int, deed: str, room: str) -> None:
        if self.visitors[who].line is None:
            await self.come(who)
        await self.visitors[who].ask(deed, room)
        if not self.is_in_trouble:
            await self._hear_answers(who)

    async def _hear_answers(self, who: int) -> None:
        visitor = self.visitors[who]
        visitor.is_kept |= bool(await visitor.hear_answers())

    async def publish(self, rooms: list[str]) -> None:
        for room in rooms:
            number = self.publications.add(room)
            self.house.publish(number, room, refused=self.publications.refused.add)

    async def pause(self) -> None:
        await asyncio.sleep(0.005)  # so that some is told in between, and some is not

    # What befalls the bridge

    async def fill_disk(self) -> None:
        if not self.is_in_trouble:
            self.is_in_trouble = True
            self._trouble.enter_context(self._journal.filled())

    async def fail_commits(self) -> None:
        if not self.is_in_trouble:
            self.is_in_trouble = True
            self._trouble.enter_context(self._journal.failing())

    async def hurry(self) -> None:
        """Nothing is wrong, and yet nobody waits for an answer, so that a kill comes before it."""
        self.is_in_trouble = True

    async def recover(self) -> None:
        """The trouble is over: all that was asked for is answered."""
        self._trouble.close()
        self.is_in_trouble = False
        await self.house.published()
        await asyncio.gather(*map(self._hear_answers, range(CLIENTS)))

    async def kill(self) -> None:
        """In the middle of its trouble, which has an end before the next start."""
        node = self.house.node
        await self.house.kill()
        for visitor in self.visitors:
            visitor.is_kept |= bool(await visitor.hear_the_rest())
            visitor.may_begin_anew |= not visitor.is_kept
        self._trouble.close()
        self._journal.outlived(node)
        self.is_in_trouble = False

    async def crash(self) -> None:
        await self.kill()
        await self.house.open()

    async def save_backup(self) -> None:
        if not self.is_in_trouble:
            await asyncio.to_thread(self._journal.back_up)

    async def restore(self) -> None:
        if not self._journal.has_backup:
            return
        await self.kill()
        await asyncio.to_thread(self._journal.restore)
        for visitor in self.visitors:
            visitor.may_begin_anew = visitor.has_to_begin_anew = visitor.pid is not None
        await self.house.open()

    async def end(self) -> None:
        await self.recover()
        await self.publish([*ROOMS, EVERYONE])
        await self.house.published()
        for who, visitor in enumerate(self.visitors):
            if visitor.line is None:
                await self.come(who)
            await visitor.listen_up_to(self.publications.newest)
            await visitor.cut()


@contextmanager
def troubled(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, TroubledJournal]]:
    """A journal by its URL."""
    if request.param == "sqlite":
        with small_disk(tmp_path, DISK_MEGABYTES) as disk:
            file = disk / "journal.db"
            yield f"sqlite:///{file}?timeout=0", TroubledSqlite(file, tmp_path / "backup.db")
        return
    journals: EmptyJournals = request.getfixturevalue("empty_journals")
    with journals.one() as url, closing(TroubledPostgresql(url)) as journal:
        yield url, journal


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def world(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    serve: Serve,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[tuple[House, TroubledJournal]]:
    # Its clients come back again and again, and are silent on the lines that they have left.
    # A database that another program holds is not waited for: neither by the bridge nor, below, by its driver.
    monkeypatch.setattr("bridge.journal.database.engines.BUSY_TIMEOUT_MS", 0)
    monkeypatch.setattr("bridge.sockets.transport.asking.ANSWER_SECONDS", 0.01)
    monkeypatch.setattr("bridge.journal.dispatcher.RETRY_SECONDS", 0.01)
    monkeypatch.setattr("bridge.sockets.recovery.reconnections.RETRY_SECONDS", 0.01)
    monkeypatch.setattr("bridge.sockets.recovery.pending_saves.SOON_SECONDS", 0.01)
    monkeypatch.setattr("bridge.sockets.recovery.pending_saves.RETRY_SECONDS", 0.01)
    with troubled(request, tmp_path) as (url, journal):
        house = House(url, serve, eventually, is_shared=url.startswith("postgresql"))
        await house.open()
        yield house, journal
        await house.kill()


VISITORS = st.integers(0, CLIENTS - 1)
PUBLISHED = st.tuples(st.just("publish"), st.lists(st.sampled_from([*ROOMS, EVERYONE]), min_size=1, max_size=4))
ASKED = st.tuples(st.just("ask"), VISITORS, st.sampled_from(["join", "join", "leave"]), st.sampled_from(ROOMS))
CAME = st.tuples(st.sampled_from(["cut", "come"]), VISITORS)
PAUSED = st.just(("pause",))
TROUBLED = st.sampled_from([("fill_disk",), ("fail_commits",), ("hurry",)])
BEFELL = st.sampled_from([("crash",), ("crash",), ("recover",), ("save_backup",), ("restore",)])
# How many seconds what the bridge does by itself is late, each time: what may come in between depends on that.
DALLIED = st.lists(st.sampled_from([0.0, 0.0, 0.001, 0.004]), min_size=1, max_size=20)
DEEDS = st.sampled_from([PUBLISHED, ASKED, ASKED, ASKED, CAME, PAUSED, TROUBLED, BEFELL]).flatmap(lambda deeds: deeds)


@pytest.mark.parametrize("run", range(40 if IS_LONG else 1))
@given(deeds=st.lists(DEEDS, min_size=20, max_size=60), dallied=DALLIED)
@settings(fuzzed, max_examples=20 if IS_LONG else 12)
async def test_whatever_befalls_the_bridge_nobody_is_deaf_and_who_may_have_missed_something_is_told(
    world: tuple[House, TroubledJournal], run: int, deeds: list[tuple[Any, ...]], dallied: list[float]
) -> None:
    house, journal = world
    journal.forget()
    house.dallies = cycle(dallied).__next__
    played = World(house, journal)
    for who in range(CLIENTS):
        await played.ask(who, "join", ROOMS[0])
    await played.save_backup()
    for deed, *arguments in deeds:
        await getattr(played, deed)(*arguments)
    await played.end()
    assert [visitor.record.faults for visitor in played.visitors] == [[]] * CLIENTS
