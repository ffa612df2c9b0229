"""Who may do what, in `jwt` mode: principals × rooms × events, each cell, by the stock JavaScript client and REST."""

import time
from pathlib import Path
from typing import Any

import jwt
import pytest

from tests.asking import client_of, get, post
from tests.specification import ROWS, Row
from tests.system.conftest import Listener, StartListener
from tests.waiting import GIVE_UP_SECONDS, wait_until

SECRET = "a secret of at least thirty-two bytes"
SERVICE_TOKEN = "the-token-of-every-service"
SERVICES = f"""
[everything]
token = "{SERVICE_TOKEN}"
publishes = ["marketplace", "payment", "chat", "notification", "points"]
registers = ["payments"]
"""
JOINS = {
    "user-b1": ["join-user-room", "b1"],
    "user-s1": ["join-user-room", "s1"],
    "user-u1": ["join-user-room", "u1"],
    "request-r1": ["join-request-room", "r1"],
    "seller-s1": ["join-seller-room", "s1"],
    "buyer-b1": ["join-buyer-room", "b1"],
    "chat-c1": ["join-chat-room", "c1"],
    "template-checkout-c1": ["join-template-checkout-room", "c1"],
    "ops": ["join-ops-room"],
}
CLAIMS: dict[str, dict[str, Any]] = {
    "b1": {"requests": ["r1"], "chats": ["c1"], "checkouts": ["c1"]},
    "s1": {"requests": ["r1"], "chats": ["c1"]},
    "u1": {},
    "x1": {"requests": ["r2"], "chats": ["c2"], "checkouts": ["c2"]},
    "f1": {"staff": True},
}
# Which rooms each may join: the table of docs/access.md, applied by hand.
GRANTED = {
    "b1": {"user-b1", "buyer-b1", "request-r1", "chat-c1", "template-checkout-c1"},
    "s1": {"user-s1", "seller-s1", "request-r1", "chat-c1"},
    "u1": {"user-u1"},
    "x1": set[str](),
    "f1": set(JOINS),
}
PAID = Row(
    "seller-offer-update",
    True,
    ("seller-s1",),
    {},
    {
        "sellerId": "s1",
        "requestId": "r1",
        "eventType": "payment-completed",
        "data": {"offerId": "o1", "isSelected": True, "paymentId": "p1"},
    },
)
EVERY_ROW = (*ROWS, PAID)
FOR_ALL_TO_HEAR = {"user-status-change"}


NEVER = 4_102_444_800
"""When a token expires that is to outlive the tests, however long they take: in the year 2100."""


def token(user_id: str, *, expires_at: float = NEVER, **claims: Any) -> str:
    return jwt.encode({"sub": user_id, "exp": expires_at, **claims}, SECRET, "HS256")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    services: Path = tmp_path_factory.mktemp("services") / "services.toml"
    services.write_text(SERVICES)
    return {
        "BRIDGE_ACCESS": "jwt",
        "BRIDGE_JWT_SECRETS": SECRET,
        "BRIDGE_JWT_LEEWAY_SECONDS": "0",
        "BRIDGE_PRESENCE_GRACE_SECONDS": "0",
        "BRIDGE_SERVICES_FILE": str(services),
    }


@pytest.fixture(scope="module")
def bridge(make_bridge: Any, variables: dict[str, str]) -> Any:
    return make_bridge(**variables)


def publish(bridge: Any, rows: tuple[Row, ...]) -> None:
    body = {"events": [{"event": row.event, "target": row.target, "data": row.payload} for row in rows]}
    answer = post(f"{bridge.url}/api/events", json=body, headers=bearer(SERVICE_TOKEN))
    assert answer.status_code == 202, answer.text


def expected(user_id: str, rooms: set[str], *, confidential: bool) -> list[tuple[str, list[Any]]]:
    """What somebody hears of every row who is in these rooms."""
    also = rooms | ({"sellers"} if "seller-s1" in rooms else set())
    hears_all = CLAIMS[user_id].get("staff", False) or not confidential
    return [
        (row.event, [row.payload])
        for row in EVERY_ROW
        if also & set(row.rooms) or (row.everyone and (hears_all or row.event in FOR_ALL_TO_HEAR))
    ]


