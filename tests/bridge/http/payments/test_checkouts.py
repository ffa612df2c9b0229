"""Template checkouts over REST, whose invoices were made elsewhere."""

import itertools
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.asking import client_of

NUMBERS = itertools.count()
SHARES = [
    {"requestId": "r1", "sellerId": "s1", "offerId": "o1", "amount": "49.90"},
    {"requestId": "r2", "sellerId": "s2", "amount": "20.1"},
]


@pytest.fixture(scope="module")
def client(make_bridge: Any) -> Iterator[httpx.Client]:
    with client_of(make_bridge().url) as client:
        yield client


def checkout(**changes: Any) -> dict[str, Any]:
    number = next(NUMBERS)
    return {
        "checkoutId": f"k{number}",
        "provider": "shkeeper",
        "externalId": f"order-{number}",
        "buyerId": "b1",
        "currency": "USD",
        "shares": SHARES,
        **changes,
    }


def test_a_checkout_is_one_payment_of_the_sum(client: httpx.Client) -> None:
    wanted = checkout()
    made = client.post("/api/template-checkouts", json=wanted)
    assert made.status_code == 201, made.text
    document = made.json()
    assert (document["checkoutId"], document["status"], document["reason"]) == (wanted["checkoutId"], "pending", None)
    payment = document["payment"]
    assert (payment["amount"], payment["checkoutId"]) == ("70.00", wanted["checkoutId"])
    assert client.get(f"/api/template-checkouts/{wanted['checkoutId']}").json() == document
    for request_id in ("r1", "r2"):
        found = client.get("/api/payments", params={"requestId": request_id}).json()["payments"]
        assert payment["paymentId"] in [one["paymentId"] for one in found]
    events = client.get("/api/events", params={"room": f"template-checkout-{wanted['checkoutId']}"}).json()["events"]
    assert [event["event"] for event in events] == ["template-checkout-payment-pending"]


def test_asking_again_is_the_same_checkout_and_with_other_fields_a_conflict(client: httpx.Client) -> None:
    wanted = checkout()
    first = client.post("/api/template-checkouts", json=wanted)
    again = client.post("/api/template-checkouts", json=wanted)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["payment"]["paymentId"] == first.json()["payment"]["paymentId"]
    other = client.post("/api/template-checkouts", json={**wanted, "shares": SHARES[:1]})
    assert other.status_code == 409
    assert wanted["checkoutId"] in other.json()["detail"]


def test_without_an_id_the_bridge_makes_one_up(client: httpx.Client) -> None:
    wanted = checkout(checkoutId=None)
    made = client.post("/api/template-checkouts", json=wanted, headers={"Idempotency-Key": "once"})
    again = client.post("/api/template-checkouts", json=wanted, headers={"Idempotency-Key": "once"})
    assert made.json()["checkoutId"].startswith("checkout_")
    assert (again.status_code, again.json()) == (200, made.json())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"shares": []}, "shares"),
        ({"shares": [SHARES[0], SHARES[0]]}, "shares"),
        ({"shares": [{**SHARES[0], "amount": "0"}]}, "shares.0.amount"),
        ({"shares": [{**SHARES[0], "amount": 5.5}]}, "shares.0.amount"),
        ({"shares": [{"requestId": "r1", "amount": "1"}]}, "shares.0.sellerId"),
        ({"shares": SHARES * 51}, "shares"),
        ({"externalId": None}, "externalId"),
        ({"coin": "BTC"}, "coin"),
        ({"provider": "paypal"}, "provider"),
        ({"buyerId": ""}, "buyerId"),
    ],
)
def test_a_wrong_field_is_named(client: httpx.Client, changes: dict[str, Any], field: str) -> None:
    answer = client.post("/api/template-checkouts", json=checkout(**changes))
    assert answer.status_code == 400
    assert field in [error["field"] for error in answer.json()["errors"]]


def test_an_unknown_checkout_is_not_found(client: httpx.Client) -> None:
    assert client.get("/api/template-checkouts/nobody").status_code == 404
