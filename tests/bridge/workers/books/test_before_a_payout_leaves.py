"""Before the first payout of a payment leaves: its provider is asked once what it has of it, which a comparison of
the books may have left out."""

from datetime import timedelta

import pytest

from bridge.journal import Journal, JournalUnavailableError
from bridge.workers.books.comparison import BooksComparison
from coordinator.payouts.approval import Approver, NothingToApproveError
from providers.errors import ProviderError
from providers.shkeeper.asking.api import ShkeeperApi
from tests.bridge.workers.books.gateway_books import (
    Books,
    compared,
    name,
    refund_name,
    registered,
    sender_of,
)
from tests.bridge.workers.conftest import paid, payment, told_paid
from tests.clock import Clock


@pytest.mark.parametrize("forgotten", [name(1, 0), name(1, 1), refund_name(1, 0)])
@pytest.mark.parametrize("later", [timedelta(minutes=1), timedelta(days=90)])
async def test_a_payment_that_was_registered_anew_is_asked_about_before_anything_of_it_leaves(
    journal: Journal,
    api: ShkeeperApi,
    comparison: BooksComparison,
    books: Books,
    clock: Clock,
    forgotten: str,
    later: timedelta,
) -> None:
    await compared(comparison, journal)  # which knows nothing of it
    books.has(forgotten, "BTC")
    clock.now += later
    again = payment(1, created_at=clock()).model_copy(update={"payment_id": "pay_anew"})
    await journal.register_payment(again)
    await told_paid(journal, 1)
    await registered(journal, payment_id="pay_anew")
    await sender_of(api, journal).round()
    assert books.ordered == 0
    [row] = await journal.history.forgotten_payouts()
    assert (row.payout.external_id, row.payout.coin, row.payout.payment_id) == (forgotten, "BTC", "pay_anew")


async def test_what_went_out_in_a_coin_that_is_not_offered_is_found_before_anything_leaves(
    journal: Journal, api: ShkeeperApi, comparison: BooksComparison, books: Books
) -> None:
    await paid(journal)
    books.has(name(1, 0), "TRX")  # switched off, or behind
    assert (await compared(comparison, journal)).agrees
    await registered(journal)
    await sender_of(api, journal).round()
    assert books.ordered == 0
    assert [one.payout.coin for one in await journal.history.forgotten_payouts()] == ["TRX"]


async def test_where_nothing_was_forgotten_a_payout_leaves(
    journal: Journal, api: ShkeeperApi, comparison: BooksComparison, books: Books
) -> None:
    await paid(journal)
    assert (await compared(comparison, journal)).agrees
    await registered(journal)
    await sender_of(api, journal).round()
    assert books.ordered == 1


async def test_a_payment_is_asked_about_once_and_a_new_one_never(
    journal: Journal, api: ShkeeperApi, comparison: BooksComparison, books: Books, clock: Clock
) -> None:
    await paid(journal, 1)
    clock.now += timedelta(days=2)
    await journal.register_payment(payment(2, created_at=clock()))  # by a name that nobody had before
    await told_paid(journal, 2)
    # By one that somebody may have had before, and its money came only now.
    elsewhere = payment(3, created_at=clock()).model_copy(update={"payment_id": "pay_elsewhere"})
    await journal.register_payment(elsewhere)
    await told_paid(journal, 3, occurred_at=clock())
    own = sender_of(api, journal).books["shkeeper"]
    for payment_id in ("pay_1", "pay_1", "pay_2", "pay_elsewhere"):
        await own.compare_before_sending(payment_id)
    assert {one for one, _ in books.asked_for} == {named(1, at) for named in (name, refund_name) for at in (0, 1)}
    assert len(books.asked_for) == len(set(books.asked_for))


async def test_what_was_found_and_could_not_be_kept_is_asked_for_again(
    journal: Journal,
    api: ShkeeperApi,
    comparison: BooksComparison,
    books: Books,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await paid(journal)
    assert (await compared(comparison, journal)).agrees
    books.has(name(1, 0), "TRX")
    await registered(journal)
    sender = sender_of(api, journal)

    async def fails(_forgotten: object) -> None:
        raise JournalUnavailableError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(journal.history, "add_forgotten", fails)
        await sender.round()
    await sender.round()
    assert books.ordered == 0
    assert [one.payout.coin for one in await journal.history.forgotten_payouts()] == ["TRX"]


async def test_what_a_restored_journal_may_have_forgotten_is_asked_for_before_a_payout_is_called_not_sent(
    journal: Journal, api: ShkeeperApi, books: Books
) -> None:
    await paid(journal)
    payout, sender = await registered(journal), sender_of(api, journal)
    books.is_down = True
    with pytest.raises(ProviderError):
        await sender.compare_before_revoking(payout)
    books.is_down = False
    books.has(name(1, 0))  # this very one
    await sender.compare_before_revoking(payout)
    with pytest.raises(NothingToApproveError, match=f"shkeeper has this payout as {name(1, 0)}"):
        await journal.approvals.reject(payout.payout_id, by=Approver("Bo"), note="no")
