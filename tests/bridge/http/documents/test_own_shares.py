"""Each seller of a template checkout sees their own share, and the buyer and staff see all."""

from pathlib import Path
from typing import Any

import jwt
import pytest

from tests.asking import get, post
from tests.conftest import BridgeProcess, StartBridge

SECRET = "a secret of at least thirty-two bytes"
SERVICE_TOKEN = "the-token-of-the-shop"
NEVER = 4_102_444_800
SHARES: list[dict[str, object]] = [
    {"requestId": "r1", "sellerId": "s1", "offerId": "o1", "amount": "49.90"},
    {"requestId": "r2", "sellerId": "s2", "offerId": None, "amount": "20.1"},
]
SEEN: list[dict[str, object]] = [{**share, "cancelled": False} for share in SHARES]


def bearer(user_id: str, **claims: Any) -> dict[str, str]:
    token = jwt.encode({"sub": user_id, "exp": NEVER, **claims}, SECRET, "HS256")
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge, tmp_path_factory: pytest.TempPathFactory) -> BridgeProcess:
    services: Path = tmp_path_factory.mktemp("services") / "services.toml"
    services.write_text(f'[shop]\ntoken = "{SERVICE_TOKEN}"\nregisters = ["payments"]\n')
    bridge = make_bridge(BRIDGE_ACCESS="jwt", BRIDGE_JWT_SECRETS=SECRET, BRIDGE_SERVICES_FILE=str(services))
    order = {
        "checkoutId": "k1",
        "provider": "shkeeper",
        "externalId": "order-1",
        "buyerId": "b1",
        "currency": "USD",
        "shares": SHARES,
    }
    headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    made = post(f"{bridge.url}/api/template-checkouts", json=order, headers=headers)
    assert made.status_code == 201, made.text
    assert made.json()["shares"] == SEEN
    return bridge


@pytest.mark.parametrize(
    ("headers", "seen"),
    [
        (bearer("b1"), [0, 1]),
        (bearer("f1", staff=True), [0, 1]),
        ({"Authorization": f"Bearer {SERVICE_TOKEN}"}, [0, 1]),
        (bearer("x1", checkouts=["k1"]), [0, 1]),
        (bearer("s1"), [0]),
        (bearer("s2", requests=["r2"]), [1]),
        (bearer("x2", requests=["r2"]), [1]),
        (bearer("s2", requests=["r1"]), [0, 1]),
    ],
)
def test_a_seller_sees_their_own_share(bridge: BridgeProcess, headers: dict[str, str], seen: list[int]) -> None:
    found = get(f"{bridge.url}/api/template-checkouts/k1", headers=headers)
    assert found.status_code == 200, found.text
    assert found.json()["shares"] == [SEEN[number] for number in seen]


def test_whose_it_is_not_sees_nothing(bridge: BridgeProcess) -> None:
    assert get(f"{bridge.url}/api/template-checkouts/k1", headers=bearer("s3")).status_code == 404
