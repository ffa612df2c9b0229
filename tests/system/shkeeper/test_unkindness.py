"""The whole life of a sale through SHKeeper with each of its unkindnesses switched on, watched by stock clients.

The bridge waits for as many confirmations as exchanges do, so that nothing here completes by being asked about.
"""

import itertools
import time
from collections.abc import Callable
from decimal import Decimal
from functools import cached_property
from typing import Any

import httpx
import pytest

from providers.shkeeper.simulator.faults import Call
from tests.conftest import BridgeProcess, StartBridge
from tests.made_destinations import destination, lengthened, lightning
from tests.played_shkeeper import PlayedShkeeper
from tests.system.shkeeper.conftest import Document, Marketplace, settings_for
from tests.waiting import wait_until

NUMBERS = itertools.count(1)
Play = Callable[..., Document]


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge, shkeeper: PlayedShkeeper) -> BridgeProcess:
    return make_bridge(**settings_for(shkeeper) | {"BRIDGE_SHKEEPER_CONFIRMATIONS": "{}"})


@pytest.fixture
def play(shkeeper: PlayedShkeeper) -> Play:
    """Plays something at `/simulator`."""

    def played(path: str, **content: Any) -> Document:
        answer = httpx.post(f"{shkeeper.url}/simulator/{path}", json=content)
        assert answer.is_success, answer.text
        document: Document = answer.json()
        return document

    return played


class Sale:
    """One sale that two stock clients watch, the buyer and the seller."""

    def __init__(self, marketplace: Marketplace, listen: Any, **changes: Any) -> None:
        number = next(NUMBERS)
        self.request, self._marketplace = f"unkind-{number}", marketplace
        buyer, self._seller_id = f"buyer-{number}", f"seller-{number}"
        url = marketplace.bridge.url
        self._buyer = listen(url, [["join-user-room", buyer], ["join-request-room", self.request]])
        self._seller = listen(url, [["join-user-room", self._seller_id]])
        parties: dict[str, Any] = {"requestId": self.request, "buyerId": buyer, "sellerId": self._seller_id}
        self.payment_id: str = marketplace.register(**parties, **changes)["paymentId"]

    @cached_property
    def payment(self) -> Document:
        """As it is once its invoice is open: what goes wrong may keep the gateway from being asked for a moment."""
        wait_until(lambda: self._marketplace.address(self.payment_id))
        return self.stands()

    @property
    def address(self) -> str:
        address: str = self.payment["invoices"][0]["address"]
        return address

    def stands(self) -> Document:
        return self._marketplace.payment(self.payment_id)

    def comes_to(self, status: str) -> Document:
        return self._marketplace.wait_for(self.payment_id, status)

    def heard(self) -> list[str]:
        """The statuses of the request that the buyer heard, and how often the seller heard of money."""
        for listener in (self._buyer, self._seller):
            listener.fence()
        updates = [args[0]["status"] for name, args in self._buyer.events if name == "purchase-request-update"]
        received = [name for name, _ in self._seller.events if name == "payment-received"]
        return [*updates, f"received {len(received)}"]

    def asks_for(self, coin: str, **how: bool) -> Document:
        """The buyer asks for another coin, or for a new price: where to pay then, and how much."""
        path = f"/api/payments/{self.payment_id}/invoices"
        answer = self._marketplace.client.post(path, json={"coin": coin, **how})
        assert answer.is_success, answer.text
        wait_until(lambda: self._marketplace.address(self.payment_id))
        invoice: Document = self.stands()["invoices"][0]
        return invoice

    def pays_out(self, amount: str, coin: str, to: str | None = None) -> Document:
        """Asks for a payout to the seller, which it returns."""
        place = destination(coin, self.payment_id) if to is None else to
        order = {"paymentId": self.payment_id, "coin": coin, "amount": amount, "destination": place}
        answer = self._marketplace.client.post("/api/payouts", json={"payouts": [order]})
        assert answer.status_code == 202, answer.text
        [payout] = answer.json()["payouts"]
        found: Document = payout
        return found

    def is_paid_out(self, amount: str, coin: str, to: str | None = None) -> Document:
        """A payout to the seller that arrives: sent once, and told once."""
        payout = self.pays_out(amount, coin, to)
        self._marketplace.settle([payout], "completed")
        assert len(self._marketplace.sent(payout["payoutId"])) == 1
        self._seller.wait_for(lambda line: line.get("event") == "payout-completed")
        assert self.heard_of_payouts()[-1] == "completed 1"
        return self._marketplace.payout(payout["payoutId"])

    def heard_of_payouts(self) -> list[str]:
        """The statuses of payouts that the seller heard, and how often that one has arrived."""
        self._seller.fence()
        updates = [args[0]["status"] for name, args in self._seller.events if name == "payout-updated"]
        arrived = [name for name, _ in self._seller.events if name == "payout-completed"]
        return [*updates, f"completed {len(arrived)}"]

    def problems(self) -> list[str]:
        """The kinds of what needs a person about it."""
        items = self._marketplace.client.get("/api/ops/attention").json()["items"]
        return [item["kind"] for item in items if item["paymentId"] == self.payment_id]


