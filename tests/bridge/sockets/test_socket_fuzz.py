"""Whatever clients send: the server stays up, answers or cuts off, and keeps nothing of those who have gone.

Nothing here asks whether an answer is right, only that there is one, once, or that the connection is closed.
"""

import itertools
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from bridge.catalogue.client_events import CLIENT_EVENTS
from tests.bridge.sockets.under_fire import LIMIT_BYTES, PACKETS, TOKEN, Watched, attack, converse, fuzzed

Dial = Callable[..., Awaitable[ClientConnection]]
Poll = Callable[[str], Awaitable[tuple[httpx.AsyncClient, str]]]

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
        # By polling it is refused, and the session goes on, as with the reference server.
        assert (await client.post(address, content=packet)).status_code == (413 if is_the_end else 200)
        assert (await client.post(address, content="1")).status_code == 200


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
async def test_whatever_is_brought_instead_of_a_token_is_answered_once_and_what_is_no_object_ends_the_connection(
    watched: Watched, dial: Dial, auth: object
) -> None:
    websocket = await dial(watched.url)
    packet = "40" + json.dumps(auth)
    clients = watched.server.manager.client_count

    await websocket.send(packet)
    # A number behind the type is the id of a packet.
    is_id = isinstance(auth, int) and not isinstance(auth, bool) and auth >= 0
    if not (auth is None or is_id or isinstance(auth, dict)):
        with pytest.raises(ConnectionClosed) as closed:
            await websocket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.reason == "no packet"
        await watched.back_to_before()
        return
    await websocket.send("40/nowhere,")
    answers = [str(await websocket.recv()), str(await websocket.recv())]

    assert answers[1].startswith("44/nowhere,")
    if watched.connect_packet == "40" or auth == {"token": TOKEN}:
        assert answers[0].startswith("40{")
    else:
        assert json.loads(answers[0].removeprefix("44"))["data"]["code"] in {"token_missing", "token_invalid"}
        assert watched.server.manager.client_count == clients
    await websocket.close()
    await watched.back_to_before()
