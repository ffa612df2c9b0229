"""A whole machine that was taken back to a snapshot, the journal's mark with it: nothing here shows that, and no
client says so. What its SHKeeper did since is all the same not done again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import BridgeProcess
from tests.resuming import resume
from tests.system.shkeeper.conftest import Marketplace
from tests.system.shkeeper.histories import attention, do, history
from tests.system.shkeeper.test_restored_journal import Backup, backup, pay_out
from tests.waiting import wait_until

__all__ = ["backup"]


class Machine:
    """A bridge's disk as it is now, of which nobody will know that it was taken back."""

    def __init__(self, kept: Backup, bridge: BridgeProcess) -> None:
        self._kept, self._bridge = kept, bridge
        self._mark = Path(f"{bridge.database}.mark")
        self._noted = self._mark.read_bytes()

    def take_back(self) -> None:
        self._kept.put_back(self._kept.copy)
        self._mark.write_bytes(self._noted)
        self._bridge.start()


@pytest.fixture
def snapshot(backup: Callable[[], Backup], bridge: BridgeProcess) -> Callable[[], Machine]:
    return lambda: Machine(backup(), bridge)


def looked_at_by_a_person(marketplace: Marketplace) -> None:
    wait_until(lambda: attention(marketplace, "payout-forgotten"))
    [item] = attention(marketplace, "payout-forgotten")
    assert "this journal never asked for it" in item["title"]
    do(marketplace, "attention/dismissal", id=item["id"], note="looked at")


def test_an_order_that_waited_then_and_was_sent_since_is_not_sent_again(
    snapshot: Callable[[], Machine], marketplace: Marketplace
) -> None:
    payment_id = marketplace.paid()
    do(marketplace, "hold")
    [payout] = pay_out(marketplace, [payment_id], None)
    machine = snapshot()
    assert resume(marketplace.client).status_code == 200
    marketplace.settle([payout], "completed")
    machine.take_back()
    assert history(marketplace)["beginning"] == "new"  # it was not noticed
    assert resume(marketplace.client).status_code == 200
    looked_at_by_a_person(marketplace)
    marketplace.settle([payout], "completed")
    assert len(marketplace.sent(payout["payoutId"])) == 1


@pytest.mark.parametrize(("amount", "status"), [("98", "completed"), ("97", "awaiting_approval")])
def test_what_is_ordered_anew_is_looked_at_by_a_person_and_not_sent_again_and_what_differs_by_a_second_one(
    snapshot: Callable[[], Machine], marketplace: Marketplace, amount: str, status: str
) -> None:
    payment_id = marketplace.paid()
    machine = snapshot()
    [sent] = pay_out(marketplace, [payment_id], None)
    marketplace.settle([sent], "completed")
    name = marketplace.payout(sent["payoutId"])["externalId"]
    machine.take_back()
    assert marketplace.client.get(f"/api/payouts/{sent['payoutId']}").status_code == 404
    [again] = marketplace.pay_out(payment_id, amount=amount)
    # SHKeeper's books had it under the name that comes next, and nobody here has asked for that.
    looked_at_by_a_person(marketplace)
    marketplace.settle([again], status)
    assert marketplace.payout(again["payoutId"])["externalId"] == (name if status == "completed" else None)
    assert len(marketplace.shkeeper.sent(name)) == 1
