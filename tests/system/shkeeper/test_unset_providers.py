"""A bridge whose settings of SHKeeper are gone while money waits there: it says so everywhere, and loses nothing."""

import json
import os

import pytest

from tests.asking import client_of
from tests.commands import run_command
from tests.conftest import BridgeProcess, StartBridge
from tests.made_destinations import destination
from tests.played_shkeeper import PlayedShkeeper
from tests.resuming import resume
from tests.system.shkeeper.conftest import Document, Marketplace, settings_for
from tests.waiting import wait_until

OPERATOR = ("BRIDGE_SHKEEPER_USER", "BRIDGE_SHKEEPER_PASSWORD")


@pytest.mark.parametrize("missing", [OPERATOR, ("BRIDGE_SHKEEPER_URL", *OPERATOR)], ids=["operator", "all"])
def test_what_waits_at_a_shkeeper_that_is_not_set_up_any_more_is_said_and_goes_on_once_it_is(
    make_bridge: StartBridge, shkeeper: PlayedShkeeper, missing: tuple[str, ...]
) -> None:
    whole = settings_for(shkeeper)
    bridge = make_bridge(**whole)
    before = Marketplace(bridge, shkeeper)
    assert before.client.post("/api/ops/hold", json={"by": "Ada", "note": "maintenance"}).status_code == 200
    [payout] = before.pay_out(before.paid())
    wanted = {"paymentId": before.paid(), "amount": "10", "reason": "scratched"}
    refund = before.client.post("/api/refunds", json=wanted).json()["refundId"]
    before.create()
    before.client.close()
    bridge.stop()

    lacking = {name: value for name, value in whole.items() if name not in missing}
    journal = f"sqlite:///{bridge.database}"
    unset = make_bridge(**lacking, BRIDGE_DATABASE_URL=journal)
    with client_of(unset.url) as client:
        [item] = [one for one in listed(client.get("/api/ops/attention").json()) if one["kind"] == "provider-unset"]
        assert item["severity"] == "critical"
        unsent = "1 payout and 1 refund wait to be sent, and this bridge sends nothing through shkeeper (are"
        unasked = "1 payment waits to be asked about, and this bridge asks shkeeper nothing (is shkeeper_url set?)"
        assert f"{unsent} shkeeper_url and shkeeper_user set?)" in item["detail"]
        assert (unasked in item["detail"]) == ("BRIDGE_SHKEEPER_URL" in missing)
        readiness = client.get("/health/ready").json()["checks"]["providers"]
        assert (readiness.startswith("degraded: "), unsent in readiness) == (True, True)
        assert 'bridge_attention{kind="provider-unset"} 1.0' in client.get("/metrics").text
        doctored = {"PATH": os.environ["PATH"], "BRIDGE_DATABASE_URL": journal, **lacking}
        findings = run_command("doctor", "--json", cwd=unset.database.parent, env=doctored)
        assert unsent in " ".join(one["message"] for one in json.loads(findings.stdout) if one["level"] == "warning")

        def why() -> list[str]:
            reasons: list[str] = client.get(f"/api/payouts/{payout['payoutId']}").json()["reasons"]
            return reasons

        [reason] = wait_until(why) or []
        assert reason.startswith("it is not asked for: this bridge sends no payouts through shkeeper; are shkeeper_")
        overdue = [one for one in listed(client.get("/api/ops/attention").json()) if one["kind"] == "payout-overdue"]
        assert [(one["payoutId"], reason in one["detail"]) for one in overdue] == [(payout["payoutId"], True)]

        # The buyer's address is not lost in a failure, and is taken later.
        for path in ("destination/check", "destination"):
            given = {"destination": destination("ETH-USDT", refund)}
            answer = client.post(f"/api/refunds/{refund}/{path}", json=given)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
            assert "sends no payouts through shkeeper at the moment (are shkeeper_url" in answer.json()["detail"]
        assert client.get(f"/api/refunds/{refund}").json()["status"] == "awaiting_address"
    unset.stop()

    after = Marketplace(make_bridge(**whole, BRIDGE_DATABASE_URL=journal), shkeeper)
    assert "provider-unset" not in [one["kind"] for one in listed(after.client.get("/api/ops/attention").json())]
    assert resume(after.client, by="Ada").status_code == 200
    after.settle([payout], "completed")
    given = {"destination": destination("ETH-USDT", refund)}
    assert after.client.post(f"/api/refunds/{refund}/destination", json=given).status_code == 202
    after.client.close()


def listed(attention: Document) -> list[Document]:
    items: list[Document] = attention["items"]
    return items


def test_a_bridge_that_is_told_of_payments_alone_misses_no_settings(make_bridge: StartBridge) -> None:
    """`BridgeProcess` without a SHKeeper: its payments were opened elsewhere."""
    bridge: BridgeProcess = make_bridge(BRIDGE_SHKEEPER_API_KEYS="the-key-of-the-wallet")
    order = {"provider": "shkeeper", "externalId": "order-1", "requestId": "r1", "buyerId": "b1", "sellerId": "s1"}
    with client_of(bridge.url) as client:
        registered = client.post("/api/payments", json={**order, "offerId": "o1", "amount": "10", "currency": "USD"})
        assert registered.status_code == 201, registered.text
        assert listed(client.get("/api/ops/attention").json()) == []
        assert client.get("/health/ready").json()["status"] == "ready"
