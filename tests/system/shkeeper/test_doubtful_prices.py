"""A price that may be wrong and a fee out of proportion send nothing by themselves, whatever the limits let."""

import itertools
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from providers.shkeeper.simulator.terms.coins import COINS
from tests.made_destinations import destination
from tests.played_shkeeper import PlayedShkeeper
from tests.system.shkeeper.conftest import Document, Marketplace
from tests.system.shkeeper.earlier_prices import asked_on_earlier_days
from tests.system.shkeeper.journals import SqliteJournal

NUMBERS = itertools.count()
BTC = COINS["BTC"].usd


@pytest.fixture
def rates(shkeeper: PlayedShkeeper) -> Iterator[dict[Any, Decimal]]:
    """Those of the local SHKeeper, which a test may make wrong."""
    known = shkeeper.gateway.terms.rates
    before = dict(known)
    yield known
    known.clear()
    known.update(before)


def sold(marketplace: Marketplace, coin: str = "ETH-USDT") -> str:
    """A payment that was paid with a coin, at its price of the moment."""
    return marketplace.paid(coin=coin, requestId=f"price-{next(NUMBERS)}")


def asked_in(marketplace: Marketplace, coin: str) -> None:
    """Somebody was asked to pay with a coin, at its price of the moment."""
    marketplace.create(coin=coin, requestId=f"price-{next(NUMBERS)}")


def order(
    marketplace: Marketplace, worth: Decimal, coin: str = "BTC", *, payment_id: str, **changes: Any
) -> dict[str, Any]:
    amount = (worth / COINS[coin].usd).quantize(Decimal("1.00000000"))
    to = destination(coin, payment_id)
    return {"paymentId": payment_id, "coin": coin, "amount": f"{amount:f}", "destination": to, **changes}


def doubted(marketplace: Marketplace) -> set[str]:
    """The payments of which the list says that their price may have been wrong."""
    items = marketplace.client.get("/api/ops/attention").json()["items"]
    return {item["paymentId"] for item in items if item["kind"] == "payment-price-doubted"}


def pay_out(marketplace: Marketplace, wanted: dict[str, Any], status: int = 202) -> Document:
    answer = marketplace.client.post("/api/payouts", json={"payouts": [wanted]})
    assert answer.status_code == status, answer.text
    document: Document = answer.json()["payouts"][0] if status == 202 else answer.json()
    return document


def test_what_was_paid_with_a_coin_leaves_in_it_at_about_that_price(
    marketplace: Marketplace, rates: dict[Any, Decimal]
) -> None:
    paid = [sold(marketplace, "BTC") for _ in range(3)]
    assert pay_out(marketplace, order(marketplace, Decimal(90), payment_id=paid[0]))["status"] == "created"
    # A rate of a tenth, at which ten times as many coins are worth what was earned.
    rates["BTC", "USD"] = BTC / 10
    for_a_tenth = pay_out(marketplace, order(marketplace, Decimal(900), payment_id=paid[1]))
    assert for_a_tenth["status"] == "awaiting_approval"
    [reason] = for_a_tenth["approval"]["reasons"]
    assert reason.startswith("it counts one BTC as ")
    assert "its buyer paid at" in reason
    rates["BTC", "USD"] = BTC * 10
    assert pay_out(marketplace, order(marketplace, Decimal(9), payment_id=paid[2]))["status"] == "awaiting_approval"


def test_a_coin_that_others_were_asked_for_on_earlier_days_leaves_at_about_that_price(
    marketplace: Marketplace, rates: dict[Any, Decimal]
) -> None:
    asked_on_earlier_days(marketplace, ["DOGE"], SqliteJournal(marketplace.bridge))
    sent = pay_out(marketplace, order(marketplace, Decimal(90), "DOGE", payment_id=sold(marketplace)))
    assert sent["status"] == "created"
    rates["DOGE", "USD"] = COINS["DOGE"].usd / 10
    waiting = pay_out(marketplace, order(marketplace, Decimal(900), "DOGE", payment_id=sold(marketplace)))
    [reason] = waiting["approval"]["reasons"]
    assert (waiting["status"], "buyers were asked for" in reason) == ("awaiting_approval", True)


@pytest.mark.parametrize("is_own", [False, True])
def test_whoever_opens_invoices_at_a_rate_that_slipped_gets_nothing_for_it(
    marketplace: Marketplace, rates: dict[Any, Decimal], is_own: bool
) -> None:
    asked_in(marketplace, "BTC")
    rates["BTC", "USD"] = BTC / 1000
    for _ in range(11):
        asked_in(marketplace, "BTC")
    payment = marketplace.create(requestId=f"price-{next(NUMBERS)}")
    if is_own:  # the price of the very payment, which is paid with another coin then
        url = f"/api/payments/{payment['paymentId']}/invoices"
        for coin in ("BTC", "ETH-USDT"):
            assert marketplace.client.post(url, json={"coin": coin}).status_code == 200
    marketplace.shkeeper.transfer(marketplace.address(payment["paymentId"]) or "")
    marketplace.wait_for(payment["paymentId"], "completed")
    waiting = pay_out(marketplace, order(marketplace, Decimal(90_000), payment_id=payment["paymentId"]))
    [reason] = waiting["approval"]["reasons"]
    assert (waiting["status"], "too few were asked to pay with BTC" in reason) == ("awaiting_approval", True)


