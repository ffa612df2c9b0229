"""Clients that come back, over a real journal: whatever they do and whenever, they hear all that they have to, once
and in order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.access import ANYBODY
from bridge.sockets.limits import Limits
from bridge.sockets.recovery.replays import Replays
from tests.bridge.sockets.houses import Client, House
from tests.bridge.sockets.under_fire import fuzzed
from tests.system.soak.records import EVERYONE, Publications

Serve = Callable[..., Awaitable[str]]
Eventually = Callable[[Callable[[], object]], Awaitable[object]]

CLIENTS, ROOMS = 3, ("request-r0", "request-r1")


@pytest_asyncio.fixture
async def house(
    tmp_path: Path, serve: Serve, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    # Its clients come back again and again, and are silent on the lines that they have left.
    monkeypatch.setattr("bridge.sockets.transport.asking.ANSWER_SECONDS", 0.01)
    house = House(f"sqlite:///{tmp_path / 'journal.db'}", serve, eventually)
    await house.open()
    yield house
    await house.close()


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
            await house.restart()
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
    missed = await house.recovery.take_up(first.pid, None, ANYBODY, Replays(Limits()).for_address(None))
    assert missed is not None
    await first.join("request-r0")
    assert list(missed.session.rooms) == ["request-r0"]
    await first.cut()
