"""Nothing is sent to where the marketplace itself is paid: no seller's money, and none that goes back to a buyer."""

import itertools
from typing import Any

import pytest

from tests.made_destinations import destination
from tests.system.shkeeper.conftest import Document, Marketplace

NUMBERS = itertools.count()


def invoiced(marketplace: Marketplace, coin: str) -> str:
    """An address that a buyer was given, who has not paid there."""
    payment = marketplace.create(coin=coin, requestId=f"own-{next(NUMBERS)}")
    address: str = payment["invoices"][0]["address"]
    return address


def refused(answer: Any, field: str) -> str:
    assert answer.status_code == 400, answer.text
    [fault] = answer.json()["errors"]
    assert fault["field"] == field
    message: str = fault["message"]
    return message


@pytest.mark.parametrize(
    ("coin", "paid_in", "written"),
    [
        ("ETH-USDT", "ETH-USDT", str),
        ("ETH-USDT", "ETH-USDT", lambda address: address.lower()),
        ("BNB-USDT", "ETH-USDT", str),  # the same key on another chain
    ],
)
def test_no_seller_is_paid_at_an_address_of_an_invoice(
    marketplace: Marketplace, coin: str, paid_in: str, written: Any
) -> None:
    payment_id = marketplace.paid(requestId=f"own-{next(NUMBERS)}")
    order = {"paymentId": payment_id, "coin": coin, "amount": "0.0001"}
    own = written(invoiced(marketplace, paid_in))
    answer = marketplace.client.post("/api/payouts", json={"payouts": [order | {"destination": own}]})
    assert "an address of the marketplace itself" in refused(answer, "payouts.0.destination")
    assert marketplace.client.get(f"/api/payouts?paymentId={payment_id}").json()["payouts"] == []
    another = order | {"destination": destination(coin, payment_id)}
    assert marketplace.client.post("/api/payouts", json={"payouts": [another]}).status_code == 202


def test_nor_does_money_go_back_to_one(marketplace: Marketplace) -> None:
    payment: Document = marketplace.create(requestId=f"own-{next(NUMBERS)}")
    where_to_pay = payment["invoices"][0]["address"]
    marketplace.shkeeper.transfer(where_to_pay)
    marketplace.wait_for(payment["paymentId"], "completed")
    refund = marketplace.client.post(
        "/api/refunds", json={"paymentId": payment["paymentId"], "reason": "it arrived bent"}
    ).json()
    # The buyer copies the address that is on the page already.
    for path in ("destination/check", "destination"):
        answer = marketplace.client.post(
            f"/api/refunds/{refund['refundId']}/{path}", json={"destination": where_to_pay}
        )
        assert "expected one of whoever is paid" in refused(answer, "destination")
        assert answer.json()["errors"][0]["code"] == "own_address"
    assert marketplace.client.get(f"/api/refunds/{refund['refundId']}").json()["status"] == "awaiting_address"


def test_nor_is_one_put_on_a_sellers_list(marketplace: Marketplace) -> None:
    wanted = {"sellerId": "s1", "provider": "shkeeper", "coin": "ETH-USDT"}
    own = invoiced(marketplace, "ETH-USDT")
    answer = marketplace.client.post("/api/payouts/destinations", json=wanted | {"destination": own})
    refused(answer, "destination")
    assert answer.json()["errors"][0]["code"] == "own_address"
