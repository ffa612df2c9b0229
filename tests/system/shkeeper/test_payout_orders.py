"""Orders of payouts that cannot be right: refused with the field that is wrong before anything is written."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import BridgeProcess
from tests.made_destinations import destination, lightning
from tests.played_shkeeper import PlayedShkeeper
from tests.system.shkeeper.conftest import Marketplace

EVM, TRON = destination("ETH-USDT", "seller"), destination("USDT", "seller")
ZERO_ADDRESS = "0x" + "0" * 40
USDT_CONTRACT = "0xdAC17F958D2ee523a2206206994597C13D831ec7"


@pytest.fixture(scope="module")
def payment_id(bridge: BridgeProcess, shkeeper: PlayedShkeeper) -> Iterator[str]:
    marketplace = Marketplace(bridge, shkeeper)
    yield marketplace.paid()
    marketplace.client.close()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        # What would set the amount in the path of a wallet's URL.
        ({"coin": "BTC", "destination": "bc1q…/5/1#", "amount": "0.01"}, "destination"),
        ({"coin": "BTC", "destination": f"{destination('BTC', 'seller')}/5/1#", "amount": "0.01"}, "destination"),
        ({"destination": f"{EVM}?x=1"}, "destination"),
        ({"destination": f"{EVM}%2f5"}, "destination"),
        # Another chain's, a digit short, a blank at the end, a mistyped one, an e-mail address, nobody's, a token's.
        ({"coin": "USDT", "destination": EVM}, "destination"),
        ({"destination": TRON}, "destination"),
        ({"destination": EVM[:-1]}, "destination"),
        ({"destination": f"{EVM} "}, "destination"),
        ({"destination": "0x" + EVM[2:].swapcase()}, "destination"),
        ({"destination": "seller@example.com"}, "destination"),
        ({"destination": ZERO_ADDRESS}, "destination"),
        ({"destination": USDT_CONTRACT}, "destination"),
        ({"destination": ""}, "destination"),
        ({"destination": "1" * 1001}, "destination"),
        # Coins that are none, decimals that the coin has not, and fees where the wallet sets them.
        ({"coin": "ETH-USTD"}, "coin"),
        ({"coin": "eth-usdt"}, "coin"),
        ({"coin": "../BTC"}, "coin"),
        ({"amount": "48.9000001"}, "amount"),
        ({"amount": "0"}, "amount"),
        ({"amount": "-1"}, "amount"),
        ({"amount": 48.9}, "amount"),
        ({"fee": "5"}, "fee"),
        ({"coin": "BTC", "destination": destination("BTC", "seller"), "amount": "0.01", "fee": "0.0001"}, "fee"),
    ],
)
def test_what_cannot_be_right_is_refused_with_the_field_that_is_wrong(
    marketplace: Marketplace, payment_id: str, changes: dict[str, Any], field: str
) -> None:
    booked = len(marketplace.shkeeper.gateway.payouts.payouts)
    order = {"paymentId": payment_id, "coin": "ETH-USDT", "amount": "48.9", "destination": EVM, **changes}
    answer = marketplace.client.post("/api/payouts", json={"payouts": [order]})
    problem = answer.json()
    assert (answer.status_code, [error["field"] for error in problem["errors"]]) == (400, [f"payouts.0.{field}"])
    message = problem["errors"][0]["message"]
    assert len(message) > 10
    assert field != "destination" or "pattern" not in message
    assert marketplace.client.get("/api/payouts", params={"paymentId": payment_id}).json()["payouts"] == []
    assert len(marketplace.shkeeper.gateway.payouts.payouts) == booked


def order(payment_id: str, coin: str, amount: str, name: str = "seller") -> dict[str, str]:
    return {"paymentId": payment_id, "coin": coin, "amount": amount, "destination": destination(coin, name)}


def test_no_payout_is_worth_more_than_its_seller_has_earned(marketplace: Marketplace) -> None:
    """A payment of 100 USD; a bitcoin is worth 60,000, and five percent more are let pass."""
    payment_id = marketplace.paid()

    def asked(*orders: dict[str, str], **others: Any) -> tuple[int, str]:
        answer = marketplace.client.post("/api/payouts", json={"payouts": list(orders), **others})
        return answer.status_code, answer.json().get("detail", "")

    for refused in (
        [order(payment_id, "ETH-USDT", "1000000")],
        [order(payment_id, "ETH-USDT", "100.000001")],
        [order(payment_id, "BTC", "0.02")],
        [order(payment_id, "BTC", "0.00176")],
        [order(payment_id, "ETH-USDT", "60", "a"), order(payment_id, "ETH-USDT", "60", "b")],
    ):
        status, detail = asked(*refused, another=True)
        assert (status, "left to be paid out to s1" in detail) == (409, True), detail
    assert marketplace.client.get("/api/payouts", params={"paymentId": payment_id}).json()["payouts"] == []
    assert asked(order(payment_id, "BTC", "0.001"))[0] == 202
    status, detail = asked(order(payment_id, "ETH-USDT", "43.01"), another=True)
    assert (status, "43 USD are left" in detail) == (409, True), detail
    assert asked(order(payment_id, "ETH-USDT", "43", "b"), another=True)[0] == 202
    payouts = marketplace.client.get("/api/payouts", params={"paymentId": payment_id}).json()["payouts"]
    assert [payout["worth"] for payout in payouts] == ["57", "43"]


def test_an_invoice_that_one_payout_has_is_refused_to_another_and_on_lists(marketplace: Marketplace) -> None:
    """Of the payment, its amount and its spelling it may be told in many ways; a node pays it once."""
    first, second = marketplace.paid(), marketplace.paid()
    made_at = int(time.time())
    invoices = [lightning(bytes(range(200)), made_at=made_at, amount=amount) for amount in ("", "100u")]

    def asked(payment_id: str, invoice: str) -> tuple[int, Any]:
        one = {"paymentId": payment_id, "coin": "BTC-LIGHTNING", "amount": "0.0001", "destination": invoice}
        answer = marketplace.client.post("/api/payouts", json={"payouts": [one], "another": True})
        return answer.status_code, answer.json()

    status, taken = asked(first, invoices[0])
    assert status == 202, taken
    [payout] = taken["payouts"]
    for payment_id, invoice in ((second, invoices[0]), (second, invoices[1].upper()), (first, invoices[1])):
        status, refused = asked(payment_id, invoice)
        assert (status, payout["payoutId"] in refused["detail"]) == (409, True), refused
    listed = {"sellerId": "s1", "provider": "shkeeper", "coin": "BTC-LIGHTNING", "destination": invoices[0]}
    answer = marketplace.client.post("/api/payouts/destinations", json=listed)
    assert (answer.status_code, "paid once" in answer.json()["detail"]) == (400, True)
