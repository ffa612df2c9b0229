"""A sale through SHKeeper from the invoice to the seller's wallet, on a running bridge, watched by stock clients."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from bridge.client import BridgeClient
from providers.shkeeper.simulator.books.payouts import Outcome
from providers.shkeeper.simulator.faults import Call, What
from providers.shkeeper.simulator.notices import signed_headers
from tests.made_destinations import destination
from tests.played_shkeeper import KEY, OPERATOR_PASSWORD
from tests.system.shkeeper.conftest import ORDER, PATIENT_SERVICE, Document, Marketplace
from tests.waiting import wait_until


def heard(listener: Any) -> list[str]:
    """The names of the events, with the status or escrow state where they have one."""
    told = []
    for name, [payload, *_] in listener.events:
        status = payload.get("status") or payload.get("eventType") or ""
        escrow = payload.get("escrowState")
        told.append(" ".join(part for part in (name, status, escrow) if part and part != "none"))
    return told


def post(client: httpx.Client, notice: Document) -> tuple[int, str]:
    body = json.dumps(notice).encode()
    headers = signed_headers(KEY, body, datetime.now(UTC), with_key=False)
    answer = client.post("/webhooks/shkeeper", content=body, headers=headers)
    return answer.status_code, answer.json()["outcome"]


def test_the_whole_life_of_a_sale_is_heard_by_buyer_seller_and_ops(marketplace: Marketplace, listen: Any) -> None:
    bridge, shkeeper = marketplace.bridge, marketplace.shkeeper
    buyer = listen(bridge.url, [["join-user-room", "b1"], ["join-request-room", "r1"]])
    seller = listen(bridge.url, [["join-user-room", "s1"], ["join-seller-room", "s1"]])
    ops = listen(bridge.url, [["join-ops-room"]])
    payment = marketplace.create(requestId="r1")
    payment_id, [invoice] = payment["paymentId"], payment["invoices"]
    assert invoice["coinAmount"] == "100"
    assert shkeeper.gateway.invoices.invoices[-1].callback_url == f"{bridge.url}/webhooks/shkeeper"
    txid = shkeeper.transfer(invoice["address"], "40", confirmed=False)
    marketplace.wait_for(payment_id, "confirming")
    shkeeper.confirm(txid)
    marketplace.wait_for(payment_id, "partially_paid")
    shkeeper.transfer(invoice["address"])
    marketplace.wait_for(payment_id, "completed")
    outcomes = shkeeper.gateway.payouts.outcomes
    outcomes[destination("ETH-USDT", payment_id).lower()] = Outcome.UNCONFIRMED
    [payout] = marketplace.pay_out(payment_id)
    marketplace.settle([payout], "broadcast")
    outcomes.clear()
    marketplace.settle([payout], "completed")
    for listener in (buyer, seller, ops):
        listener.wait_for(
            lambda line: line.get("event") == "payment-update" and line["args"][0].get("escrowState") == "released"
        )
        listener.fence()
    to_all = [
        "payment-created",
        "payment-update confirming",
        "payment-update partially_paid",
        "payment-progress partially_paid",
        "payment-update completed funded",
        "seller-offer-update payment-completed",
        "payment-progress completed",
        "payment-update completed releasing",
        "payout-created",
        "payout-updated broadcast",
        "payout-updated completed",
        "payout-completed",
        "payment-update completed released",
    ]
    assert heard(ops) == to_all
    assert [name for name in heard(buyer) if not name.startswith("purchase-request-update")] == to_all
    assert [name for name in heard(buyer) if name.startswith("purchase-request-update")] == [
        "purchase-request-update confirming",
        "purchase-request-update partially_paid",
        "purchase-request-update completed",
    ]
    assert [name for name in heard(seller) if name != "payment-received"] == to_all
    assert heard(seller).count("payment-received") == 1
    assert len(marketplace.sent(payout["payoutId"])) == 1


def test_a_payment_is_created_once_however_often_it_is_asked_for(marketplace: Marketplace) -> None:
    before = len(marketplace.shkeeper.gateway.invoices.invoices)
    key = {"Idempotency-Key": "sale-1"}
    first = marketplace.client.post("/api/payments", json=ORDER, headers=key)
    again = marketplace.client.post("/api/payments", json=ORDER, headers=key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["paymentId"] == first.json()["paymentId"]
    assert len(marketplace.shkeeper.gateway.invoices.invoices) == before + 1


def test_a_python_service_is_told_where_to_pay(marketplace: Marketplace) -> None:
    with BridgeClient(marketplace.bridge.url, **PATIENT_SERVICE) as service:
        payment = service.register_payment(
            provider="shkeeper",
            coin="BTC",
            request_id="r1",
            buyer_id="b1",
            seller_id="s1",
            amount="120",
            currency="USD",
        )
    [invoice] = payment.invoices
    assert invoice.payment_uri == f"bitcoin:{invoice.address}?amount=0.002"


def test_the_buyer_may_pay_with_another_coin(marketplace: Marketplace) -> None:
    payment = marketplace.create()
    url = f"/api/payments/{payment['paymentId']}/invoices"
    switched = marketplace.client.post(url, json={"coin": "BTC"})
    assert switched.status_code == 200
    assert [invoice["coin"] for invoice in switched.json()["invoices"]] == ["BTC", "ETH-USDT"]
    assert marketplace.client.post(url, json={"coin": "NOPE"}).status_code == 400
    # What comes to the old address counts as well, and so does the rest in the new coin.
    marketplace.shkeeper.transfer(payment["invoices"][0]["address"], "40")
    marketplace.wait_for(payment["paymentId"], "partially_paid")
    marketplace.shkeeper.transfer(switched.json()["invoices"][0]["address"], "0.001")
    marketplace.wait_for(payment["paymentId"], "completed")
    assert marketplace.client.post(url, json={"coin": "ETH-USDT"}).status_code == 409


def test_one_payment_of_a_template_checkout_pays_its_requests(marketplace: Marketplace, listen: Any) -> None:
    page = listen(marketplace.bridge.url, [["join-template-checkout-room", "c1"], ["join-request-room", "q2"]])
    shares = [
        {"requestId": "q1", "sellerId": "s1", "amount": "60"},
        {"requestId": "q2", "sellerId": "s2", "amount": "40"},
    ]
    order = {"checkoutId": "c1", "provider": "shkeeper", "coin": "ETH-USDT", "buyerId": "b1", "currency": "USD"}
    checkout = marketplace.client.post("/api/template-checkouts", json={**order, "shares": shares}).json()
    marketplace.shkeeper.transfer(checkout["payment"]["invoices"][0]["address"])
    confirmed = page.wait_for(lambda line: line.get("event") == "template-checkout-payment-confirmed")
    assert confirmed["args"][0]["requestIds"] == ["q1", "q2"]
    assert "template-checkout-payment-pending" in heard(page)
    assert "purchase-request-update completed" in heard(page)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"coin": "NOPE"}, "coin"),
        ({"coin": None}, "coin"),
        ({"externalId": "x"}, "coin"),
        ({"coin": "no coin"}, "coin"),
    ],
)
def test_a_wrong_coin_is_named(marketplace: Marketplace, changes: Document, field: str) -> None:
    document = marketplace.create(status=400, **changes)
    assert [error["field"] for error in document["errors"]] == [field]


def test_a_payment_is_paid_out_once_unless_told_otherwise(marketplace: Marketplace) -> None:
    payment_id = marketplace.create()["paymentId"]
    assert "not completed" in marketplace.pay_out(payment_id, status=409)[0]["detail"]
    payment_id = marketplace.paid()
    payouts = marketplace.pay_out(payment_id, amount="49")
    assert "already" in marketplace.pay_out(payment_id, amount="49", status=409)[0]["detail"]
    payouts += marketplace.pay_out(payment_id, amount="49", another=True)
    [refused] = marketplace.pay_out(payment_id, amount="49", another=True, status=409)
    assert " 2 USD are left to be paid out to s1" in refused["detail"]
    marketplace.settle(payouts, "completed")
    assert [len(marketplace.sent(payout["payoutId"])) for payout in payouts] == [1, 1]


def test_several_payouts_are_one_question_and_each_is_followed(marketplace: Marketplace) -> None:
    payment_ids = [marketplace.paid() for _ in range(3)]
    unpaid = marketplace.create()["paymentId"]
    [refused] = marketplace.pay_out(*payment_ids, unpaid, status=409)
    assert refused["detail"].startswith("payouts.3:")
    asked = [marketplace.shkeeper.count(call) for call in (Call.MULTIPAYOUT, Call.PAYOUT)]
    payouts = marketplace.pay_out(*payment_ids)
    marketplace.settle(payouts, "completed")
    assert [marketplace.shkeeper.count(call) for call in (Call.MULTIPAYOUT, Call.PAYOUT)] == [asked[0] + 1, asked[1]]
    assert [len(marketplace.sent(payout["payoutId"])) for payout in payouts] == [1, 1, 1]


def test_a_person_settles_what_nobody_can_tell(marketplace: Marketplace) -> None:
    payment_id = marketplace.paid()
    marketplace.shkeeper.goes_wrong(Call.PAYOUT, What.RESET, times=1)
    [payout] = marketplace.pay_out(payment_id)
    url = f"/api/payouts/{payout['payoutId']}/resolution"
    marketplace.settle([payout], "ambiguous")
    assert marketplace.client.post(url, json={"outcome": "sent", "foundBy": "alice"}).status_code == 400
    unsaid = marketplace.client.post(url, json={"outcome": "not-sent", "foundBy": "alice"})
    assert (unsaid.status_code, unsaid.json()["errors"][0]["field"]) == (400, "note")
    told = {"outcome": "not-sent", "foundBy": "alice", "note": "the wallet knows of none"}
    settled = marketplace.client.post(url, json=told)
    assert (settled.status_code, settled.json()["status"]) == (200, "failed")
    assert settled.json()["reasons"][0] == "alice found that it was not sent: the wallet knows of none"
    assert marketplace.client.post(url, json=told).status_code == 409
    # By that word alone nothing leaves.
    [again] = marketplace.pay_out(payment_id)
    assert (again["status"], again["approval"]["reasons"]) == (
        "awaiting_approval",
        [f"{payout['payoutId']} was not sent at the word of alice; see whether it was"],
    )
    approval = f"/api/ops/payouts/{again['payoutId']}/approval"
    assert [marketplace.client.post(approval, json={"by": by}).status_code for by in ("alice", "bo")] == [403, 200]
    marketplace.settle([again], "completed")
    assert [len(marketplace.sent(one["payoutId"])) for one in (payout, again)] == [0, 1]


def test_a_notice_for_a_stranger_is_kept_and_one_that_comes_twice_counts_once(marketplace: Marketplace) -> None:
    [payout] = marketplace.pay_out(marketplace.paid())
    marketplace.settle([payout], "completed")
    notice = {
        "amount": "98",
        "crypto": "ETH-USDT",
        "external_id": marketplace.payout(payout["payoutId"])["externalId"],
        "payout_id": 14,
        "status": "SUCCESS",
        "timestamp": "2024-11-27T13:49:22",
        "tx_hash": "0xout",
    }
    strangers = ["a-stranger", None]
    assert [post(marketplace.client, {**notice, "external_id": stranger}) for stranger in strangers] == [
        (202, "kept"),
        (202, "kept"),
    ]
    [sent] = marketplace.sent(payout["payoutId"])
    assert post(marketplace.client, {**notice, "tx_hash": sent})[0] == 202
    assert post(marketplace.client, {**notice, "tx_hash": sent}) == (202, "unchanged")


def test_readiness_says_that_shkeeper_is_away_and_stays_ready(marketplace: Marketplace) -> None:
    marketplace.create()
    marketplace.shkeeper.goes_wrong(Call.ANY, What.RESET)
    degraded = wait_until(
        lambda: (
            (answer := marketplace.client.get("/health/ready").json())["checks"]["shkeeper"].startswith("degraded")
            and answer
        )
    )
    assert degraded
    assert degraded["status"] == "ready"


def test_no_secret_is_in_the_log(marketplace: Marketplace) -> None:
    log = marketplace.bridge.log.read_text()
    assert log
    assert OPERATOR_PASSWORD not in log
    assert KEY not in log
