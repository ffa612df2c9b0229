"""The helpers for service authors and the global server, and the door from the journal to the clients."""

import random
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest

import bridge.sockets
from bridge.sockets import (
    RoomNameEmptyError,
    SocketServerMissingError,
    create_socket_server,
    deliver,
    emit_global_event,
    emit_to_room,
    get_socket_server,
    set_socket_server,
)
from coordinator.compact_json import compact_json
from coordinator.errors import BridgeError
from coordinator.events import Audience, Event

Serve = Callable[..., Awaitable[str]]
JoinIn = Callable[..., Awaitable[Any]]
Poll = Callable[[str], Awaitable[tuple[httpx.AsyncClient, str]]]

EVERYONE = Audience(everyone=True)


@pytest.fixture(autouse=True)
def no_server_is_left_behind() -> Iterator[None]:
    yield
    set_socket_server(None)


def new_server() -> Any:
    return create_socket_server(frontend_url="https://shop.example")


async def fence(*clients: Any) -> None:
    """An answer to each client, which comes behind everything that was sent to it before."""
    for client in clients:
        await client.call("leave-ops-room")


def test_public_names_are_there() -> None:
    assert {
        "create_socket_server",
        "emit_global_event",
        "emit_to_room",
        "get_socket_server",
        "set_socket_server",
    } <= set(bridge.sockets.__all__)


def test_missing_server_is_a_clear_error() -> None:
    with pytest.raises(SocketServerMissingError, match="set_socket_server") as raised:
        get_socket_server()
    assert isinstance(raised.value, BridgeError)


async def test_helpers_without_a_server_are_the_same_clear_error() -> None:
    with pytest.raises(SocketServerMissingError):
        await emit_global_event("hello", {})
    with pytest.raises(SocketServerMissingError):
        await emit_to_room("ops", "hello", {})


def test_the_server_that_was_set_is_returned() -> None:
    server = new_server()
    set_socket_server(server)
    assert get_socket_server() is server


async def test_global_events_reach_everyone_and_room_events_the_room(serve: Serve, join_in: JoinIn) -> None:
    server = new_server()
    set_socket_server(server)
    url = await serve(server)
    inside: list[Any] = []
    outside: list[Any] = []
    member, other = await join_in(url, inside), await join_in(url, outside)
    await member.call("join-user-room", "u1")

    await emit_global_event("hello", {"n": 1})
    await emit_to_room("user-u1", "psst", {"n": 2})
    await fence(member, other)

    assert inside == [("hello", {"n": 1}), ("psst", {"n": 2})]
    assert outside == [("hello", {"n": 1})]


async def test_an_empty_room_name_does_not_mean_everyone(serve: Serve, join_in: JoinIn) -> None:
    server = new_server()
    set_socket_server(server)
    heard: list[Any] = []
    client = await join_in(await serve(server), heard)

    with pytest.raises(RoomNameEmptyError, match="everyone"):
        await emit_to_room("", "secret", {})
    await fence(client)

    assert heard == []


async def test_deliver_tells_each_client_once_however_many_of_the_rooms_it_is_in(
    serve: Serve, join_in: JoinIn
) -> None:
    server = new_server()
    url = await serve(server)
    all_three: list[Any] = []
    only_one: list[Any] = []
    none: list[Any] = []
    clients = [await join_in(url, heard) for heard in (all_three, only_one, none)]
    for event, argument in (("join-user-room", "u1"), ("join-request-room", "r1"), ("join-chat-room", "c1")):
        await clients[0].call(event, argument)
    await clients[1].call("join-chat-room", "c1")
    rooms = ("user-u1", "request-r1", "chat-c1", "nobody-is-here")

    written = deliver(server, [Event("moved", Audience(rooms=rooms), '{"n":1}')])
    written += deliver(server, [Event("said", Audience(everyone=True, rooms=rooms), '{"n":2}')])
    await fence(*clients)

    assert written == [2, 3]
    assert all_three == [("moved", {"n": 1}), ("said", {"n": 2})]
    assert only_one == [("moved", {"n": 1}), ("said", {"n": 2})]
    assert none == [("said", {"n": 2})]


async def test_an_event_for_no_room_goes_to_nobody(serve: Serve, join_in: JoinIn) -> None:
    server = new_server()
    heard: list[Any] = []
    client = await join_in(await serve(server), heard)

    events = [
        Event("secret", Audience(), "{}"),
        Event("said", Audience(everyone=True), "{}"),
        Event("x", Audience(), "{}"),
    ]
    written = deliver(server, events)
    await fence(client)

    assert (heard, written) == ([("said", {})], [0, 1, 0])


async def test_deliver_keeps_the_order_for_each_client(serve: Serve, join_in: JoinIn, poll: Poll) -> None:
    server = new_server()
    url = await serve(server)
    heard: list[list[Any]] = [[], []]
    clients = [await join_in(url, each) for each in heard]
    for client in clients:
        await client.call("join-user-room", "u1")
    polling, session = await poll(url)
    await polling.post(session, content='40\x1e42["join-user-room","u1"]')
    await polling.get(session)
    nobody = Audience(rooms=("user-u2",))
    audiences = (EVERYONE, Audience(rooms=("user-u1",)), Audience(rooms=("user-u1", "sellers")), nobody)
    choices = random.Random(1).choices(audiences, k=400)
    events = [Event("step", audience, compact_json({"n": number})) for number, audience in enumerate(choices)]
    theirs = [number for number, audience in enumerate(choices) if audience is not nobody]

    written = deliver(server, events[:200])
    written += deliver(server, events[200:])
    await fence(*clients)

    assert heard == [[("step", {"n": number}) for number in theirs]] * 2
    assert written == [0 if audience is nobody else 3 for audience in choices]
    polled = (await polling.get(session)).text.split("\x1e")
    assert polled == [f'42["step",{{"n":{number}}}]' for number in theirs]
