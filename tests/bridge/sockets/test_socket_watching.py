"""Who is told of whom, and when: crowds that come and go, and clients that watch some users."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from bridge.access.tokens import TokenVerifier
from bridge.sockets import create_socket_server
from bridge.sockets.presence import announcer
from bridge.sockets.transport.direct_writes import Send, write_frames
from tests.bridge.sockets.test_socket_activity import fence, statuses
from tests.bridge.sockets.under_fire import SECRET, TOKEN
from tests.waiting import GIVE_UP_SECONDS

Serve = Callable[..., Awaitable[str]]
JoinIn = Callable[..., Awaitable[Any]]
Eventually = Callable[[Callable[[], object]], Awaitable[object]]


def new_server(**options: Any) -> Any:
    return create_socket_server(
        frontend_url="https://shop.example",
        **{"presence_grace_seconds": 0.2, "presence_to_watchers": True, **options},
    )


def status_of(server: Any, user_id: str) -> bool:
    [found] = server.presence.look_up([user_id])
    return bool(found.is_online)


async def test_who_comes_soon_after_another_is_told_with_all_that_come_then_and_who_goes_again_is_not(
    serve: Serve, join_in: JoinIn, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcer, "WINDOW_SECONDS", 2 * GIVE_UP_SECONDS)
    writes: list[bytes] = []

    def write(sends: Sequence[Send], frames: bytes) -> None:
        writes.extend(frames for _ in sends)
        write_frames(sends, frames)

    monkeypatch.setattr(announcer, "write_frames", write)
    server = new_server(presence_to_watchers=False)
    url = await serve(server)
    heard: list[Any] = []
    witness, users = await join_in(url, heard), await join_in(url)
    assert (await users.call("user-online", "u1"))["ok"]
    await fence(witness)
    assert statuses(heard) == [("u1", "online")]
    for user_id in ("u2", "u3", "u4"):
        await users.emit("user-online", user_id)
    await eventually(lambda: server.presence.is_here("u4"))
    await users.call("leave-user-room", "u3")
    assert not server.presence.is_here("u3")
    assert [status_of(server, user_id) for user_id in ("u1", "u2", "u3", "u4")] == [True, False, False, False]
    writes.clear()
    await server.announcer.finish()
    assert len(writes) == 2  # one to each
    await fence(witness)
    assert statuses(heard) == [("u1", "online"), ("u2", "online"), ("u4", "online")]
    assert [status_of(server, user_id) for user_id in ("u1", "u2", "u3", "u4")] == [True, True, False, True]


async def test_what_more_than_can_be_told_at_once_is_told_in_order(
    serve: Serve, join_in: JoinIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcer, "CHANGES_AT_ONCE", 3)
    monkeypatch.setattr(announcer, "CLIENTS_PER_TURN", 1)
    url = await serve(new_server(presence_to_watchers=False))
    heard: list[list[Any]] = [[], []]
    witnesses = [await join_in(url, own) for own in heard]
    answers = await asyncio.gather(*(witnesses[0].call("user-online", f"u{number}") for number in range(20)))
    assert all(answer["ok"] for answer in answers)
    for witness, own in zip(witnesses, heard, strict=True):
        await fence(witness)
        assert statuses(own) == [(f"u{number}", "online") for number in range(20)]


async def test_those_alone_are_told_who_watch(serve: Serve, join_in: JoinIn, eventually: Eventually) -> None:
    server = new_server()
    url = await serve(server)
    heard: dict[str, list[Any]] = {name: [] for name in ("watcher", "stranger", "user")}
    watcher, stranger, user = [await join_in(url, heard[name]) for name in heard]
    answer = await watcher.call("watch-users", {"userIds": ["u1", "u2", "u1"]})
    assert answer == {
        "ok": True,
        "users": [{"userId": user_id, "status": "offline", "lastSeen": None} for user_id in ("u1", "u2")],
    }
    for user_id in ("u1", "u3"):
        await user.call("user-online", user_id)
    await user.call("typing-start", {"chatId": "c1", "userId": "u1", "userName": "Ann"})
    [told] = (await stranger.call("watch-users", {"userIds": ["u1"]}))["users"]
    assert (told["userId"], told["status"]) == ("u1", "online")
    [told] = (await stranger.call("unwatch-users", {"userIds": ["u1", "u9"]}))["users"][:1]
    assert (told["userId"], told["status"]) == ("u1", "online")
    await user.disconnect()
    await eventually(lambda: statuses(heard["watcher"])[-1:] == [("u1", "offline")])
    await fence(stranger)
    assert statuses(heard["watcher"]) == [("u1", "online"), ("u1", "offline")]
    assert heard["stranger"] == heard["user"] == []
    sid = watcher.get_sid()
    await watcher.disconnect()
    await eventually(lambda: len(server.eio.sockets) == 1)
    assert not server.activity_log.watches.watching("u1")
    assert not server.activity_log.watches.of(sid)


async def test_whoever_has_a_token_may_watch_anybody(serve: Serve, join_in: JoinIn) -> None:
    server = new_server(verifier=TokenVerifier(secrets=[SECRET]))
    client = await join_in(await serve(server), auth={"token": TOKEN})
    answer = await client.call("watch-users", {"userIds": ["u1", "somebody-else"]})
    assert [user["userId"] for user in answer["users"]] == ["u1", "somebody-else"]


async def test_where_everyone_is_told_watching_changes_nothing(serve: Serve, join_in: JoinIn) -> None:
    url = await serve(new_server(presence_to_watchers=False))
    heard: list[list[Any]] = [[], []]
    watcher, user = [await join_in(url, own) for own in heard]
    assert (await watcher.call("watch-users", {"userIds": ["u1"]}))["ok"]
    await user.call("user-online", "u1")
    await user.call("user-online", "u2")
    for client in (watcher, user):
        await fence(client)
    assert [statuses(own) for own in heard] == [[("u1", "online"), ("u2", "online")]] * 2


@pytest.mark.parametrize(
    ("argument", "code", "words"),
    [
        (None, "bad_argument", "userIds"),
        ({"userIds": []}, "bad_argument", "at least 1"),
        ({"userIds": ["u"] * 201}, "bad_argument", "at most 200"),
        ({"userIds": ["u1", 5]}, "bad_argument", "userIds.1"),
        ({"userIds": ["one-more"]}, "too_many", "at most 200 users"),
        ({"userIds": [f"{number:0>199}" for number in range(101)]}, "too_many", "20000 bytes"),
    ],
)
async def test_what_one_connection_may_watch_is_bounded(
    serve: Serve, join_in: JoinIn, argument: Any, code: str, words: str
) -> None:
    server = new_server()
    client = await join_in(await serve(server))
    watched = [f"u{number}" for number in range(99 if "bytes" in words else 200)]
    assert (await client.call("watch-users", {"userIds": watched}))["ok"]
    assert (await client.call("watch-users", {"userIds": watched}))["ok"]
    answer = await client.call("watch-users", argument)
    assert answer["error"]["code"] == code
    assert words in answer["error"]["message"]
    assert [*server.activity_log.watches.of(client.get_sid())] == watched


async def test_a_crowd_that_is_told_of_everyone_is_said_once_and_what_to_set(
    serve: Serve,
    join_in: JoinIn,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(announcer, "CROWD", 1)
    server = new_server(presence_to_watchers=False)
    url = await serve(server)
    first, second = await join_in(url), await join_in(url)
    assert server.announcer.trouble() is None
    for user_id in ("u1", "u2"):
        await first.call("user-online", user_id)
    assert 'presence_to = "watchers"' in (server.announcer.trouble() or "")
    assert caplog.text.count("presence_to") == 1
    await second.disconnect()
    await eventually(lambda: len(server.eio.sockets) == 1)
    await first.call("user-online", "u3")
    assert server.announcer.trouble() is None
