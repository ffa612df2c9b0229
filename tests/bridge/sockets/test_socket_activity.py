"""Presence and typing between real clients, over real WebSockets."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bridge.sockets import create_socket_server

Serve = Callable[..., Awaitable[str]]
JoinIn = Callable[..., Awaitable[Any]]
Eventually = Callable[[Callable[[], object]], Awaitable[object]]

GRACE_SECONDS = 0.2


def new_server(**options: Any) -> Any:
    return create_socket_server(
        frontend_url="https://shop.example", **{"presence_grace_seconds": GRACE_SECONDS, **options}
    )


def statuses(heard: list[Any]) -> list[tuple[str, str]]:
    return [(event[1]["userId"], event[1]["status"]) for event in heard if event[0] == "user-status-change"]


async def fence(client: Any) -> None:
    """Whatever the server sent to the client before has been heard after this."""
    await client.call("leave-ops-room")


async def test_coming_and_going_is_told_to_everyone_once(
    serve: Serve, join_in: JoinIn, eventually: Eventually
) -> None:
    server = new_server()
    url = await serve(server)
    heard: list[Any] = []
    await join_in(url, heard)
    phone, laptop = await join_in(url), await join_in(url)
    for device in (phone, laptop, phone):
        assert await device.call("user-online", "u1") == {"ok": True, "rooms": ["user-u1"]}
    await phone.disconnect()
    await laptop.disconnect()
    await eventually(lambda: statuses(heard) == [("u1", "online"), ("u1", "offline")])
    online, offline = [event[1] for event in heard]
    assert set(online) == set(offline) == {"userId", "status", "lastSeen"}
    assert online["lastSeen"] < offline["lastSeen"]
    [found] = server.presence.look_up(["u1"])
    assert not found.is_online


async def test_a_reload_within_the_grace_period_is_not_told(
    serve: Serve, join_in: JoinIn, eventually: Eventually
) -> None:
    server = new_server(presence_grace_seconds=600)
    url = await serve(server)
    heard: list[Any] = []
    witness = await join_in(url, heard)
    page = await join_in(url)
    await page.call("user-online", "u1")
    await page.disconnect()
    await eventually(lambda: len(server.eio.sockets) == 1)
    page = await join_in(url)
    await page.call("user-online", "u1")
    await fence(witness)
    assert statuses(heard) == [("u1", "online")]


async def test_who_leaves_their_own_room_is_not_there_any_more(
    serve: Serve, join_in: JoinIn, eventually: Eventually
) -> None:
    url = await serve(new_server())
    heard: list[Any] = []
    client = await join_in(url, heard)
    await client.call("user-online", "u1")
    await client.call("leave-user-room", "u1")
    await eventually(lambda: statuses(heard) == [("u1", "online"), ("u1", "offline")])


async def test_joining_ones_room_alone_is_no_presence(serve: Serve, join_in: JoinIn) -> None:
    server = new_server()
    heard: list[Any] = []
    client = await join_in(await serve(server), heard)
    await client.call("join-user-room", "u1")
    await fence(client)
    assert not heard
    assert not server.presence.look_up(["u1"])[0].is_online


@pytest.fixture
async def chat(serve: Serve, join_in: JoinIn) -> dict[str, Any]:
    """A chat of two users, the first with a phone and a laptop, and somebody elsewhere; `heard` by each."""
    server = new_server()
    url = await serve(server)
    heard: dict[str, list[Any]] = {name: [] for name in ("phone", "laptop", "other", "stranger")}
    clients = {name: await join_in(url, heard[name]) for name in heard}
    for name, user_id in (("phone", "u1"), ("laptop", "u1"), ("other", "u2")):
        await clients[name].call("join-user-room", user_id)
        await clients[name].call("join-chat-room", "c1")
    return {"server": server, "heard": heard, **clients}


STARTED = ("user-typing", {"userId": "u1", "userName": "Ann", "isTyping": True})
STOPPED = ("user-typing", {"userId": "u1", "isTyping": False})
START = {"chatId": "c1", "userId": "u1", "userName": "Ann"}


async def test_typing_is_told_to_the_others_in_the_chat_alone(chat: dict[str, Any]) -> None:
    assert await chat["phone"].call("typing-start", START) == {"ok": True}
    assert await chat["phone"].call("typing-stop", {"chatId": "c1", "userId": "u1"}) == {"ok": True}
    for name in ("phone", "laptop", "other", "stranger"):
        await fence(chat[name])
    assert chat["heard"] == {"phone": [], "laptop": [], "other": [STARTED, STOPPED], "stranger": []}


@pytest.mark.parametrize("way", ["disconnects", "leaves the chat", "leaves the user's room"])
async def test_a_typist_who_vanishes_is_stopped_by_the_server(
    chat: dict[str, Any], eventually: Eventually, way: str
) -> None:
    await chat["phone"].call("typing-start", START)
    if way == "disconnects":
        await chat["phone"].disconnect()
    elif way == "leaves the chat":
        await chat["phone"].call("leave-chat-room", "c1")
    else:
        await chat["phone"].call("leave-user-room", "u1")
    await eventually(lambda: chat["heard"]["other"] == [STARTED, STOPPED])
    assert chat["heard"]["stranger"] == []


async def test_one_of_two_devices_that_type_may_vanish_unnoticed(
    chat: dict[str, Any], eventually: Eventually
) -> None:
    await chat["phone"].call("typing-start", START)
    await chat["laptop"].call("typing-start", START)
    await chat["phone"].disconnect()
    await eventually(lambda: len(chat["server"].eio.sockets) == 3)
    await fence(chat["other"])
    assert chat["heard"]["other"] == [STARTED, STARTED]
    await chat["laptop"].disconnect()
    await eventually(lambda: chat["heard"]["other"] == [STARTED, STARTED, STOPPED])


@pytest.mark.parametrize(
    ("event", "argument", "words"),
    [
        ("typing-start", None, "chatId, userId, userName"),
        ("typing-start", "c1", "one object"),
        ("typing-start", {"chatId": "c1", "userId": "u1"}, "userName: Field required"),
        ("typing-start", {**START, "userId": 5}, "userId"),
        ("typing-start", {**START, "chatId": ""}, "chatId"),
        ("typing-start", {**START, "colour": "red"}, "colour"),
        ("typing-start", {"chat_id": "c1", "user_id": "u1", "user_name": "Ann"}, "chatId"),
        ("typing-start", {**START, "userName": "x" * 201}, "userName"),
        ("typing-stop", START, "userName"),
        ("user-online", None, "one userId"),
        ("user-online", "", "one userId"),
    ],
)
async def test_a_wrong_argument_is_answered_with_what_is_wrong(
    chat: dict[str, Any], event: str, argument: Any, words: str
) -> None:
    answer = await chat["phone"].call(event, argument)
    assert answer["error"]["code"] == "bad_argument"
    assert words in answer["error"]["message"]
    await fence(chat["other"])
    assert chat["heard"]["other"] == []


async def test_what_one_connection_may_have_is_limited(serve: Serve, join_in: JoinIn) -> None:
    server = new_server()
    client = await join_in(await serve(server))
    for number in range(20):
        assert (await client.call("user-online", f"u{number}"))["ok"]
    assert (await client.call("user-online", "u20"))["error"]["code"] == "too_many"
    assert not server.presence.look_up(["u20"])[0].is_online
    assert "user-u20" not in server.rooms(client.get_sid())
    answers = [await client.call("join-request-room", f"r{number}") for number in range(1_000)]
    refused = [answer for answer in answers if not answer["ok"]]
    assert {answer["error"]["code"] for answer in refused} == {"too_many"}
    assert len(server.rooms(client.get_sid())) == 1_001  # with the one that each client has for itself
    await client.call("leave-request-room", "r0")
    assert (await client.call("join-request-room", "another"))["ok"]
