"""Sessions that a connection still has when their client, or another one, comes for them: what has come over it is
handled first, and whoever goes meanwhile puts nobody out."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bridge.sockets.recovery.reconnections import EXCHANGES
from tests.bridge.sockets.houses import Client, House
from tests.system.soak.records import Publications
from tests.waiting import GIVE_UP_SECONDS

Eventually = Callable[[Callable[[], object]], Awaitable[object]]

R0 = "request-r0"

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def member(house: House) -> Client:
    """A client that is in a room."""
    client = Client(house, Publications())
    await client.come()
    await client.join(R0)
    return client


async def test_who_goes_while_the_one_that_has_its_session_is_asked_puts_nobody_out(
    house: House, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes back a third time meanwhile, and is recovered once the dead line is given up."""
    monkeypatch.setattr("bridge.sockets.transport.asking.ANSWER_SECONDS", 1.0)
    monkeypatch.setattr("bridge.sockets.recovery.reconnections.CONTESTED_SECONDS", GIVE_UP_SECONDS)
    client = await member(house)
    assert client.line is not None
    for _ in range(EXCHANGES):  # each time before its dead line was noticed
        half_open, client.line = client.line, None
        assert half_open is not None
        await client.come()
        await half_open.cut()
    assert client.line is not None
    half_open, client.line = client.line, None
    sid = client.sid
    assert sid is not None
    holder = house.server.manager.connection(sid)
    assert holder is not None
    second = await house.line()
    assert await client._next(second, "0")
    await second.send("40" + json.dumps({"pid": client.pid, "offset": client.offset}))
    await eventually(lambda: holder.last_ping is not None)
    await second.cut()
    await client.come()
    assert client.recovered == [False, *[True] * (EXCHANGES + 1)]
    number = client.record.publications.add(R0)
    house.publish(number, R0)
    await client.listen_up_to(number)
    connection = house.server.manager.connection(sid)
    assert connection is not None
    await eventually(lambda: len(house.server.eio.sockets) == 1)
    assert house.server.manager.connection(sid) is connection
    assert client.record.faults == []
    for line in (half_open, client):
        await line.cut()


async def test_a_goodbye_that_is_still_to_be_handled_ends_a_session(
    house: House, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.sockets.transport.asking.ANSWER_SECONDS", GIVE_UP_SECONDS)
    client = await member(house)
    before, client.line = client.line, None
    assert client.sid is not None
    assert before is not None
    holder = house.server.manager.connection(client.sid)
    assert holder is not None
    may_go_on, handle = asyncio.Event(), house.server._handle_event

    async def handle_later(*arguments: Any) -> None:
        await may_go_on.wait()
        await handle(*arguments)

    wanted: list[str] = []
    free = house.server._free

    async def free_now(sid: str, asks_first: bool) -> bool:
        wanted.append(sid)
        return await free(sid, asks_first)

    with monkeypatch.context() as patched:
        patched.setattr(house.server, "_handle_event", handle_later)
        patched.setattr(house.server, "_free", free_now)
        await before.send('42["leave-request-room","r0"]')
        await eventually(lambda: holder.came is not None)
        await before.send("41")
        await eventually(lambda: holder.came)
        coming = asyncio.create_task(client.come())
        await eventually(lambda: wanted)
        may_go_on.set()
        await coming
    assert client.recovered == [False, False]
    for line in (before, client):
        await line.cut()
