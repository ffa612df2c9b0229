"""Leaving: traps of python-socketio that `bridge/sockets/server.py` takes away.

Each scenario runs twice: against our server, where it must go well, and against the stock library, where the defect
must show. A stock case that fails means that the library has changed: read `server.py` again before raising its pin.
"""

import asyncio
import logging
from dataclasses import replace
from typing import Any

import pytest

from bridge.sockets import ClientGoneError
from bridge.sockets.rooms.manager import ClientManager
from tests.bridge.sockets.traps import (
    Dial,
    Eventually,
    Make,
    Poll,
    Serve,
    hear,
    hung_up,
    offer_fence,
    on_both,
    ours,
    remains,
)
from tests.clock import pass_seconds
from tests.waiting import GIVE_UP_SECONDS


class Gate:
    """A connect handler that stops until it is opened."""

    def __init__(self, server: Any, room: str | None = None) -> None:
        self.entered = asyncio.Event()
        self.opened = asyncio.Event()
        self.left = asyncio.Event()
        self.server = server
        self.room = room
        server.on("connect", self.connect)

    async def connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        try:
            self.entered.set()
            await self.opened.wait()
            if self.room is not None:
                await self.server.enter_room(sid, self.room)
        finally:
            self.left.set()


@on_both(False, True)
@pytest.mark.parametrize("room", [None, "late"])
async def test_a_polling_client_that_closes_while_connecting_leaves_nothing_behind(
    serve: Serve,
    poll: Poll,
    eventually: Eventually,
    caplog: pytest.LogCaptureFixture,
    make: Make,
    expected: bool,
    room: str | None,
) -> None:
    server = make()
    gate = Gate(server, room)
    client, session = await poll(await serve(server))
    connecting = asyncio.create_task(client.post(session, content="40"))
    await gate.entered.wait()

    with caplog.at_level(logging.INFO, "bridge.sockets"):
        await client.post(session, content="1")
        gate.opened.set()
        await connecting
        await eventually(lambda: hung_up(server))

    assert gate.left.is_set()
    assert remains(server) is expected
    if make is ours:
        assert not caplog.records  # it was never connected, and going away is no error


@on_both(False, True)
async def test_a_client_that_leaves_the_namespace_while_connecting_can_come_again(
    serve: Serve, poll: Poll, eventually: Eventually, make: Make, expected: bool
) -> None:
    server = make()
    gate = Gate(server, "late")
    client, session = await poll(await serve(server))
    connecting = asyncio.create_task(client.post(session, content="40"))
    await gate.entered.wait()

    await client.post(session, content="41")
    again = asyncio.create_task(client.post(session, content="40"))
    if make is ours:
        await eventually(lambda: server.manager.pending_connect)
    gate.opened.set()
    await asyncio.gather(connecting, again)
    answers = (await client.get(session)).text.split("\x1e")
    await client.post(session, content="1")
    await eventually(lambda: hung_up(server))

    # Stock forgets the 41, so the second CONNECT is a double one and refused.
    assert [answer[:2] for answer in answers if answer.startswith("44")] == (["44"] if expected else [])
    assert [answer[:2] for answer in answers if answer.startswith("40")] == ["40"]
    assert not remains(server)


@on_both(False, False)
async def test_a_websocket_that_breaks_while_connecting_leaves_nothing_behind(
    serve: Serve, dial: Dial, eventually: Eventually, make: Make, expected: bool
) -> None:
    server = make()
    gate = Gate(server, "late")
    websocket = await dial(await serve(server))
    await websocket.send("40")
    await gate.entered.wait()

    websocket.transport.abort()
    gate.opened.set()
    await eventually(lambda: hung_up(server))

    assert remains(server) is expected


@on_both(False, True)
async def test_a_websocket_that_times_out_while_connecting_leaves_nothing_behind(
    serve: Serve, dial: Dial, eventually: Eventually, make: Make, expected: bool
) -> None:
    server = make()
    gate = Gate(server, "late")
    url = await serve(server)
    if make is ours:  # which would be given up for not being connected first
        server.eio.limits = replace(server.eio.limits, connect_timeout_seconds=10 * GIVE_UP_SECONDS)
    websocket = await dial(url)
    await websocket.send("40")
    await gate.entered.wait()
    await pass_seconds(server.eio.ping_interval)
    assert await hear(websocket) == "2"
    server.eio.ping_interval = server.eio.ping_timeout = 0.01  # stock asks the wall clock as well
    await pass_seconds(GIVE_UP_SECONDS)
    await eventually(lambda: not server.environ)
    gate.opened.set()
    await eventually(lambda: hung_up(server))
    await gate.left.wait()
    await websocket.wait_closed()

    assert remains(server) is expected