@pytest.fixture
def sell(marketplace: Marketplace, listen: Any) -> Callable[..., Sale]:
    return lambda **changes: Sale(marketplace, listen, **changes)


def test_a_payment_waits_for_every_confirmation_that_the_operator_wants(sell: Any, play: Play) -> None:
    play("wallets/ETH-USDT", confirmations=12)
    sale = sell()
    played = play("transfers", address=sale.address, confirmations=1)
    assert played["invoice"]["status"] == "PAID"  # SHKeeper says so to whoever asks
    assert sale.comes_to("confirming")["transfers"][0]["confirmed"] is False
    asked = sale._marketplace.shkeeper
    looks = len(asked.gateway.asked)
    wait_until(lambda: len(asked.gateway.asked) > looks + 5)
    assert sale.stands()["status"] == "confirming"
    play(f"transfers/{played['txid']}/confirmations", confirmations=12)
    sale.comes_to("completed")
    assert sale.heard() == ["confirming", "completed", "received 1"]
    play("wallets/ETH-USDT", confirmations=1)
    sale.is_paid_out("98", "ETH-USDT")


def test_a_neighbour_with_one_confirmation_completes_nothing(sell: Any, play: Play) -> None:
    play("wallets/ETH-USDT", confirmations=12)
    sale = sell()
    first = play("transfers", address=sale.address, amount="60", confirmations=1)["txid"]
    play("transfers", address=sale.address, amount="40", confirmations=12)
    found = sale.comes_to("partially_paid")
    assert (found["received"], found["missing"]) == ("40", "60")
    play(f"transfers/{first}/confirmations", confirmations=12)
    sale.comes_to("completed")
    assert sale.heard()[-3:] == ["partially_paid", "completed", "received 1"]  # maybe asked about before
    play("wallets/ETH-USDT", confirmations=1)


def test_what_shkeepers_sum_has_lost_is_counted_and_reaches_a_person(sell: Any, play: Play) -> None:
    sale = sell()
    play("transfers-at-once", address=sale.address, amounts=["25", "25", "25", "25"], counted=1)
    assert sale.comes_to("completed")["received"] == "100"
    wait_until(lambda: sale.problems() == ["payment-contradicting-books"])
    assert sale.heard()[-1] == "received 1"


@pytest.mark.parametrize(
    ("policy", "percent", "fixed", "asked"),
    [
        ("NO_FEE", "2", "5", "100"),
        ("PERCENT_FEE", "2", "0", "102"),
        ("FIXED_FEE", "0", "5", "105"),
        ("PERCENT_OR_MINIMAL_FIXED_FEE", "2", "3", "103"),
    ],
)
def test_goods_and_fee_are_two_numbers_under_every_policy(
    sell: Any, play: Play, policy: str, percent: str, fixed: str, asked: str
) -> None:
    play("fees", coin="BNB-USDT", policy=policy, percent=percent, fixed=fixed)
    sale = sell(coin="BNB-USDT")
    assert sale.payment["invoices"][0]["coinAmount"] == asked
    half = str(Decimal(asked) / 2)
    play("transfers", address=sale.address, amount=half)
    part = sale.comes_to("partially_paid")
    figures = [Decimal(part[name]) for name in ("received", "fee", "missing", "missingFee")]
    assert sum(figures) == Decimal(asked)
    assert figures[0] + figures[2] == 100
    # What the page asks for is the rest, whatever the policy.
    assert Decimal(part["invoices"][0]["coinAmount"]) == Decimal(asked) / 2
    play("transfers", address=sale.address, amount=half)
    whole = sale.comes_to("completed")
    assert [whole[name] for name in ("missing", "excess")] == ["0", "0"]
    assert (Decimal(whole["received"]), Decimal(whole["fee"])) == (Decimal(100), Decimal(asked) - 100)
    assert sale.problems() == []
    assert sale.heard()[-3:] == ["partially_paid", "completed", "received 1"]
    play("fees", coin="BNB-USDT", policy="PERCENT_FEE", percent="0")


