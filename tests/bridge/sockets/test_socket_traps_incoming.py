"""What comes in: traps of python-socketio and its engine that `bridge/sockets/server.py` takes away.

Each scenario runs twice: against our server, where it must go well, and against the stock library, where the defect
must show. A stock case that fails means that the library has changed: read `server.py` again before raising its pin.
"""

import asyncio
import gc
import logging
from typing import Any

import pytest
import socketio
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from bridge.door.exchange import Exchange
from bridge.sockets import create_socket_server
from tests.bridge.sockets.clients import connect
from tests.bridge.sockets.traps import Dial, Eventually, Make, Poll, Serve, offer_fence
from tests.clock import pass_seconds
from tests.waiting import GIVE_UP_SECONDS


def ours() -> Any:
    return create_socket_server(frontend_url="https://shop.example", max_payload_bytes=20_000)


def stock() -> Any:
    return socketio.AsyncServer(
        async_mode="asgi", cors_allowed_origins="https://shop.example", max_http_buffer_size=20_000
    )


on_both = pytest.mark.parametrize("make", [pytest.param(ours, id="ours"), pytest.param(stock, id="stock")])


async def connected(dial: Dial, url: str) -> ClientConnection:
    websocket = await dial(url)
    await websocket.send("40")
    assert str(await websocket.recv()).startswith("40")
    return websocket


async def hear(websocket: ClientConnection) -> str:
    """What is said next; "closed" at the end."""
    try:
        async with asyncio.timeout(GIVE_UP_SECONDS):
            return str(await websocket.recv())
    except ConnectionClosed:
        return "closed"


async def waits_for_ever(request: asyncio.Task[Any]) -> None:
    """Whether a request is still not answered when hours have passed on a server that has done all it would do."""
    for _ in range(10):
        await pass_seconds(GIVE_UP_SECONDS / 100)
        await asyncio.sleep(0)
    assert not request.done()
    request.cancel()


def errors(caplog: pytest.LogCaptureFixture) -> int:
    return len([record for record in caplog.records if record.levelno >= logging.ERROR])


@on_both
@pytest.mark.parametrize(
    "message",
    [
        *("42", "42[]", "42[7]", "42{}", '42[["a"]]', '421["fence"', "4null", "4[1]", "44", "47"),
        '42/elsewhere,1["fence"]',
    ],
)
async def test_what_is_no_packet_is_the_end_instead_of_silence(
    serve: Serve, dial: Dial, caplog: pytest.LogCaptureFixture, make: Make, message: str
) -> None:
    server = make()
    offer_fence(server)
    websocket = await connected(dial, await serve(server))

    await websocket.send(message)
    await websocket.send('422["fence"]')

    assert await hear(websocket) == ("closed" if make is ours else '432["reached"]')
    if make is ours:
        assert errors(caplog) == 0
        assert not server.manager.rooms


@on_both
@pytest.mark.parametrize("message", ["", "x", "é", "bAQ", "4" + "[" * 15_000])
async def test_a_frame_that_cannot_be_read_takes_its_client_out_of_the_rooms(
    serve: Serve, dial: Dial, eventually: Eventually, caplog: pytest.LogCaptureFixture, make: Make, message: str
) -> None:
    server = make()
    websocket = await connected(dial, await serve(server))

    await websocket.send(message)
    await websocket.wait_closed()

    if make is ours:
        await eventually(lambda: not server.manager.rooms)
        assert errors(caplog) == 0
    else:
        await eventually(lambda: errors(caplog) == 1)
        assert server.manager.rooms


@on_both
async def test_an_event_in_the_place_of_an_attachment_is_not_lost(serve: Serve, dial: Dial, make: Make) -> None:
    server = make()
    offer_fence(server)
    websocket = await connected(dial, await serve(server))

    await websocket.send('451-["picture",{"_placeholder":true,"num":0}]')
    await websocket.send('421["fence"]')
    await websocket.send('422["fence"]')

    assert await hear(websocket) == ("closed" if make is ours else '432["reached"]')


