"""Catching up over REST on a running bridge that asks nobody who they are."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.asking import client_of
from tests.specification import WHEN

pytestmark = pytest.mark.usefixtures("client")


@pytest.fixture(scope="module")
def client(make_bridge: Any) -> Iterator[httpx.Client]:
    with client_of(make_bridge().url) as client:
        yield client


def publish(client: httpx.Client, *events: tuple[str, dict[str, str], dict[str, Any]]) -> list[str]:
    body = {"events": [{"event": name, "target": target, "data": data} for name, target, data in events]}
    answer = client.post("/api/events", json=body)
    assert answer.status_code == 202, answer.text
    offsets: list[str] = answer.json()["offsets"]
    return offsets


def message(chat_id: str, number: int) -> tuple[str, dict[str, str], dict[str, Any]]:
    written = {"_id": f"{chat_id}-{number}", "content": f"{number}", "senderId": "u1", "createdAt": WHEN}
    return "new-message", {}, {"chatId": chat_id, "message": written, "senderId": "u1"}


def test_events_are_read_from_an_offset_on(client: httpx.Client) -> None:
    counts = [("unread-count-update", {"userId": "e1"}, {"unreadCount": number}) for number in range(5)]
    offsets = publish(client, *counts)
    first = client.get("/api/events", params={"room": "user-e1", "limit": 3}).json()
    assert [(event["offset"], event["event"], event["data"]) for event in first["events"]] == [
        (offset, "unread-count-update", {"unreadCount": number}) for number, offset in enumerate(offsets[:3])
    ]
    assert (first["next"], first["more"]) == (offsets[2], True)
    rest = client.get("/api/events", params={"room": "user-e1", "after": first["next"]}).json()
    assert [event["offset"] for event in rest["events"]] == offsets[3:]
    assert not rest["more"]
    nothing = client.get("/api/events", params={"room": "user-e1", "after": rest["next"]}).json()
    assert nothing == {"events": [], "next": rest["next"], "more": False}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "room"),
        ("room=", "room"),
        ("&".join(f"room=r{number}" for number in range(51)), "room"),
        ("room=a&limit=0", "limit"),
        ("room=a&limit=501", "limit"),
        ("room=a&limit=x", "limit"),
        ("room=a&after=x", "after"),
        ("room=a&everyone=perhaps", "everyone"),
    ],
)
def test_a_wrong_question_about_events_names_what_is_wrong(client: httpx.Client, query: str, field: str) -> None:
    answer = client.get(f"/api/events?{query}")
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_an_offset_of_another_journal_is_gone(client: httpx.Client) -> None:
    answer = client.get("/api/events", params={"room": "a", "after": "0123456789abcdef-5-5.0123456789abcdef"})
    assert (answer.status_code, answer.json()["title"]) == (410, "Offset not held")


def test_unread_notifications_are_counted_until_somebody_else_does(client: httpx.Client) -> None:
    def unread() -> int:
        count: int = client.get("/api/notifications/unread-count?userId=n1").json()["unreadCount"]
        return count

    note = {"_id": "n", "type": "info", "title": "t", "body": "b", "data": {}, "createdAt": WHEN}
    assert unread() == 0
    publish(client, *[("new-notification", {"userId": "n1"}, {"notification": note})] * 3)
    assert unread() == 3
    publish(client, ("unread-count-update", {"userId": "n1"}, {"unreadCount": 1}))
    publish(client, ("unread-count-update", {"userId": "n2"}, {"unreadCount": 9}))
    assert unread() == 1
    assert client.get("/api/notifications/unread-count").status_code == 400


def test_a_purchase_request_is_looked_up_by_its_id(client: httpx.Client) -> None:
    assert client.get("/api/purchase-requests/q1").status_code == 404
    publish(
        client,
        ("new-purchase-request", {}, {"_id": "q1", "title": "A bicycle"}),
        ("delivery-update", {}, {"requestId": "q1", "status": "sent"}),
        ("delivery-update", {}, {"requestId": "q2", "status": "lost"}),
    )
    state = client.get("/api/purchase-requests/q1").json()
    assert state["document"] == {"_id": "q1", "title": "A bicycle"}
    assert state["delivery"]["status"] == "sent"


def test_a_payment_shows_in_its_purchase_request(client: httpx.Client) -> None:
    payment = {
        "provider": "shkeeper",
        "externalId": "order-q3",
        "requestId": "q3",
        "buyerId": "b1",
        "sellerId": "s1",
        "amount": "49.90",
        "currency": "USD",
    }
    assert client.post("/api/payments", json=payment).status_code == 201
    publish(
        client,
        ("purchase-request-update", {}, {"type": "payment-completed", "requestId": "q3", "status": "completed"}),
    )
    assert client.get("/api/purchase-requests/q3").json()["status"] == "completed"


def test_a_chat_is_paged_backwards_with_its_edits_and_deletions(client: httpx.Client) -> None:
    publish(client, *(message("h1", number) for number in range(5)), message("h2", 0))
    publish(
        client,
        ("message-edited", {}, {"chatId": "h1", "messageId": "h1-1", "content": "one", "editedAt": WHEN}),
        ("message-deleted", {}, {"chatId": "h1", "messageId": "h1-3", "deletedAt": WHEN}),
    )
    newest = client.get("/api/chats/h1/messages?limit=3").json()
    assert [one["_id"] for one in newest["messages"]] == ["h1-2", "h1-4"]
    assert newest["nextBefore"] == "h1-2"
    before = client.get("/api/chats/h1/messages", params={"limit": 3, "before": newest["nextBefore"]}).json()
    assert [(one["_id"], one["content"], one.get("editedAt")) for one in before["messages"]] == [
        ("h1-0", "0", None),
        ("h1-1", "one", WHEN),
    ]
    assert before["nextBefore"] is None
    assert client.get("/api/chats/h9/messages").json() == {"messages": [], "nextBefore": None}


LARGE, LARGE_BYTES = 12, 900_000
"""How many events of that size there are in a room: three times what one answer holds."""


@pytest.fixture(scope="module")
def large(client: httpx.Client) -> str:
    """The room of a chat with large messages."""
    for number in range(LARGE):
        name, target, data = message("large", number)
        publish(
            client, (name, target, data | {"message": data["message"] | {"attachments": [{"x": "x" * LARGE_BYTES}]}})
        )
    return "chat-large"


def bounded(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    assert len(answer.content) < 4_000_000 + 2 * LARGE_BYTES
    page: dict[str, Any] = answer.json()
    return page


@pytest.mark.parametrize("everything", [False, True])
def test_however_much_is_asked_for_an_answer_holds_some_megabytes_of_events(
    client: httpx.Client, large: str, everything: bool
) -> None:
    asked: dict[str, Any] = {"all": "true"} if everything else {"room": large}
    found, more = [], True
    while more:
        page = bounded(client.get("/api/events", params={**asked, "limit": 500}))
        found += [one["data"]["message"]["_id"] for one in page["events"] if one["data"].get("chatId") == "large"]
        asked["after"], more = page["next"], page["more"]
    assert found == [f"large-{number}" for number in range(LARGE)]


@pytest.mark.usefixtures("large")
def test_an_answer_holds_some_megabytes_of_messages(client: httpx.Client) -> None:
    asked: dict[str, Any] = {"limit": 200}
    found: list[str] = []
    while "before" not in asked or asked["before"] is not None:
        page = bounded(client.get("/api/chats/large/messages", params=asked))
        found = [*(one["_id"] for one in page["messages"]), *found]
        asked["before"] = page["nextBefore"]
    assert found == [f"large-{number}" for number in range(LARGE)]


@pytest.mark.parametrize("before", ["", "h2-0", "no such message", "x" * 5_000])
def test_a_chat_is_not_read_before_a_message_that_it_does_not_have(client: httpx.Client, before: str) -> None:
    publish(client, message("h2", 0), message("h3", 0))
    answer = client.get("/api/chats/h3/messages", params={"before": before})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "before"


@pytest.mark.parametrize("user_ids", ["", "a,,b", ",".join(f"u{number}" for number in range(201)), "a" * 201])
def test_presence_is_asked_for_some_users(client: httpx.Client, user_ids: str) -> None:
    answer = client.get("/api/presence", params={"userIds": user_ids})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "userIds"
