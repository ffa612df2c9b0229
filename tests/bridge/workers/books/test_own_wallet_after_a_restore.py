"""Payouts that the marketplace's own wallet is to send, ordered after a restore: nothing holds back what was
accepted, so none is accepted while it may have been sent already."""

from decimal import Decimal

import pytest

from bridge.journal import Journal, PayoutRefusedError
from bridge.workers.books.comparison import BooksComparison
from coordinator.payouts.comparisons import Comparison, UnknownTransfer
from coordinator.payouts.observations import PayoutKnown, PayoutObservation, PayoutSent
from coordinator.payouts.payouts import Payout
from tests.bridge.workers.books.gateway_books import Books, compared, name
from tests.bridge.workers.conftest import START, paid
from tests.resuming import resumed


async def orders_elsewhere(journal: Journal, number: int, *known: PayoutObservation) -> None:
    """Orders a payout that the marketplace's own wallet sends."""
    payout = Payout(
        payout_id=f"out_{number}",
        provider="onchain",
        payment_id=f"pay_{number}",
        seller_id="s1",
        chain="ethereum",
        sender="0xCd",
        destination="0xAb",
        coin="USDT",
        amount=Decimal(98),
        created_at=START,
    )
    await journal.payouts.register([payout], rules=None, known={payout.payout_id: [PayoutKnown(), *known]})


@pytest.mark.parametrize("is_held_by_a_person", [False, True])
async def test_what_another_wallet_is_to_send_is_refused_until_the_books_were_compared(
    journal: Journal, comparison: BooksComparison, books: Books, is_held_by_a_person: bool
) -> None:
    await paid(journal, 1)
    await paid(journal, 2)
    if is_held_by_a_person:
        await journal.console.hold_payouts(by="Ada", note=None)

    with pytest.raises(PayoutRefusedError, match="`comparedAt`"):
        await orders_elsewhere(journal, 1)
    await orders_elsewhere(journal, 2, PayoutSent(tx_hashes=("0x9",)))  # has left, whatever is found
    books.is_unclear_about = {name(1, 0)}
    assert not (await compared(comparison, journal)).is_complete
    with pytest.raises(PayoutRefusedError, match="`comparedAt`"):
        await orders_elsewhere(journal, 1)
    books.is_unclear_about = set()
    assert (await compared(comparison, journal)).is_complete
    await orders_elsewhere(journal, 1)


@pytest.mark.parametrize("is_held_by_a_person", [False, True])
async def test_nor_is_it_ordered_while_something_was_left_out_until_a_person_has_payouts_sent_again(
    journal: Journal, is_held_by_a_person: bool
) -> None:
    await paid(journal)
    if is_held_by_a_person:
        await journal.console.hold_payouts(by="Bo", note="the bank called")
    left_out = Comparison(at=START, left_out=("ethereum for transfers in its blocks 1 to 9: they are too many",))
    await journal.history.record_comparison(journal.epoch, left_out)
    with pytest.raises(PayoutRefusedError, match="blocks 1 to 9: they are too many"):
        await orders_elsewhere(journal, 1)
    await resumed(journal, by="Ada", note="the explorer shows nothing")
    await orders_elsewhere(journal, 1)


@pytest.mark.parametrize("held_before_it_was_found", [True, False])
async def test_what_a_chain_shows_to_have_left_is_refused_whoever_holds_payouts_besides(
    journal: Journal, held_before_it_was_found: bool
) -> None:
    """The stop button is about what is to leave, and not about what has left."""
    await paid(journal)
    left = UnknownTransfer(
        chain="ethereum",
        coin="USDT",
        amount=Decimal(98),
        sender="0xCd",
        destination="0xAb",
        tx_hash="0x9",
        block_number=1,
        mined_at=START,
    )
    if held_before_it_was_found:
        await journal.console.hold_payouts(by="Bo", note="the bank called")
    await journal.history.record_comparison(journal.epoch, Comparison(at=START, transfers=(left,)))
    await journal.console.hold_payouts(by="Cy", note="so did the auditor")
    with pytest.raises(PayoutRefusedError, match="0x9 on ethereum may have paid this already"):
        await orders_elsewhere(journal, 1)
    await orders_elsewhere(journal, 1, PayoutSent(tx_hashes=("0x9",)))
