"""Lists of one's own on a running bridge that asks for tokens: pages, filters, and who may."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from tests.asking import client_of
from tests.bridge.http.exchanges import KEYS, registration

SECRET = "a secret of at least thirty-two bytes"
PAYMENTS, PAYOUTS, READER = "the-token-of-the-marketplace", "the-token-of-who-pays-out", "the-token-of-who-reads"
NEVER = 4_102_444_800
SERVICES = f"""
[marketplace]
token = "{PAYMENTS}"
publishes = ["request-cancelled"]
registers = ["payments"]

[treasury]
token = "{PAYOUTS}"
registers = ["payouts"]

[reader]
token = "{READER}"
reads = true
"""


@pytest.fixture(scope="module")
def bridge(make_bridge: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    services: Path = tmp_path_factory.mktemp("services") / "services.toml"
    services.write_text(SERVICES)
    return make_bridge(
        BRIDGE_ACCESS="jwt",
        BRIDGE_JWT_SECRETS=SECRET,
        BRIDGE_SERVICES_FILE=str(services),
        BRIDGE_SHKEEPER_API_KEYS=", ".join(KEYS),
    )


@pytest.fixture
def client(bridge: Any) -> Iterator[httpx.Client]:
    with client_of(bridge.url, headers=bearer(PAYMENTS)) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def user(subject: str, **claims: Any) -> dict[str, str]:
    return bearer(jwt.encode({"sub": subject, "exp": NEVER, **claims}, SECRET, algorithm="HS256"))


Ask = Callable[..., httpx.Response]


@pytest.fixture
def ask(bridge: Any) -> Iterator[Ask]:
    with client_of(bridge.url) as client:

        def ask(headers: dict[str, str], path: str = "payments", **query: Any) -> httpx.Response:
            return client.get(f"/api/{path}", params=query, headers=headers)

        yield ask


def test_a_seller_turns_the_pages_of_their_own_sales(client: httpx.Client, ask: Ask) -> None:
    mine = [
        client.post("/api/payments", json=registration(sellerId="own-s", buyerId="own-b")).json() for _ in range(3)
    ]
    shares = [
        {"requestId": "own-r1", "sellerId": "other-s", "amount": "10"},
        {"requestId": "own-r2", "sellerId": "own-s", "amount": "5"},
    ]
    checkout = {"provider": "shkeeper", "externalId": "own-checkout", "buyerId": "own-b", "currency": "USD"}
    answer = client.post("/api/template-checkouts", json={**checkout, "shares": shares})
    assert answer.status_code == 201, answer.text
    newest_first = [answer.json()["payment"]["paymentId"], *(one["paymentId"] for one in reversed(mine))]
    first = ask(user("own-s"), sellerId="own-s", limit=3).json()
    assert [one["paymentId"] for one in first["payments"]] == newest_first[:3]
    # Of the checkout their own share alone.
    assert [share["requestId"] for share in first["payments"][0]["shares"]] == ["own-r2"]
    rest = ask(user("own-s"), sellerId="own-s", limit=3, after=first["next"]).json()
    assert ([one["paymentId"] for one in rest["payments"]], rest["next"]) == (newest_first[3:], None)
    assert rest["payments"][0] == mine[0]
    of_buyer = ask(user("own-b"), buyerId="own-b").json()["payments"]
    assert [one["paymentId"] for one in of_buyer] == newest_first
    assert len(of_buyer[0]["shares"]) == 2
    assert ask(user("own-s"), sellerId="own-s", status="completed,failed").json()["payments"] == []
    assert len(ask(user("own-s"), sellerId="own-s", **{"from": mine[0]["createdAt"]}).json()["payments"]) == 4
    assert ask(user("own-s"), sellerId="own-s", to=mine[0]["createdAt"]).json()["payments"] == []


def test_a_list_is_filtered_by_the_status_that_it_shows(client: httpx.Client, ask: Ask) -> None:
    shares = [
        {"requestId": "apart-r1", "sellerId": "apart-s1", "amount": "10"},
        {"requestId": "apart-r2", "sellerId": "apart-s2", "amount": "5"},
    ]
    checkout = {"provider": "shkeeper", "externalId": "apart", "buyerId": "apart-b", "currency": "USD"}
    client.post("/api/template-checkouts", json={**checkout, "shares": shares}).raise_for_status()
    client.post("/api/payments", json=registration(sellerId="apart-s2", buyerId="apart-b")).raise_for_status()
    target = {"buyerId": "apart-b", "sellerId": "apart-s2"}
    cancelled = {"event": "request-cancelled", "target": target, "data": {"requestId": "apart-r2", "reason": "sold"}}
    client.post("/api/events", json=cancelled).raise_for_status()

    def shown(who: dict[str, str], status: str, **of: str) -> list[str]:
        found = ask(who, status=status, limit=1, **of).json()
        following = {} if found["next"] is None else {"after": found["next"]}
        rest = ask(who, status=status, limit=1, **of, **following).json()["payments"] if following else []
        return [one["status"] for one in (*found["payments"], *rest)]

    for status, count in {"pending": 1, "cancelled": 1, "completed": 0, "cancelled,pending": 2}.items():
        listed = shown(user("apart-s2"), status, sellerId="apart-s2")
        assert (len(listed), set(listed) <= set(status.split(","))) == (count, True), status
    # Whoever sees all of it sees it wait for the other's money.
    assert shown(user("apart-s1"), "pending", sellerId="apart-s1") == ["pending"]
    assert shown(user("ada", staff=True), "pending", sellerId="apart-s2") == ["pending", "pending"]
    assert shown(user("apart-b"), "cancelled", buyerId="apart-b") == []


def test_who_may_list_whose(ask: Ask) -> None:
    def may(headers: dict[str, str]) -> tuple[int, int, int]:
        asked = (("payments", "sellerId"), ("payments", "buyerId"), ("payouts", "sellerId"))
        seller, buyer, payouts = (ask(headers, path, **{name: "u1"}).status_code for path, name in asked)
        return seller, buyer, payouts

    assert may(user("u1")) == (200, 200, 200)
    assert may(user("u2")) == (403, 403, 403)
    assert may(user("u2", requests=["r1"])) == (403, 403, 403)
    assert may(user("ada", staff=True)) == (200, 200, 200)
    assert may(bearer(READER)) == (200, 200, 200)
    assert may(bearer(PAYMENTS)) == (200, 200, 403)
    assert may(bearer(PAYOUTS)) == (403, 403, 200)
    assert may({}) == (401, 401, 401)


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("payments", {}, "requestId"),
        ("payments", {"sellerId": "u1", "buyerId": "u1"}, "requestId"),
        ("payments", {"sellerId": ""}, "sellerId"),
        ("payments", {"sellerId": "u1", "status": "lost"}, "status"),
        ("payments", {"sellerId": "u1", "from": "yesterday"}, "from"),
        ("payments", {"sellerId": "u1", "after": "x"}, "after"),
        ("payments", {"sellerId": "u1", "to": "1764288000"}, "to"),
        ("payments", {"sellerId": "u1", "status": ["pending", "completed"]}, "status"),
        ("payments", {"sellerId": ["u1", "u2"]}, "sellerId"),
        ("payments", {"sellerId": "u1", "limit": "101"}, "limit"),
        ("payouts", {}, "paymentId"),
        ("payouts", {"sellerId": "u1", "status": "refunded"}, "status"),
    ],
)
def test_a_wrong_question_names_what_is_wrong(ask: Ask, path: str, query: dict[str, Any], field: str) -> None:
    answer = ask(user("u1"), path, **query)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
