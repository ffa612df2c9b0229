"""A running bridge beside the local SHKeeper, and what a marketplace's backend does with them."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.asking import client_of
from tests.conftest import BridgeProcess, StartBridge
from tests.made_destinations import destination
from tests.played_shkeeper import KEY, OPERATOR_PASSWORD, PlayedShkeeper, played_shkeeper
from tests.waiting import GIVE_UP_SECONDS, wait_until

ORDER = {
    "provider": "shkeeper",
    "coin": "ETH-USDT",
    "requestId": "r1",
    "buyerId": "b1",
    "sellerId": "s1",
    "offerId": "o1",
    "amount": "100",
    "currency": "USD",
}
REQUESTS = itertools.count(1)
# How long a service in Python waits for an answer, and for a bridge that is away.
PATIENT_SERVICE: dict[str, Any] = {"timeout_seconds": GIVE_UP_SECONDS, "give_up_after_seconds": GIVE_UP_SECONDS}
Document = dict[str, Any]


class Marketplace:
    """The backend: it creates payments and asks for payouts, and looks how they stand."""

    def __init__(self, bridge: BridgeProcess, shkeeper: PlayedShkeeper, token: str | None = None) -> None:
        self.bridge = bridge
        self.shkeeper = shkeeper
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self.client = client_of(bridge.url, headers=headers)

    def create(self, *, status: int = 201, **changes: Any) -> Document:
        return self.register(status, **changes)

    def register(self, *statuses: int, **changes: Any) -> Document:
        """Registers a payment for a purchase request of its own, whether its invoice is opened at once or later."""
        order = {**ORDER, "requestId": f"request-{next(REQUESTS)}", **changes}
        answer = self.client.post("/api/payments", json=order)
        assert answer.status_code in (statuses or (201, 202)), answer.text
        document: Document = answer.json()
        return document

    def payment(self, payment_id: str) -> Document:
        document: Document = self.client.get(f"/api/payments/{payment_id}").json()
        return document

    def address(self, payment_id: str) -> str | None:
        address: str | None = self.payment(payment_id)["invoices"][0]["address"]
        return address

    def paid(self, **changes: Any) -> str:
        """A payment that is completed, so that it can be paid out."""
        payment = self.create(**changes)
        self.shkeeper.transfer(payment["invoices"][0]["address"])
        payment_id: str = payment["paymentId"]
        self.wait_for(payment_id, "completed")
        return payment_id

    def wait_for(self, payment_id: str, status: str) -> Document:
        return wait_until(lambda: (found := self.payment(payment_id))["status"] == status and found) or {}

    def pay_out(self, *payment_ids: str, amount: str = "98", status: int = 202, **changes: Any) -> list[Document]:
        """Asks for a payout of each payment, to an address of its own."""
        payouts = [
            {
                "paymentId": payment_id,
                "coin": "ETH-USDT",
                "amount": amount,
                "destination": destination("ETH-USDT", payment_id),
            }
            for payment_id in payment_ids
        ]
        answer = self.client.post("/api/payouts", json={"payouts": payouts, **changes})
        assert answer.status_code == status, answer.text
        found: list[Document] = answer.json()["payouts"] if status == 202 else [answer.json()]
        return found

    def payout_status(self, payout: Document) -> str:
        status: str = self.payout(payout["payoutId"])["status"]
        return status

    def payout(self, payout_id: str) -> Document:
        document: Document = self.client.get(f"/api/payouts/{payout_id}").json()
        return document

    def sent(self, payout_id: str) -> list[str]:
        """The transactions that carried a payout, as SHKeeper knows it. One too many is the worst that can happen."""
        external_id = self.payout(payout_id)["externalId"]
        return [] if external_id is None else self.shkeeper.sent(external_id)

    def settle(self, payouts: list[Document], *statuses: str) -> None:
        """Waits until each payout has one of the statuses."""
        wait_until(lambda: {self.payout_status(payout) for payout in payouts} <= set(statuses))


def limits(**changes: int) -> str:
    """Limits for payments in USD, above all that tests pay out unless they say otherwise."""
    high = dict.fromkeys(("per_payout", "per_seller_and_day", "per_day", "under_way"), 1_000_000_000)
    return json.dumps({"USD": {**high, **changes}})


def settings_for(shkeeper: PlayedShkeeper) -> dict[str, str]:
    return {
        "BRIDGE_SHKEEPER_API_KEYS": KEY,
        "BRIDGE_SHKEEPER_URL": shkeeper.url,
        "BRIDGE_SHKEEPER_USER": "admin",
        "BRIDGE_SHKEEPER_PASSWORD": OPERATOR_PASSWORD,
        # Of a transfer that is booked every confirmation is there.
        "BRIDGE_SHKEEPER_CONFIRMATIONS": '{"BTC": 1, "DOGE": 1, "ETH": 1, "BNB": 1}',
        "BRIDGE_PAYOUT_LIMITS": limits(),
        # What is never in a block keeps back the others of its chain for no longer than that.
        "BRIDGE_PAYOUT_TURN_SECONDS": "3",
        "BRIDGE_RECONCILE_INTERVAL_SECONDS": "0.5",
        "BRIDGE_RECONCILE_PER_SECOND": "1000",
    }


@pytest.fixture(scope="module")
def shkeeper() -> Iterator[PlayedShkeeper]:
    with played_shkeeper() as shkeeper:
        yield shkeeper


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge, shkeeper: PlayedShkeeper) -> BridgeProcess:
    return make_bridge(**settings_for(shkeeper))


@pytest.fixture
def marketplace(bridge: BridgeProcess, shkeeper: PlayedShkeeper) -> Iterator[Marketplace]:
    """In the end SHKeeper works again, and the bridge has forgotten that it did not."""
    marketplace = Marketplace(bridge, shkeeper)
    yield marketplace
    marketplace.client.close()
    if shkeeper.gateway.faults.waiting:
        shkeeper.works_again()
        bridge.kill()
        bridge.start()
