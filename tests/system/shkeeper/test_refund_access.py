"""Who may open a refund, say where it goes and know it; and that a second person is asked where that is needed."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from tests.asking import client_of
from tests.conftest import BridgeProcess, StartBridge
from tests.made_destinations import destination
from tests.played_shkeeper import PlayedShkeeper
from tests.system.shkeeper.conftest import Document, Marketplace, limits, settings_for
from tests.waiting import wait_until

SECRET = "a secret of at least thirty-two bytes"
SERVICES = """
[shop]
token = "the-token-of-the-shop"
registers = ["payments", "payouts"]

[treasury]
token = "the-token-of-the-treasury"
registers = ["payouts"]

[sales]
token = "the-token-of-the-sales"
registers = ["payments"]

[back-office]
token = "the-token-of-the-back-office"
approves = ["payouts"]

[auditor]
token = "the-token-of-the-auditor"
reads = true
"""


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("services") / "services.toml"
    file.write_text(SERVICES)
    file.chmod(0o600)
    return file


@pytest.fixture(scope="module")
def asking(make_bridge: StartBridge, shkeeper: PlayedShkeeper, services: Path) -> BridgeProcess:
    """A bridge that asks everybody who they are."""
    asks = {"BRIDGE_ACCESS": "jwt", "BRIDGE_JWT_SECRETS": SECRET, "BRIDGE_SERVICES_FILE": str(services)}
    return make_bridge(**settings_for(shkeeper) | asks | {"BRIDGE_PAYOUT_LIMITS": limits(per_payout=50)})


@pytest.fixture(scope="module")
def half_open(make_bridge: StartBridge, shkeeper: PlayedShkeeper, services: Path) -> BridgeProcess:
    """A bridge to which only named services may write, and that asks nobody else who they are."""
    return make_bridge(**settings_for(shkeeper), BRIDGE_SERVICES_FILE=str(services))


@pytest.fixture
def shop(asking: BridgeProcess, shkeeper: PlayedShkeeper) -> Iterator[Marketplace]:
    marketplace = Marketplace(asking, shkeeper, "the-token-of-the-shop")
    yield marketplace
    marketplace.client.close()


def as_user(bridge: BridgeProcess, user_id: str, **claims: object) -> httpx.Client:
    token = jwt.encode({"sub": user_id, "exp": time.time() + 3600, **claims}, SECRET, "HS256")
    return client_of(bridge.url, headers={"Authorization": f"Bearer {token}"})


def as_service(bridge: BridgeProcess, name: str) -> httpx.Client:
    return client_of(bridge.url, headers={"Authorization": f"Bearer the-token-of-the-{name}"})


def opened(client: httpx.Client, payment_id: str, **wanted: Any) -> Document:
    answer = client.post("/api/refunds", json={"paymentId": payment_id, "reason": "as agreed", **wanted})
    assert answer.status_code == 201, answer.text
    document: Document = answer.json()
    return document


def status_of(client: httpx.Client, refund: Document) -> str:
    status: str = client.get(f"/api/refunds/{refund['refundId']}").json()["status"]
    return status


def test_only_the_buyer_and_services_that_have_payouts_sent_say_where_a_refund_goes(
    asking: BridgeProcess, shop: Marketplace
) -> None:
    payment_id = shop.paid(requestId="r-jwt", buyerId="b-jwt", sellerId="s-jwt")
    refund = opened(shop.client, payment_id, amount="10")
    content = {"destination": destination("ETH-USDT", "the buyer's")}
    path = f"/api/refunds/{refund['refundId']}"
    refused = {
        "the seller": (as_user(asking, "s-jwt"), 403),
        "who was let into the request's room": (as_user(asking, "u-3", requests=["r-jwt"]), 403),
        "staff": (as_user(asking, "finance", staff=True), 403),
        "a stranger": (as_user(asking, "u-4"), 404),
        "who approves": (as_service(asking, "back-office"), 403),
        "who has other payouts sent": (as_service(asking, "treasury"), 403),
        "who registers payments": (as_service(asking, "sales"), 403),
        "who reads": (as_service(asking, "auditor"), 403),
        "nobody": (client_of(asking.url), 401),
    }
    for who, (client, status) in refused.items():
        for one in ("destination", "destination/check"):
            answer = client.post(f"{path}/{one}", json=content)
            assert (who, answer.status_code) == (who, status)
    # Nor may they open or withdraw one.
    treasury, _ = refused.pop("who has other payouts sent")
    own = opened(treasury, payment_id, amount="1", besides=[refund["refundId"]])
    assert treasury.post(f"/api/refunds/{own['refundId']}/destination/check", json=content).status_code == 200
    for who, (client, _) in refused.items():
        for answer in (
            client.post("/api/refunds", json={"paymentId": payment_id, "reason": "mine"}),
            client.post(f"{path}/cancellation", json={}),
        ):
            assert (who, answer.status_code in (401, 403)) == (who, True)
    buyer = as_user(asking, "b-jwt")
    assert buyer.post(f"{path}/destination/check", json=content).json()["coinAmount"] == "10"
    given = buyer.post(f"{path}/destination", json=content)
    assert (given.status_code, given.json()["givenBy"]) == (202, "b-jwt")
    wait_until(lambda: status_of(buyer, refund) == "completed")

    # Where it went is known to the buyer and to finance ops, and to nobody else who may see the payment.
    payout_id = given.json()["payoutId"]
    for client, knows in (
        (buyer, True),
        (as_user(asking, "finance", staff=True), True),
        (as_service(asking, "back-office"), True),
        (as_user(asking, "s-jwt"), False),
        (as_user(asking, "u-3", requests=["r-jwt"]), False),
    ):
        seen = [client.get(path), client.get("/api/refunds", params={"paymentId": payment_id})]
        assert [one.status_code for one in seen] == [200, 200]
        assert [content["destination"] in one.text for one in seen] == [knows, knows]
        assert (client.get(f"/api/payouts/{payout_id}").status_code == 200) is knows
        listed = client.get("/api/payouts", params={"paymentId": payment_id}).json()["payouts"]
        assert bool(listed) is knows
    assert as_user(asking, "u-4").get(path).status_code == 404
    document = as_user(asking, "s-jwt").get(f"/api/payments/{payment_id}").text
    assert content["destination"] not in document


def test_a_refund_above_a_limit_waits_for_somebody_else_than_who_opened_it(
    asking: BridgeProcess, shop: Marketplace, shkeeper: PlayedShkeeper
) -> None:
    payment_id = shop.paid(requestId="r-limit", buyerId="b-limit")
    refund = opened(shop.client, payment_id, amount="50.01", askedBy="ada")
    buyer = as_user(asking, "b-limit")
    content = {"destination": destination("ETH-USDT", "b-limit")}
    given = buyer.post(f"/api/refunds/{refund['refundId']}/destination", json=content).json()
    assert given["status"] == "awaiting_approval"
    payout = shop.client.get(f"/api/payouts/{given['payoutId']}").json()
    assert payout["approval"]["reasons"] == ["50.01 USD are above 50 USD, the limit of one payout"]
    assert (payout["refundId"], payout["buyerId"], payout["approval"]["askedBy"]) == (
        refund["refundId"],
        "b-limit",
        "ada",
    )
    staff = as_user(asking, "finance", staff=True)
    [item] = [one for one in staff.get("/api/ops/attention").json()["items"] if one["payoutId"] == given["payoutId"]]
    assert (item["kind"], item["title"]) == (
        "payout-awaiting-approval",
        "A refund is not sent until a second person approves it",
    )
    back_office, approval = as_service(asking, "back-office"), f"/api/payouts/{given['payoutId']}/approval"
    assert back_office.post(approval, json={"approvedBy": "Ada"}).status_code == 403
    assert shop.sent(given["payoutId"]) == []
    assert back_office.post(approval, json={"approvedBy": "bo"}).status_code == 200
    wait_until(lambda: status_of(buyer, refund) == "completed")
    assert len(shop.sent(given["payoutId"])) == 1
    assert shop.payment(payment_id)["refunded"] == "50.01"


def test_a_refund_that_is_rejected_gives_its_money_back_and_another_can_be_opened(
    asking: BridgeProcess, shop: Marketplace, shkeeper: PlayedShkeeper
) -> None:
    payment_id = shop.paid(requestId="r-rejected", buyerId="b-rejected")
    refund = opened(shop.client, payment_id)
    buyer, content = as_user(asking, "b-rejected"), {"destination": destination("ETH-USDT", "b-rejected")}
    given = buyer.post(f"/api/refunds/{refund['refundId']}/destination", json=content).json()
    rejection = {"rejectedBy": "bo", "note": "this is not what was agreed"}
    answer = as_service(asking, "back-office").post(f"/api/payouts/{given['payoutId']}/rejection", json=rejection)
    assert answer.status_code == 200, answer.text
    assert status_of(buyer, refund) == "failed"
    payment = shop.payment(payment_id)
    assert (payment["status"], [one["amount"] for one in payment["refundable"]]) == ("completed", ["100"])
    opened(shop.client, payment_id, amount="10")
    assert shop.sent(given["payoutId"]) == []


def test_where_only_services_may_write_an_address_of_the_page_waits_for_a_second_person(
    half_open: BridgeProcess, shkeeper: PlayedShkeeper
) -> None:
    shop = Marketplace(half_open, shkeeper, "the-token-of-the-shop")
    anybody = client_of(half_open.url)
    refunds = [opened(shop.client, shop.paid(requestId=f"r-{name}"), amount="10") for name in ("page", "shop")]
    given = [
        client.post(
            f"/api/refunds/{refund['refundId']}/destination",
            json={"destination": destination("ETH-USDT", refund["refundId"])},
        ).json()
        for client, refund in zip((anybody, shop.client), refunds, strict=True)
    ]
    assert given[0]["status"] == "awaiting_approval"
    reasons = shop.client.get(f"/api/payouts/{given[0]['payoutId']}").json()["approval"]["reasons"]
    assert reasons == ["its address was given on the payment's page, where nobody is asked who they are"]
    # What the shop itself says needs nobody else: it could have sent a payout there as well.
    wait_until(lambda: status_of(shop.client, refunds[1]) == "completed")
    assert shop.sent(given[0]["payoutId"]) == []
    approval = f"/api/payouts/{given[0]['payoutId']}/approval"
    assert as_service(half_open, "back-office").post(approval, json={"approvedBy": "bo"}).status_code == 200
    wait_until(lambda: status_of(shop.client, refunds[0]) == "completed")
    assert [len(shop.sent(one["payoutId"])) for one in given] == [1, 1]
    shop.client.close()