def test_what_is_told_and_what_is_asked_for_is_counted_once_to_the_last_digit(
    sell: Any, marketplace: Marketplace, play: Play
) -> None:
    """A notice has ten decimals and a look-up all of them; nobody is to hear of the difference."""
    play("fees", coin="BNB-USDT", policy="NO_FEE")
    sale = sell(coin="BNB-USDT")
    play("transfers", address=sale.address, amount="33.333333333333333333")
    sale.comes_to("partially_paid")
    found, again = (asked_again(marketplace, sale.payment_id) for _ in range(2))
    assert (again["received"], again["updatedAt"]) == (found["received"], found["updatedAt"])
    # A person reads cents.
    assert (again["received"], again["missing"]) == ("33.33", "66.67")
    assert sale.heard()[-2:] == ["partially_paid", "received 0"]


def asked_again(marketplace: Marketplace, payment_id: str) -> Document:
    """The payment after SHKeeper was asked about it once more."""
    looked = marketplace.shkeeper.count(Call.INVOICES, payment_id)
    # Of two questions the first has been answered, and what it said was written down.
    wait_until(lambda: marketplace.shkeeper.count(Call.INVOICES, payment_id) > looked + 1)
    return marketplace.payment(payment_id)


def test_another_shops_invoice_of_the_same_number_moves_nothing(sell: Any, marketplace: Marketplace) -> None:
    sale = sell()
    request = {
        "external_id": sale.payment_id,
        "fiat": "USD",
        "amount": "5",
        "callback_url": "http://127.0.0.1:9/theirs",
    }
    headers = {"X-Shkeeper-Api-Key": marketplace.shkeeper.gateway.configuration.api_key}
    theirs = httpx.post(
        f"{marketplace.shkeeper.url}/api/v1/ETH-USDT/payment_request", json=request, headers=headers
    ).json()["wallet"]
    marketplace.shkeeper.transfer(theirs, "500")
    looks = len(marketplace.shkeeper.gateway.asked)
    wait_until(lambda: len(marketplace.shkeeper.gateway.asked) > looks + 5)
    assert (sale.stands()["status"], sale.heard()) == ("pending", ["received 0"])
    marketplace.shkeeper.transfer(sale.address)
    sale.comes_to("completed")
    assert sale.heard()[-2:] == ["completed", "received 1"]


def test_a_lightning_invoice_is_paid_and_its_seller_by_a_string(sell: Any, play: Play) -> None:
    """Of 260 characters and more; and the wallet answers a payout with a hash in place of a task."""
    sale = sell(coin="BTC-LIGHTNING")
    assert len(sale.address) > 200
    play("transfers", address=sale.address)
    sale.comes_to("completed")
    assert sale.heard() == ["completed", "received 1"]
    invoice = lightning(lengthened(sale.payment_id.encode()), made_at=int(time.time()))
    assert sale.is_paid_out("0.0001", "BTC-LIGHTNING", invoice)["txHashes"]


def test_a_seller_in_firo_is_paid_by_a_string(sell: Any, play: Play) -> None:
    sale = sell(coin="FIRO")
    play("transfers", address=sale.address)
    sale.comes_to("completed")
    [txid] = sale.is_paid_out("1", "FIRO")["txHashes"]
    assert len(txid) == 64


def test_a_task_that_fails_after_sending_is_never_sent_again(sell: Any, marketplace: Marketplace, play: Play) -> None:
    sale = sell(coin="XRP")
    play("transfers", address=sale.address)
    sale.comes_to("completed")
    to = destination("XRP", sale.payment_id)
    play("outcomes", destination=to, outcome="sent-and-fails")
    payout = sale.pays_out("3", "XRP", to)
    marketplace.settle([payout], "ambiguous")
    looks = marketplace.shkeeper.count(Call.PAYOUT_STATUS)
    wait_until(lambda: marketplace.shkeeper.count(Call.PAYOUT_STATUS) > looks + 2)
    assert len(marketplace.sent(payout["payoutId"])) == 1
    assert sale.heard_of_payouts() == ["ambiguous", "completed 0"]
    items = marketplace.client.get("/api/ops/attention").json()["items"]
    assert [one["kind"] for one in items if one["payoutId"] == payout["payoutId"]] == ["payout-ambiguous"]


