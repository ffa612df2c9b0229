"""Whatever clients send: the server stays up, answers or cuts off, and keeps nothing of those who have gone.

Nothing here asks whether an answer is right, only that there is one, once, or that the connection is closed.
"""

import asyncio
import gc
import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import httpx
import jwt
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bridge.access import TokenVerifier
from bridge.catalogue.client_events import CLIENT_EVENTS
from bridge.sockets import create_socket_server
from bridge.sockets.activity import Activity

Serve = Callable[[Any], Awaitable[str]]
Dial = Callable[..., Awaitable[ClientConnection]]
JoinIn = Callable[..., Awaitable[Any]]
Poll = Callable[[str], Awaitable[tuple[httpx.AsyncClient, str]]]
Eventually = Callable[[Callable[[], object]], Awaitable[None]]

SECRET = "a secret of at least thirty-two bytes"
# The same in every run, as what is made of it has to be; it is good until the year 2096.
TOKEN = jwt.encode({"sub": "u1", "exp": 4_000_000_000, "chats": ["c1"], "requests": ["r1"]}, SECRET, "HS256")
LIMIT_BYTES = 20_000
HEARING_SECONDS = 10

FENCE_ID = 999_999_999
FENCE = f'42{FENCE_ID}["leave-ops-room"]'

# One server and one neighbour for all examples of a test: what one example leaves behind, the next must not see.
# And no failing example is made smaller: each would wait until the deadline.
fuzzed = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate],
)


def lasting_tasks() -> list[str]:
    """All tasks but those of the library that sleep until the next ping: they end by themselves."""
    names = [str(task.get_coro()) for task in asyncio.all_tasks()]
    return [name for name in names if "_send_ping" not in name]


class Watched:
    """A server under fire, a well-behaved client of it, and what there was before the fire began."""

    def __init__(self, server: Any, url: str, connect_packet: str, eventually: Eventually) -> None:
        self.server = server
        self.url = url
        self.connect_packet = connect_packet
        self._eventually = eventually
        self._before = ""
        self._tasks_before = 0

    def holdings(self) -> str:
        """Everything that the server keeps for clients, to be compared and to be read."""
        manager, admission = self.server.manager, self.server.admission
        [activity] = [watcher for watcher in manager.watchers if isinstance(watcher, Activity)]
        roster = activity.presence._roster
        kept = {
            "members of rooms": sorted(
                (namespace, str(room), len(members))
                for namespace, rooms in manager.rooms.items()
                for room, members in rooms.items()
            ),
            "clients": len(manager._rooms_of),
            "waiting": (manager._held, manager.pending_connect, manager.pending_disconnect),
            "callbacks": manager.callbacks,
            "connections": (len(self.server.eio.sockets), len(self.server.environ)),
            "packets": self.server._reader._incomplete,
            "sessions": len(self.server._closing),
            "principals": (len(admission._principals), len(admission._timers)),
            "presence": (roster._here, roster._users_of, roster._leaving),
            "typists": (activity._typists._of_socket, activity._typists._sockets),
        }
        return str(kept)

    async def begin(self) -> None:
        """Notes what there is, once the neighbour has come to rest."""
        await self._eventually(lambda: not self.server.manager._held)
        self._before = self.holdings()
        self._tasks_before = len(lasting_tasks())

    async def back_to_before(self) -> None:
        def is_back() -> bool:
            return self.holdings() == self._before and len(lasting_tasks()) <= self._tasks_before

        try:
            await self._eventually(is_back)
        except TimeoutError:
            tasks = "\n".join(lasting_tasks())
            raise AssertionError(
                f"not back to {self._tasks_before} tasks and {self._before}: {self.holdings()}\n{tasks}"
            ) from None


