"""Amounts at their edges, from the order to the payout: decided to the last digit and shown to the cent, whichever
way they come."""

from decimal import Decimal
from typing import Any

import pytest

from providers.shkeeper.simulator.faults import Call, What
from tests.made_destinations import destination
from tests.system.shkeeper.conftest import Marketplace
from tests.waiting import wait_until


@pytest.mark.parametrize(
    ("coin", "currency", "amount", "coin_amount"),
    [
        ("ETH-USDT", "USD", "100", "100"),
        ("ETH-USDT", "USD", "100.00", "100"),
        ("ETH-USDT", "USD", "0.01", "0.01"),  # the least that the currency has
        ("BNB-USDT", "USD", "123456.12", "123456.12"),
        ("ETH", "USD", "1", "0.00029592"),  # of a fraction without an end, the eight digits of every price
        ("BTC", "USD", "0.01", "0.00000017"),
        ("ETH-USDT", "EUR", "10", "11"),
        ("ETH-USDT", "EUR", "33.33", "36.663"),
    ],
)
def test_what_is_to_be_paid_is_exact(
    marketplace: Marketplace, coin: str, currency: str, amount: str, coin_amount: str
) -> None:
    payment = marketplace.create(coin=coin, currency=currency, amount=amount)
    assert payment["invoices"][0]["coinAmount"] == coin_amount
    assert Decimal(payment["amount"]) == Decimal(amount)
    assert "E" not in payment["amount"]


@pytest.mark.parametrize(
    "amount", ["0", "0.0", "-1", "1e400", "NaN", "1,5", "", 4.5, "0.0000000000000000000000000000001"]
)
def test_what_is_no_amount_is_refused_and_named(marketplace: Marketplace, amount: Any) -> None:
    document = marketplace.create(status=400, amount=amount)
    assert [error["field"] for error in document["errors"]] == ["amount"]


LIMITS = [
    # coins, status, received, missing, excess
    (["0.000001"], "partially_paid", "0", "100", "0"),
    (["94.999999"], "partially_paid", "94.99", "5.01", "0"),
    (["95"], "completed", "95", "0", "0"),  # within SHKeeper's limits it is paid
    (["100"], "completed", "100", "0", "0"),
    (["104.999999"], "completed", "104.99", "0", "4.99"),
    (["105"], "completed", "105", "0", "5"),
    (["33.333333", "33.333333", "33.333334"], "completed", "100", "0", "0"),
    (["60", "60"], "completed", "120", "0", "20"),
]


@pytest.mark.parametrize("way", ["told", "asked"])
@pytest.mark.parametrize(("coins", "status", "received", "missing", "excess"), LIMITS)
def test_under_and_overpayment_are_the_same_whether_shkeeper_tells_or_is_asked(
    marketplace: Marketplace, way: str, coins: list[str], status: str, received: str, missing: str, excess: str
) -> None:
    if way == "asked":
        marketplace.shkeeper.goes_wrong(Call.NOTICE, What.LOST, times=len(coins))
    payment = marketplace.create()
    for amount in coins:
        marketplace.shkeeper.transfer(payment["invoices"][0]["address"], amount)
    expected = {"status": status, "received": received, "missing": missing, "excess": excess}

    def stands_so() -> bool:
        found = marketplace.payment(payment["paymentId"])
        return found | expected == found

    wait_until(stands_so)


def test_a_payout_carries_every_digit(marketplace: Marketplace) -> None:
    payment_id = marketplace.paid()
    amount, to = "97.123456789012345678", destination("BNB-USDT", "digits")
    payout = {"paymentId": payment_id, "coin": "BNB-USDT", "amount": amount, "destination": to}
    answer = marketplace.client.post("/api/payouts", json={"payouts": [payout]})
    marketplace.settle(answer.json()["payouts"], "completed")
    [money] = [money for money in marketplace.shkeeper.gateway.payouts.sent if money.destination == to]
    assert money.amount == Decimal(amount)