def test_everybody_joins_what_is_granted_and_hears_that_alone(bridge: Any, listen: Any) -> None:
    clients = {
        user_id: listen(bridge.url, list(JOINS.values()), token(user_id, **claims))
        for user_id, claims in CLAIMS.items()
    }
    for user_id, client in clients.items():
        denied = {" ".join(JOINS[room]): "not_allowed" for room in JOINS.keys() - GRANTED[user_id]}
        assert client.refused == denied
    publish(bridge, EVERY_ROW)
    clients["f1"].wait_for(lambda line: line.get("event") == PAID.event and line["args"][0] == PAID.payload)
    for user_id, client in clients.items():
        client.fence()
        assert client.events == expected(user_id, GRANTED[user_id], confidential=True)


def test_rest_grants_the_same_rooms_and_tells_the_same_events(bridge: Any) -> None:
    start = get(f"{bridge.url}/api/events?everyone=true&limit=500", headers=bearer(token("f1", staff=True)))
    publish(bridge, EVERY_ROW)
    for user_id, claims in CLAIMS.items():
        with client_of(bridge.url, headers=bearer(token(user_id, **claims))) as client:
            for room in (*JOINS, "sellers", "staff", ""):
                allowed = room in GRANTED[user_id] or room == "sellers" or (user_id == "f1" and room != "")
                answer = client.get("/api/events", params={"room": room})
                assert answer.status_code == (200 if allowed else 400 if room == "" else 403), (user_id, room)
            rooms = sorted(GRANTED[user_id] | ({"sellers"} if "seller-s1" in GRANTED[user_id] else set()))
            params = {"room": rooms, "everyone": True, "after": start.json()["next"], "limit": 500}
            told = client.get("/api/events", params=params).json()
            heard = [(event["event"], [event["data"]]) for event in told["events"]]
            assert heard == expected(user_id, GRANTED[user_id], confidential=True)
            assert not told["more"]


@pytest.mark.parametrize(
    ("path", "room"),
    [
        ("/api/purchase-requests/r1", "request-r1"),
        ("/api/chats/c1/messages", "chat-c1"),
        ("/api/notifications/unread-count?userId=u1", "user-u1"),
    ],
)
def test_what_is_looked_up_is_granted_as_its_room_is(bridge: Any, path: str, room: str) -> None:
    publish(bridge, EVERY_ROW)
    for user_id, claims in CLAIMS.items():
        answer = get(f"{bridge.url}{path}", headers=bearer(token(user_id, **claims)))
        assert answer.status_code == (200 if room in GRANTED[user_id] else 403), user_id
    assert get(f"{bridge.url}{path}").status_code == 401


def test_a_payment_is_shown_to_its_parties_and_staff(bridge: Any) -> None:
    payment = {
        "provider": "shkeeper",
        "externalId": "order-1",
        "requestId": "r1",
        "buyerId": "b1",
        "sellerId": "s1",
        "amount": "49.90",
        "currency": "USD",
    }
    url = f"{bridge.url}/api/payments"
    assert post(url, json=payment).status_code == 401
    assert post(url, json=payment, headers=bearer(token("f1", staff=True))).status_code == 401
    made = post(url, json=payment, headers=bearer(SERVICE_TOKEN))
    assert made.status_code == 201
    payment_id = made.json()["paymentId"]
    assert get(f"{url}/{payment_id}").status_code == 401
    assert get(f"{url}/{payment_id}", headers=bearer(SERVICE_TOKEN)).status_code == 200
    for user_id, sees in {"b1": True, "s1": True, "u1": False, "x1": False, "f1": True}.items():
        headers = bearer(token(user_id, **CLAIMS[user_id]))
        assert get(f"{url}/{payment_id}", headers=headers).status_code == (200 if sees else 404)
        found = get(url, params={"requestId": "r1"}, headers=headers).json()["payments"]
        assert [one["paymentId"] for one in found] == ([payment_id] if sees else [])


