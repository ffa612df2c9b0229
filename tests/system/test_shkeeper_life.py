"""A sale through SHKeeper from the invoice to the seller's wallet, on a running bridge, watched by stock clients; and
the same with the bridge killed where it hurts."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from bridge.client import BridgeClient
from tests.scripted_gateway import Request, says, scripted_gateway
from tests.system.conftest import GATEWAY_KEY, Gateway

WAIT_SECONDS = 20.0
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


class Shkeeper:
    """The gateway's side: what it was asked for, and what its books say. It runs in a thread of its own."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[Request] = []
        self.task: dict[str, Any] = {"status": "PENDING", "result": None}
        self.payout: dict[str, Any] | None = None
        self.down = False
        self.swallows_payouts = False
        """Sends the money, and never answers."""
        self._stop = threading.Event()
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(ready)))
        self._thread.start()
        ready.wait()

    async def _run(self, ready: threading.Event) -> None:
        async with scripted_gateway() as gateway:
            gateway.answers(self._answer)
            self.asked, self.url = gateway.requests, gateway.url
            ready.set()
            await asyncio.to_thread(self._stop.wait)

    def _answer(self, request: Request) -> bytes | None:
        if self.down:
            return says("<html>", 502)(request)
        path = request.path.removeprefix("/api/v1/")
        if path == "crypto":
            return says({"status": "success", "crypto": ["ETH-USDT", "BTC"]})(request)
        if path.endswith("/payment_request"):
            coin = path.partition("/")[0]
            opened = {"amount": "100", "exchange_rate": "1", "wallet": f"address-{coin}", "display_name": coin}
            return says({"status": "success", "id": 1, **opened})(request)
        if path.endswith(("/payout", "/multipayout")):
            return None if self.swallows_payouts else says({"task_id": "task-1"})(request)
        if "/task/" in path:
            return says(self.task)(request)
        if "/payout/status" in path:
            return (
                says({"error": "Payout not found"}, 404)(request)
                if self.payout is None
                else says(self.payout)(request)
            )
        return says({"status": "success", "invoices": []})(request)

    def arrives(self) -> None:
        """The payout is on the chain, and confirmed."""
        self.payout = {"id": 1, "external_id": "x", "status": "SUCCESS", "txid": "0xout"}

    def count(self, ending: str) -> int:
        return sum(request.method == "POST" and request.path.endswith(ending) for request in self.asked)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()


@pytest.fixture
def shkeeper() -> Iterator[Shkeeper]:
    gateway = Shkeeper()
    yield gateway
    gateway.close()


@pytest.fixture
def bridge(make_bridge: Any, shkeeper: Shkeeper) -> Any:
    return make_bridge(
        BRIDGE_SHKEEPER_API_KEYS=GATEWAY_KEY,
        BRIDGE_SHKEEPER_URL=shkeeper.url,
        BRIDGE_SHKEEPER_USER="admin",
        BRIDGE_SHKEEPER_PASSWORD="the-operators-password",
        BRIDGE_RECONCILE_INTERVAL_SECONDS="0.2",
        BRIDGE_RECONCILE_PER_SECOND="1000",
    )


@pytest.fixture
def client(bridge: Any) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=bridge.url, trust_env=False, timeout=20) as client:
        yield client


def wait_until(holds: Callable[[], Any]) -> Any:
    give_up = time.monotonic() + WAIT_SECONDS
    while not (found := holds()):
        assert time.monotonic() < give_up, "it did not happen in time"
        time.sleep(0.02)
    return found


def create(client: httpx.Client, *, status: int = 201, **changes: Any) -> dict[str, Any]:
    answer = client.post("/api/payments", json={**ORDER, **changes})
    assert answer.status_code == status, answer.text
    document: dict[str, Any] = answer.json()
    return document


def receive(client: httpx.Client, gateway: Gateway, payment_id: str, paid: list[tuple[str, int]]) -> None:
    body = gateway.invoice(payment_id, paid, 100)
    answer = client.post("/webhooks/shkeeper", content=body, headers=gateway.headers(body))
    assert answer.status_code == 202, answer.text