@on_both
async def test_a_packet_that_announces_no_attachment_is_whole(serve: Serve, dial: Dial, make: Make) -> None:
    server = make()
    offer_fence(server)
    websocket = await connected(dial, await serve(server))

    await websocket.send('450-1["fence"]')
    if make is ours:
        assert await hear(websocket) == '431["reached"]'
    else:
        for _ in range(3):
            await websocket.send('422["fence"]')
        await websocket.send("1")  # none of it was heard
        websocket.transport.abort()
        assert await hear(websocket) == "closed"


@on_both
async def test_attachments_are_few_and_small(serve: Serve, dial: Dial, eventually: Eventually, make: Make) -> None:
    server = make()
    url = await serve(server)
    many, large = await connected(dial, url), await connected(dial, url)

    await many.send('459999999999-["picture"]')
    await large.send('453-["picture"]')
    await large.send(b"x" * 15_000)
    await large.send(b"x" * 15_000)

    if make is ours:
        assert [await hear(many), await hear(large)] == ["closed", "closed"]
    else:
        await eventually(lambda: [len(one.attachments) for one in server._binary_packet.values()] == [0, 2])


@on_both
@pytest.mark.parametrize("body", ["x", "42[", "9", "4" + "[" * 15_000, "4\x1e" * 2_000])
async def test_a_body_that_cannot_be_read_is_the_end(
    serve: Serve, poll: Poll, eventually: Eventually, caplog: pytest.LogCaptureFixture, make: Make, body: str
) -> None:
    server = make()
    client, address = await poll(await serve(server))
    await client.post(address, content="40")

    status = (await client.post(address, content=body)).status_code

    if make is ours:
        assert status == (200 if body == "42[" else 400)  # the engine's packet is sound, what is in it is not
        await eventually(lambda: not server.manager.rooms)
    else:
        assert status == 200
        assert errors(caplog) == 1
        assert server.manager.rooms


@on_both
@pytest.mark.parametrize("body", ["2", "6", "42" + "x" * 20_000])
async def test_a_body_that_is_refused_is_answered(
    serve: Serve, poll: Poll, eventually: Eventually, make: Make, body: str
) -> None:
    server = make()
    client, address = await poll(await serve(server))
    await client.post(address, content="40")
    [connection] = server.eio.sockets.values()

    posted = asyncio.create_task(client.post(address, content=body))
    if make is ours:
        # As with the reference server one that is too large is no fault of the session's.
        is_large = len(body) > 1
        assert (await posted).status_code == (413 if is_large else 400)
        assert bool(server.manager.rooms) == is_large
    else:
        await eventually(lambda: connection.closed)
        await waits_for_ever(posted)


@on_both
async def test_who_has_closed_may_say_more_without_harm(
    serve: Serve, poll: Poll, caplog: pytest.LogCaptureFixture, make: Make
) -> None:
    client, address = await poll(await serve(make()))
    await client.post(address, content="40")
    await client.post(address, content="1")

    status = (await client.post(address, content='421["fence"]')).status_code

    assert status == (400 if make is ours else 500)


@on_both
async def test_a_poll_under_way_ends_with_its_client(
    serve: Serve, poll: Poll, eventually: Eventually, make: Make
) -> None:
    server = make()
    client, address = await poll(await serve(server))
    await client.post(address, content="40")
    await client.get(address)
    [connection] = server.eio.sockets.values()

    polled = asyncio.create_task(client.get(address))
    await eventually(lambda: connection.polling.waits if make is ours else connection.queue._getters)
    await client.post(address, content="1")

    if make is ours:
        assert (await polled).status_code == 200
    else:
        assert connection.closed
        await waits_for_ever(polled)


