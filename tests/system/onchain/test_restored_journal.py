"""A journal that was restored follows its chain again from where it stood then, and payouts wait until it has caught
up, and until a person knows what left its wallets that it has forgotten."""

import os
import shutil
from pathlib import Path

import pytest

from tests.anvil import ALICE, BOB, Anvil
from tests.commands import run_command
from tests.conftest import BridgeProcess
from tests.resuming import resume
from tests.system.onchain.conftest import CONFIRMATIONS, Document, Market, address
from tests.waiting import wait_until


def compared(market: Market) -> Document:
    """How the books of the present history were found to stand."""

    def present() -> Document:
        history: Document = market.get("/api/ops/histories")["histories"][0]
        return history

    wait_until(lambda: present()["comparedAt"] is not None)
    comparison: Document = present()["comparison"]
    return comparison


def test_payouts_wait_until_the_chain_is_followed_to_its_newest_block(
    market: Market, bridge: BridgeProcess, anvil: Anvil, tmp_path: Path
) -> None:
    payment = market.create("restored")
    market.follow()
    assert bridge.stop() == 0
    env = {"PATH": os.environ["PATH"], "BRIDGE_DATABASE_URL": f"sqlite:///{bridge.database}"}
    assert run_command("journal", "restored", cwd=tmp_path, env=env).returncode == 0
    market.pay("USDT", address("restored"), 100)
    anvil.mine(30)
    head = anvil.head()
    bridge.start()

    [followed] = compared(market)["chains"]
    # Of a chain that goes on, the newest block may just have come.
    assert int(followed.rpartition(" ")[2]) >= head - 1
    [hold] = market.get("/api/payouts/hold")["holds"]
    assert (hold["comparison"], "nothing that differs" in hold["note"]) == ("over", True)
    # What came in the missing time is on the chain, and is read from there.
    market.wait_for(payment, status="completed")


@pytest.fixture(scope="module")
def backup(market: Market, bridge: BridgeProcess, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The journal of a marketplace that has paid out over the chain from ALICE's wallet, and owes more sellers."""
    for name in ("paid-before", "forgotten", "owed"):
        payment = market.create(name)
        market.pay("usdt", address(name), 100)
        market.mine()
        market.settle(payment)
    before = market.pay_out(payment_of(market, "paid-before"), sender=ALICE)
    market.pay("usdt", address("seller paid-before"), 90)
    market.mine(CONFIRMATIONS)
    market.wait_for(before, status="completed")
    assert bridge.stop() == 0
    copy = tmp_path_factory.mktemp("backup") / "backup.db"
    shutil.copy(bridge.database, copy)
    bridge.start()
    market.follow()
    return copy


def payment_of(market: Market, name: str) -> Document:
    [found] = [one for one in market.get(f"/api/payments?requestId={name}")["payments"] if one["requestId"] == name]
    payment: Document = found
    return payment


def restore(bridge: BridgeProcess, copy: Path, folder: Path) -> None:
    """Puts a backup back, as `bridge journal restored` has it."""
    assert bridge.stop() == 0
    for beside in ("-wal", "-shm"):
        Path(f"{bridge.database}{beside}").unlink(missing_ok=True)
    shutil.copy(copy, bridge.database)
    env = {"PATH": os.environ["PATH"], "BRIDGE_DATABASE_URL": f"sqlite:///{bridge.database}"}
    assert run_command("journal", "restored", cwd=folder, env=env).returncode == 0
    bridge.start()


def test_nothing_of_what_the_journal_knows_is_shown(
    market: Market, bridge: BridgeProcess, anvil: Anvil, backup: Path, tmp_path: Path
) -> None:
    anvil.mine(CONFIRMATIONS)
    restore(bridge, backup, tmp_path)
    found = compared(market)
    assert found["transfers"] == []
    assert any("was searched from block" in one for one in found["chains"])
    [hold] = market.get("/api/payouts/hold")["holds"]
    assert (hold["comparison"], "nothing that differs" in hold["note"]) == ("over", True)


def test_what_left_a_wallet_since_the_backup_is_shown_and_payouts_wait_for_a_person(
    market: Market, bridge: BridgeProcess, anvil: Anvil, backup: Path, tmp_path: Path
) -> None:
    """A payout of a transaction that was named, some of the chain's own coin, what went to another wallet, and what
    came to a seller from there."""
    sent = market.pay("usdt", address("seller forgotten"), 90)
    market.mine(CONFIRMATIONS)
    forgotten = market.pay_out(payment_of(market, "forgotten"), txHash=sent)
    market.wait_for(forgotten, status="completed")
    own_coin = anvil.send(address("somebody"), 10**18)
    moved = market.pay("usdt", BOB, 15)
    anvil.mine()
    elsewhere = market.pay("usdt", address("seller paid-before"), 8, sender=BOB)
    market.pay("usdt", address("owed"), 1)  # to where a payment is paid: it is no payout
    market.mine(CONFIRMATIONS)
    restore(bridge, backup, tmp_path)
    found = compared(market)
    amounts = {one["txHash"]: one["amount"] for one in found["transfers"]}
    assert amounts == {sent: "90", own_coin: "1", moved: "15", elsewhere: "8"}
    fits = {one["txHash"]: " ".join(one["fits"]) for one in found["transfers"]}
    assert f"seller-forgotten is owed of {payment_of(market, 'forgotten')['paymentId']}" in fits[sent]
    assert f"seller-paid-before is owed of {payment_of(market, 'paid-before')['paymentId']}" in fits[elsewhere]
    assert fits[own_coin] == fits[moved] == ""
    [item] = [one for one in market.get("/api/ops/attention")["items"] if one["kind"] == "journal-rewound"]
    assert all(one in item["detail"] for one in amounts)
    assert market.get("/api/payouts/hold")["held"] is True
    # Nobody sends it again before a person has seen that: what left is registered by its transaction.
    refused = market.pay_out(payment_of(market, "forgotten"), 409, sender=ALICE)
    assert sent in refused["detail"]
    again = market.pay_out(payment_of(market, "forgotten"), txHash=sent)
    assert again["payoutId"] == forgotten["payoutId"]
    market.wait_for(again, status="completed")
    assert market.get("/api/payouts/hold")["held"] is True
    assert resume(market.client, note="all is known").status_code == 200
    market.wait_for(market.pay_out(payment_of(market, "owed"), sender=ALICE), status="created")
