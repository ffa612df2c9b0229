"""The whole life of a sale through SHKeeper with each of its unkindnesses switched on, watched by stock clients.

The bridge waits for as many confirmations as exchanges do, so that nothing here completes by being asked about.
"""

import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from providers.shkeeper.simulator.faults import Call
from tests.conftest import BridgeProcess, StartBridge
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
        # What the last test had gone wrong may keep the gateway from being asked for a moment.
        wait_until(lambda: marketplace.address(self.payment_id))
        self.payment = self.stands()
        self.address: str = self.payment["invoices"][0]["address"]

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


def test_a_neighbour_with_one_confirmation_completes_nothing(sell: Any, play: Play) -> None:
    play("wallets/ETH-USDT", confirmations=12)
    sale = sell()
    first = play("transfers", address=sale.address, amount="60", confirmations=1)["txid"]
    play("transfers", address=sale.address, amount="40", confirmations=12)
    found = sale.comes_to("partially_paid")
    assert (found["received"], found["missing"]) == ("40", "60")
    play(f"transfers/{first}/confirmations", confirmations=12)
    sale.comes_to("completed")
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
    assert again["received"] == "33.3333333333"


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
    assert round(Decimal(sale.comes_to("partially_paid")["received"]), 2) == 50
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
