"""A bridge beside a SHKeeper whose books cannot be true: nothing completes by them, and each reaches a person."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.asking import client_of
from tests.conftest import BridgeProcess, StartBridge
from tests.lying_gateway import LyingGateway, listed, lying_gateway
from tests.waiting import wait_until

Document = dict[str, Any]
KEY = "the-key-of-a-gateway-that-lies"
DESTINATION = "0x8ba1f109551bD432803012645Ac136ddd64DBA72"


@pytest.fixture(scope="module")
def gateway() -> Iterator[LyingGateway]:
    with lying_gateway() as gateway:
        yield gateway


@pytest.fixture(scope="module")
def settings(gateway: LyingGateway) -> dict[str, str]:
    return {
        "BRIDGE_SHKEEPER_API_KEYS": KEY,
        "BRIDGE_SHKEEPER_URL": gateway.url,
        "BRIDGE_SHKEEPER_USER": "admin",
        "BRIDGE_SHKEEPER_PASSWORD": "a-password-of-the-tests",
        "BRIDGE_RECONCILE_INTERVAL_SECONDS": "0.2",
        "BRIDGE_SHKEEPER_CONFIRMATIONS": '{"ETH": 1}',
    }


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge, settings: dict[str, str]) -> BridgeProcess:
    return make_bridge(**settings)


class Shop:
    """What a marketplace's backend and a person at the console see."""

    def __init__(self, bridge: BridgeProcess, gateway: LyingGateway) -> None:
        self.client, self.gateway = client_of(bridge.url), gateway
        self._number = time.monotonic_ns()

    def sells(self) -> str:
        self._number += 1
        parties = {"requestId": f"lie-{self._number}", "buyerId": "b1", "sellerId": "s1"}
        order = {"provider": "shkeeper", "coin": "ETH-USDT", **parties, "amount": "100", "currency": "USD"}
        answer = self.client.post("/api/payments", json=order)
        assert answer.status_code == 201, answer.text
        payment_id: str = answer.json()["paymentId"]
        return payment_id

    def stands(self, payment_id: str) -> Document:
        document: Document = self.client.get(f"/api/payments/{payment_id}").json()
        return document

    def address(self, payment_id: str) -> str:
        address: str = self.stands(payment_id)["invoices"][0]["address"]
        return address

    def kinds(self, payment_id: str) -> list[str]:
        items = self.client.get("/api/ops/attention").json()["items"]
        return [item["kind"] for item in items if item["paymentId"] == payment_id]

    def details(self, payment_id: str) -> list[str]:
        items = self.client.get("/api/ops/attention").json()["items"]
        return [item["detail"] for item in items if item["paymentId"] == payment_id]

    def wait_for(self, payment_id: str, kind: str) -> Document:
        wait_until(lambda: kind in self.kinds(payment_id))
        return self.stands(payment_id)

    def notifies(self, payment_id: str, **changes: Any) -> None:
        """With the gateway's own signature."""
        transaction = {"txid": "0x1", "crypto": "ETH-USDT", "amount_crypto": "102", "amount_fiat": "102"}
        told = {"external_id": payment_id, "addr": self.address(payment_id), "crypto": "ETH-USDT", "fiat": "USD"}
        standing = {"balance_fiat": "102", "paid": True, "status": "PAID", "overpaid_fiat": "0.00"}
        body = json.dumps(
            {**told, **standing, "transactions": [{**transaction, "trigger": True}], **changes}
        ).encode()
        at = str(int(time.time()))
        signature = hmac.new(KEY.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers = {"X-Shkeeper-Timestamp": at, "X-Shkeeper-Signature": signature}
        assert self.client.post("/webhooks/shkeeper", content=body, headers=headers).status_code == 202

    def pays_out(self, payment_id: str) -> Document:
        payout = {"paymentId": payment_id, "coin": "ETH-USDT", "amount": "50", "destination": DESTINATION}
        answer = self.client.post("/api/payouts", json={"payouts": [payout]})
        assert answer.status_code == 409, answer.text
        document: Document = answer.json()
        return document


@pytest.fixture
def shop(bridge: BridgeProcess, gateway: LyingGateway) -> Iterator[Shop]:
    shop = Shop(bridge, gateway)
    yield shop
    gateway.address = None
    shop.client.close()


Lie = Callable[[LyingGateway, str, str], None]
SUMS: dict[str, Lie] = {
    "no coins": lambda gateway, one, at: gateway.tells(one, listed(0, at)),
    "next to none": lambda gateway, one, at: gateway.tells(one, listed("0.00000001", at)),
    "one": lambda gateway, one, at: gateway.tells(one, listed(1, at)),
    "too much": lambda gateway, one, at: gateway.tells(one, listed(50, at), balance_fiat="20000"),
}


@pytest.mark.parametrize("lie", SUMS.values(), ids=SUMS)
def test_a_sum_alone_completes_nothing_and_is_not_paid_out(shop: Shop, lie: Lie) -> None:
    payment_id = shop.sells()
    lie(shop.gateway, payment_id, shop.address(payment_id))
    found = shop.wait_for(payment_id, "payment-contradicting-books")
    assert found["status"] in ("confirming", "partially_paid")
    assert "not completed" in shop.pays_out(payment_id)["detail"]


def test_what_is_held_completes_once_the_books_agree(shop: Shop) -> None:
    payment_id = shop.sells()
    address, first = shop.address(payment_id), "0xaa" + payment_id
    shop.gateway.tells(payment_id, listed(50, address, first), balance_fiat="20000")
    shop.wait_for(payment_id, "payment-contradicting-books")
    shop.gateway.tells(payment_id, listed(50, address, first), listed(52, address), balance_fiat="102")
    wait_until(lambda: shop.stands(payment_id)["status"] == "completed")
    wait_until(lambda: shop.kinds(payment_id) == [])


def test_a_sum_beyond_coins_that_are_enough_holds_nothing_and_is_shown(shop: Shop) -> None:
    payment_id = shop.sells()
    shop.gateway.tells(payment_id, listed(102, shop.address(payment_id)), balance_fiat="20000")
    found = shop.wait_for(payment_id, "payment-contradicting-books")
    assert (found["status"], found["received"], found["excess"]) == ("completed", "100", "0")


def test_a_transaction_that_stands_there_twice_counts_once(shop: Shop) -> None:
    payment_id = shop.sells()
    address = shop.address(payment_id)
    shop.gateway.tells(payment_id, listed(51, address, "0xaa"), listed(51, address, "0xaa"))
    found = shop.wait_for(payment_id, "payment-unreadable-books")
    assert (found["status"], found["received"]) == ("partially_paid", "49")


@pytest.mark.parametrize(
    "changes",
    [{"status": "FOOBAR"}, {"status": "OUTGOING"}, {"txs": None}, {"amount_fiat": ...}, {"balance_fiat": "1E+400"}],
)
def test_an_answer_that_cannot_be_read_reaches_a_person_and_then_counts(shop: Shop, changes: Document) -> None:
    payment_id = shop.sells()
    transaction = listed(102, shop.address(payment_id))
    shop.gateway.tells(payment_id, transaction, **changes)
    assert shop.wait_for(payment_id, "payment-unreadable-books")["status"] == "pending"
    shop.gateway.tells(payment_id, transaction)
    wait_until(lambda: shop.stands(payment_id)["status"] == "completed")
    assert shop.kinds(payment_id) == []


def test_it_does_not_expire_by_an_answer_that_cannot_be_read(
    make_bridge: StartBridge, gateway: LyingGateway, settings: dict[str, str]
) -> None:
    bridge = make_bridge(**settings, BRIDGE_PAYMENT_EXPIRY_SECONDS="1")
    shop = Shop(bridge, gateway)
    # Told so before it can be due, however busy the machine is.
    gateway.address = "0x2222222222222222222222222222222222222222"
    both = [listed(102, gateway.address), listed(-1, gateway.address)]
    gateway.of_new = {"status": "FOOBAR", "balance_fiat": "102", "txs": both}
    broken = shop.sells()
    gateway.address, gateway.of_new = None, {}
    unpaid = shop.sells()
    # What is due a moment later and can be read has expired; this one has not.
    wait_until(lambda: shop.stands(unpaid)["status"] == "expired")
    assert shop.wait_for(broken, "payment-unreadable-books")["status"] == "pending"
    shop.client.close()


def test_an_invoice_of_another_id_is_another_payments(shop: Shop) -> None:
    payment_id = shop.sells()
    shop.gateway.tells(payment_id, listed(102, shop.address(payment_id)), external_id="somebody-elses")
    assert shop.wait_for(payment_id, "payment-foreign")["status"] == "pending"


@pytest.mark.parametrize("address", [None, ...])
def test_money_that_went_nobody_knows_where_is_not_counted(shop: Shop, address: Any) -> None:
    payment_id = shop.sells()
    transaction = listed(102, "", addr=address)
    shop.gateway.tells(payment_id, {name: value for name, value in transaction.items() if value is not ...})
    assert shop.wait_for(payment_id, "payment-foreign")["status"] == "pending"


def test_an_address_in_other_letters_is_the_same_address(shop: Shop) -> None:
    shop.gateway.address = "0x9C1bc3C3cdee47e5c7Cc6311748241eF4356feeA"
    payment_id = shop.sells()
    shop.gateway.tells(payment_id, listed(102, shop.gateway.address.lower()))
    wait_until(lambda: shop.stands(payment_id)["status"] == "completed")
    assert shop.kinds(payment_id) == []


def test_of_two_payments_at_one_address_both_reach_a_person_and_the_second_does_not_complete(shop: Shop) -> None:
    shop.gateway.address = "0x1111111111111111111111111111111111111111"
    first, second = shop.sells(), shop.sells()
    assert (shop.kinds(first), shop.kinds(second)) == (["payment-foreign"], ["payment-foreign"])
    transaction = listed(102, shop.gateway.address)
    for payment_id in (first, second):
        shop.gateway.tells(payment_id, transaction)
    wait_until(lambda: shop.stands(first)["status"] == "completed")
    wait_until(
        lambda: (
            shop.stands(second)["status"] == "confirming"
            or any("as the money of" in detail for detail in shop.details(second))
        )
    )
    # Whoever accepts the second does not have the money twice.
    assert shop.stands(second)["status"] != "completed"
    ruling = {"by": "Ada", "note": "it is theirs"}
    assert shop.client.post(f"/api/ops/payments/{second}/acceptance", json=ruling).is_success
    accepted = shop.stands(second)
    assert (accepted["status"], accepted["received"], accepted["escrow"]["held"]) == ("completed", "0", "0")
    payout = {"paymentId": second, "coin": "ETH-USDT", "amount": "50", "destination": DESTINATION}
    [asked_for] = shop.client.post("/api/payouts", json={"payouts": [payout]}).json()["payouts"]
    assert "than the 0 USD that came" in "; ".join(asked_for["approval"]["reasons"])


AFTERWARDS: dict[str, tuple[Lie, str]] = {
    "nothing there": (
        lambda gateway, one, _: gateway.tells(one, balance_fiat="0", status="UNPAID"),
        "payment-forgotten",
    ),
    "a smaller sum": (
        lambda gateway, one, at: gateway.tells(one, listed(102, at, "0xbb" + one), balance_fiat="25"),
        "payment-contradicting-books",
    ),
    "more": (
        lambda gateway, one, at: gateway.tells(
            one, listed(102, at, "0xbb" + one), listed(50, at), balance_fiat="152", status="OVERPAID"
        ),
        "payment-over",
    ),
}


@pytest.mark.parametrize(("happens", "kind"), AFTERWARDS.values(), ids=AFTERWARDS)
def test_after_completion_the_books_are_asked_again(shop: Shop, happens: Lie, kind: str) -> None:
    payment_id = shop.sells()
    address = shop.address(payment_id)
    shop.gateway.tells(payment_id, listed(102, address, "0xbb" + payment_id))
    wait_until(lambda: shop.stands(payment_id)["status"] == "completed")
    happens(shop.gateway, payment_id, address)
    assert shop.wait_for(payment_id, kind)["status"] == "completed"
    if kind != "payment-over":
        assert "has to be cleared" in shop.pays_out(payment_id)["detail"]
        accepted = {"by": "Ada", "note": "seen in an explorer"}
        answer = shop.client.post(f"/api/ops/payments/{payment_id}/acceptance", json=accepted)
        assert answer.status_code == 200, answer.text
        assert answer.json()["payment"]["status"] == "completed"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"paid": False}, "payment-foreign"),
        ({"overpaid_fiat": "100"}, "payment-foreign"),
        ({"addr": None}, "payment-foreign"),
        (
            {
                "transactions": [
                    {
                        "txid": "0x2",
                        "crypto": "ETH-USDT",
                        "amount_crypto": "0.0001",
                        "amount_fiat": "102",
                        "trigger": True,
                    }
                ]
            },
            "payment-contradicting-books",
        ),
    ],
)
def test_a_notice_that_contradicts_itself_completes_nothing(shop: Shop, changes: Document, kind: str) -> None:
    payment_id = shop.sells()
    shop.notifies(payment_id, **changes)
    assert shop.wait_for(payment_id, kind)["status"] in ("pending", "confirming", "partially_paid")


