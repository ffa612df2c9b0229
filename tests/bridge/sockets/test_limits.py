"""What one client may have: a backlog, so many messages, joins and connections."""

import asyncio
import gc
import json
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bridge.door import ConnectionLimits
from bridge.sockets import SocketServer, create_socket_server, deliver
from bridge.sockets.limits import Limits
from bridge.sockets.rate_limit import RateLimit
from coordinator.compact_json import compact_json
from coordinator.events import Audience, Event
from tests.bridge.sockets.clients import connect
from tests.waiting import GIVE_UP_SECONDS

Serve = Callable[..., Awaitable[str]]
Dial = Callable[..., Awaitable[ClientConnection]]
Eventually = Callable[[Callable[[], object]], Awaitable[object]]

WEBSOCKET, POLLING = "/socket.io/?EIO=4&transport=websocket", "/socket.io/?EIO=4&transport=polling"


def limited(**limits: Any) -> SocketServer:
    return create_socket_server(frontend_url="https://shop.example", limits=Limits(**limits))


def event(text: str) -> Event:
    return Event("notification", Audience(rooms=(), everyone=True), compact_json({"text": text}))


async def connected(dial: Dial, url: str, **options: Any) -> ClientConnection:
    websocket = await dial(url, compression=None, **options)
    await websocket.send("40")
    assert str(await websocket.recv()).startswith("40{")
    return websocket


async def hear_all(websocket: ClientConnection) -> None:
    while await websocket.recv():
        pass


async def test_who_does_not_read_is_closed_and_those_beside_hear_all(
    serve: Serve, dial: Dial, eventually: Eventually
) -> None:
    server = limited(backlog_bytes=200_000)
    url = await serve(server)
    reading = await connected(dial, url)
    stalled = await connected(dial, url, max_queue=1)
    stalled.transport.pause_reading()
    number = 0
    while len(server.eio.sockets) == 2:
        deliver(server, [event(f"{number} " + "x" * 20_000)])
        assert str(await reading.recv()).startswith(f'42["notification",{{"text":"{number} ')
        number += 1
    assert number > 10
    [left] = server.eio.sockets.values()
    assert not left.closed
    stalled.transport.resume_reading()
    with pytest.raises(ConnectionClosed):
        await hear_all(stalled)


async def test_who_does_not_poll_is_closed(serve: Serve, poll: Any, eventually: Eventually) -> None:
    server = limited(backlog_bytes=20_000)
    client, address = await poll(await serve(server))
    await client.post(address, content="40")
    await client.get(address)
    for number in range(30):
        deliver(server, [event(f"{number}" + "x" * 1_000)])
    await eventually(lambda: not server.eio.sockets)
    assert (await client.get(address)).status_code == 400


@pytest.mark.parametrize(("count", "argument"), [(60, ""), (6, f',"{"x" * 10_000}"')], ids=["many", "long"])
async def test_what_comes_too_fast_is_read_more_slowly_and_all_of_it_is_answered(
    serve: Serve, dial: Dial, count: int, argument: str
) -> None:
    websocket = await connected(dial, await serve(limited(messages=RateLimit(per_second=200, burst=20))))
    began = asyncio.get_running_loop().time()
    for number in range(count):
        await websocket.send(f'42{number}["leave-ops-room"{argument}]')
    answers = [str(await websocket.recv()) for _ in range(count)]
    assert [answer.partition("[")[0] for answer in answers] == [f"43{number}" for number in range(count)]
    assert asyncio.get_running_loop().time() - began >= (39 if count == 60 else 35) / 200


async def test_joins_that_come_too_fast_are_refused_with_when_to_try_again(serve: Serve, dial: Dial) -> None:
    websocket = await connected(dial, await serve(limited(joins=RateLimit(per_second=0.001, burst=3))))
    answers = []
    for number, name in enumerate(
        ["join-user-room", "join-chat-room", "user-online", "join-user-room", "leave-user-room"]
    ):
        await websocket.send(f'42{number}["{name}","a{number}"]')
        answer = str(await websocket.recv())
        while not answer.startswith("43"):  # that somebody is online, all are told
            answer = str(await websocket.recv())
        answers.append(json.loads(answer[answer.index("[") :])[0])
    assert [answer["ok"] for answer in answers] == [True, True, True, False, True]
    assert answers[3]["error"]["code"] == "too_many"
    assert "try again in" in answers[3]["error"]["message"]