def test_nobody_speaks_for_somebody_else(bridge: Any, listen: Any) -> None:
    typing = {"chatId": "c1", "userId": "b1", "userName": "Ann"}
    acts: list[list[Any]] = [
        ["user-online", "b1"],
        ["typing-start", typing],
        ["typing-stop", {"chatId": "c1", "userId": "b1"}],
        ["typing-start", {**typing, "userId": "s1"}],
    ]
    seller = listen(bridge.url, acts, token("s1", **CLAIMS["s1"]))
    codes = [line["answer"]["error"]["code"] for line in seller.heard if "refused" in line]
    assert codes == ["not_allowed"] * 3
    stranger = listen(bridge.url, [["typing-start", {**typing, "userId": "x1"}]], token("x1", **CLAIMS["x1"]))
    assert [line["answer"]["error"]["code"] for line in stranger.heard if "refused" in line] == ["not_allowed"]


def test_presence_is_for_everybody_with_a_token(bridge: Any, listen: Any) -> None:
    user = listen(bridge.url, [["user-online", "u1"]], token("u1"))
    url = f"{bridge.url}/api/presence?userIds=u1,x9"
    assert get(url).status_code == 401
    [u1, x9] = get(url, headers=bearer(token("x1"))).json()["users"]
    assert (u1["userId"], u1["status"]) == ("u1", "online")
    assert x9 == {"userId": "x9", "status": "offline", "lastSeen": None}
    user.close()
    # Everybody is told so, and nobody in the next test is to be.
    wait_until(lambda: get(url, headers=bearer(token("x1"))).json()["users"][0]["status"] == "offline")


@pytest.mark.parametrize(
    ("tokens", "code"),
    [
        ((), "token_missing"),
        (("nonsense",), "token_invalid"),
        ((token("b1", expires_at=time.time() - 60),), "token_expired"),
        ((jwt.encode({"sub": "b1", "exp": 4e9}, SECRET + "!", "HS256"),), "token_invalid"),
        ((SERVICE_TOKEN,), "token_invalid"),
    ],
)
def test_a_connection_without_a_good_token_is_refused_with_a_code(
    bridge: Any, listen: Any, tokens: tuple[str, ...], code: str
) -> None:
    client = listen(bridge.url, [], *tokens)
    [refusal] = client.heard
    assert refusal["data"] == {"code": code}
    answer = get(f"{bridge.url}/api/events?room=user-b1", headers=bearer(tokens[0]) if tokens else {})
    if tokens != (SERVICE_TOKEN,):
        assert (answer.status_code, answer.json()["code"]) == (401, code)
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert not any(secret in bridge.log.read_text() for secret in (*tokens, SECRET))


def listening_until_its_token_expires(bridge: Any, listen: StartListener) -> Listener:
    """A front end in its room whose token expires soon after, and that has another one then. Where it took so long
    that the first one had expired by then, one that lives for longer is tried."""
    lives_seconds = 1.0
    while lives_seconds < GIVE_UP_SECONDS:
        soon = token("b1", expires_at=time.time() + lives_seconds)
        client = listen(bridge.url, [JOINS["user-b1"]], soon, token("b1"))
        if not any("connectError" in line or "disconnected" in line for line in client.heard):
            return client
        client.close()
        lives_seconds *= 2
    raise AssertionError("no token lived long enough to connect with it")


def test_a_connection_ends_with_its_token_and_comes_back_with_the_next(bridge: Any, listen: StartListener) -> None:
    client = listening_until_its_token_expires(bridge, listen)
    client.wait_for(lambda line: "disconnected" in line)
    client.wait_for(lambda line: "ready" in line)
    ended = [line for line in client.heard if "event" in line or "disconnected" in line]
    assert ended[0]["event"] == "session-ended"
    assert ended[0]["args"][0]["reason"] == "token_expired"
    assert ended[1] == {"disconnected": "transport close"}
    assert client.refused == {}