@on_both(False, True)
async def test_a_connect_behind_a_close_in_one_body_leaves_nothing_behind(
    serve: Serve, poll: Poll, make: Make, expected: bool
) -> None:
    server = make()
    client, session = await poll(await serve(server))

    await client.post(session, content="1\x1e40")

    assert remains(server) is expected


@on_both(False, True)
async def test_a_connect_during_a_slow_goodbye_leaves_nothing_behind(
    serve: Serve, poll: Poll, make: Make, expected: bool
) -> None:
    server = make()
    leaving, opened = asyncio.Event(), asyncio.Event()

    async def disconnect(sid: str, reason: str) -> None:
        leaving.set()
        await opened.wait()

    server.on("disconnect", disconnect)
    offer_fence(server)
    client, session = await poll(await serve(server))
    await client.post(session, content="40")

    closing = asyncio.create_task(client.post(session, content="1"))
    await leaving.wait()
    await client.post(session, content="40/fence,")
    opened.set()
    await closing

    assert remains(server) is expected


@on_both(False, True)
async def test_a_raising_disconnect_handler_leaves_nothing_behind(
    serve: Serve, dial: Dial, eventually: Eventually, make: Make, expected: bool
) -> None:
    server = make()

    async def disconnect(sid: str, reason: str) -> None:
        raise RuntimeError("inner")

    server.on("disconnect", disconnect)
    websocket = await dial(await serve(server))
    await websocket.send("40")
    await hear(websocket)
    await websocket.close()
    await eventually(lambda: hung_up(server))

    server.environ.clear()  # which stock forgets as well
    assert remains(server) is expected


class CountingRooms(dict[Any, Any]):
    """A namespace's rooms that count how often somebody looks through all of them."""

    scans = 0

    def copy(self) -> dict[Any, Any]:
        self.scans += 1
        return super().copy()

    def items(self) -> Any:
        self.scans += 1
        return super().items()


def rooms_in(manager: Any) -> dict[Any, Any]:
    """The rooms of the default namespace, as the manager has them."""
    rooms: dict[Any, Any] = manager._of["/"]._by_room if isinstance(manager, ClientManager) else manager.rooms["/"]
    return rooms


@on_both(0, 2)
async def test_leaving_and_listing_do_not_look_through_all_rooms(make: Make, expected: int) -> None:
    manager = make().manager
    sids = [await manager.pre_connect(f"engine-{number}", "/") for number in range(3)]
    for sid in sids:
        await manager.connect(sid, "/")
        await manager.enter_room(sid, "/", "user-u1")
    counting = CountingRooms(rooms_in(manager))
    if make is ours:
        manager._of["/"]._by_room = counting
    else:
        manager.rooms["/"] = counting

    assert manager.get_rooms(sids[0], "/") == [sids[0], "user-u1"]
    await manager.disconnect(sids[0], "/")

    assert counting.scans == expected
    assert [sid for sid, _ in manager.get_participants("/", "user-u1")] == sids[1:]


@on_both(False, True)
async def test_a_client_that_is_gone_cannot_enter_a_room(make: Make, expected: bool) -> None:
    manager = make().manager
    gone, _ = [await manager.pre_connect(f"engine-{number}", "/") for number in range(2)]
    await manager.disconnect(gone, "/")

    with pytest.raises(ClientGoneError if make is ours else KeyError):
        await manager.enter_room(gone, "/", "user-u1")

    assert ("user-u1" in rooms_in(manager)) is expected


@on_both(False, True)
async def test_a_client_that_is_gone_is_not_registered_again(make: Make, expected: bool) -> None:
    manager = make().manager
    sid = await manager.pre_connect("engine", "/")
    await manager.disconnect(sid, "/")

    await manager.connect(sid, "/")

    assert bool(manager.rooms) is expected


async def test_closing_a_room_sends_out_those_too_that_are_still_connecting() -> None:
    manager = ours().manager
    sid = await manager.pre_connect("engine", "/")
    await manager.enter_room(sid, "/", "user-u1")

    await manager.close_room("user-u1", "/")

    assert manager.get_rooms(sid, "/") == [sid]
    with pytest.raises(ValueError, match="sid room"):
        await manager.close_room(sid, "/")


async def test_who_goes_while_it_is_waited_for_what_it_asked_is_no_failure_and_gets_no_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = ours()

    async def join(sid: str, *_: object) -> None:
        raise ClientGoneError(f"the client {sid} is gone")

    server.on("join", join)
    with caplog.at_level(logging.ERROR):
        assert await server._answer("join", "/", "sid", []) is None
    assert caplog.records == []