async def test_connections_of_one_address_are_limited_and_those_of_others_are_not(serve: Serve) -> None:
    url = await serve(limited(connections=RateLimit(per_second=0.001, burst=2)))
    address = url.replace("http", "ws") + WEBSOCKET
    many, other = {"X-Forwarded-For": "203.0.113.7"}, {"X-Forwarded-For": "203.0.113.8"}
    held = [await connect(address, additional_headers=many) for _ in range(2)]
    with pytest.raises(InvalidStatus) as refused:
        await connect(address, additional_headers=many)
    assert b"too many connections from this address; try again in" in (refused.value.response.body or b"")
    async with httpx.AsyncClient(verify=False, base_url=url, trust_env=False, timeout=GIVE_UP_SECONDS) as client:
        answer = await client.get(POLLING, headers=many)
        assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (429, True)
        assert (await client.get(POLLING, headers=other)).status_code == 200
    # This machine's own are not counted: a proxy on it may not say whom it speaks for.
    held += [await connect(address) for _ in range(5)]
    for websocket in held:
        await websocket.close()


async def test_when_all_places_of_sessions_are_taken_a_stranger_makes_room_and_nobody_else(
    serve: Serve, eventually: Eventually
) -> None:
    connection_limits = ConnectionLimits(places=2, reserved_places=1, per_address=100)
    server = create_socket_server(frontend_url="https://shop.example", places=connection_limits)
    url = await serve(server)
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=GIVE_UP_SECONDS) as client:

        async def open_session() -> str | None:
            answer = await client.get(POLLING)
            return json.loads(answer.text[1:])["sid"] if answer.status_code == 200 else None

        stranger, member = await open_session(), await open_session()
        await client.post(f"{POLLING}&sid={member}", content="40")
        other = await open_session()
        assert other is not None
        assert (await client.get(f"{POLLING}&sid={stranger}")).status_code == 400
        await client.post(f"{POLLING}&sid={other}", content="40")
        assert await open_session() is None
        # Who changes over to a WebSocket has a connection's place from then on.
        changed = await connect(f"{url.replace('http', 'ws')}{WEBSOCKET}&sid={member}")
        await changed.send("2probe")
        await changed.recv()
        await changed.send("5")
        await eventually(lambda: server.eio.sockets[member].upgraded)
        assert await open_session() is not None
        await changed.close()


async def test_of_a_request_nothing_is_kept_that_its_client_chose(serve: Serve, poll: Any) -> None:
    server = limited()
    client, address = await poll(await serve(server))
    await client.get(f"{POLLING}&long={'x' * 15_000}", headers={"X-Long": "x" * 40_000})
    assert max(len(str(environ)) for environ in server.environ.values()) < 300
    [session] = [session for session in server.eio.sockets.values() if session.sid in address]
    for mark in ("P2a", "x" * 15_000):
        await client.post(f"{address}&t={mark}", content="3")
        assert session.polling.is_repeat("POST", mark) == (mark == "P2a")


async def test_who_polled_and_left_something_unread_ends_without_the_garbage_collector(
    serve: Serve, poll: Any, eventually: Eventually
) -> None:
    server = limited()
    client, address = await poll(await serve(server))
    await client.post(address, content="40")
    [session] = [weakref.ref(session) for session in server.eio.sockets.values()]
    assert server.eio.unread.held_bytes > 0
    gc.collect()
    gc.disable()
    try:
        await client.post(address, content="1")
        await eventually(lambda: session() is None)
        assert server.eio.unread.held_bytes == 0
    finally:
        gc.enable()
