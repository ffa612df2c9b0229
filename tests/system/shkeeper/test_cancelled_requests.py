"""A template checkout of which one purchase request was cancelled before it was paid, beside the local SHKeeper."""

import pytest

from tests.made_destinations import destination
from tests.played_shkeeper import PlayedShkeeper
from tests.resuming import resume
from tests.system.shkeeper.conftest import Document, Marketplace
from tests.waiting import wait_until

KIND = "payment-paid-after-cancellation"
BY = {"by": "Ada", "note": "The seller sends it all the same"}


@pytest.fixture
def sold(marketplace: Marketplace, shkeeper: PlayedShkeeper, request: pytest.FixtureRequest) -> str:
    """The payment, of which the request of the first seller was cancelled."""
    name = request.node.name[-12:]
    shares = [
        {"requestId": f"{seller}-{name}", "sellerId": seller, "offerId": "o", "amount": amount}
        for seller, amount in (("first", "60"), ("second", "40"))
    ]
    checkout = {"provider": "shkeeper", "coin": "ETH-USDT", "buyerId": "b9", "currency": "USD", "shares": shares}
    answer = marketplace.client.post("/api/template-checkouts", json=checkout)
    assert answer.status_code == 201, answer.text
    payment = answer.json()["payment"]
    cancel(marketplace, shares[0]["requestId"], "first")
    shkeeper.transfer(payment["invoices"][0]["address"])
    payment_id: str = payment["paymentId"]
    marketplace.wait_for(payment_id, "completed")
    return payment_id


def cancel(marketplace: Marketplace, request_id: str, seller_id: str) -> None:
    said = {"event": "request-cancelled", "target": {"buyerId": "b9", "sellerId": seller_id}}
    content = {**said, "data": {"requestId": request_id, "reason": "changed my mind"}}
    told = marketplace.client.post("/api/events", json=content)
    assert told.is_success, told.text


def pay_out(marketplace: Marketplace, payment_id: str, seller_id: str, amount: str, status: int) -> Document:
    content = {"paymentId": payment_id, "sellerId": seller_id, "coin": "ETH-USDT", "amount": amount}
    order = {"payouts": [{**content, "destination": destination("ETH-USDT", seller_id + payment_id)}]}
    answer = marketplace.client.post("/api/payouts", json=order)
    assert answer.status_code == status, answer.text
    found: Document = answer.json()
    return found


def listed(marketplace: Marketplace, payment_id: str) -> list[Document]:
    items = marketplace.client.get("/api/ops/attention").json()["items"]
    return [one for one in items if (one["kind"], one["paymentId"]) == (KIND, payment_id)]


def times_told(marketplace: Marketplace, payment_id: str) -> int:
    """How many sellers were told of their money."""
    story = marketplace.client.get(f"/api/ops/payments/{payment_id}/story").json()
    return [step.get("event") for step in story["steps"]].count("payment-received")


def test_its_seller_is_paid_only_once_a_person_has_accepted_it(marketplace: Marketplace, sold: str) -> None:
    refused = pay_out(marketplace, sold, "first", "59", 409)
    assert "first-" in refused["detail"]
    assert "was cancelled before it was paid" in refused["detail"]
    pay_out(marketplace, sold, "second", "39", 202)
    (item,) = listed(marketplace, sold)
    assert "60.00 USD of what came is for it" in item["detail"]
    assert {"accept", "refund"} <= set(item["actions"])
    assert times_told(marketplace, sold) == 1
    answer = marketplace.client.post(f"/api/ops/payments/{sold}/acceptance", json=BY)
    assert answer.status_code == 200, answer.text
    assert times_told(marketplace, sold) == 2
    assert listed(marketplace, sold) == []
    pay_out(marketplace, sold, "first", "59", 202)