def pay_out(client: httpx.Client, payment_id: str, *, status: int = 202, **changes: Any) -> dict[str, Any]:
    payout = {"paymentId": payment_id, "coin": "ETH-USDT", "amount": "98", "destination": "0xAb"}
    answer = client.post("/api/payouts", json={"payouts": [payout], **changes})
    assert answer.status_code == status, answer.text
    document: dict[str, Any] = answer.json()
    return document["payouts"][0] if status == 202 else document


def payout_status(client: httpx.Client, payout: dict[str, Any]) -> str:
    status: str = client.get(f"/api/payouts/{payout['payoutId']}").json()["status"]
    return status


def heard(listener: Any) -> list[str]:
    """The names of the events, with the status or escrow state where they have one."""
    told = []
    for name, [payload, *_] in listener.events:
        status = payload.get("status") or payload.get("eventType") or ""
        escrow = payload.get("escrowState")
        told.append(" ".join(part for part in (name, status, escrow) if part and part != "none"))
    return told


def test_the_whole_life_of_a_sale_is_heard_by_buyer_seller_and_ops(
    bridge: Any, client: httpx.Client, shkeeper: Shkeeper, gateway: Gateway, listen: Any
) -> None:
    buyer = listen(bridge.url, [["join-user-room", "b1"], ["join-request-room", "r1"]])
    seller = listen(bridge.url, [["join-user-room", "s1"], ["join-seller-room", "s1"]])
    ops = listen(bridge.url, [["join-ops-room"]])
    payment = create(client)
    [invoice] = payment["invoices"]
    assert (invoice["address"], invoice["coinAmount"]) == ("address-ETH-USDT", "100")
    [request] = [asked for asked in shkeeper.asked if asked.path.endswith("payment_request")]
    assert request.content["callback_url"] == f"{bridge.url}/webhooks/shkeeper"
    payment_id = payment["paymentId"]
    receive(client, gateway, payment_id, [("0x1", 40)])
    receive(client, gateway, payment_id, [("0x1", 40), ("0x2", 60)])
    payout = pay_out(client, payment_id)
    wait_until(lambda: client.get(f"/api/payouts/{payout['payoutId']}").json()["taskId"] == "task-1")
    shkeeper.arrives()
    wait_until(lambda: payout_status(client, payout) == "completed")
    for listener in (buyer, seller, ops):
        listener.wait_for(
            lambda line: line.get("event") == "payment-update" and line["args"][0].get("escrowState") == "released"
        )
        listener.fence()
    to_all = [
        "payment-created",
        "payment-update partially_paid",
        "payment-update completed funded",
        "seller-offer-update payment-completed",
        "payment-update completed releasing",
        "payout-created",
        "payout-updated broadcast",
        "payout-updated completed",
        "payout-completed",
        "payment-update completed released",
    ]
    assert heard(ops) == to_all
    assert [name for name in heard(buyer) if not name.startswith("purchase-request-update")] == to_all
    assert [name for name in heard(buyer) if name.startswith("purchase-request-update")] == [
        "purchase-request-update partially_paid",
        "purchase-request-update completed",
    ]
    assert [name for name in heard(seller) if name != "payment-received"] == to_all
    assert heard(seller).count("payment-received") == 1
    assert shkeeper.count("/payout") == 1


