"""Money that nobody sends anywhere is on the list of what needs a person, and stays until it is somebody's."""

import itertools
from typing import Any

import pytest

from tests.conftest import BridgeProcess, StartBridge
from tests.played_shkeeper import PlayedShkeeper
from tests.system.shkeeper.conftest import Document, Marketplace, settings_for
from tests.waiting import wait_until

NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge, shkeeper: PlayedShkeeper) -> BridgeProcess:
    """One that waits for no buyer's address."""
    return make_bridge(**settings_for(shkeeper) | {"BRIDGE_REFUND_ADDRESS_WAIT_HOURS": "0"})


def listed(marketplace: Marketplace, payment_id: str) -> dict[str, Document]:
    items = marketplace.client.get("/api/ops/attention").json()["items"]
    return {item["kind"]: item for item in items if item["paymentId"] == payment_id}


def done(marketplace: Marketplace, path: str, **content: Any) -> Document:
    answer = marketplace.client.post(path, json=content)
    assert answer.is_success, answer.text
    document: Document = answer.json()
    return document


def sold(marketplace: Marketplace) -> str:
    return marketplace.paid(requestId=f"waits-{next(NUMBERS)}")


def gauge(marketplace: Marketplace, kind: str) -> float:
    name = f'bridge_attention{{kind="{kind}"}} '
    lines = marketplace.client.get("/metrics").text.splitlines()
    return next(float(line.removeprefix(name)) for line in lines if line.startswith(name))


def test_a_refund_whose_buyer_gives_no_address_is_withdrawn_or_stays(marketplace: Marketplace) -> None:
    payment_id = sold(marketplace)
    refund = done(marketplace, "/api/refunds", paymentId=payment_id, amount="40", reason="it arrived bent")
    item = listed(marketplace, payment_id)["refund-without-address"]
    assert (item["refundId"], item["actions"]) == (refund["refundId"], ["withdraw"])
    assert "40 USD to b1" in item["detail"]
    dismissal = marketplace.client.post("/api/ops/attention/dismissal", json={"id": item["id"], "by": "Ada"})
    assert dismissal.status_code == 409
    wait_until(lambda: gauge(marketplace, "refund-without-address") >= 1)
    done(marketplace, f"/api/ops/refunds/{refund['refundId']}/cancellation", by="Ada")
    assert listed(marketplace, payment_id) == {}


def test_what_came_back_stays_until_as_much_was_paid_again(marketplace: Marketplace) -> None:
    payment_id = sold(marketplace)
    first = marketplace.pay_out(payment_id, amount="60")
    second = marketplace.pay_out(payment_id, amount="38", another=True)
    marketplace.settle([*first, *second], "completed")
    [returned] = second
    done(
        marketplace,
        f"/api/ops/payouts/{returned['payoutId']}/resolution",
        outcome="returned",
        txHash=f"0x{next(NUMBERS):064x}",
        note="the exchange closed the account",
        by="Ada",
    )
    # The other payout of its payment does not make up for it.
    assert set(listed(marketplace, payment_id)) == {"payout-returned"}
    [part] = marketplace.pay_out(payment_id, amount="10", another=True)
    done(marketplace, f"/api/ops/payouts/{part['payoutId']}/approval", by="Bo")
    assert set(listed(marketplace, payment_id)) == {"payout-returned"}
    [rest] = marketplace.pay_out(payment_id, amount="28", another=True)
    done(marketplace, f"/api/ops/payouts/{rest['payoutId']}/approval", by="Bo")
    marketplace.settle([part, rest], "completed")
    assert listed(marketplace, payment_id) == {}


def test_or_until_somebody_has_settled_it_and_says_how(marketplace: Marketplace) -> None:
    payment_id = sold(marketplace)
    [payout] = marketplace.pay_out(payment_id)
    marketplace.settle([payout], "completed")
    resolution = {"outcome": "returned", "txHash": f"0x{next(NUMBERS):064x}", "note": "it came back", "by": "Ada"}
    done(marketplace, f"/api/ops/payouts/{payout['payoutId']}/resolution", **resolution)
    item = listed(marketplace, payment_id)["payout-returned"]
    dismissal = {"id": item["id"], "by": "Ada"}
    unsaid = marketplace.client.post("/api/ops/attention/dismissal", json=dismissal)
    assert (unsaid.status_code, unsaid.json()["errors"][0]["field"]) == (400, "note")
    done(marketplace, "/api/ops/attention/dismissal", **dismissal, note="the seller took it in cash")
    assert listed(marketplace, payment_id) == {}


def test_what_goes_back_to_the_buyer_instead_is_not_owed_to_the_seller(marketplace: Marketplace) -> None:
    payment_id = sold(marketplace)
    [payout] = marketplace.pay_out(payment_id, amount="100")
    marketplace.settle([payout], "completed")
    resolution = {"outcome": "returned", "txHash": f"0x{next(NUMBERS):064x}", "note": "it came back", "by": "Ada"}
    done(marketplace, f"/api/ops/payouts/{payout['payoutId']}/resolution", **resolution)
    done(marketplace, "/api/refunds", paymentId=payment_id, reason="the seller has gone")
    assert set(listed(marketplace, payment_id)) == {"refund-without-address"}


def test_what_went_out_beyond_what_came_is_the_most_urgent(marketplace: Marketplace) -> None:
    payment = marketplace.create(requestId=f"waits-{next(NUMBERS)}")
    payment_id = payment["paymentId"]
    marketplace.shkeeper.transfer(payment["invoices"][0]["address"], amount="51")
    marketplace.wait_for(payment_id, "partially_paid")
    done(marketplace, f"/api/ops/payments/{payment_id}/acceptance", by="Ada", note="the rest came in cash")
    [payout] = marketplace.pay_out(payment_id, amount="100")
    done(marketplace, f"/api/ops/payouts/{payout['payoutId']}/approval", by="Bo")
    marketplace.settle([payout], "completed")
    item = listed(marketplace, payment_id)["payment-overdrawn"]
    assert marketplace.payment(payment_id)["escrow"]["overdrawn"] == "49"
    assert "49.00 USD more went out than came" in item["detail"]
    assert marketplace.client.get("/api/ops/attention").json()["items"][0]["id"] == item["id"]
    wait_until(lambda: gauge(marketplace, "payment-overdrawn") >= 1)
    dismissal = {"id": item["id"], "by": "Ada"}
    assert marketplace.client.post("/api/ops/attention/dismissal", json=dismissal).status_code == 400
    done(marketplace, "/api/ops/attention/dismissal", **dismissal, note="the marketplace pays the rest")
    assert "payment-overdrawn" not in listed(marketplace, payment_id)
