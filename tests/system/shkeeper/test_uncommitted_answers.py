"""What was answered with 503, since it could not be committed, is asked for once more, over REST and in the console:
nothing of it was done, and then all of it is, once."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from providers.shkeeper.simulator.faults import Call, What
from tests.made_destinations import destination
from tests.resuming import resume, seen_holds
from tests.system.shkeeper.conftest import Document, Marketplace

NOTE = "the wallet knows of none"


@contextmanager
def uncommitting(marketplace: Marketplace) -> Iterator[None]:
    """Nothing can be committed meanwhile."""
    blocker = sqlite3.connect(marketplace.bridge.database, isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        blocker.execute("ROLLBACK")
        blocker.close()


def repeated(marketplace: Marketplace, path: str, body: Any, status: int, **more: Any) -> Document:
    """Asks while nothing can be committed, and then once more."""

    def asked() -> httpx.Response:
        return marketplace.client.post(path, json=body, **more)

    with uncommitting(marketplace):
        refused = asked()
        assert refused.status_code == 503, refused.text
        assert refused.headers["Retry-After"]
    done = asked()
    assert done.status_code == status, done.text
    found: Document = done.json()
    return found


def ambiguous(marketplace: Marketplace) -> Document:
    marketplace.shkeeper.goes_wrong(Call.PAYOUT, What.RESET, times=1)
    [payout] = marketplace.pay_out(marketplace.paid())
    marketplace.settle([payout], "ambiguous")
    return payout


@pytest.mark.parametrize(
    ("place", "named"), [("/api/payouts", {"foundBy": "Ada"}), ("/api/ops/payouts", {"by": "Ada"})]
)
def test_what_became_of_a_payout_is_settled_by_the_second_request(
    marketplace: Marketplace, place: str, named: dict[str, str]
) -> None:
    payout = ambiguous(marketplace)
    path, said = f"{place}/{payout['payoutId']}/resolution", {"outcome": "not-sent", "note": NOTE, **named}
    repeated(marketplace, path, said, 200)
    found = marketplace.payout(payout["payoutId"])
    assert (found["status"], found["reasons"][0]) == ("failed", f"Ada found that it was not sent: {NOTE}")
    actions = marketplace.client.get("/api/ops/actions").json()["actions"]
    assert [
        (one["by"], one["outcome"])
        for one in actions
        if one["action"] == "resolution" and one["subject"] == payout["payoutId"]
    ] == [("Ada", f"not-sent: {NOTE}; it is failed")]
    # And a third finds that it is done.
    assert marketplace.client.post(path, json=said).status_code == 409


@pytest.mark.parametrize("key", [None, "once"])
def test_an_order_of_payouts_is_taken_by_the_second_request(marketplace: Marketplace, key: str | None) -> None:
    payment_id = marketplace.paid()
    to = destination("ETH-USDT", payment_id)
    item = {"paymentId": payment_id, "coin": "ETH-USDT", "amount": "98", "destination": to}
    headers = {} if key is None else {"Idempotency-Key": f"{key}-{payment_id}"}
    [payout] = repeated(marketplace, "/api/payouts", {"payouts": [item]}, 202, headers=headers)["payouts"]
    marketplace.settle([payout], "completed")
    assert len(marketplace.sent(payout["payoutId"])) == 1


def test_what_was_withdrawn_is_withdrawn_by_the_second_request(marketplace: Marketplace) -> None:
    payment_id = marketplace.paid()
    marketplace.client.post("/api/payouts/hold", json={}).raise_for_status()
    [payout] = marketplace.pay_out(payment_id)
    repeated(marketplace, f"/api/payouts/{payout['payoutId']}/cancellation", {"note": "not this one"}, 200)
    resume(marketplace.client).raise_for_status()
    marketplace.settle([payout], "failed")
    assert marketplace.sent(payout["payoutId"]) == []


def test_the_stop_button_stops_by_the_second_request(marketplace: Marketplace) -> None:
    repeated(marketplace, "/api/payouts/hold", {"note": "look at this"}, 200)
    held = marketplace.client.get("/api/payouts/hold").json()
    assert (held["held"], held["note"]) == (True, "look at this")
    repeated(marketplace, "/api/payouts/resumption", {"seen": seen_holds(marketplace.client)}, 200)
    assert marketplace.client.get("/api/payouts/hold").json()["held"] is False
