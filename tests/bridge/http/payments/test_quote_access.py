"""Who may ask for a new price: whoever may see the payment, its buyer above all; only a service switches the coin."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from tests.asking import client_of
from tests.bridge.http.exchanges import problem
from tests.made_destinations import lengthened, lightning
from tests.priced_gateway import LAPSED, PricedGateway, priced_gateway

SECRET = "a secret of at least thirty-two bytes"
SHOP = {"Authorization": "Bearer the-token-of-the-shop"}
ANEW = lightning(lengthened(b"anew"), made_at=int(time.time()))
SERVICES = """
[shop]
token = "the-token-of-the-shop"
registers = ["payments"]
"""


@pytest.fixture(scope="module")
def gateway() -> Iterator[PricedGateway]:
    with priced_gateway() as gateway:
        yield gateway


@pytest.fixture(scope="module")
def client(
    make_bridge: Any, gateway: PricedGateway, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    services: Path = tmp_path_factory.mktemp("services") / "services.toml"
    services.write_text(SERVICES)
    gateway.prices_at("BTC-LIGHTNING", "0.001", wallet=LAPSED)
    bridge = make_bridge(
        BRIDGE_ACCESS="jwt",
        BRIDGE_JWT_SECRETS=SECRET,
        BRIDGE_SERVICES_FILE=str(services),
        BRIDGE_SHKEEPER_API_KEYS="the-key-of-the-gateway",
        BRIDGE_SHKEEPER_URL=gateway.url,
    )
    with client_of(bridge.url) as client:
        yield client


@pytest.fixture
def path(client: httpx.Client, gateway: PricedGateway) -> str:
    gateway.prices_at("BTC-LIGHTNING", "0.001", wallet=LAPSED)
    order = {"provider": "shkeeper", "coin": "BTC-LIGHTNING", "requestId": "r1", "buyerId": "b1", "sellerId": "s1"}
    payment = client.post("/api/payments", json={**order, "amount": "60", "currency": "USD"}, headers=SHOP)
    assert payment.status_code == 201, payment.text
    gateway.prices_at("BTC-LIGHTNING", "0.002", wallet=ANEW)
    gateway.asked.clear()
    return f"/api/payments/{payment.json()['paymentId']}"


def user(user_id: str) -> dict[str, str]:
    token = jwt.encode({"sub": user_id, "exp": time.time() + 3600}, SECRET, "HS256")
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("who", [user("b1"), SHOP])
def test_the_buyer_and_the_shop_may(client: httpx.Client, path: str, who: dict[str, str]) -> None:
    answer = client.post(f"{path}/price", headers=who)
    assert answer.status_code == 200
    assert answer.json()["invoices"][0]["address"] == ANEW


def test_nobody_else_may_and_the_gateway_is_asked_nothing(
    client: httpx.Client, path: str, gateway: PricedGateway
) -> None:
    problem(client.post(f"{path}/price", headers=user("stranger")), 404)
    problem(client.post(f"{path}/price"), 401)
    problem(client.post(f"{path}/invoices", json={"coin": "BTC-LIGHTNING", "fresh": True}, headers=user("b1")), 401)
    assert gateway.asked == []
