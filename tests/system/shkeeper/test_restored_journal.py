"""Journals that are restored from a backup of before: what was paid out since is not paid out again."""

import shutil
from pathlib import Path

import pytest

from tests.conftest import BridgeProcess
from tests.made_destinations import destination
from tests.played_shkeeper import PlayedShkeeper
from tests.system.shkeeper.conftest import Document, Marketplace


class Backup:
    """The database of a bridge as it is now, without what happens after."""

    def __init__(self, bridge: BridgeProcess, folder: Path) -> None:
        self._bridge, self._copy = bridge, folder / "backup.db"
        bridge.stop()
        shutil.copy(bridge.database, self._copy)
        bridge.start()

    def restore(self) -> None:
        self._bridge.kill()
        for beside in ("-wal", "-shm"):
            Path(f"{self._bridge.database}{beside}").unlink(missing_ok=True)
        shutil.copy(self._copy, self._bridge.database)
        self._bridge.start()


def pay_out(marketplace: Marketplace, payment_ids: list[str], key: str | None) -> list[Document]:
    orders = [
        {"paymentId": one, "coin": "ETH-USDT", "amount": "98", "destination": destination("ETH-USDT", one)}
        for one in payment_ids
    ]
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = marketplace.client.post("/api/payouts", json={"payouts": orders}, headers=headers)
    assert answer.status_code == 202, answer.text
    payouts: list[Document] = answer.json()["payouts"]
    return payouts


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("keys", [("first", "first"), ("first", "another"), (None, None)])
def test_what_was_sent_since_the_backup_is_found_and_not_sent_again(
    bridge: BridgeProcess,
    shkeeper: PlayedShkeeper,
    marketplace: Marketplace,
    tmp_path: Path,
    number: int,
    keys: tuple[str | None, str | None],
) -> None:
    payment_ids = [marketplace.paid() for _ in range(number)]
    before, after = (key and f"{key}-{payment_ids[0]}" for key in keys)
    backup = Backup(bridge, tmp_path)
    payouts = pay_out(marketplace, payment_ids, before)
    marketplace.settle(payouts, "completed")
    backup.restore()
    payout_ids = [payout["payoutId"] for payout in payouts]
    found = [marketplace.client.get(f"/api/payouts/{payout_id}").status_code for payout_id in payout_ids]
    assert found == [404] * number  # the journal has forgotten them
    again = pay_out(marketplace, payment_ids, after)
    assert [payout["payoutId"] for payout in again] == payout_ids
    marketplace.settle(again, "completed")
    assert [len(shkeeper.sent(payout_id)) for payout_id in payout_ids] == [1] * number
