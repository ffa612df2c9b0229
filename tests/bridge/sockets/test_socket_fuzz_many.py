"""Clients that poll whatever they like, that send thousands of messages at once, and that vanish in the middle: as in
`test_socket_fuzz.py`, the server stays up and keeps nothing of them."""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection

from tests.bridge.sockets.under_fire import FENCE, PACKETS, TOKEN, Watched, converse, fuzzed
from tests.waiting import GIVE_UP_SECONDS

Dial = Callable[..., Awaitable[ClientConnection]]
JoinIn = Callable[..., Awaitable[Any]]
Poll = Callable[[str], Awaitable[tuple[httpx.AsyncClient, str]]]

# Long polling


@pytest_asyncio.fixture
async def polling() -> AsyncIterator[httpx.AsyncClient]:
    """One client for all examples, since each takes a while to be made."""
    async with httpx.AsyncClient(verify=False, timeout=GIVE_UP_SECONDS) as client:
        yield client


BODIES = st.one_of(
    st.lists(PACKETS.filter(lambda packet: isinstance(packet, str)), max_size=4).map("\x1e".join).map(str.encode),
    st.binary(max_size=30),
    st.sampled_from([b"d=", b"d=42", b"\x1e", b"2", b"6", b"9", b"b", b"4" + b"[" * 5_000, b"\x1e" * 2_000, b"\xff"]),
)


@given(bodies=st.lists(BODIES, min_size=1, max_size=3))
@settings(fuzzed, max_examples=15)
async def test_every_body_is_answered_and_its_client_is_heard_or_has_to_come_again(
    watched: Watched, polling: httpx.AsyncClient, bodies: list[bytes]
) -> None:
    opened = await polling.get(f"{watched.url}/socket.io/?EIO=4&transport=polling")
    address = f"{opened.url}&sid={json.loads(opened.text[1:])['sid']}"
    client = polling
    await client.post(address, content=watched.connect_packet)

    statuses = [(await client.post(address, content=body)).status_code for body in bodies]
    statuses.append((await client.post(address, content="\x1e".join([FENCE, FENCE]))).status_code)

    assert set(statuses) <= {200, 400}
    if statuses[-1] == 200 and all(status == 200 for status in statuses):
        heard = await client.get(address)
        assert heard.status_code in {200, 400}
    await client.post(address, content="1")


# Many at once, and vanishing


async def test_thousands_of_messages_at_once_leave_a_neighbour_its_answers_and_its_events(
    watched: Watched, join_in: JoinIn, dial: Dial
) -> None:
    heard: list[Any] = []
    auth = {} if watched.connect_packet == "40" else {"token": TOKEN}
    neighbour = await join_in(watched.url, heard, auth=auth)
    await neighbour.call("join-chat-room", "c1")
    websocket = await dial(watched.url)
    await websocket.send(watched.connect_packet)
    await websocket.recv()
    events = ['["typing-start",{"chatId":"c1","userId":"u1","userName":"U"}]', '["join-chat-room",7]', '["no-such"]']
    messages = [f"42{number}{events[number % 3]}" for number in range(6_000)]

    handled = longest = answers = 0
    handle = watched.server._handle_event

    async def count_and_handle(*event: Any) -> None:
        nonlocal handled
        handled += 1
        await handle(*event)

    watched.server._handle_event = count_and_handle
    flood = asyncio.create_task(converse(websocket, messages))
    while not flood.done():
        before = handled
        assert (await neighbour.call("join-request-room", "r1"))["ok"]
        longest = max(longest, handled - before)
        await watched.server.emit("news", answers, to="chat-c1")
        answers += 1
    acknowledged, is_cut_off = await flood
    await neighbour.call("leave-chat-room", "c1")

    assert not is_cut_off
    assert acknowledged == Counter(range(6_000))
    assert answers > 3
    assert longest < 1_500  # messages of the flood, of which there are four times as many
    assert [arguments for name, *arguments in heard if name == "news"] == [[number] for number in range(answers)]
    await websocket.close()
    await neighbour.disconnect()


BEFORE_VANISHING: list[list[str]] = [
    [],
    [FENCE] * 500,
    ['42["user-online","u1"]', '42["typing-start",{"chatId":"c1","userId":"u1","userName":"U"}]'],
    ['451-1["join-user-room"]'],
    ["41"],
    ["1"],
]


async def test_clients_that_vanish_in_the_middle_leave_nothing_behind(watched: Watched, dial: Dial) -> None:
    unfinished = (b"", b"\x81", b"\x81\xfe\xff", b"\x81\x85abcd4")  # nothing more, or a frame that is not whole
    for messages, part in itertools.product(BEFORE_VANISHING, unfinished):
        websocket = await dial(watched.url)
        await websocket.send(watched.connect_packet)
        for message in messages:
            await websocket.send(message)
        websocket.transport.write(part)
        websocket.transport.abort()
        await websocket.wait_closed()
    await watched.back_to_before()


REQUESTS_OF_THE_VANISHED = [
    ("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", 20),
    ('POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n42["join-user-room","u1"]\x1e42["jo', 20),
    ("POST {} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n42\r\n", 20),
    ("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", 1),
]


async def test_polling_clients_that_vanish_in_the_middle_leave_nothing_behind(watched: Watched, poll: Poll) -> None:
    host, port = watched.url.removeprefix("http://").split(":")
    for request_text, times in REQUESTS_OF_THE_VANISHED:
        client, address = await poll(watched.url)
        await client.post(address, content=watched.connect_packet)
        for _ in range(times):
            _, writer = await asyncio.open_connection(host, int(port))
            writer.write(request_text.format(address).encode())
            await writer.drain()
            writer.transport.abort()
        await client.post(address, content="1")
    await watched.back_to_before()