def test_the_same_decision_once_more_says_how_it_stands(shop: Shop) -> None:
    payment_id = shop.sells()
    path, by = f"/api/ops/payments/{payment_id}", {"by": "Ada", "note": "the same words"}
    for _ in range(2):
        assert shop.client.post(f"{path}/cancellation", json=by).json()["payment"]["status"] == "cancelled"
    for _ in range(2):
        assert shop.client.post(f"{path}/acceptance", json=by).json()["payment"]["status"] == "completed"
    refused = shop.client.post(f"{path}/cancellation", json=by)
    assert (refused.status_code, "is completed" in refused.json()["detail"]) == (409, True)


def test_a_gateways_word_alone_that_it_was_refunded_loses_no_payment(shop: Shop, gateway: LyingGateway) -> None:
    payment_id = shop.sells()
    gateway.tells(payment_id, listed("102", shop.address(payment_id)), status="REFUNDED")
    refunded = shop.wait_for(payment_id, "payment-called-refunded")
    assert (refunded["status"], refunded["refunded"], refunded["escrowState"]) == ("cancelled", "0", "none")
    # It is asked about again, and heals with the first answer that says otherwise.
    gateway.tells(payment_id, listed("102", shop.address(payment_id)), status="PAID")
    wait_until(lambda: shop.stands(payment_id)["status"] == "completed")
    wait_until(lambda: shop.kinds(payment_id) == [])
    # Of one that is completed nothing is paid out while its gateway says so.
    gateway.tells(payment_id, listed("102", shop.address(payment_id)), status="REFUNDED")
    shop.notifies(payment_id, status="REFUNDED", paid=False)
    held = shop.wait_for(payment_id, "payment-called-refunded")
    assert (held["status"], held["escrowState"], held["refunded"]) == ("completed", "funded", "0")
    assert "calls it refunded" in shop.pays_out(payment_id)["detail"]
    # Its books lack what the notice told of. That they say so once more is no news after the acceptance.
    shop.wait_for(payment_id, "payment-forgotten")
    accepted = shop.client.post(
        f"/api/ops/payments/{payment_id}/acceptance", json={"by": "Ada", "note": "it is there"}
    )
    assert accepted.is_success, accepted.text
    assert shop.kinds(payment_id) == []