@pytest_asyncio.fixture(params=["open", "jwt"])
async def watched(
    request: pytest.FixtureRequest,
    serve: Serve,
    join_in: JoinIn,
    eventually: Eventually,
    caplog: pytest.LogCaptureFixture,
) -> AsyncIterator[Watched]:
    """A server in each mode. Afterwards it serves a newcomer, keeps nothing, and nothing went wrong unhandled."""
    is_open = request.param == "open"
    unhandled: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
    server = create_socket_server(
        frontend_url="https://shop.example",
        verifier=None if is_open else TokenVerifier(secrets=[SECRET]),
        presence_grace_seconds=0,
        # Short enough for a test to see that whoever is silent is forgotten.
        ping_timeout_seconds=2,
        max_payload_bytes=LIMIT_BYTES,
    )
    url = await serve(server)
    auth = {} if is_open else {"token": TOKEN}
    neighbour = await join_in(url, auth=auth)
    watched = Watched(server, url, "40" if is_open else f"40{json.dumps(auth)}", eventually)
    await neighbour.call("leave-ops-room")
    await watched.begin()

    yield watched

    assert (await neighbour.call("join-user-room", "u1"))["ok"]
    assert (await neighbour.call("leave-user-room", "u1"))["ok"]
    newcomer = await join_in(url, auth=auth)
    assert (await newcomer.call("join-user-room", "u1"))["ok"]
    await newcomer.disconnect()
    await watched.back_to_before()
    gc.collect()
    await asyncio.sleep(0)
    assert unhandled == []
    records = [*caplog.get_records("call"), *caplog.get_records("teardown")]
    assert [record for record in records if record.exc_info or record.name in ("asyncio", "uvicorn.error")] == []


async def converse(websocket: ClientConnection, messages: Sequence[str | bytes]) -> tuple[Counter[int], bool]:
    """Sends messages and a fence behind them; returns the ids that were acknowledged, and whether it was cut off."""
    acknowledged: Counter[int] = Counter()
    try:
        async with asyncio.timeout(HEARING_SECONDS):
            for message in [*messages, FENCE]:
                await websocket.send(message)
            while FENCE_ID not in acknowledged:
                frame = str(await websocket.recv())
                if frame == "2":
                    await websocket.send("3")
                if frame.startswith("43"):
                    acknowledged[int(frame[2 : frame.index("[")])] += 1
    except ConnectionClosed:
        return acknowledged, True
    del acknowledged[FENCE_ID]
    return acknowledged, False


async def attack(watched: Watched, messages: Sequence[str | bytes], *, is_connected: bool = True) -> bool:
    """One client, that sends messages and goes. Returns whether it was cut off."""
    address = watched.url.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
    async with connect(address, max_size=None) as websocket:
        await websocket.recv()
        if is_connected:
            await websocket.send(watched.connect_packet)
            assert str(await websocket.recv()).startswith("40")
        acknowledged, is_cut_off = await converse(websocket, messages)
    assert set(acknowledged.values()) <= {1}
    await watched.back_to_before()
    return is_cut_off


# Client events

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**98), 10**98),
    st.floats(),  # NaN and Infinity too, as Python's own encoder writes them
    st.text(st.characters(codec=None), max_size=20),
    st.sampled_from(["u1", "c1", "", " ", "\ud800", "\x00", "a" * 201, "a" * 5_000, "__proto__", "user-u1", "1e999"]),
)
NAMES_OF_FIELDS = st.text(st.characters(codec=None), max_size=10)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec=None)), inner, max_size=4)
    ),
    max_leaves=8,
)
TYPING = st.fixed_dictionaries(
    {},
    optional={
        name: st.sampled_from(["u1", "c1"]) | VALUES for name in ("chatId", "userId", "userName", "chat_id", "\ud800")
    },
)
NAMES = st.sampled_from([*CLIENT_EVENTS, "", "*", "connect", "disconnect", "connect_error", "message", "\ud800", "é"])
CALLS = st.tuples(NAMES, st.lists(VALUES | TYPING, max_size=5))


def event_packet(number: int, name: str, arguments: Sequence[object]) -> str:
    # A number that no float holds is no JSON that Python writes by itself.
    text = json.dumps([name, *arguments]).replace('"1e999"', "1e999")
    return f"42{number}{text}"


