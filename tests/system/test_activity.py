"""Presence and typing between stock JavaScript clients, on a running bridge."""

import sqlite3
from typing import Any

from tests.asking import get
from tests.conftest import BridgeProcess, StartBridge
from tests.system.conftest import Listener, StartListener
from tests.waiting import wait_until

TYPING = {"chatId": "c1", "userId": "u1", "userName": "Ann"}


def test_somebody_comes_types_and_vanishes(make_bridge: Any, listen: Any) -> None:
    bridge = make_bridge(BRIDGE_PRESENCE_GRACE_SECONDS="0.2")
    other = listen(bridge.url, [["join-chat-room", "c1"]])
    stranger = listen(bridge.url, [["join-chat-room", "c2"]])
    typist = listen(bridge.url, [["user-online", "u1"], ["join-chat-room", "c1"], ["typing-start", TYPING]])
    [user] = get(f"{bridge.url}/api/presence?userIds=u1").json()["users"]
    assert user["status"] == "online"
    typist.fence()
    assert [name for name, _ in typist.events] == ["user-status-change"]
    typist.close()
    for listener in (other, stranger):
        listener.wait_for(
            lambda line: line.get("event") == "user-status-change" and line["args"][0]["status"] == "offline"
        )
        listener.fence()
    came, started, stopped, went = other.events
    assert started == ("user-typing", [{"userId": "u1", "userName": "Ann", "isTyping": True}])
    assert stopped == ("user-typing", [{"userId": "u1", "isTyping": False}])
    assert stranger.events == [came, went]
    assert (came[1][0]["status"], went[1][0]["status"]) == ("online", "offline")
    [user] = get(f"{bridge.url}/api/presence?userIds=u1").json()["users"]
    assert (user["status"], user["lastSeen"].rstrip("Z")[:19]) == ("offline", went[1][0]["lastSeen"].rstrip("Z")[:19])


# What the next process has to know, or those who come back to it take somebody for there for ever.


def told(listener: Listener) -> list[tuple[str, str | bool]]:
    """Who came, went and typed, as a listener has heard it."""
    return [
        (payload["userId"], payload["status"] if name == "user-status-change" else payload["isTyping"])
        for name, [payload, *_] in listener.events
    ]


def wait_until_announced(listener: Listener, change: tuple[str, str | bool]) -> None:
    if change not in told(listener):
        listener.wait_for(lambda line: "event" in line and told(listener)[-1] == change)


def status_of(bridge: BridgeProcess, user_id: str) -> str:
    [user] = get(f"{bridge.url}/api/presence?userIds={user_id}").json()["users"]
    status: str = user["status"]
    return status


def test_who_typed_in_the_moment_of_a_crash_types_no_more(make_bridge: StartBridge, listen: StartListener) -> None:
    bridge = make_bridge()
    watcher, typist = (listen(bridge.url, [["join-chat-room", "c1"]]) for _ in range(2))
    watcher.fence()
    typist.join("typing-start", TYPING)
    wait_until_announced(watcher, ("u1", True))
    bridge.kill()
    bridge.start()
    watcher.wait_for(lambda line: "ready" in line)
    wait_until_announced(watcher, ("u1", False))
    assert told(watcher) == [("u1", True), ("u1", False)]


def test_while_nothing_can_be_kept_nobody_is_told_who_comes_and_who_types(
    make_bridge: StartBridge, listen: StartListener
) -> None:
    """Killed then, the bridge would not know whom it has told of. Who waits is told of once it can be."""
    bridge = make_bridge()
    watcher, user = (listen(bridge.url, [["join-chat-room", "c1"]]) for _ in range(2))
    for is_killed in (True, False):
        watcher.fence()
        holder = sqlite3.connect(bridge.database, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        log_before = len(bridge.log.read_text())
        user.join("user-online", "u1")
        user.join("typing-start", TYPING)
        wait_until(lambda: "sessions cannot be saved" in bridge.log.read_text()[log_before:])  # noqa: B023
        assert status_of(bridge, "u1") == "offline"
        if is_killed:
            bridge.kill()
        holder.close()
        if is_killed:
            bridge.start()
            for client in (watcher, user):
                client.wait_for(lambda line: "ready" in line)
        assert told(watcher) == []
    wait_until_announced(watcher, ("u1", "online"))
    wait_until_announced(watcher, ("u1", True))
    assert status_of(bridge, "u1") == "online"


def test_who_says_goodbye_is_told_as_offline_also_if_the_bridge_dies_before_it_is(
    make_bridge: StartBridge, listen: StartListener
) -> None:
    bridge = make_bridge()
    watcher, user = listen(bridge.url, []), listen(bridge.url, [["user-online", "u1"]])
    wait_until_announced(watcher, ("u1", "online"))
    user.close()
    watcher.fence()  # which waits for the journal, and so for what was kept before
    bridge.kill()
    bridge.start()
    wait_until_announced(watcher, ("u1", "offline"))
    # What was told just before a kill may be told again.
    assert [*dict.fromkeys(told(watcher))] == [("u1", "online"), ("u1", "offline")]


def test_who_watches_some_users_is_told_of_them_alone_also_after_a_crash(
    make_bridge: StartBridge, listen: StartListener
) -> None:
    bridge = make_bridge(BRIDGE_PRESENCE_TO="watchers")
    watcher = listen(bridge.url, [["watch-users", {"userIds": ["u1", "u2"]}]])
    stranger, user = listen(bridge.url, []), listen(bridge.url, [["user-online", "u1"]])
    wait_until_announced(watcher, ("u1", "online"))
    bridge.kill()
    bridge.start()
    for client in (watcher, user):
        client.wait_for(lambda line: "ready" in line)
    for user_id in ("u3", "u2"):
        user.join("user-online", user_id)
    wait_until_announced(watcher, ("u2", "online"))
    stranger.fence()
    assert told(stranger) == told(user) == []
    assert [*dict.fromkeys(told(watcher))] == [("u1", "online"), ("u2", "online")]
    watcher.join("watch-users", {"userIds": ["u3"]})
    answer = watcher.wait_for(lambda line: "asked" in line)["answer"]
    assert [user["status"] for user in answer["users"]] == ["online"]


def test_who_leaves_its_own_room_is_offline_at_once(make_bridge: StartBridge, listen: StartListener) -> None:
    bridge = make_bridge(BRIDGE_PRESENCE_GRACE_SECONDS="600")
    watcher, user = listen(bridge.url, []), listen(bridge.url, [["user-online", "u1"]])
    user.join("leave-user-room", "u1")
    wait_until_announced(watcher, ("u1", "offline"))
    assert status_of(bridge, "u1") == "offline"