def test_a_payment_is_created_once_however_often_it_is_asked_for(client: httpx.Client, shkeeper: Shkeeper) -> None:
    key = {"Idempotency-Key": "sale-1"}
    first = client.post("/api/payments", json=ORDER, headers=key)
    again = client.post("/api/payments", json=ORDER, headers=key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["paymentId"] == first.json()["paymentId"]
    assert shkeeper.count("/payment_request") == 1


def test_a_python_service_is_told_where_to_pay(bridge: Any, shkeeper: Shkeeper) -> None:
    with BridgeClient(bridge.url) as service:
        payment = service.register_payment(
            provider="shkeeper",
            coin="BTC",
            request_id="r1",
            buyer_id="b1",
            seller_id="s1",
            amount="100",
            currency="USD",
        )
    assert [(invoice.address, invoice.payment_uri) for invoice in payment.invoices] == [
        ("address-BTC", "bitcoin:address-BTC?amount=100")
    ]


def test_the_buyer_may_pay_with_another_coin(client: httpx.Client, shkeeper: Shkeeper, gateway: Gateway) -> None:
    payment_id = create(client)["paymentId"]
    switched = client.post(f"/api/payments/{payment_id}/invoices", json={"coin": "BTC"})
    assert switched.status_code == 200
    assert [invoice["coin"] for invoice in switched.json()["invoices"]] == ["BTC", "ETH-USDT"]
    back = client.post(f"/api/payments/{payment_id}/invoices", json={"coin": "ETH-USDT"})
    assert [invoice["coin"] for invoice in back.json()["invoices"]] == ["ETH-USDT", "BTC"]
    assert shkeeper.count("/payment_request") == 2
    unknown = client.post(f"/api/payments/{payment_id}/invoices", json={"coin": "DOGE"})
    assert unknown.status_code == 400
    receive(client, gateway, payment_id, [("0x1", 100)])
    assert client.post(f"/api/payments/{payment_id}/invoices", json={"coin": "BTC"}).status_code == 409


def test_while_shkeeper_is_down_a_payment_is_taken_and_its_invoice_follows(
    bridge: Any, client: httpx.Client, shkeeper: Shkeeper
) -> None:
    shkeeper.down = True
    payment = create(client, status=202)
    assert payment["invoices"][0]["address"] is None
    bridge.kill()
    shkeeper.down = False
    bridge.start()
    address = wait_until(lambda: client.get(f"/api/payments/{payment['paymentId']}").json()["invoices"][0]["address"])
    assert address == "address-ETH-USDT"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"coin": "DOGE"}, "coin"),
        ({"coin": None}, "coin"),
        ({"externalId": "x"}, "coin"),
        ({"coin": "no coin"}, "coin"),
    ],
)
def test_a_wrong_coin_is_named(client: httpx.Client, changes: dict[str, Any], field: str) -> None:
    document = create(client, status=400, **changes)
    assert [error["field"] for error in document["errors"]] == [field]


def test_a_payment_is_paid_out_once(client: httpx.Client, shkeeper: Shkeeper, gateway: Gateway) -> None:
    payment_id = create(client)["paymentId"]
    assert "not completed" in pay_out(client, payment_id, status=409)["detail"]
    receive(client, gateway, payment_id, [("0x1", 100)])
    pay_out(client, payment_id)
    assert "already" in pay_out(client, payment_id, status=409)["detail"]
    wait_until(lambda: shkeeper.count("/payout") == 1)
    pay_out(client, payment_id, another=True)
    wait_until(lambda: shkeeper.count("/payout") == 2)


@pytest.mark.parametrize("swallows", [False, True])
def test_several_payouts_are_one_question_and_each_is_followed(
    bridge: Any, client: httpx.Client, shkeeper: Shkeeper, gateway: Gateway, swallows: bool
) -> None:
    payment_ids = [create(client, requestId=f"r{number}")["paymentId"] for number in range(3)]
    for payment_id in payment_ids:
        receive(client, gateway, payment_id, [("0x1", 100)])
    shkeeper.swallows_payouts = swallows
    wanted = [
        {"paymentId": payment_id, "coin": "ETH-USDT", "amount": "98", "destination": f"0xA{number}"}
        for number, payment_id in enumerate(payment_ids)
    ]
    unpaid = {**wanted[0], "paymentId": create(client)["paymentId"]}
    refused = client.post("/api/payouts", json={"payouts": [*wanted, unpaid]})
    assert (refused.status_code, refused.json()["detail"][:10]) == (409, "payouts.3:")
    payouts = client.post("/api/payouts", json={"payouts": wanted}).json()["payouts"]
    if swallows:
        wait_until(lambda: {payout_status(client, payout) for payout in payouts} == {"ambiguous"})
    wait_until(lambda: shkeeper.count("/multipayout") == 1)
    shkeeper.arrives()
    wait_until(lambda: {payout_status(client, payout) for payout in payouts} == {"completed"})
    assert (shkeeper.count("/multipayout"), shkeeper.count("/payout")) == (1, 0)