@given(calls=st.lists(CALLS, max_size=12))
@settings(fuzzed, max_examples=40)
async def test_every_event_with_any_arguments_is_answered_once(
    watched: Watched, dial: Dial, calls: list[tuple[str, list[object]]]
) -> None:
    packets = [event_packet(number, name, arguments) for number, (name, arguments) in enumerate(calls)]
    websocket = await dial(watched.url)
    await websocket.send(watched.connect_packet)
    assert str(await websocket.recv()).startswith("40")

    acknowledged, is_cut_off = await converse(websocket, packets)
    await websocket.close()

    assert not is_cut_off
    assert acknowledged == Counter(range(len(calls)))
    await watched.back_to_before()


# Packets that are none

PACKETS = st.one_of(
    st.sampled_from(
        ["40", "41", "42", "43", "44", "45", "46", "47", "4", "0", "1", "2", "3", "5", "6", "7", "b", ""]
    ),
    st.from_regex(r"\A4[0-9²٣]([0-9]{1,12}-)?(/[a-z?]{0,4},?)?[0-9]{0,3}(\[.{0,9}\]?|\{.{0,9}\}?|.{0,9})\Z"),
    st.from_regex(r"\A4(null|true|false|0\.5| [0-9]|\"[a-z]*\"|\{\}|\[[0-9]*\])\Z"),
    st.text(max_size=20),
    st.binary(max_size=20),
    st.binary(max_size=20).map(lambda data: "b" + data.hex()),
    st.builds(
        lambda packet, end: packet[:end], st.sampled_from([FENCE, '42["join-user-room","u1"]']), st.integers(0)
    ),
)


@given(messages=st.lists(PACKETS, max_size=5), is_connected=st.booleans())
@settings(fuzzed, max_examples=150)
@example(messages=["4null"], is_connected=True)
@example(messages=["450-1[]"], is_connected=True)
@example(messages=['42/admin,1["join-user-room","u1"]'], is_connected=True)
async def test_what_is_no_packet_is_passed_over_or_the_end(
    watched: Watched, messages: list[str | bytes], is_connected: bool
) -> None:
    await attack(watched, messages, is_connected=is_connected)


async def test_deep_nesting_is_answered_or_the_end(watched: Watched) -> None:
    for opening, depth, beginning in itertools.product(
        ["[", '{"a":', '[{"_placeholder":true,"num":'],
        [100, 300, 900, 990, 5_000],
        ["4", '421["typing-start",', '420["typing-start",'],
    ):
        nested = opening * depth
        await attack(watched, [beginning + nested])
        whole = nested + "1" + "".join({"[": "]", "{": "}"}[c] for c in reversed(nested) if c in "[{")
        await attack(watched, [f"{beginning}{whole}]" if "," in beginning else beginning + whole])
        await attack(watched, [f"451-1[{whole}]", b"attachment"])


NOT_ACKNOWLEDGED = [
    *(
        "421",
        "421[]",
        "421{}",
        "421null",
        "421[7]",
        '421[["join-user-room"]]',
        '421["join-user-room","u1"',
        "42" * 60,
    ),
    *("450-1[]", "431", "43[]", "44", '440{"message":"no"}', "47", "49", "4", "4null", "4true", "4{}", '4["a"]'),
    *("", "7", "9", "x", "bAQ", "b!", "é", "²", "4²", "\x00", '42/admin,1["join-user-room","u1"]', '42²["a"]'),
    '421["typing-start",' + "9" * 101 + "]",
    "42" + "9" * 101 + '["join-user-room"]',
]


async def test_what_cannot_be_answered_is_the_end(watched: Watched) -> None:
    assert [message for message in NOT_ACKNOWLEDGED if not await attack(watched, [message])] == []


HARMLESS = ["2", "2probe", "3", "3probe", "5", "6", "40", "431[]", "43777[1]", "40/admin,"]


async def test_what_asks_for_nothing_does_no_harm(watched: Watched) -> None:
    assert [message for message in HARMLESS if await attack(watched, [message] * 50)] == []


