"""Access that is taken back: by what is said of a chat's participants, by a service and by staff, at another bridge
than the one that the client is connected to."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.asking import get, post
from tests.conftest import BridgeProcess, StartBridge
from tests.postgresql import journal_cluster
from tests.system.conftest import Listener, StartListener
from tests.system.cut_line import CutLine
from tests.system.test_grants import SECRET, bearer, token
from tests.waiting import wait_until

CHAT = "the-token-of-the-chat-service"
GUARD = "the-token-of-whoever-guards-the-doors"
SERVICES = f"""
[chat]
token = "{CHAT}"
publishes = ["chat"]
[guard]
token = "{GUARD}"
manages = ["access"]
"""


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    services = tmp_path_factory.mktemp("services") / "services.toml"
    services.write_text(SERVICES)
    with journal_cluster() as cluster:
        yield {
            "BRIDGE_ACCESS": "jwt",
            "BRIDGE_JWT_SECRETS": SECRET,
            "BRIDGE_JWT_LEEWAY_SECONDS": "0",
            "BRIDGE_SERVICES_FILE": str(services),
            "BRIDGE_DATABASE_URL": cluster.journal_url(),
        }


@pytest.fixture(scope="module")
def here(make_bridge: StartBridge, variables: dict[str, str]) -> BridgeProcess:
    """Where clients are connected."""
    return make_bridge(**variables)


@pytest.fixture(scope="module")
def there(make_bridge: StartBridge, here: BridgeProcess, variables: dict[str, str]) -> BridgeProcess:
    """Where access is taken back."""
    return make_bridge(**variables)


def old_token(user_id: str, **claims: Any) -> str:
    return token(user_id, iat=1_700_000_000, **claims)


def new_token(user_id: str, **claims: Any) -> str:
    """One that was surely issued after all that was taken back until now."""
    now = time.time()
    wait_until(lambda: time.time() > now)
    return token(user_id, iat=time.time(), **claims)


def say(there: BridgeProcess, event: str, chat_id: str, **data: Any) -> None:
    body = {"event": event, "data": {"chatId": chat_id, **data}}
    assert post(f"{there.url}/api/events", json=body, headers=bearer(CHAT)).status_code == 202


def write(there: BridgeProcess, chat_id: str, content: str) -> None:
    message = {"_id": content, "content": content, "senderId": "s", "createdAt": "2026-11-27T10:00:00Z"}
    say(there, "new-message", chat_id, message=message, senderId="s")


def change(there: BridgeProcess, change: str, by: str = GUARD, **what: str) -> Any:
    return post(f"{there.url}/api/access", json={"change": change, **what}, headers=bearer(by))


def read(client: Listener) -> list[str]:
    """The messages that it was sent, and what it was told of participants."""
    return [
        data["message"]["content"] if name == "new-message" else name
        for name, [data] in client.events
        if "chatId" in data
    ]


def asked(client: Listener, event: str, argument: Any) -> Any:
    client.join(event, argument)
    return client.wait_for(lambda line: "asked" in line)["answer"]


def test_a_removed_participant_hears_that_and_nothing_after(
    here: BridgeProcess, there: BridgeProcess, listen: StartListener
) -> None:
    joins = [["join-chat-room", "c1"]]
    removed = listen(here.url, joins, old_token("u1", chats=["c1"]))
    other = listen(here.url, joins, old_token("u2", chats=["c1"]))
    body = [
        {"event": "participant-removed", "data": {"chatId": "c1", "removedUserId": "u1"}},
        {"event": "message-deleted", "data": {"chatId": "c1", "messageId": "m", "deletedAt": "2026-11-27T10:00Z"}},
    ]
    write(there, "c1", "before")
    # In one commit, so that nothing is between the two.
    assert post(f"{there.url}/api/events", json={"events": body}, headers=bearer(CHAT)).status_code == 202
    write(there, "c1", "after")
    other.wait_for(lambda line: "event" in line and "after" in str(line["args"]))
    removed.fence()
    assert read(other) == ["before", "participant-removed", "message-deleted", "after"]
    assert read(removed) == ["before", "participant-removed"]
    assert asked(removed, "join-chat-room", "c1")["error"]["code"] == "not_allowed"
    typing = {"chatId": "c1", "userId": "u1", "userName": "Ann"}
    assert asked(removed, "typing-start", typing)["error"]["code"] == "not_allowed"
    for bridge in (here, there):
        answer = get(f"{bridge.url}/api/events?room=chat-c1", headers=bearer(old_token("u1", chats=["c1"])))
        assert answer.status_code == 403
        answer = get(f"{bridge.url}/api/events?room=chat-c1", headers=bearer(new_token("u1", chats=["c1"])))
        assert answer.status_code == 200
    say(there, "participants-added", "c1", addedUserIds=["u1", "u3"])
    wait_until(lambda: asked(removed, "join-chat-room", "c1")["ok"])
    write(there, "c1", "again")
    removed.wait_for(lambda line: "event" in line and "again" in str(line["args"]))


def test_whoever_lost_a_room_while_away_begins_anew_without_it(
    here: BridgeProcess, there: BridgeProcess, listen: StartListener
) -> None:
    client = listen(here.url, [["join-chat-room", "c2"], ["join-user-room", "u1"]], old_token("u1", chats=["c2"]))
    answer = change(there, "room_revoked", userId="u1", room="chat-c2", note="moved on")
    assert answer.status_code == 200, answer.text
    told = client.wait_for(lambda line: line.get("event") == "access-changed")["args"][0]
    assert (told["change"], told["userId"], told["room"]) == ("room_revoked", "u1", "chat-c2")
    client.close_engine()
    client.wait_for(lambda line: "ready" in line)
    write(there, "c2", "unheard")
    assert change(there, "room_restored", userId="u1", room="chat-c2").status_code == 200
    client.wait_for(lambda line: line.get("event") == "access-changed" and "room_restored" in str(line))
    assert read(client) == []
    assert asked(client, "join-chat-room", "c2")["ok"]


@pytest.mark.parametrize("added_again", [False, True])
@pytest.mark.parametrize("goes", ["is silent", "is away"])
def test_whoever_misses_that_a_room_was_lost_is_not_recovered(
    here: BridgeProcess, there: BridgeProcess, listen: StartListener, goes: str, added_again: bool
) -> None:
    """What was published while it was in the room, and that it lost it, would be missing from what it is sent."""
    chat, user = f"c-{goes}-{added_again}", f"u-{goes}-{added_again}"
    joins = [["join-chat-room", chat]]
    line = CutLine(here.port)
    client = listen(line.url, joins, old_token(user, chats=[chat]))
    other = listen(here.url, joins, old_token("u2", chats=[chat]))
    line.fall_silent() if goes == "is silent" else line.cut()
    write(there, chat, "before")
    say(there, "participant-removed", chat, removedUserId=user)
    write(there, chat, "not for them")
    if added_again:
        say(there, "participants-added", chat, addedUserIds=[user])
    write(there, chat, "last")
    other.wait_for(lambda line: "event" in line and "last" in str(line["args"]))
    line.cut()
    line.open()
    assert client.wait_for(lambda line: "ready" in line)["recovered"] is False
    write(there, chat, "since")
    other.wait_for(lambda line: "event" in line and "since" in str(line["args"]))
    client.fence()
    assert read(client) == ["since"] * added_again
    client.close()
    line.close()


@pytest.mark.parametrize("taken_by", ["a service", "the chat"])
def test_whoever_came_and_heard_since_a_room_was_restored_is_recovered_wherever_that_was(
    here: BridgeProcess,
    make_bridge: StartBridge,
    listen: StartListener,
    variables: dict[str, str],
    taken_by: str,
) -> None:
    """Also by a bridge that has learned of it only from the journal, or was killed meanwhile."""
    chat, user = f"back-{taken_by}", f"u-back-{taken_by}"
    before = listen(here.url, [["join-chat-room", chat]], old_token(user, chats=[chat]))
    if taken_by == "a service":
        for what in ("room_revoked", "room_restored"):
            assert change(here, what, userId=user, room=f"chat-{chat}").status_code == 200
    else:
        say(here, "participant-removed", chat, removedUserId=user)
        say(here, "participants-added", chat, addedUserIds=[user])
    wait_until(lambda: asked(before, "join-chat-room", chat)["ok"])
    other = make_bridge(**variables)
    bridges = {bridge.port: bridge for bridge in (here, other)}
    line = CutLine(here.port)
    client = listen(line.url, [["join-chat-room", chat]], old_token(user, chats=[chat]))
    for number, (port, is_killed) in enumerate([(here.port, False), (other.port, False), (other.port, True)]):
        write(here, chat, f"heard {number}")
        client.wait_for(lambda said, text=f"heard {number}": "event" in said and text in str(said["args"]))  # type: ignore[misc]
        line.cut()
        if is_killed:
            bridges[port].kill()
            bridges[port].start()
        write(here, chat, f"missed {number}")
        line.lead_to(port)
        line.open()
        assert client.wait_for(lambda said: "ready" in said)["recovered"] is True
    expected = [f"{what} {number}" for number in range(3) for what in ("heard", "missed")]
    client.wait_for(lambda said: "event" in said and expected[-1] in str(said["args"]))
    assert [text for text in read(client) if text in expected] == expected
    client.close()
    before.close()
    line.close()


def test_a_users_tokens_are_revoked_and_stay_so_through_a_restart(
    here: BridgeProcess, there: BridgeProcess, make_bridge: StartBridge, listen: StartListener, variables: Any
) -> None:
    without_time = token("u4")
    client = listen(here.url, [], old_token("u4"), old_token("u4"))
    assert change(there, "tokens_revoked", userId="u4").status_code == 200
    ended = client.wait_for(lambda line: line.get("event") == "session-ended")
    assert ended["args"][0]["reason"] == "token_revoked"
    refused = client.wait_for(lambda line: "connectError" in line)
    assert refused["data"] == {"code": "token_revoked"}
    for bridge in (here, there, make_bridge(**variables)):
        for bad in (old_token("u4"), without_time):
            answer = get(f"{bridge.url}/api/events?room=user-u4", headers=bearer(bad))
            assert (answer.status_code, answer.json()["code"]) == (401, "token_revoked")
        answer = get(f"{bridge.url}/api/events?room=user-u4", headers=bearer(new_token("u4")))
        assert answer.status_code == 200
    assert listen(here.url, [["join-user-room", "u4"]], new_token("u4")).refused == {}


def test_one_token_is_revoked_by_its_id(here: BridgeProcess, there: BridgeProcess, listen: StartListener) -> None:
    bad = listen(here.url, [], new_token("u5", jti="bad"))
    good = listen(here.url, [], new_token("u5", jti="good"))
    assert change(there, "token_revoked", tokenId="bad").status_code == 200
    bad.wait_for(lambda line: line.get("event") == "session-ended")
    answer = get(f"{here.url}/api/events?room=user-u5", headers=bearer(new_token("u5", jti="bad")))
    assert answer.json()["code"] == "token_revoked"
    good.fence()
    assert good.events == []


def test_whoever_is_disconnected_comes_back_and_is_recovered(
    here: BridgeProcess, there: BridgeProcess, listen: StartListener
) -> None:
    client = listen(here.url, [["join-user-room", "u6"]], old_token("u6"))
    assert change(there, "disconnected", userId="u6").status_code == 200
    ended = client.wait_for(lambda line: line.get("event") == "session-ended")
    assert ended["args"][0]["reason"] == "disconnected"
    assert client.wait_for(lambda line: "ready" in line)["recovered"]


def test_a_new_token_gives_and_takes_on_the_live_connection(
    here: BridgeProcess, there: BridgeProcess, listen: StartListener
) -> None:
    client = listen(here.url, [["join-chat-room", "c3"]], token("u7", chats=["c3"], expires_at=time.time() + 3600))
    assert asked(client, "join-chat-room", "c4")["error"]["code"] == "not_allowed"
    answer = asked(client, "refresh-token", {"token": token("u7", chats=["c4"])})
    assert answer == {"ok": True, "expiresAt": "2100-01-01T00:00:00.000Z"}
    assert asked(client, "join-chat-room", "c4")["ok"]
    for bad, code in [
        (token("u8"), "not_allowed"),
        (token("u7", expires_at=1), "token_expired"),
        ("x", "token_invalid"),
    ]:
        assert asked(client, "refresh-token", {"token": bad})["error"]["code"] == code
    write(there, "c3", "unheard")
    write(there, "c4", "heard")
    client.wait_for(lambda line: "event" in line and "heard" in str(line["args"]))
    assert read(client) == ["heard"]
    assert not any("disconnected" in line for line in client.heard)


def test_staff_sees_who_is_connected_wherever_that_is(
    here: BridgeProcess, there: BridgeProcess, listen: StartListener
) -> None:
    client = listen(here.url, [["user-online", "u10"], ["join-seller-room", "u10"]], token("u10"))
    listen(there.url, [["join-user-room", "u11"]], token("u11"))

    def found(bridge: BridgeProcess, query: str) -> list[tuple[str, list[str]]]:
        answer = get(f"{bridge.url}/api/ops/connections?{query}", headers=bearer(token("f1", roles=["ops-view"])))
        assert answer.json()["next"] is None
        return [(one["userId"], one["rooms"]) for one in answer.json()["connections"]]

    its = [("u10", ["seller-u10", "sellers", "user-u10"])]
    for bridge in (here, there):
        assert found(bridge, "userId=u10") == found(bridge, "room=seller-u10") == its
        assert found(bridge, "userId=u10&room=user-u11") == found(bridge, "userId=u1%25") == []
        assert {"u10", "u11"} <= {user_id for user_id, _ in found(bridge, "")}
    assert get(f"{here.url}/api/ops/connections", headers=bearer(token("u10"))).status_code == 403
    client.close()
    wait_until(lambda: found(there, "userId=u10") == [])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"change": "room_revoked", "userId": "u1"}, "room"),
        ({"change": "room_revoked", "userId": "u1", "room": "ops"}, "room"),
        ({"change": "room_revoked", "userId": "u1", "room": "chat-"}, "room"),
        ({"change": "disconnected"}, "userId"),
        ({"change": "disconnected", "userId": "u1", "socketId": "s"}, "socketId"),
        ({"change": "tokens_revoked", "tokenId": "t"}, "tokenId"),
        ({"change": "banned", "userId": "u1"}, "change"),
    ],
)
def test_what_is_wrong_is_named(there: BridgeProcess, body: dict[str, str], field: str) -> None:
    answer = post(f"{there.url}/api/access", json=body, headers=bearer(GUARD))
    assert answer.status_code == 400
    assert field in answer.text


def test_only_who_manages_access_or_acts_for_ops_may(there: BridgeProcess) -> None:
    assert change(there, "disconnected", by=CHAT, userId="u9").status_code == 403
    assert change(there, "disconnected", by=token("u9"), userId="u9").status_code == 401
    url, body = f"{there.url}/api/ops/access", {"change": "tokens_revoked", "userId": "u9", "note": "stolen"}
    statuses = {
        role: post(url, json=body, headers=bearer(token("f1", roles=[role]))).status_code
        for role in ("ops-view", "ops-act", "none")
    }
    assert statuses == {"ops-view": 403, "ops-act": 200, "none": 403}
    taken = get(f"{url}?userId=u9", headers=bearer(token("f1", roles=["ops-view"]))).json()["revocations"]
    assert [(one["kind"], one["revokedBy"], one["note"]) for one in taken] == [("user", "f1", "stolen")]
    actions = get(f"{there.url}/api/ops/actions", headers=bearer(token("f1", staff=True))).json()["actions"]
    assert ("access", "u9", "tokens revoked: stolen") in [
        (one["action"], one["subject"], one["outcome"]) for one in actions
    ]


def test_where_nobody_is_asked_who_they_are_only_a_connection_is_disconnected(
    make_bridge: StartBridge, listen: StartListener
) -> None:
    bridge = make_bridge()
    answer = post(f"{bridge.url}/api/access", json={"change": "disconnected", "userId": "u1"})
    assert answer.status_code == 409
    client = listen(bridge.url, [])
    socket_id = next(line["ready"] for line in client.heard if "ready" in line)
    shown = {"socketId": socket_id, "userId": None, "online": [], "rooms": [], "bridge": None}
    wait_until(lambda: get(f"{bridge.url}/api/ops/connections").json()["connections"] == [shown])
    assert post(f"{bridge.url}/api/access", json={"change": "disconnected", "socketId": socket_id}).status_code == 200
    assert client.wait_for(lambda line: "ready" in line)["recovered"]


def test_whom_a_killed_bridge_has_left_as_connected_is_not_shown_and_hides_nobody(
    make_bridge: StartBridge, listen: StartListener
) -> None:
    bridge = make_bridge()
    bridge.kill()
    left = {"rooms": {}, "online": [], "typing": [], "beganAt": 0, "leftAt": None, "isOver": False, "keptAt": 0}
    rows = [(f"0-{number}", json.dumps(left), "2026-11-27 10:00:00.000000", False, True) for number in range(250)]
    with closing(sqlite3.connect(bridge.database)) as journal, journal:
        journal.executemany(
            "INSERT INTO sessions (session_id, content, updated_at, is_idle, is_connected) VALUES (?, ?, ?, ?, ?)",
            rows,
        )
    bridge.start()
    listen(bridge.url, [["join-user-room", "u12"]])
    answer = wait_until(lambda: (now := get(f"{bridge.url}/api/ops/connections").json())["connections"] and now)
    assert [one["rooms"] for one in answer["connections"]] == [["user-u12"]]
    assert answer["next"] is None


class WrongClock(BridgeProcess):
    """A bridge on a machine whose clock is wrong."""

    beside = "tests.system.nodes.other_clock"


def test_what_was_revoked_while_the_clock_was_ahead_is_put_right_by_saying_it_again(
    make_bridge: StartBridge, variables: dict[str, str]
) -> None:
    own = {**variables, "CLOCK_AHEAD_SECONDS": "7200"}
    del own["BRIDGE_DATABASE_URL"]
    ahead = make_bridge(WrongClock, **own)

    def is_refused(bridge: BridgeProcess, brought: str, room: str) -> bool:
        return get(f"{bridge.url}/api/events?room={room}", headers=bearer(brought)).status_code in (401, 403)

    revoked = {"tokens_revoked": {"userId": "u20"}, "room_revoked": {"userId": "u21", "room": "chat-c20"}}
    for what, of in revoked.items():
        assert change(ahead, what, **of).status_code == 200
    ahead.kill()
    right = make_bridge(**own, BRIDGE_DATABASE_URL=f"sqlite:///{ahead.database}")
    before = [(new_token("u20"), "user-u20"), (new_token("u21", chats=["c20"]), "chat-c20")]
    assert [is_refused(right, *one) for one in before] == [True, True]
    for what, of in revoked.items():
        assert change(right, what, **of).status_code == 200
    since = [(new_token("u20"), "user-u20"), (new_token("u21", chats=["c20"]), "chat-c20")]
    wait_until(lambda: [is_refused(right, *one) for one in since] == [False, False])
    assert [is_refused(right, *one) for one in before] == [True, True]
    # Also for a bridge that has not heard of it, but finds it on record.
    right.kill()
    right.start()
    assert [is_refused(right, *one) for one in (*since, *before)] == [False, False, True, True]