def test_a_bridge_that_is_killed_while_it_asks_for_a_payout_does_not_ask_again(
    bridge: Any, client: httpx.Client, shkeeper: Shkeeper, gateway: Gateway
) -> None:
    payment_id = create(client)["paymentId"]
    receive(client, gateway, payment_id, [("0x1", 100)])
    shkeeper.swallows_payouts = True
    payout = pay_out(client, payment_id)
    wait_until(lambda: shkeeper.count("/payout") == 1)
    bridge.kill()
    shkeeper.swallows_payouts = False
    bridge.start()
    wait_until(lambda: payout_status(client, payout) == "ambiguous")
    shkeeper.arrives()
    wait_until(lambda: payout_status(client, payout) == "completed")
    assert shkeeper.count("/payout") == 1
    assert client.get(f"/api/payments/{payment_id}").json()["escrowState"] == "released"


def test_a_person_settles_what_nobody_can_tell(
    bridge: Any, client: httpx.Client, shkeeper: Shkeeper, gateway: Gateway
) -> None:
    payment_id = create(client)["paymentId"]
    receive(client, gateway, payment_id, [("0x1", 100)])
    shkeeper.swallows_payouts = True
    payout = pay_out(client, payment_id)
    url = f"/api/payouts/{payout['payoutId']}/resolution"
    wait_until(lambda: payout_status(client, payout) == "ambiguous")
    assert client.post(url, json={"outcome": "sent", "foundBy": "alice"}).status_code == 400
    settled = client.post(url, json={"outcome": "not-sent", "foundBy": "alice"})
    assert (settled.status_code, settled.json()["status"]) == (200, "failed")
    assert "alice" in settled.json()["reasons"][0]
    assert client.post(url, json={"outcome": "not-sent", "foundBy": "alice"}).status_code == 409
    shkeeper.swallows_payouts = False
    pay_out(client, payment_id)
    wait_until(lambda: shkeeper.count("/payout") == 2)
    log = bridge.log.read_text()
    assert "the-operators-password" not in log
    assert GATEWAY_KEY not in log


def test_a_payout_notice_completes_its_payout_and_one_for_a_stranger_is_kept(
    client: httpx.Client, gateway: Gateway
) -> None:
    payment_id = create(client)["paymentId"]
    receive(client, gateway, payment_id, [("0x1", 100)])
    payout = pay_out(client, payment_id)
    notice = {
        "amount": "98",
        "crypto": "ETH-USDT",
        "external_id": payout["payoutId"],
        "payout_id": 14,
        "status": "SUCCESS",
        "timestamp": "2024-11-27T13:49:22",
        "tx_hash": "0xout",
    }
    outcomes = []
    for external_id in (payout["payoutId"], payout["payoutId"], "a-stranger", None):
        body = json.dumps({**notice, "external_id": external_id}).encode()
        answer = client.post("/webhooks/shkeeper", content=body, headers=gateway.headers(body))
        outcomes.append((answer.status_code, answer.json()["outcome"]))
    assert outcomes == [(202, "applied"), (202, "unchanged"), (202, "kept"), (202, "kept")]
    assert payout_status(client, payout) == "completed"
    document = client.get("/api/payouts", params={"paymentId": payment_id}).json()["payouts"]
    assert [(one["status"], one["txHashes"]) for one in document] == [("completed", ["0xout"])]


def test_readiness_says_that_shkeeper_is_away_and_stays_ready(client: httpx.Client, shkeeper: Shkeeper) -> None:
    create(client)
    shkeeper.down = True
    degraded = wait_until(
        lambda: (answer := client.get("/health/ready").json())["checks"]["shkeeper"].startswith("degraded") and answer
    )
    assert degraded["status"] == "ready"
