"""Who is written to directly and who is not, while that changes."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import httpx
from websockets.asyncio.client import ClientConnection

from bridge.sockets import create_socket_server, deliver
from coordinator.compact_json import compact_json
from coordinator.events import Audience, Event

Serve = Callable[..., Awaitable[str]]
Dial = Callable[..., Awaitable[ClientConnection]]
Poll = Callable[[str], Awaitable[tuple[httpx.AsyncClient, str]]]
Eventually = Callable[[Callable[[], object]], Awaitable[object]]

PADDING = "x" * 30_000


async def test_whose_socket_is_full_in_the_middle_of_an_event_hears_it_once(
    serve: Serve, dial: Dial, poll: Poll, eventually: Eventually
) -> None:
    server = create_socket_server(frontend_url="https://shop.example")
    url = await serve(server)
    http, address = await poll(url)  # so that there are some who are not written to directly
    await http.post(address, content="40")
    await http.get(address)
    websocket = await dial(url, compression=None, max_queue=1)
    await websocket.send("40")
    assert str(await websocket.recv()).startswith("40{")
    [connection] = [one for one in server.eio.sockets.values() if one.upgraded]
    await eventually(lambda: connection.direct)

    websocket.transport.pause_reading()
    told = 0
    while connection.direct is not None or told == 0:
        event = Event("news", Audience(rooms=(), everyone=True), compact_json({"number": told, "padding": PADDING}))
        deliver(server, [event])
        told += 1
        await asyncio.sleep(0)
    websocket.transport.resume_reading()
    heard = [json.loads(str(await websocket.recv())[2:])[1]["number"] for _ in range(told)]
    await eventually(lambda: connection.direct)
    deliver(server, [Event("news", Audience(rooms=(), everyone=True), compact_json({"number": told}))])
    heard.append(json.loads(str(await websocket.recv())[2:])[1]["number"])

    assert heard == list(range(told + 1))
