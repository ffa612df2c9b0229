"""Sessions that another server has by now: the one that had it gives it up, whether it is there, late, cut off or
gone, and none is told that it is recovered that is not."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bridge.access import ANYBODY
from bridge.journal.liveness import LEASE
from bridge.sockets.limits import Limits
from bridge.sockets.recovery.replays import Replays
from tests.bridge.sockets.houses import Client, House
from tests.bridge.sockets.several import ROOMS, Gate, Operator
from tests.system.soak.records import EVERYONE, Publications
from tests.waiting import GIVE_UP_SECONDS

Serve = Callable[..., Awaitable[str]]
Eventually = Callable[[Callable[[], object]], Awaitable[object]]

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

R0, R1 = ROOMS
UNBOUNDED = Replays(Limits()).for_address(None)
NEVER = 1_000_000
"""The number of an event that does not come."""


async def member(house: House, publications: Publications | None = None) -> Client:
    """A client that is in a room."""
    client = Client(house, publications or Publications())
    await client.come()
    await client.join(R0)
    return client


def twin_of(client: Client, house: House) -> Client:
    """The same client as it appears at another server, while its line to the first seems to be alive."""
    twin = Client(house, client.record.publications)
    twin.pid, twin.sid, twin.offset, twin.record = client.pid, client.sid, client.offset, client.record
    return twin


def rooms_of(house: House, client: Client) -> set[str]:
    return {*house.server.manager.get_rooms(client.sid, "/")} & {*ROOMS}


async def test_the_server_that_had_a_client_hears_at_once_that_it_is_elsewhere(
    houses: list[House], eventually: Eventually, operator: Operator
) -> None:
    first, second = houses
    client = await member(first)
    twin = twin_of(client, second)
    await twin.come()
    await eventually(lambda: not first.server.eio.sockets)
    assert not first.recovery.session_ids()
    await twin.join(R1)
    assert operator.node_of(client) == second.node  # and nothing was saved by the first
    await client.come()
    assert (twin.recovered, client.recovered) == ([True], [False, True])
    assert rooms_of(first, client) == {R0, R1}
    for one in (client, twin):
        await one.cut()


async def test_who_was_looked_for_and_appears_elsewhere_is_looked_for_again(
    houses: list[House], eventually: Eventually
) -> None:
    first, second = houses
    client = await member(first)
    await client.cut()
    await eventually(lambda: not first.server.eio.sockets)
    missed = await first.recovery.take_up(client.pid, client.offset, ANYBODY, UNBOUNDED)
    assert missed is not None
    assert first.recovery.is_current(missed, ANYBODY)
    twin = twin_of(client, second)
    await twin.come()
    await eventually(lambda: not first.recovery.is_current(missed, ANYBODY))
    await client.come()
    assert (twin.recovered, client.recovered) == ([True], [False, True])
    for one in (client, twin):
        await one.cut()


async def test_a_server_that_hears_nothing_finds_out_by_what_it_would_save(houses: list[House]) -> None:
    first, second = houses
    first.hears = False
    client = await member(first)
    twin = twin_of(client, second)
    await twin.come()
    with pytest.raises(EOFError):
        await client.join("request-r2")
    await client.come()
    assert (twin.recovered, client.recovered) == ([True], [False, True])
    assert rooms_of(first, client) == {R0}
    for one in (client, twin):
        await one.cut()


async def test_who_said_goodbye_elsewhere_begins_anew_also_where_nobody_heard_of_it(
    houses: list[House], eventually: Eventually, operator: Operator
) -> None:
    first, second = houses
    first.hears = False
    client = await member(first)
    twin = twin_of(client, second)
    await twin.come()
    assert twin.line is not None
    await twin.line.send("41")
    await eventually(lambda: operator.node_of(twin) is None)
    await twin.cut()
    await client.come()
    assert (twin.recovered, client.recovered) == ([True], [False, False])
    # Nor is it kept again by the server at which it seemed to be.
    await eventually(lambda: len(first.server.eio.sockets) == 1)
    await first.has_saved()
    assert operator.node_of(twin) is None
    await client.cut()


async def stay(client: Client) -> None:
    """Is there, and answers whatever it is asked."""
    while True:
        await client.listen()


@pytest.mark.parametrize("is_there", [True, False])
async def test_a_session_that_two_want_at_two_servers_stays_with_who_is_there(
    houses: list[House], eventually: Eventually, operator: Operator, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    first, second = houses
    client = await member(first)
    twin = twin_of(client, second)
    await twin.come()
    await eventually(lambda: operator.is_at(second, client))
    await client.come()
    await eventually(lambda: operator.is_at(first, client))
    if is_there:
        monkeypatch.setattr("bridge.sockets.transport.asking.ANSWER_SECONDS", GIVE_UP_SECONDS)
        monkeypatch.setattr("bridge.sockets.recovery.reconnections.CONTESTED_SECONDS", 0.1)
    answering = asyncio.create_task(stay(client)) if is_there else None
    await twin.come()
    assert (client.recovered, twin.recovered) == ([False, True], [True, not is_there])
    assert (twin.sid == client.sid) is not is_there
    if answering is not None:
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)
        await client.join(R1)
    for one in (client, twin):
        await one.cut()


async def test_who_comes_before_what_it_has_heard_waits_until_the_server_has_told_it(
    houses: list[House], eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = houses
    client = await member(first)
    publications = client.record.publications
    second.tells.clear()
    for room in (R0, EVERYONE, R0):
        first.publish(publications.add(room), room)
    await client.listen_up_to(publications.newest)
    client.house = second
    coming = asyncio.create_task(client.come())
    await eventually(lambda: second.recovery._waiting_for)
    first.publish(publications.add(R0), R0)
    await first.published()
    assert not coming.done()
    second.tells.set()
    await coming
    await client.listen_up_to(publications.newest)
    assert (client.recovered, client.record.faults) == ([False, True], [])
    # Nor does it wait for ever: it comes again.
    first.publish(publications.add(R0), R0)
    await client.listen_up_to(publications.newest)
    first.tells.clear()
    second.publish(publications.add(R0), R0)
    await client.listen_up_to(publications.newest)
    client.house = first
    with monkeypatch.context() as patched:
        patched.setattr("bridge.sockets.recovery.recovery.REACH_SECONDS", 0.01)
        patched.setattr("bridge.sockets.recovery.reconnections.UNAVAILABLE_SECONDS", 0.01)
        with pytest.raises(EOFError):
            await client.come()
    first.tells.set()
    await client.come()
    await client.listen_up_to(publications.newest)
    assert (client.recovered, client.record.faults) == ([False, True, True], [])
    await client.cut()


async def test_a_server_that_is_taken_for_gone_and_comes_back_gives_up_what_others_have(
    database_url: str, houses: list[House], serve: Serve, eventually: Eventually, operator: Operator
) -> None:
    """Some of its clients went elsewhere, some still hang on it: all hear everything once."""
    second, third = houses
    async with Gate(database_url) as gate:
        first = House(gate.database_url, serve, eventually, is_shared=True)
        await first.open()
        publications = Publications()
        moves, hangs, stays = [await member(first, publications) for _ in range(3)]
        await first.has_saved()
        gate.shut()
        moves.house = second
        await moves.come()
        operator.miss(first.node)
        twin = twin_of(hangs, third)
        await twin.come()
        assert [operator.node_of(one) for one in (moves, hangs, stays)] == [second.node, third.node, first.node]
        for room in (R0, EVERYONE):
            second.publish(publications.add(room), room)
        await second.published()
        gate.open()
        await first.journal.nodes.take((), LEASE)
        with pytest.raises(EOFError):
            await hangs.listen_up_to(NEVER)
        for client in (moves, twin, stays):
            await client.listen_up_to(publications.newest)
        assert [client.record.faults for client in (moves, twin, stays)] == [[], [], []]
        assert [client.recovered for client in (moves, twin, stays)] == [[False, True], [True], [False]]
        await first.has_saved()
        assert operator.is_at(first, stays)
        assert [*first.recovery.session_ids()] == [stays.sid]
        for client in (moves, hangs, twin, stays):
            await client.cut()
        await first.close()
