"""Holds of payouts over REST, where services and staff are known by their tokens."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from tests.bridge.http.exchanges import As
from tests.resuming import resume, seen_holds

SECRET = "a secret of at least thirty-two bytes"
SERVICES = """
[shop]
token = "the-token-of-the-shop"
registers = ["payouts"]

[desk]
token = "the-token-of-the-desk"
registers = ["payouts"]
"""
SHOP, DESK = "the-token-of-the-shop", "the-token-of-the-desk"
ADA = jwt.encode({"sub": "ada", "exp": 4102444800, "roles": ["ops-act"]}, SECRET, "HS256")


@pytest.fixture(scope="module")
def bridge(make_bridge: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    services: Path = tmp_path_factory.mktemp("services") / "services.toml"
    services.write_text(SERVICES)
    return make_bridge(BRIDGE_SERVICES_FILE=str(services), BRIDGE_ACCESS="jwt", BRIDGE_JWT_SECRETS=SECRET)


@pytest.fixture(autouse=True)
def resumed(as_: As) -> Iterator[None]:
    yield
    resume(as_(ADA), by=None)


def resumed_by_service(client: httpx.Client, *seen: str, key: str | None = None) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post("/api/payouts/resumption", json={"seen": list(seen)}, headers=headers)


def test_a_service_ends_only_the_holds_that_it_placed_itself(as_: As) -> None:
    shop, desk, ada = as_(SHOP), as_(DESK), as_(ADA)
    ada.post("/api/ops/hold", json={"note": "strange payouts"}).raise_for_status()
    refused = resumed_by_service(shop, *seen_holds(shop))
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (403, "held_by_others")
    assert [(hold["heldBy"], hold["note"]) for hold in problem["holds"]] == [("ada", "strange payouts")]
    assert "ada (strange payouts)" in problem["detail"]
    for one in (shop, desk):
        one.post("/api/payouts/hold", json={"note": "stocktaking"}).raise_for_status()
    done = resumed_by_service(shop, *seen_holds(shop)).raise_for_status().json()
    assert [hold["heldBy"] for hold in done["holds"]] == ["ada", "desk"]
    assert "still held by ada (strange payouts); desk (stocktaking)" in done["message"]
    assert [hold["service"] for hold in desk.get("/api/payouts/hold").json()["holds"]] == [None, "desk"]
    # Nor does it go on without a comparison, which is for staff to say.
    asked = {"seen": seen_holds(shop), "withoutComparison": True}
    assert shop.post("/api/payouts/resumption", json=asked).status_code == 400
    assert resume(ada, by=None).json()["message"] == "Payouts are sent again."


def test_a_resumption_lists_the_holds_that_were_not_seen_and_ends_none(as_: As) -> None:
    ada, shop = as_(ADA), as_(SHOP)
    ada.post("/api/ops/hold", json={"note": "strange payouts"}).raise_for_status()
    old = {"seen": seen_holds(ada)}
    shop.post("/api/payouts/hold", json={"note": "stocktaking"}).raise_for_status()
    refused = ada.post("/api/ops/resumption", json=old)
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (409, "holds_unseen")
    assert [(hold["heldBy"], hold["service"]) for hold in problem["holds"]] == [("shop", "shop")]
    assert len(seen_holds(ada)) == 2
    assert ada.post("/api/ops/resumption", json={}).status_code == 409
    assert resume(ada, by=None).is_success


def test_a_repeat_with_the_same_key_ends_nothing_that_came_since(as_: As) -> None:
    shop = as_(SHOP)
    shop.post("/api/payouts/hold", json={}).raise_for_status()
    seen = seen_holds(shop)
    done = resumed_by_service(shop, *seen, key="k1").raise_for_status().json()
    assert (done["ended"], done["message"]) == (seen, "Payouts are sent again.")
    shop.post("/api/payouts/hold", json={}).raise_for_status()
    again = resumed_by_service(shop, *seen, key="k1").raise_for_status().json()
    assert (again["ended"], again["action"], len(again["holds"])) == (seen, None, 1)
    assert resumed_by_service(shop, *seen).json()["code"] == "holds_unseen"
    other = shop.post("/api/payouts/resumption", json={"note": "now"}, headers={"Idempotency-Key": "k1"})
    assert other.status_code == 422
    assert shop.get("/api/payouts/hold").json()["held"] is True


def test_a_hold_that_is_not_kept_is_refused(as_: As) -> None:
    shop = as_(SHOP)
    for number in range(20):
        shop.post("/api/payouts/hold", json={"note": f"reason {number}"}).raise_for_status()
    refused = shop.post("/api/payouts/hold", json={"note": "one more"})
    assert (refused.status_code, refused.json()["code"]) == (409, "holds_exhausted")
    assert refused.json()["detail"].startswith("This hold was not placed: shop has 20 already")
    assert len(seen_holds(shop)) == 20
