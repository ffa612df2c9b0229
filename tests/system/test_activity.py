"""Presence and typing between stock JavaScript clients, on a running bridge."""

from typing import Any

from tests.asking import get

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
