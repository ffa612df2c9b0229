"""Payable shares: each is read once, page by page, however payments move meanwhile; and what is due is read again
once something has changed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.journal import Journal
from bridge.workers.books import payable_shares as module
from bridge.workers.books.payable_shares import KnownDues, payable_shares
from tests.bridge.workers.conftest import paid, payment, told_paid
from tests.clock import Clock


@pytest.fixture
async def shop(tmp_path: Path, clock: Clock) -> AsyncIterator[Journal]:
    opened = await Journal.open(f"sqlite:///{tmp_path / 'shop.db'}", clock)
    yield opened
    await opened.close()


async def test_each_share_is_read_once_though_payments_move_meanwhile(
    shop: Journal, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 2)
    for number in range(1, 8):
        await (paid if number % 2 else open_payment)(shop, number)
    clock.move(days=1)
    read: list[str] = []
    async for share in payable_shares(shop, "shkeeper"):
        if not read:
            # One that is open is completed before those are read.
            await told_paid(shop, 2, transfer_id="0x2")
        read.append(f"{share.payment.payment_id} {share.payee_id}")
    assert sorted(set(read)) == sorted(read)
    assert {one.split()[0] for one in read} == {f"pay_{number}" for number in range(1, 8)}


async def open_payment(journal: Journal, number: int) -> str:
    await journal.register_payment(payment(number))
    return f"pay_{number}"


async def test_what_is_due_is_read_again_once_something_has_changed(shop: Journal, clock: Clock) -> None:
    known = KnownDues(shop, ("shkeeper",))
    assert await known.all() == []
    await paid(shop, 1)
    dues = await known.all()
    assert {one.payment_id for one in dues} == {"pay_1"}
    # Leases, sessions and marks are no change.
    await shop.history.prove()
    assert await known.all() is dues
    await paid(shop, 2)
    assert {one.payment_id for one in await known.all()} == {"pay_1", "pay_2"}
