"""The straight line, whole: `bridge simulate` plays a payment, stock JavaScript clients hear what they should."""

import subprocess
from pathlib import Path
from typing import Any

from tests.asking import get, post
from tests.commands import run_command

KEY = "a-key-for-tests-only-0123456789"


def simulate(url: str, scenario: str, *options: str) -> subprocess.CompletedProcess[str]:
    return run_command(
        *("simulate", "shkeeper", "--url", url, "--scenario", scenario, "--pause", "0", *options),
        cwd=Path.cwd(),
        env={"PATH": "/usr/bin:/bin", "BRIDGE_SHKEEPER_API_KEYS": KEY},
    )


PARTIES = ("--request-id", "r1", "--buyer-id", "b1", "--seller-id", "s1", "--offer-id", "o1")


def test_buyer_seller_and_outsider_each_hear_exactly_what_is_specified(make_bridge: Any, listen: Any) -> None:
    bridge = make_bridge(BRIDGE_SHKEEPER_API_KEYS=KEY)
    buyer = listen(bridge.url, [["join-user-room", "b1"], ["join-buyer-room", "b1"], ["join-request-room", "r1"]])
    seller = listen(bridge.url, [["join-user-room", "s1"], ["join-seller-room", "s1"], ["join-request-room", "r1"]])
    outsider = listen(bridge.url, [["join-user-room", "x"], ["join-seller-room", "x"], ["join-request-room", "x"]])

    played = simulate(
        bridge.url, "life", *PARTIES, "--external-id", "order-1", "--payment-amount", "49.90", "--currency", "USD"
    )
    assert played.returncode == 0, played.stdout + played.stderr
    [payment] = get(f"{bridge.url}/api/payments", params={"requestId": "r1"}).json()["payments"]
    assert (payment["status"], payment["escrowState"], payment["externalId"]) == ("completed", "funded", "order-1")
    hashes = [item["txHash"] for item in payment["history"] if item["effect"] == "applied" and "txHash" in item]

    def update(status: str, tx_hash: str, escrow_state: str = "none") -> tuple[str, list[Any]]:
        payload = {
            "paymentId": payment["paymentId"],
            "status": status,
            "escrowState": escrow_state,
            "txHash": tx_hash,
        }
        return "payment-update", [payload]

    def request_update(status: str, tx_hash: str) -> tuple[str, list[Any]]:
        payload = {
            "type": f"payment-{status.replace('_', '-')}",
            "requestId": "r1",
            "status": status,
            "paymentId": payment["paymentId"],
            "txHash": tx_hash,
            "provider": "shkeeper",
        }
        return "purchase-request-update", [payload]

    def progress(status: str, tx_hash: str, received: str, missing: str) -> tuple[str, list[Any]]:
        payload = {
            "paymentId": payment["paymentId"],
            "status": status,
            "received": received,
            "missing": missing,
            "currency": "USD",
            "late": False,
            "confirmations": None,
            "requiredConfirmations": None,
            "txHash": tx_hash,
        }
        return "payment-progress", [payload]

    created = (
        "payment-created",
        [
            {
                "paymentId": payment["paymentId"],
                "provider": "shkeeper",
                "requestId": "r1",
                "buyerId": "b1",
                "sellerId": "s1",
                "amount": "49.90",
                "currency": "USD",
            }
        ],
    )
    received = (
        "payment-received",
        [{"purchaseRequestId": "r1", "amount": "49.90", "currency": "USD", "buyerId": "b1"}],
    )
    _, seen, partial, paid, tip = hashes
    offer = (
        "seller-offer-update",
        [
            {
                "sellerId": "s1",
                "requestId": "r1",
                "eventType": "payment-completed",
                "data": {
                    "offerId": "o1",
                    "isSelected": True,
                    "paymentId": payment["paymentId"],
                    "transactionHash": paid,
                },
            }
        ],
    )
    for_everyone = [
        created,
        update("confirming", seen),
        update("partially_paid", partial),
        update("completed", paid, "funded"),
        offer,
        update("completed", tip, "funded"),
    ]
    for_the_request = [
        created,
        update("confirming", seen),
        request_update("confirming", seen),
        update("partially_paid", partial),
        request_update("partially_paid", partial),
        progress("partially_paid", partial, "19.96", "29.94"),
        update("completed", paid, "funded"),
        request_update("completed", paid),
        offer,
        progress("completed", paid, "49.90", "0.00"),
        update("completed", tip, "funded"),
        progress("completed", tip, "69.86", "0.00"),
    ]
    completion = for_the_request.index(update("completed", paid, "funded")) + 1
    for_the_seller = [*for_the_request[:completion], received, *for_the_request[completion:]]

    for listener, expected in ((buyer, for_the_request), (seller, for_the_seller), (outsider, for_everyone)):
        while len(listener.events) < len(expected):
            listener.wait_for(lambda line: "event" in line)
        listener.fence()
        assert listener.events == expected


def test_a_webhook_before_its_registration_is_told_after_it(make_bridge: Any, listen: Any) -> None:
    bridge = make_bridge(BRIDGE_SHKEEPER_API_KEYS=KEY)
    seller = listen(bridge.url, [["join-user-room", "s1"]])
    played = simulate(bridge.url, "paid", "--no-register", "--external-id", "order-2", "--payment-amount", "10")
    assert played.returncode == 0, played.stdout + played.stderr
    answer = post(
        f"{bridge.url}/api/payments",
        json={
            "provider": "shkeeper",
            "externalId": "order-2",
            "requestId": "r1",
            "buyerId": "b1",
            "sellerId": "s1",
            "amount": "10",
            "currency": "USD",
        },
    )
    assert (answer.status_code, answer.json()["status"]) == (201, "completed")
    seller.wait_for(lambda line: line.get("event") == "seller-offer-update")
    assert [name for name, _ in seller.events] == [
        "payment-created",
        "payment-update",
        "payment-received",
        "seller-offer-update",
    ]