def test_nothing_of_it_is_shown_as_paid_but_the_other_share(marketplace: Marketplace, sold: str) -> None:
    document = marketplace.client.get(f"/api/payments/{sold}").json()
    assert [(one["sellerId"], one["cancelled"]) for one in document["shares"]] == [("first", True), ("second", False)]
    request_id = document["shares"][0]["requestId"]
    request = marketplace.client.get(f"/api/purchase-requests/{request_id}").json()
    assert (request["status"], request["paymentId"], request["cancelled"]) == ("cancelled", sold, True)
    told = marketplace.client.get("/api/events", params={"room": "user-first", "limit": 500}).json()["events"]
    own = [one["data"] for one in told if one["data"].get("paymentId") == sold]
    assert {one["status"] for one in own if "received" in one} == {"cancelled"}
    assert [one["received"] for one in own if "received" in one][-1] in ("60", "60.00")
    assert "completed" not in {one["status"] for one in own}
    [row] = [
        one for one in marketplace.client.get("/api/ops/payments").json()["payments"] if one["paymentId"] == sold
    ]
    assert (float(row["amount"]), float(row["sold"])) == (100, 40)


def test_a_refund_of_just_its_share_takes_it_off_the_list(marketplace: Marketplace, sold: str) -> None:
    order = {"paymentId": sold, "sellerId": "first", "reason": "cancelled"}
    answer = marketplace.client.post("/api/refunds", json=order)
    assert answer.status_code == 201, answer.text
    assert answer.json()["amount"] in ("60", "60.00")
    wait_until(lambda: listed(marketplace, sold) == [])
    pay_out(marketplace, sold, "first", "1", 409)
    pay_out(marketplace, sold, "second", "40", 202)


def test_a_request_that_is_cancelled_after_a_person_accepted_waits_for_a_person_again(
    marketplace: Marketplace, sold: str, request: pytest.FixtureRequest
) -> None:
    accept = f"/api/ops/payments/{sold}/acceptance"
    assert marketplace.client.post(accept, json=BY).is_success
    assert listed(marketplace, sold) == []
    second = f"second-{request.node.name[-12:]}"
    cancel(marketplace, second, "second")
    wait_until(lambda: listed(marketplace, sold))
    refused = pay_out(marketplace, sold, "second", "39", 409)
    assert "was cancelled after the payment was taken as paid" in refused["detail"]
    pay_out(marketplace, sold, "first", "59", 202)
    # What was sent before has not seen that; in other words it is a decision of its own, and tells nobody twice.
    times = times_told(marketplace, sold)
    repeated = marketplace.client.post(accept, json=BY)
    assert (repeated.status_code, "decided in these words before" in repeated.json()["detail"]) == (409, True)
    assert listed(marketplace, sold) != []
    assert marketplace.client.post(accept, json={**BY, "note": "the second comes later"}).is_success
    assert (listed(marketplace, sold), times_told(marketplace, sold)) == ([], times)
    pay_out(marketplace, sold, "second", "39", 202)


def test_a_request_that_is_cancelled_between_the_order_and_the_sending_waits_for_a_second_person(
    marketplace: Marketplace, sold: str, request: pytest.FixtureRequest
) -> None:
    marketplace.client.post("/api/ops/hold", json={"by": "Ada"}).raise_for_status()
    [payout] = pay_out(marketplace, sold, "second", "39", 202)["payouts"]
    assert payout["status"] == "created"
    second = f"second-{request.node.name[-12:]}"
    cancel(marketplace, second, "second")
    wait_until(lambda: f"{second} was cancelled" in listed(marketplace, sold)[0]["detail"])
    resume(marketplace.client, by="Ada").raise_for_status()
    marketplace.settle([payout], "awaiting_approval")
    reasons = marketplace.payout(payout["payoutId"])["approval"]["reasons"]
    assert reasons == [f"{second} was cancelled after it was paid; see whether second is to be paid"]
    assert marketplace.sent(payout["payoutId"]) == []
    approval = f"/api/ops/payouts/{payout['payoutId']}/approval"
    marketplace.client.post(approval, json={"by": "Bo", "note": "it is on its way"}).raise_for_status()
    marketplace.settle([payout], "completed")
