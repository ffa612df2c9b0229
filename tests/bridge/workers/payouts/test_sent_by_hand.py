"""Payouts that somebody sends by hand while they wait: they are what they are, whatever holds them back, and nobody
is asked to send them any more."""

import asyncio
from decimal import Decimal

import pytest

from bridge.journal import BookFilter, Journal
from bridge.workers.chains.followers import ChainFollowers
from bridge.workers.payouts.findings import Findings
from bridge.workers.payouts.sender import PayoutSender
from coordinator.books.entries import EntryKind
from coordinator.payouts.named_transactions import TransactionTakenError
from coordinator.payouts.observations import PayoutWithheld
from coordinator.payouts.resolution import NothingToResolveError, ResolutionOutcome, UnexplainedResolutionError
from providers.shkeeper.asking.api import ShkeeperApi
from tests.bridge.workers.payouts.sending import Books, escrow, new_sender, status, wanted
from tests.resuming import resumed
from tests.scripted_gateway import Gateway, Request, says
from tests.waiting import until

SENT = "0x" + "5e" * 32


@pytest.fixture
def books(gateway: Gateway) -> Books:
    return Books(gateway)


async def said(
    journal: Journal,
    sender: PayoutSender,
    payout_id: str,
    outcome: ResolutionOutcome = "sent",
    note: str | None = "Etherscan shows it",
) -> None:
    """Ada says what became of a payout."""
    [record] = await journal.payouts.records([payout_id])
    findings = Findings(journal, sender, ChainFollowers(journal, {}, days=7))
    tx_hash = None if outcome == "not-sent" else SENT
    await findings.settle(record.payout, outcome, tx_hash, by="Ada", note=note)


@pytest.mark.parametrize("waits_for_a_second_person", [False, True])
async def test_what_was_sent_by_hand_while_it_was_held_is_never_asked_for(
    journal: Journal, api: ShkeeperApi, books: Books, waits_for_a_second_person: bool
) -> None:
    sender, payout_id = new_sender(journal, api), await wanted(journal)
    await journal.console.hold_payouts(by="Bo", note="the provider is being moved")
    if waits_for_a_second_person:
        await journal.payouts.record_observation(payout_id, "much", PayoutWithheld(reasons=("it is much",)))
        assert await status(journal, payout_id) == "awaiting_approval"
    with pytest.raises(UnexplainedResolutionError):
        await said(journal, sender, payout_id, note=None)
    with pytest.raises(NothingToResolveError, match="reject it"):
        await said(journal, sender, payout_id, "not-sent")
    await said(journal, sender, payout_id)
    assert (await status(journal, payout_id), await escrow(journal)) == ("broadcast", "releasing")
    await resumed(journal, by="Bo", note=None)
    await sender.round()
    assert (books.questions, await status(journal, payout_id)) == (0, "broadcast")
    # One transaction carries one payout, unless somebody has seen that it carries more.
    other = await wanted(journal, 2)
    with pytest.raises(TransactionTakenError, match=f"is {payout_id}'s already"):
        await said(journal, sender, other)


async def test_what_arrived_by_hand_is_in_the_books_and_its_seller_is_told(
    journal: Journal, api: ShkeeperApi, books: Books
) -> None:
    sender, payout_id = new_sender(journal, api), await wanted(journal)
    await said(journal, sender, payout_id, "arrived")
    assert (await status(journal, payout_id), await escrow(journal)) == ("completed", "released")
    await sender.round()
    assert books.questions == 0
    told = await journal.console.payment_events("pay_1")
    last = [one.event for one in told if one.event.name == "payout-updated"][-1]
    assert '"status":"completed"' in last.payload_json
    listed = await journal.books.entries(BookFilter(), None, 20)
    amounts = {one.entry.account.kind: one.entry.amount for one in listed}
    assert amounts[EntryKind.PAYOUT] == Decimal(98)
    [action] = await journal.console.actions(1)
    assert (action.action, action.by, SENT in action.outcome) == ("resolution", "Ada", True)


async def test_what_the_provider_is_asked_for_at_that_moment_is_not_taken_for_sent_by_hand(
    journal: Journal, api: ShkeeperApi, books: Books
) -> None:
    sender, payout_id = new_sender(journal, api), await wanted(journal)
    answered = asyncio.Event()

    async def slow(request: Request) -> bytes | None:
        await answered.wait()
        return says({"task_id": "t"})(request)

    books.question = slow
    async with asyncio.TaskGroup() as group:
        group.create_task(sender.round())
        await until(lambda: books.questions)
        with pytest.raises(NothingToResolveError, match="it may leave twice"):
            await said(journal, sender, payout_id)
        answered.set()
    assert (await status(journal, payout_id), books.questions) == ("created", 1)