def test_money_that_is_called_unconfirmed_after_it_counted_is_not_paid_out(shop: Shop) -> None:
    payment_id = shop.sells()
    transaction = listed(102, shop.address(payment_id))
    shop.gateway.tells(payment_id, transaction | {"status": "UNCONFIRMED"}, balance_fiat="0", status="PARTIAL")
    moved = {"crypto": "ETH-USDT", "amount_crypto": "102", "amount_fiat": "102", "trigger": True}
    shop.notifies(payment_id, transactions=[{**moved, "txid": transaction["txid"]}])
    held = shop.wait_for(payment_id, "payment-contradicting-books")
    assert (held["status"], held["received"]) == ("completed", "0")
    assert "calls unconfirmed" in shop.pays_out(payment_id)["detail"]
    shop.gateway.tells(payment_id, transaction)
    wait_until(lambda: shop.kinds(payment_id) == [])
    assert shop.stands(payment_id)["received"] == "100"


def test_another_coin_than_the_buyer_was_asked_for_completes_nothing(shop: Shop) -> None:
    payment_id = shop.sells()
    moved = {"txid": "0xf", "crypto": "BTC", "amount_crypto": "0.0000001", "amount_fiat": "102", "trigger": True}
    shop.notifies(payment_id, transactions=[moved])
    assert shop.wait_for(payment_id, "payment-foreign")["status"] == "pending"


def test_one_account_written_in_two_ways_is_one_payments(shop: Shop) -> None:
    account = "9c1bc3c3cdee47e5c7cc6311748241ef4356fe0a"
    shop.gateway.address = f"0x{account}"
    first = shop.sells()
    shop.gateway.address = f"ethereum:{account} "
    second = shop.sells()
    assert shop.address(first) == shop.address(second) == f"0x{account}"
    assert shop.wait_for(second, "payment-foreign")["status"] == "pending"
    assert "payment-foreign" in shop.kinds(first)