ATTACHMENTS: list[tuple[list[str | bytes], bool]] = [
    (['451-1["join-user-room",{"_placeholder":true,"num":0}]', b"u1"], False),
    (['450-1["join-user-room","u1"]'], False),
    (['453-1["x",{"_placeholder":true,"num":2}]', b"", b"", b""], False),
    (["461-777[]", b"x"], False),
    (['451-1["join-user-room"]'], True),
    (['451-1["join-user-room",{"_placeholder":true,"num":7}]', b"u1"], True),
    (['451-1["join-user-room",{"_placeholder":true,"num":"0"}]', b"u1"], True),
    (['451-1["join-user-room",{"_placeholder":true,"num":[]}]', b"u1"], True),
    (['451-1[{"_placeholder":true,"num":0}]', b"join-user-room"], True),
    (['452-1["x"]', b"1", '422["join-user-room","u1"]'], True),
    (['4511-1["x"]', *[b"1"] * 11], True),
    (['459999999999-1["x"]'], True),
    (['4510-1["x"]', *[b"1" * 5_000] * 10], True),
    ([b"nobody announced it"], True),
    (['451-1["x"]', b"1", b"2"], True),
]


async def test_attachments_are_whole_and_few_or_the_end(watched: Watched) -> None:
    assert [(messages, await attack(watched, messages)) for messages, _ in ATTACHMENTS] == ATTACHMENTS


async def test_payloads_up_to_the_limit_are_answered_and_larger_ones_are_the_end(
    watched: Watched, poll: Poll
) -> None:
    beginning, end = '421["join-user-room","', '"]'
    for excess, is_the_end in ((-1, False), (0, False), (1, True), (LIMIT_BYTES * 50, True)):
        packet = beginning + "x" * (LIMIT_BYTES + excess - len(beginning) - len(end)) + end
        assert await attack(watched, [packet]) == is_the_end

        client, address = await poll(watched.url)
        await client.post(address, content=watched.connect_packet)
        assert (await client.post(address, content=packet)).status_code == (400 if is_the_end else 200)
        assert (await client.post(address, content="1")).status_code == (400 if is_the_end else 200)


# Tokens

AUTH = st.one_of(
    VALUES,
    st.fixed_dictionaries({"token": VALUES}),
    st.builds(
        lambda position, change: {"token": TOKEN[:position] + change + TOKEN[position + 1 :]},
        st.integers(0, len(TOKEN) - 1),
        st.text(st.characters(codec=None), max_size=3),
    ),
)


@given(auth=AUTH)
@settings(fuzzed, max_examples=30)
async def test_whatever_is_brought_instead_of_a_token_is_answered_once(
    watched: Watched, dial: Dial, auth: object
) -> None:
    websocket = await dial(watched.url)
    packet = "40" + json.dumps(auth)
    clients = len(watched.server.manager._rooms_of)

    await websocket.send(packet)
    await websocket.send("40/nowhere,")
    answers = [str(await websocket.recv()), str(await websocket.recv())]

    assert answers[1].startswith("44/nowhere,")
    if watched.connect_packet == "40" or auth == {"token": TOKEN}:
        assert answers[0].startswith("40{")
    else:
        assert json.loads(answers[0].removeprefix("44"))["data"]["code"] in {"token_missing", "token_invalid"}
        assert len(watched.server.manager._rooms_of) == clients
    await websocket.close()
    await watched.back_to_before()


# Long polling


@pytest_asyncio.fixture
async def polling() -> AsyncIterator[httpx.AsyncClient]:
    """One client for all examples, since each takes a while to be made."""
    async with httpx.AsyncClient() as client:
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

    flood = asyncio.create_task(converse(websocket, messages))
    answers = 0
    while not flood.done():
        async with asyncio.timeout(2):
            assert (await neighbour.call("join-request-room", "r1"))["ok"]
        await watched.server.emit("news", answers, to="chat-c1")
        answers += 1
    acknowledged, is_cut_off = await flood
    await neighbour.call("leave-chat-room", "c1")

    assert not is_cut_off
    assert acknowledged == Counter(range(6_000))
    assert answers > 3
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
