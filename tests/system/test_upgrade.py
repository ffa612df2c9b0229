"""A journal of every earlier version is opened by today's: what that version itself said over REST is found again.

`journals/` has each as SQL, with the answers of the bridge that wrote it: sales through a local SHKeeper, one of them
paid in part, a payout, a refund, events. Its deadlines are a hundred years away."""

import json
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from coordinator.currencies import MINOR_UNITS
from coordinator.money import rounded
from tests.asking import get
from tests.commands import run_command
from tests.conftest import StartBridge

JOURNALS = Path(__file__).parent / "journals"
VERSIONS = sorted(path.stem for path in JOURNALS.glob("*.sql"))
AGES = "36500"
SUMS = ("amount", "received", "missing", "excess", "refunded")
PARTS = ("held", "released", "refunded", "fee", "excess", "overdrawn")


def laid_down(version: str, folder: Path) -> Path:
    path = folder / "bridge.db"
    connection = sqlite3.connect(path)
    connection.executescript((JOURNALS / f"{version}.sql").read_text(encoding="utf-8"))
    connection.close()
    return path


def as_they_stand(answers: dict[str, Any], path: str) -> Any:
    """Of an answer what no version may change, whatever it adds."""
    answer = answers[path]
    if "payments" in answer:
        return [of_payment(payment) for payment in answer["payments"]]
    if "payouts" in answer:
        return [of_payout(payout) for payout in answer["payouts"]]
    if "refunds" in answer:
        return [of_refund(refund) for refund in answer["refunds"]]
    return [(event["event"], event["data"], event["happenedAt"]) for event in answer["events"]]


def of_payment(payment: dict[str, Any]) -> Any:
    names = ("paymentId", "externalId", "requestId", "buyerId", "sellerId", "currency", "status", "escrowState")
    # 0.1.0 told of a fee to the last digit. Since then that is in `escrow` alone, where nothing of it may be lost.
    fee = rounded(Decimal(payment["fee"]), MINOR_UNITS[payment["currency"]])
    return (
        *(payment[name] for name in (*names, "createdAt", "updatedAt", "expiresAt")),
        *(Decimal(payment[name]) for name in SUMS),
        fee,
        *(Decimal(payment["escrow"][name]) for name in PARTS),
        [(paid["txHash"], Decimal(paid["value"]), paid["confirmed"]) for paid in payment["transfers"]],
        [(invoice["coin"], invoice["address"]) for invoice in payment["invoices"]],
    )


def of_payout(payout: dict[str, Any]) -> Any:
    names = ("payoutId", "paymentId", "sellerId", "coin", "amount", "destination", "status", "txHashes")
    return tuple(payout[name] for name in names)


def of_refund(refund: dict[str, Any]) -> Any:
    return tuple(refund[name] for name in ("refundId", "paymentId", "sellerId", "amount", "reason", "status"))


@pytest.mark.parametrize("version", VERSIONS)
def test_all_that_a_journal_of_an_earlier_version_had_is_found_again(
    version: str, make_bridge: StartBridge, tmp_path: Path
) -> None:
    journal = f"sqlite:///{laid_down(version, tmp_path)}"
    variables = {"BRIDGE_DATABASE_URL": journal, "BRIDGE_RETENTION_DAYS": AGES}
    environment = {"PATH": "/usr/bin:/bin", **variables}
    # In the order that is advised: a backup, a look ahead, the start.
    backed_up = run_command("backup", str(tmp_path / "before-upgrade.db"), cwd=tmp_path, env=environment)
    assert backed_up.returncode == 0, backed_up
    checked = run_command("migrate", "--check", cwd=tmp_path, env=environment)
    assert checked.returncode == 0, checked
    bridge = make_bridge(**variables)
    then = json.loads((JOURNALS / f"{version}.json").read_text(encoding="utf-8"))
    now = {path: get(bridge.url + path).raise_for_status().json() for path in then}
    assert len(then) > 4
    for path in then:
        found, was = as_they_stand(now, path), as_they_stand(then, path)
        assert was, path
        assert found[: len(was)] == was, path
        assert "events" in then[path] or len(found) == len(was), path
    # It is a copy: whoever wrote on in the original meanwhile may know more.
    present, earlier = get(f"{bridge.url}/api/ops/histories").json()["histories"]
    assert present["beginning"] == "copied"
    assert all(event["offset"].startswith(earlier["epoch"]) for event in then["/api/events?all=true"]["events"])
