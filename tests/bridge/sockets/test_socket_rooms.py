"""Every join and leave of the specification, with good arguments and bad ones."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from bridge.catalogue.client_events import ROOM_MEMBERSHIPS
from bridge.sockets import create_socket_server

Serve = Callable[..., Awaitable[str]]
JoinIn = Callable[..., Awaitable[Any]]
Dial = Callable[..., Awaitable[ClientConnection]]

# The specification, written out once more by hand.
WITH_ID = {
    "user-room": ("userId", ["user-x1"]),
    "request-room": ("requestId", ["request-x1"]),
    "seller-room": ("sellerId", ["seller-x1", "sellers"]),
    "buyer-room": ("buyerId", ["buyer-x1", "buyers"]),
    "chat-room": ("chatId", ["chat-x1"]),
    "template-checkout-room": ("checkoutId", ["template-checkout-x1"]),
}

BAD_ARGUMENTS: dict[str, tuple[object, ...]] = {
    "none": (),
    "two": ("a", "b"),
    "integer": (7,),
    "float": (7.5,),
    "true": (True,),
    "null": (None,),
    "object": ({"userId": "a"},),
    "array": (["a"],),
    "binary": (b"a",),
    "empty": ("",),
    "blank": (" \t\u3000",),
    "too-long": ("a" * 201,),
    "newline": ("a\nb",),
    "nul": ("a\x00",),
    "delete": ("\x7f",),
    "c1-control": ("a\x85b",),
    "lone-surrogate": ("\ud800",),
}


def new_server() -> Any:
    return create_socket_server(frontend_url="https://shop.example")


def rooms_of(server: Any, client: Any) -> list[str]:
    """The rooms of a client, without the one that the library gives each client for itself."""
    sid = client.get_sid()
    return [room for room in server.rooms(sid) if room != sid]


def test_table_holds_every_room_of_the_specification() -> None:
    assert {membership.name for membership in ROOM_MEMBERSHIPS} == {*WITH_ID, "ops-room"}


@pytest.mark.parametrize("name", WITH_ID)
async def test_join_enters_the_rooms_and_leave_leaves_them(serve: Serve, join_in: JoinIn, name: str) -> None:
    server = new_server()
    client = await join_in(await serve(server))
    _, rooms = WITH_ID[name]

    assert await client.call(f"join-{name}", "x1") == {"ok": True, "rooms": rooms}
    assert rooms_of(server, client) == rooms
    assert await client.call(f"join-{name}", "x1") == {"ok": True, "rooms": rooms}
    assert rooms_of(server, client) == rooms

    assert await client.call(f"leave-{name}", "x1") == {"ok": True, "rooms": rooms}
    assert rooms_of(server, client) == []
    assert await client.call(f"leave-{name}", "x1") == {"ok": True, "rooms": rooms}
    assert set(server.manager._of["/"]._by_room) == {None}


async def test_ops_room_takes_no_argument(serve: Serve, join_in: JoinIn) -> None:
    server = new_server()
    client = await join_in(await serve(server))

    for event in ("join-ops-room", "leave-ops-room"):
        assert await client.call(event, "x1") == {
            "ok": False,
            "error": {"code": "bad_argument", "message": f"{event} takes no argument"},
        }
    assert rooms_of(server, client) == []
    assert await client.call("join-ops-room") == {"ok": True, "rooms": ["ops"]}
    assert rooms_of(server, client) == ["ops"]
    assert await client.call("leave-ops-room") == {"ok": True, "rooms": ["ops"]}
    assert rooms_of(server, client) == []


@pytest.mark.parametrize("move", ["join", "leave"])
@pytest.mark.parametrize("name", WITH_ID)
async def test_bad_arguments_are_named_and_change_nothing(
    serve: Serve, join_in: JoinIn, name: str, move: str
) -> None:
    server = new_server()
    client = await join_in(await serve(server))
    argument, rooms = WITH_ID[name]
    await client.call(f"join-{name}", "x1")
    refusal = {
        "ok": False,
        "error": {
            "code": "bad_argument",
            "message": f"{move}-{name} takes one {argument}: a non-empty string of at most 200 characters",
        },
    }

    answers = {case: await client.call(f"{move}-{name}", arguments) for case, arguments in BAD_ARGUMENTS.items()}

    assert answers == dict.fromkeys(BAD_ARGUMENTS, refusal)
    assert rooms_of(server, client) == rooms


@pytest.mark.parametrize("identifier", ["a" * 200, " padded ", "سفارش", "🧾", "a/b:c*", "-"])
async def test_ids_are_opaque(serve: Serve, join_in: JoinIn, identifier: str) -> None:
    server = new_server()
    client = await join_in(await serve(server))

    assert await client.call("join-chat-room", identifier) == {"ok": True, "rooms": [f"chat-{identifier}"]}
    assert rooms_of(server, client) == [f"chat-{identifier}"]


async def test_nobody_enters_the_private_room_of_another_client(serve: Serve, join_in: JoinIn) -> None:
    server = new_server()
    url = await serve(server)
    victim_heard: list[Any] = []
    heard: list[Any] = []
    victim, stranger = await join_in(url, victim_heard), await join_in(url, heard)

    for name in WITH_ID:
        answer = await stranger.call(f"join-{name}", victim.get_sid())
        assert answer["ok"]
        assert victim.get_sid() not in answer["rooms"]
    await server.emit("private", to=victim.get_sid())
    await stranger.call("leave-ops-room")
    await victim.call("leave-ops-room")

    assert victim_heard == [("private",)]
    assert heard == []


async def test_leaving_one_seller_room_leaves_sellers_to_the_letter(serve: Serve, join_in: JoinIn) -> None:
    server = new_server()
    client = await join_in(await serve(server))
    await client.call("join-seller-room", "s1")
    await client.call("join-seller-room", "s2")

    await client.call("leave-seller-room", "s1")

    assert rooms_of(server, client) == ["seller-s2"]


async def test_join_without_acknowledgement_works_and_is_in_order(serve: Serve, join_in: JoinIn) -> None:
    server = new_server()
    client = await join_in(await serve(server))

    for number in range(20):
        await client.emit("join-chat-room", f"c{number}")
        await client.emit("leave-chat-room", f"c{number}")
    await client.emit("join-chat-room", "last")
    await client.call("leave-ops-room")

    assert rooms_of(server, client) == ["chat-last"]


async def test_acknowledgement_on_the_wire(serve: Serve, dial: Dial) -> None:
    websocket = await dial(await serve(new_server()))
    await websocket.send("40")
    await websocket.recv()

    await websocket.send('4217["join-seller-room","s1"]')

    answer = str(await websocket.recv())
    assert answer.startswith("4317")
    assert json.loads(answer[4:]) == [{"ok": True, "rooms": ["seller-s1", "sellers"]}]


async def test_members_hear_their_room_and_others_do_not(serve: Serve, join_in: JoinIn) -> None:
    server = new_server()
    url = await serve(server)
    inside: list[Any] = []
    outside: list[Any] = []
    member, other = await join_in(url, inside), await join_in(url, outside)
    await member.call("join-seller-room", "s1")

    await server.emit("for-sellers", {"n": 1}, to="sellers")
    await server.emit("for-one", {"n": 2}, to="seller-s1")
    await member.call("leave-seller-room", "s1")
    await server.emit("too-late", to="seller-s1")
    await server.emit("too-late", to="sellers")
    await member.call("leave-ops-room")
    await other.call("leave-ops-room")

    assert inside == [("for-sellers", {"n": 1}), ("for-one", {"n": 2})]
    assert outside == []