def test_a_coin_that_nobody_was_asked_for_waits_for_somebody(marketplace: Marketplace) -> None:
    waiting = pay_out(marketplace, order(marketplace, Decimal(90), "LTC", payment_id=sold(marketplace)))
    [reason] = waiting["approval"]["reasons"]
    assert (waiting["status"], reason.startswith("too few were asked to pay with LTC on other days")) == (
        "awaiting_approval",
        True,
    )
    # A stablecoin counts for what it stands for, whatever anybody says.
    payment_id = sold(marketplace)
    other = {"coin": "ETH-USDC", "amount": "90", "destination": destination("ETH-USDC", payment_id)}
    assert pay_out(marketplace, {"paymentId": payment_id, **other})["status"] == "created"


def test_nor_does_money_go_back_at_a_price_that_may_be_wrong(
    marketplace: Marketplace, rates: dict[Any, Decimal]
) -> None:
    payment_id = sold(marketplace, "BTC")
    wanted = {"paymentId": payment_id, "amount": "40", "coin": "BTC", "reason": "it arrived bent"}
    refunds: list[str] = []
    for _ in range(2):
        opened = marketplace.client.post("/api/refunds", json={**wanted, "besides": refunds})
        refunds.append(opened.json()["refundId"])
    statuses = []
    for refund_id, factor in zip(refunds, (Decimal(1), Decimal("0.1")), strict=True):
        rates["BTC", "USD"] = BTC * factor
        to = {"destination": destination("BTC", refund_id)}
        given = marketplace.client.post(f"/api/refunds/{refund_id}/destination", json=to)
        assert given.status_code == 202, given.text
        statuses.append(given.json()["status"])
    assert statuses == ["created", "awaiting_approval"]


def test_what_the_network_gets_is_in_proportion_to_what_is_sent(marketplace: Marketplace) -> None:
    sent, held, refused = (order(marketplace, Decimal(40), payment_id=sold(marketplace, "BTC")) for _ in range(3))
    amount = Decimal(sent["amount"])

    def rate(share: str) -> str:
        """At which a usual transaction costs such a share of the amount, in whole units for each byte."""
        return str(max(1, int(amount * Decimal(share) * 10**8 / 226)))

    assert pay_out(marketplace, sent | {"fee": rate("0.05")})["status"] == "created"
    waiting = pay_out(marketplace, held | {"fee": rate("0.5")})
    [reason] = waiting["approval"]["reasons"]
    assert (waiting["status"], "more than 10 percent" in reason) == ("awaiting_approval", True)
    problem = pay_out(marketplace, refused | {"fee": rate("1.5")}, 400)
    assert [fault["field"] for fault in problem["errors"]] == ["payouts.0.fee"]
    assert "so that the wallet sets it" in problem["detail"]


def test_what_was_paid_for_at_a_price_that_slipped_leaves_only_with_a_second_person(
    marketplace: Marketplace, rates: dict[Any, Decimal]
) -> None:
    """A buyer is asked for a thousandth of the coins, and pays them: the payment completes, and is on the list."""
    asked_on_earlier_days(marketplace, ["XRP"], SqliteJournal(marketplace.bridge))
    right = sold(marketplace, "XRP")
    rates["XRP", "USD"] = COINS["XRP"].usd * 1000
    wrong = sold(marketplace, "XRP")
    rates["XRP", "USD"] = COINS["XRP"].usd
    for payment_id, status in ((right, "created"), (wrong, "awaiting_approval")):
        dollars = {"coin": "ETH-USDT", "amount": "90", "destination": destination("ETH-USDT", payment_id)}
        paid_out = pay_out(marketplace, {"paymentId": payment_id, **dollars})
        assert paid_out["status"] == status
    [reason] = paid_out["approval"]["reasons"]
    assert "at the usual price" in reason
    listed = doubted(marketplace)
    assert (right in listed, wrong in listed) == (False, True)


def test_a_stablecoin_that_was_called_worth_twice_as_much_is_listed_and_not_paid_out_by_itself(
    marketplace: Marketplace, rates: dict[Any, Decimal]
) -> None:
    before = rates.get(("ETH-USDT", "USD"), COINS["ETH-USDT"].usd)
    rates["ETH-USDT", "USD"] = before * 2
    payment_id = sold(marketplace)
    rates["ETH-USDT", "USD"] = before
    right = sold(marketplace)
    # Nobody was asked for a price on other days: what it stands for tells.
    listed = doubted(marketplace)
    assert (right in listed, payment_id in listed) == (False, True)
    dollars = {"coin": "ETH-USDT", "amount": "90", "destination": destination("ETH-USDT", payment_id)}
    waiting = pay_out(marketplace, {"paymentId": payment_id, **dollars})
    assert (waiting["status"], len(waiting["approval"]["reasons"])) == ("awaiting_approval", 1)
