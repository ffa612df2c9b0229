"""Prices over REST: each has its end, asking again asks the gateway, and after a part they are of the rest."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from coordinator.money import format_amount, rounded
from tests.asking import client_of
from tests.bridge.http.exchanges import KEYS, NUMBERS, notice, problem, signed, stored, write
from tests.clock import BOOKED_AT
from tests.made_destinations import destination, lengthened, lightning
from tests.priced_gateway import LAPSED, PricedGateway, priced_gateway
from tests.waiting import wait_until

Document = dict[str, Any]


@pytest.fixture(scope="module")
def running() -> Iterator[PricedGateway]:
    with priced_gateway() as gateway:
        gateway.prices_at("BTC", "0.001")
        yield gateway


@pytest.fixture
def gateway(running: PricedGateway) -> PricedGateway:
    """With prices anew for each test; the coins stay, because the bridge remembers what is offered."""
    running.prices_at("DOGE", "339.32", exchange_rate="0.15", recalculate_after=1)
    running.prices_at("BTC", "0.00083167", exchange_rate="60000")
    running.prices_at("XRP", "23.34770642", exchange_rate="2.18")
    running.prices_at("BTC-LIGHTNING", "0.00083167", exchange_rate="60000", wallet=LAPSED)
    running.asked.clear()
    return running


@pytest.fixture(scope="module")
def bridge(make_bridge: Any, running: PricedGateway) -> Any:
    for coin in ("DOGE", "XRP", "BTC-LIGHTNING"):
        running.prices_at(coin, "1")
    return make_bridge(BRIDGE_SHKEEPER_API_KEYS=", ".join(KEYS), BRIDGE_SHKEEPER_URL=running.url)


@pytest.fixture
def client(bridge: Any, gateway: PricedGateway) -> Iterator[httpx.Client]:
    with client_of(bridge.url) as client:
        yield client


def create(client: httpx.Client, coin: str = "DOGE", **changes: object) -> Document:
    number = next(NUMBERS)
    order = {
        "provider": "shkeeper",
        "coin": coin,
        "requestId": f"request-{number}",
        "buyerId": "b1",
        "sellerId": "s1",
    }
    answer = client.post("/api/payments", json={**order, "amount": "49.90", "currency": "USD", **changes})
    assert answer.status_code in (201, 202), answer.text
    document: Document = answer.json()
    return document


def switched(client: httpx.Client, payment: Document, coin: str, **changes: object) -> Document:
    answer = client.post(f"/api/payments/{payment['paymentId']}/invoices", json={"coin": coin, **changes})
    assert answer.status_code == 200, answer.text
    invoice: Document = answer.json()["invoices"][0]
    assert invoice["coin"] == coin
    return invoice


def renewed(client: httpx.Client, payment: Document) -> Document:
    answer = client.post(f"/api/payments/{payment['paymentId']}/price")
    assert answer.status_code == 200, answer.text
    invoice: Document = answer.json()["invoices"][0]
    return invoice


TWO_PERCENT = {"fee_policy": "PERCENT_FEE", "fee_percent": "2", "fee_fixed": "0"}


def receive(client: httpx.Client, payment: Document, amount: str, status: str, **changes: str) -> Document:
    """The payment after so much of it came, in the coin that was asked for first."""
    invoice = payment["invoices"][0]
    moved = {
        "amount_crypto": format_amount(rounded(Decimal(amount) / Decimal(invoice["exchangeRate"]), 10)),
        "amount_fiat": amount,
        "crypto": invoice["coin"],
        "date": BOOKED_AT,
        "trigger": True,
        "txid": "0x1",
    }
    where = {"addr": invoice["address"], "crypto": invoice["coin"], "transactions": [moved], **changes}
    hook = notice(payment["externalId"], balance_fiat=amount, status=status, paid=status == "PAID", **where)
    assert client.post("/webhooks/shkeeper", content=hook, headers=signed(hook)).status_code == 202
    found: Document = client.get(f"/api/payments/{payment['paymentId']}").json()
    return found


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def addresses(bridge: Any, payment: Document) -> list[str]:
    rows = stored(
        bridge,
        "SELECT address FROM invoice_addresses WHERE payment_id = ? ORDER BY given_at, address",
        payment["paymentId"],
    )
    return [address for (address,) in rows]


def test_a_price_ends_as_long_after_the_opening_as_the_gateway_says(client: httpx.Client) -> None:
    payment = create(client)
    [invoice] = payment["invoices"]
    held = moment(invoice["quotedUntil"]) - moment(payment["createdAt"])
    assert timedelta(hours=1) <= held < timedelta(hours=1, minutes=1)


def test_a_price_that_its_gateway_never_changes_holds_as_long_as_the_payment_waits(client: httpx.Client) -> None:
    payment = create(client, "BTC")
    assert payment["invoices"][0]["quotedUntil"] == payment["expiresAt"] is not None
    path = f"/api/ops/payments/{payment['paymentId']}"
    answer = client.post(f"{path}/waiting", json={"by": "Ada", "hours": 240})
    assert answer.status_code == 200, answer.text
    longer = client.get(f"/api/payments/{payment['paymentId']}").json()
    assert longer["invoices"][0]["quotedUntil"] == longer["expiresAt"] > payment["expiresAt"]


def test_the_present_coin_is_asked_for_again_only_when_its_price_has_ended_or_a_fresh_one_is_wanted(
    client: httpx.Client, gateway: PricedGateway
) -> None:
    payment = create(client)
    gateway.prices_at("DOGE", "424.15", exchange_rate="0.12", recalculate_after=1)
    assert switched(client, payment, "DOGE")["coinAmount"] == "339.32"
    assert renewed(client, payment)["coinAmount"] == "339.32"
    assert gateway.asked == ["DOGE"]
    fresh = switched(client, payment, "DOGE", fresh=True)
    assert (fresh["coinAmount"], gateway.asked) == ("424.15", ["DOGE", "DOGE"])
    # To the gateway the time runs from the opening, whatever is asked since.
    assert fresh["quotedUntil"] == payment["invoices"][0]["quotedUntil"]


@pytest.mark.parametrize("ask", [lambda client, payment: switched(client, payment, "BTC-LIGHTNING"), renewed])
def test_a_lightning_invoice_that_lapsed_can_be_had_anew_and_the_old_one_is_kept(
    client: httpx.Client, gateway: PricedGateway, bridge: Any, ask: Any
) -> None:
    payment = create(client, "BTC-LIGHTNING")
    [lapsed] = payment["invoices"]
    assert lapsed["quotedUntil"] == "2017-06-01T10:58:38Z"
    anew = lightning(lengthened(payment["paymentId"].encode()), made_at=int(time.time()))
    gateway.prices_at("BTC-LIGHTNING", "0.0009", wallet=anew)
    invoice = ask(client, payment)
    # The lapsed one was another payment's too.
    assert (invoice["address"], invoice["wholeCoinAmount"]) == (anew, "0.0009")
    assert moment(invoice["quotedUntil"]) > moment(payment["createdAt"]) + timedelta(minutes=59)
    assert addresses(bridge, payment) == [LAPSED, anew]
    assert ask(client, payment)["address"] == anew
    assert gateway.asked == ["BTC-LIGHTNING", "BTC-LIGHTNING"]


def test_switching_back_prices_the_first_coin_anew(client: httpx.Client, gateway: PricedGateway, bridge: Any) -> None:
    payment = create(client)
    switched(client, payment, "BTC")
    gateway.prices_at("DOGE", "424.15", exchange_rate="0.12")
    assert switched(client, payment, "DOGE")["coinAmount"] == "424.15"
    assert gateway.asked == ["DOGE", "BTC", "DOGE"]
    given = {destination(coin, payment["paymentId"]) for coin in ("BTC", "DOGE")}
    assert set(addresses(bridge, payment)) == given


def test_whoever_watches_hears_of_another_place_or_price(client: httpx.Client) -> None:
    payment = create(client)

    def told() -> list[Document]:
        events = client.get(f"/api/events?room=request-{payment['requestId']}").json()["events"]
        return [event["data"] for event in events if event["event"] == "payment-progress"]

    switched(client, payment, "DOGE")  # as it was
    assert told() == []
    for coin in ("BTC", "DOGE"):
        switched(client, payment, coin)
    assert [(one["paymentId"], one["missing"]) for one in told()] == [(payment["paymentId"], "49.90")] * 2


def test_once_a_part_was_paid_the_rest_is_asked_for_in_every_coin(client: httpx.Client) -> None:
    payment = create(client, "XRP")
    whole = switched(client, payment, "DOGE")
    assert (whole["coinAmount"], whole["wholeCoinAmount"]) == ("339.32", "339.32")
    assert (whole["asked"], whole["fee"]) == ("50.90", "1.00")
    rest, _ = receive(client, payment, "20.4", "PARTIAL", **TWO_PERCENT)["invoices"]
    # It came in another coin. Of Dogecoin only the price tells the fee, which may be a fixed one:
    # (49.90 - 20.00 + 0.998) / 0.15, rounded up.
    assert (rest["coinAmount"], rest["wholeCoinAmount"]) == ("205.98666667", "339.32")
    assert rest["paymentUri"] == f"dogecoin:{whole['address']}?amount=205.98666667"
    assert (rest["asked"], rest["fee"]) == ("30.90", "1.00")
    bitcoin = switched(client, payment, "BTC")
    # The gateway prices the whole sum again: 0.00083167 × 29.90 / 49.90, rounded up.
    assert (bitcoin["coinAmount"], bitcoin["wholeCoinAmount"]) == ("0.00049834", "0.00083167")
    assert bitcoin["paymentUri"] == f"bitcoin:{bitcoin['address']}?amount=0.00049834"


def test_a_rest_cannot_be_paid_over_lightning(client: httpx.Client) -> None:
    payment = create(client)
    receive(client, payment, "20", "PARTIAL")
    lightning = switched(client, payment, "BTC-LIGHTNING")
    assert (lightning["coinAmount"], lightning["paymentUri"], lightning["asked"]) == (None, None, None)
    assert lightning["wholeCoinAmount"] == "0.00083167"


def test_a_payment_that_is_completed_asks_for_nothing(client: httpx.Client) -> None:
    payment = create(client)
    [invoice] = receive(client, payment, "49.90", "PAID")["invoices"]
    names = ("coinAmount", "paymentUri", "asked", "fee", "wholeCoinAmount", "address")
    assert [invoice[name] for name in names] == [None, None, None, None, "339.32", payment["invoices"][0]["address"]]
    for path, body in (("invoices", {"coin": "BTC"}), ("price", None)):
        problem(client.post(f"/api/payments/{payment['paymentId']}/{path}", json=body), 409)


def test_an_amount_has_the_decimals_of_its_coin_and_is_never_short(client: httpx.Client) -> None:
    [invoice] = create(client, "XRP")["invoices"]
    assert invoice["coinAmount"] == "23.347707"


def test_a_new_price_is_only_for_a_payment_that_the_bridge_opened(client: httpx.Client) -> None:
    order = {"provider": "shkeeper", "externalId": f"elsewhere-{next(NUMBERS)}", "requestId": "r", "buyerId": "b1"}
    elsewhere = client.post(
        "/api/payments", json={**order, "sellerId": "s1", "amount": "1", "currency": "USD"}
    ).json()
    problem(client.post(f"/api/payments/{elsewhere['paymentId']}/price"), 409)
    problem(client.post("/api/payments/pay_of_nobody/price"), 404)


def test_there_is_no_new_price_in_a_coin_that_is_not_offered_any_more(make_bridge: Any) -> None:
    with priced_gateway() as gateway:
        gateway.prices_at("BTC-LIGHTNING", "1", wallet=LAPSED)
        gateway.says_its_coins = False  # so that the bridge does not remember them
        bridge = make_bridge(BRIDGE_SHKEEPER_API_KEYS=KEYS[0], BRIDGE_SHKEEPER_URL=gateway.url)
        with client_of(bridge.url) as client:
            payment = create(client, "BTC-LIGHTNING")
            gateway.says_its_coins, gateway.prices = True, {}
            gateway.prices_at("BTC", "1")
            answer = client.post(f"/api/payments/{payment['paymentId']}/price")
            said = "BTC-LIGHTNING cannot be paid with at the moment; offered: BTC"
            assert problem(answer, 400)["errors"] == [{"field": "coin", "message": said}]
            # What is known is kept: it can still be paid to.
            assert client.get(f"/api/payments/{payment['paymentId']}").json()["invoices"][0]["address"] == LAPSED


def test_an_amount_that_comes_to_no_coins_is_refused_and_nothing_changes(
    client: httpx.Client, gateway: PricedGateway
) -> None:
    payment = create(client)
    gateway.prices_at("BTC", "0.00000000")
    answer = client.post(f"/api/payments/{payment['paymentId']}/invoices", json={"coin": "BTC"})
    assert [error["field"] for error in problem(answer, 400)["errors"]] == ["amount"]
    assert client.get(f"/api/payments/{payment['paymentId']}").json()["invoices"] == payment["invoices"]


def test_a_page_that_insists_does_not_have_the_gateway_asked_more_often(
    client: httpx.Client, gateway: PricedGateway
) -> None:
    gateway.prices_at("DOGE", "339.32", wallet=None)  # an answer that the bridge can do nothing with
    payment = create(client)
    asked = list(gateway.asked)
    for _ in range(3):
        answer = client.post(f"/api/payments/{payment['paymentId']}/price")
        assert (answer.status_code, answer.json()["invoices"][0]["address"]) == (202, None)
    assert gateway.asked == asked


def test_a_fresh_price_that_nobody_answers_leaves_the_one_that_holds(make_bridge: Any) -> None:
    with priced_gateway() as gateway:
        gateway.prices_at("DOGE", "339.32", recalculate_after=1)
        bridge = make_bridge(BRIDGE_SHKEEPER_API_KEYS=KEYS[0], BRIDGE_SHKEEPER_URL=gateway.url)
        with client_of(bridge.url) as client:
            payment = create(client)
            gateway.is_down = True
            path = f"/api/payments/{payment['paymentId']}/invoices"
            answer = client.post(path, json={"coin": "DOGE", "fresh": True})
            assert (answer.status_code, answer.json()["invoices"]) == (202, payment["invoices"])


def test_of_an_invoice_whose_price_contradicts_its_own_rate_a_person_is_told(
    bridge: Any, client: httpx.Client, gateway: PricedGateway
) -> None:
    """The buyer is asked for nothing by it, and for the right price once there is one."""
    gateway.prices_at("XRP", "1", exchange_rate="2.18")
    payment = create(client, "XRP")
    assert payment["invoices"][0]["address"] is None
    earlier = (datetime.now(UTC) - timedelta(minutes=2)).strftime("%Y-%m-%d %H:%M:%S.%f")
    write(bridge, "UPDATE invoices SET wanted_at = ? WHERE opened IS NULL", earlier)
    items = client.get("/api/ops/attention").json()["items"]
    [item] = [one for one in items if one["paymentId"] == payment["paymentId"]]
    assert item["kind"] == "payment-without-address"
    assert "SHKeeper's price contradicts itself: 1 coins at 2.18 are worth less than the" in item["detail"]
    assert "such as its rate" in item["advice"]
    gateway.prices_at("XRP", "23.34770642", exchange_rate="2.18")

    def is_open() -> bool:
        found = client.get(f"/api/payments/{payment['paymentId']}").json()
        return found["invoices"][0]["address"] is not None

    bridge.stop()
    bridge.start()  # a refused invoice waits for its turn
    wait_until(is_open)
