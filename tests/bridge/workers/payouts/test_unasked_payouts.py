"""Payouts that a provider has by a name which the journal would give next, and has never asked for: they prove
nothing, and a person looks at them first."""

from decimal import Decimal
from pathlib import Path

import pytest

from bridge.journal import Journal
from bridge.journal.writing import histories
from bridge.workers.payouts.sender import PayoutSender
from coordinator.attention.histories import forgotten_payout
from coordinator.payouts.approval import Approver
from coordinator.payouts.comparisons import ForgottenPayout
from coordinator.payouts.payouts import Payout
from providers.shkeeper.asking.api import ShkeeperApi
from tests.bridge.workers.books.gateway_books import Books, name, registered, sender_of
from tests.bridge.workers.conftest import START, paid
from tests.clock import Clock
from tests.scripted_gateway import Gateway


@pytest.fixture
def books(gateway: Gateway) -> Books:
    return Books(gateway)


async def rounds(sender: PayoutSender, clock: Clock) -> None:
    for _ in range(2):
        await sender.round()
        clock.move(hours=1)


async def stands(journal: Journal) -> Payout:
    [record] = await journal.payouts.records(["out_1"])
    return record.payout


async def found(journal: Journal) -> ForgottenPayout:
    [row] = await journal.history.forgotten_payouts()
    return row.payout


async def test_what_is_just_like_it_is_taken_for_it_only_once_a_person_has_looked(
    journal: Journal, api: ShkeeperApi, books: Books, clock: Clock
) -> None:
    await paid(journal)
    await registered(journal)
    books.has(name(1, 0))
    sender = sender_of(api, journal)
    await rounds(sender, clock)
    assert (books.ordered, (await stands(journal)).status) == (0, "created")
    unasked = await found(journal)
    assert (unasked.external_id, unasked.is_unexplained) == (name(1, 0), True)
    item = forgotten_payout(unasked, START)
    assert "this journal never asked for it" in item.title
    await journal.console.dismiss(item.key, by="Ada")
    await rounds(sender, clock)
    assert (books.ordered, (await stands(journal)).status) == (0, "completed")


async def test_what_is_unlike_it_has_it_wait_for_a_second_person_who_has_it_sent_by_the_next_name(
    journal: Journal, api: ShkeeperApi, books: Books, clock: Clock
) -> None:
    await paid(journal)
    await registered(journal, amount=Decimal(97))
    books.has(name(1, 0))
    sender = sender_of(api, journal)
    await rounds(sender, clock)
    payout = await stands(journal)
    assert (books.ordered, payout.status) == (0, "awaiting_approval")
    assert "which this journal never asked for: this may have been paid" in payout.approval_reasons[0]
    await journal.approvals.approve("out_1", by=Approver("Bo"), note=None)
    await rounds(sender, clock)
    assert books.ordered == 0
    await journal.console.dismiss(forgotten_payout(await found(journal), START).key, by="Ada")
    await rounds(sender, clock)
    assert (books.ordered, (await stands(journal)).external_id) == (1, name(1, 1))


async def test_what_another_installation_has_sent_of_a_payment_of_the_same_name_is_not_in_the_way(
    journal: Journal,
    api: ShkeeperApi,
    books: Books,
    clock: Clock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(histories, "new_installation", lambda: "fedcba9876543210")
    other = await Journal.open(f"sqlite:///{tmp_path / 'other.db'}", clock)
    asked_by = []
    for one in (journal, other):
        await paid(one)
        await registered(one)
        await rounds(sender_of(api, one), clock)
        asked_by.append((await stands(one)).external_id)
    await other.close()
    assert (books.ordered, len(set(asked_by))) == (2, 2)
    assert await journal.history.forgotten_payouts() == []
