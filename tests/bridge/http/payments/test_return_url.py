"""Where a payment's page leads back to: given at registration, told by REST, and of the web alone."""

from typing import Any

import httpx
import pytest

from tests.bridge.http.exchanges import NUMBERS, problem, registration

SHOP = "https://shop.example/orders/7"


def checkout(**changes: object) -> dict[str, object]:
    number = next(NUMBERS)
    share = {"requestId": f"request-{number}", "sellerId": "s1", "amount": "49.90"}
    order = {"checkoutId": f"checkout-{number}", "externalId": f"order-{number}", "buyerId": "b1", "currency": "USD"}
    return {"provider": "shkeeper", **order, "shares": [share], **changes}


def test_a_payment_says_where_its_buyer_goes_back_to(client: httpx.Client) -> None:
    payment = client.post("/api/payments", json=registration(returnUrl=SHOP)).json()
    assert payment["returnUrl"] == SHOP
    assert client.get(f"/api/payments/{payment['paymentId']}").json()["returnUrl"] == SHOP
    assert client.post("/api/payments", json=registration()).json()["returnUrl"] is None


def test_a_checkout_says_so_too(client: httpx.Client) -> None:
    found = client.post("/api/template-checkouts", json=checkout(returnUrl=SHOP)).json()
    assert found["payment"]["returnUrl"] == SHOP


LONG = f"{SHOP}/{'x' * 2_000}"


@pytest.mark.parametrize("address", ["javascript:alert(1)", "shop.example", "https://a@b.example", LONG, 7])
@pytest.mark.parametrize("path", ["/api/payments", "/api/template-checkouts"])
def test_what_is_no_web_address_is_refused(client: httpx.Client, path: str, address: Any) -> None:
    make = registration if path == "/api/payments" else checkout
    document = problem(client.post(path, json=make(returnUrl=address)), 400)
    assert [error["field"] for error in document["errors"]] == ["returnUrl"]


def test_registered_again_with_another_it_stays_as_it_was(client: httpx.Client) -> None:
    order = registration(returnUrl=SHOP)
    client.post("/api/payments", json=order)
    again = client.post("/api/payments", json={**order, "returnUrl": "https://elsewhere.example"})
    assert (again.status_code, again.json()["returnUrl"]) == (200, SHOP)


def test_an_idempotency_key_stands_for_one_way_back(client: httpx.Client) -> None:
    order, key = registration(returnUrl=SHOP), {"Idempotency-Key": f"back-{next(NUMBERS)}"}
    assert client.post("/api/payments", json=order, headers=key).status_code == 201
    assert client.post("/api/payments", json=order, headers=key).status_code == 200
    other = {**order, "returnUrl": "https://elsewhere.example"}
    problem(client.post("/api/payments", json=other, headers=key), 422)
