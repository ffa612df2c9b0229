"""Clients that move between servers that share a journal, each of which may be gone or only seem so: whatever they do
and whenever, they hear all that they have to, once and in order, and none is told that it is recovered and is not."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial

import psycopg
import pytest
import pytest_asyncio

from tests.bridge.sockets.houses import Client, House
from tests.system.soak.records import EVERYONE, Publications

Serve = Callable[..., Awaitable[str]]
Eventually = Callable[[Callable[[], object]], Awaitable[object]]

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

SERVERS, CLIENTS, ROOMS = 2, 3, ("request-r0", "request-r1")
R0, R1 = ROOMS


class Operator:
    """Sees what is stored, and turns its clock."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def node_of(self, client: Client) -> str | None:
        """The server that has a client's session."""
        row = self._connection.execute("SELECT node FROM sessions WHERE session_id = %s", [client.sid]).fetchone()
        return None if row is None else str(row[0])

    def is_at(self, house: House, client: Client) -> bool:
        """Whether it is stored that a client is connected to a server."""
        found = "SELECT 1 FROM sessions WHERE session_id = %s AND node = %s AND is_connected"
        return self._connection.execute(found, [client.sid, house.node]).fetchone() is not None

    def miss(self, node: str) -> None:
        """A server was seen a minute ago last."""
        minute_ago = "UPDATE nodes SET seen_at = seen_at - interval '1 minute' WHERE node = %s"
        self._connection.execute(minute_ago, [node])

    def let_days_pass(self) -> None:
        """For what is stored of sessions."""
        self._connection.execute("UPDATE sessions SET updated_at = updated_at - interval '2 days'")


@pytest.fixture
def operator(database_url: str) -> Iterator[Operator]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield Operator(connection)


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


async def member(house: House) -> Client:
    """A client that is in a room."""
    client = Client(house, Publications())
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


async def test_a_server_that_hears_nothing_finds_out_by_what_it_would_save(houses: list[House]) -> None:
    first, second = houses
    first.hear_nothing()
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
    first.hear_nothing()
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
    assert twin.sid is not None
    await eventually(lambda: len(first.server.eio.sockets) == 1)
    await eventually(lambda: not first.recovery._sessions._changes.waits(twin.sid or ""))
    assert operator.node_of(twin) is None
    await client.cut()


async def test_a_server_that_starts_takes_up_who_was_online_where_nobody_is_any_more(
    houses: list[House], operator: Operator
) -> None:
    first, second = houses
    stays, goes = await member(first), await member(second)
    await stays.call("user-online", "u1")
    await goes.call("user-online", "u2")
    killed = second.node
    await goes.cut()
    await second.kill()
    await second.open()
    for is_missed in (False, True):
        if is_missed:
            operator.miss(killed)
            await second.restart()
        assert second.server.returns is not None
        await second.server.returns.ready()
        here = second.server.presence._roster.is_here
        assert (here("u1"), here("u2")) == (False, is_missed)
    await stays.join(R1)
    await goes.come()
    assert (goes.recovered, rooms_of(second, goes)) == ([False, True], {R0})
    for client in (stays, goes):
        await client.cut()


async def test_a_session_that_two_want_at_two_servers_stays_with_one(
    houses: list[House], eventually: Eventually, operator: Operator
) -> None:
    first, second = houses
    client = await member(first)
    twin = twin_of(client, second)
    for house, comes in ((second, twin), (first, client)):
        await comes.come()
        await eventually(partial(operator.is_at, house, client))
    await twin.come()
    assert (client.recovered, twin.recovered) == ([False, True], [True, False])
    assert twin.sid != client.sid
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
    # Nor does it wait for ever.
    first.publish(publications.add(R0), R0)
    await client.listen_up_to(publications.newest)
    first.tells.clear()
    second.publish(publications.add(R0), R0)
    await client.listen_up_to(publications.newest)
    monkeypatch.setattr("bridge.sockets.recovery.recovery.REACH_SECONDS", 0.01)
    client.house = first
    await client.come()
    assert client.recovered == [False, True, False]
    first.tells.set()
    await client.cut()