def test_a_transaction_with_two_outputs_counts_once_for_each_sale(sell: Any, play: Play) -> None:
    """Of two outputs to one address SHKeeper books the first: the sale waits for the rest, and nobody hears more."""
    twice, other = sell(), sell()
    outputs = [(twice.address, "60"), (twice.address, "40"), (other.address, "100")]
    play("transactions", outputs=[{"address": address, "amount": amount} for address, amount in outputs])
    part = twice.comes_to("partially_paid")
    assert (part["received"], part["missing"]) == ("60", "40")
    other.comes_to("completed")
    play("transfers", address=twice.address, amount="40")
    twice.comes_to("completed")
    assert [twice.heard()[-3:], other.heard()[-2:]] == [
        ["partially_paid", "completed", "received 1"],
        ["completed", "received 1"],
    ]


def test_without_unconfirmed_notices_a_sale_is_heard_of_when_it_is_paid(sell: Any, play: Play) -> None:
    play("gateway", unconfirmed_notices=False)
    sale = sell()
    txid = play("transfers", address=sale.address, confirmations=0)["txid"]
    assert (sale.stands()["status"], sale.heard()) == ("pending", ["received 0"])
    play(f"transfers/{txid}/confirm")
    sale.comes_to("completed")
    assert sale.heard()[-2:] == ["completed", "received 1"]
    play("gateway", unconfirmed_notices=True)


@pytest.mark.parametrize("state", ["down", "errors"])
def test_a_sale_in_a_coin_whose_daemon_fails_is_paid_in_the_end(sell: Any, play: Play, state: str) -> None:
    """One that answered errors has SHKeeper keep an invoice without an address, whatever it answers later."""
    play("daemons/FIRO", state=state)
    sale, other = sell(coin="FIRO"), sell()
    play("transfers", address=other.address)
    other.comes_to("completed")
    assert sale.stands()["invoices"][0]["address"] is None
    play("daemons/FIRO", state="well")
    address = sale.address if state == "down" else sale.asks_for("ETH-USDT")["address"]
    play("transfers", address=address)
    sale.comes_to("completed")
    assert sale.heard()[-2:] == ["completed", "received 1"]


@pytest.mark.parametrize(
    "what", ["error-msg", "error-nested", "error-code", "error-500", "html-500", "empty", "garbage"]
)
def test_an_invoice_is_opened_after_errors_of_every_shape(sell: Any, play: Play, what: str) -> None:
    play("faults", call="payment_request", what=what, times=2)
    sale = sell()
    play("transfers", address=sale.address)
    sale.comes_to("completed")
    assert sale.heard()[-2:] == ["completed", "received 1"]


def test_one_coins_hanging_wallet_keeps_no_other_coin_from_being_paid(sell: Any, play: Play) -> None:
    play("daemons/LTC", state="hangs")
    sale = sell()
    play("transfers", address=sale.address)
    sale.comes_to("completed")
    assert sale.heard()[-2:] == ["completed", "received 1"]  # maybe asked about before it was told of
    play("daemons/LTC", state="well")


def test_a_price_that_has_moved_leaves_the_rest_to_pay(sell: Any, play: Play) -> None:
    sale = sell(coin="DOGE")
    play("wallets/DOGE", recalculate_after=1)
    play(f"invoices/{sale.payment_id}/age", hours=2)
    whole = sale.payment["invoices"][0]["coinAmount"]
    play("rates", coin="DOGE", rate="0.075")
    play("transfers", address=sale.address, amount=whole)
    assert Decimal(sale.comes_to("partially_paid")["received"]) == 50
    anew = sale.asks_for("DOGE", fresh=True)
    play("transfers", address=anew["address"], amount=anew["coinAmount"])
    sale.comes_to("completed")
    assert sale.heard()[-3:] == ["partially_paid", "completed", "received 1"]
    play("rates", coin="DOGE", rate="0.15")
    play("wallets/DOGE", recalculate_after=0)


@pytest.mark.parametrize(
    "what", ["error-200", "error-msg", "error-nested", "error-code", "html-500", "empty", "garbage"]
)
def test_errors_of_every_shape_keep_nobody_from_paying(
    sell: Any, marketplace: Marketplace, play: Play, what: str
) -> None:
    sale = sell()
    play("faults", call="invoices", what=what, times=None)
    play("transfers", address=sale.address)
    sale.comes_to("completed")
    assert sale.heard()[-2:] == ["completed", "received 1"]  # maybe asked about before it was told of
    marketplace.shkeeper.works_again()