def moved(request_id: str, number: int) -> Row:
    payload = {"requestId": request_id, "status": "shipped", "trackingNumber": str(number)}
    return Row("delivery-update", False, (f"request-{request_id}",), {}, payload)


def numbers_heard(client: Listener, last: int) -> list[int]:
    """Those that were heard up to the last, which surely is."""
    client.wait_for(lambda line: "event" in line and line["args"][0].get("trackingNumber") == str(last))
    return [int(payload["trackingNumber"]) for name, [payload] in client.events if name == "delivery-update"]


def test_what_one_token_takes_away_is_refused_and_joined_again_once_the_next_gives_it_back(
    bridge: Any, listen: StartListener
) -> None:
    """Who lost a room, or its user, is not recovered: it would not ask again, and be deaf with a good token."""
    whole = token("b1", requests=["r1", "r2"])
    part = token("b1", requests=["r2"])
    joins = [["join-request-room", "r1"], ["join-request-room", "r2"]]
    client = listen(bridge.url, joins, whole, whole, part, part, whole, whole)
    recovered, heard = [], []
    for number, hears in enumerate(["r1 r2", "r1 r2", "r2", "r2", "r1 r2", "r1 r2"]):
        if number:
            client.close_engine()
            recovered.append(client.wait_for(lambda line: "ready" in line)["recovered"])
        publish(bridge, (moved("r1", 2 * number), moved("r2", 2 * number + 1)))
        heard += [2 * number] * ("r1" in hears) + [2 * number + 1]
        assert numbers_heard(client, 2 * number + 1) == heard
    # A token that grants more takes nothing away.
    assert recovered == [True, False, True, True, True]
    assert list(client.refused) == ["join-request-room r1"]


def test_staff_that_is_none_any_more_is_not_recovered_and_hears_all_once_it_is_again(
    bridge: Any, listen: StartListener
) -> None:
    """Staff hears what is confidential without a room of its own."""
    staff, user = token("f1", staff=True), token("f1")
    client = listen(bridge.url, [["join-user-room", "f1"]], staff, user, staff)
    recovered = []
    for number in range(3):
        if number:
            client.close_engine()
            recovered.append(client.wait_for(lambda line: "ready" in line)["recovered"])
        paid = PAID._replace(payload={**PAID.payload, "requestId": f"r{number}"})
        last = Row("unread-count-update", False, (), {"userId": "f1"}, {"unreadCount": number})
        publish(bridge, (paid, last))
        client.wait_for(lambda line: line.get("event") == last.event)  # noqa: B023
    assert [payload["requestId"] for name, [payload] in client.events if name == PAID.event] == ["r0", "r2"]
    assert recovered == [False, True]


def test_confidential_events_go_to_everyone_where_that_is_configured(
    make_bridge: Any, listen: Any, variables: dict[str, str]
) -> None:
    bridge = make_bridge(**variables, BRIDGE_CONFIDENTIAL_EVENTS_TO="everyone")
    stranger = listen(bridge.url, [], token("x1"))
    publish(bridge, EVERY_ROW)
    stranger.wait_for(lambda line: line.get("event") == PAID.event)
    stranger.fence()
    assert stranger.events == expected("x1", set(), confidential=False)
    answer = get(f"{bridge.url}/api/events?everyone=true", headers=bearer(token("x1")))
    assert [one["event"] for one in answer.json()["events"]] == [event for event, _ in stranger.events]


def test_keys_for_tokens_are_needed_at_the_start(make_bridge: Any) -> None:
    with pytest.raises(AssertionError, match="BRIDGE_JWT_SECRETS"):
        make_bridge(BRIDGE_ACCESS="jwt")
    with pytest.raises(AssertionError, match="at least 32"):
        make_bridge(BRIDGE_ACCESS="jwt", BRIDGE_JWT_SECRETS="too-short-a-secret")