@on_both
async def test_a_request_whose_client_has_gone_already_is_nothing(make: Make) -> None:
    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        raise AssertionError(f"nobody is there to be told {message}")

    query = b"EIO=4&transport=polling"
    scope = {"type": "http", "method": "GET", "path": "/socket.io/", "query_string": query, "headers": []}
    if make is ours:
        await make().handle_request(scope, gone, send)
    else:
        with pytest.raises(KeyError):
            await make().handle_request(scope, gone, send)


@on_both
async def test_requests_of_a_polling_client_end_without_the_garbage_collector(
    serve: Serve, poll: Poll, make: Make
) -> None:
    server = make()
    offer_fence(server)
    client, address = await poll(await serve(server))
    await client.post(address, content="40")
    await client.get(address)
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            await client.post(address, content='421["fence"]')
            await client.get(address)
        left = sum(type(one) in (Exchange, RequestResponseCycle) for one in gc.get_objects())
    finally:
        gc.enable()
    assert left == 0 if make is ours else left > 10


@on_both
async def test_connect_handlers_are_told_where_a_polling_client_is(serve: Serve, poll: Poll, make: Make) -> None:
    server = make()
    offer_fence(server)
    told: list[dict[str, Any]] = []
    server.on("connect", lambda _sid, environ, _auth=None: told.append(dict(environ)))
    client, address = await poll(await serve(server))
    await client.post(address, content="40")
    await client.get(address)
    [environ] = told
    assert (environ["REQUEST_METHOD"], environ["REMOTE_ADDR"]) == ("GET", "127.0.0.1")
    assert (int(environ["REMOTE_PORT"]) > 0) == (make is ours)
    # The body of a request, and the request itself, would be kept as long as the client stays.
    assert ("wsgi.input" in next(iter(server.environ.values()))) == (make is stock)


@on_both
async def test_a_client_whose_upgrade_breaks_off_goes_on_polling(
    serve: Serve, poll: Poll, eventually: Eventually, make: Make
) -> None:
    server = make()
    offer_fence(server)
    url = await serve(server)
    client, address = await poll(url)
    await client.post(address, content="40")
    await client.get(address)
    [connection] = server.eio.sockets.values()

    async with connect(url.replace("http", "ws", 1) + address.replace("polling", "websocket")) as websocket:
        await eventually(lambda: connection.upgrading)
        websocket.transport.abort()
    if make is ours:
        await eventually(lambda: not connection.upgrading)
    await client.post(address, content='421["fence"]')

    assert (await client.get(address)).text == ('431["reached"]' if make is ours else "6")


async def test_a_client_that_never_finishes_its_upgrade_goes_on_polling(serve: Serve, poll: Poll) -> None:
    server = ours()
    offer_fence(server)
    url = await serve(server)
    client, address = await poll(url)
    await client.post(address, content="40")
    await client.get(address)

    async with connect(url.replace("http", "ws", 1) + address.replace("polling", "websocket")) as websocket:
        await websocket.send("2probe")
        assert await websocket.recv() == "3probe"
        await pass_seconds(GIVE_UP_SECONDS)
        await websocket.wait_closed()
    await client.post(address, content='421["fence"]')

    assert (await client.get(address)).text == '431["reached"]'


async def test_a_polling_client_may_say_a_lot_at_once(serve: Serve, poll: Poll) -> None:
    client, address = await poll(await serve(ours()))
    await client.post(address, content="40")
    await client.get(address)

    body = "\x1e".join(f'42{number}["join-chat-room","c{number}"]' for number in range(100))
    assert (await client.post(address, content=body)).status_code == 200

    acknowledged: list[str] = []
    while len(acknowledged) < 100:  # a slow machine answers them in more than one poll
        packets = (await client.get(address)).text.split("\x1e")
        acknowledged += [packet.partition("[")[0] for packet in packets if packet.startswith("43")]
    assert acknowledged == [f"43{number}" for number in range(100)]
