"""Comparing the books of a journal that may have forgotten something: everything is asked for that could have been
paid out, within bounds, and what cannot be asked is not taken for a no."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest
from tenacity import wait_none

from bridge.journal import Journal, PayoutRefusedError
from bridge.workers.books.chain_search import ChainSearch
from bridge.workers.books.comparison import BooksComparison
from bridge.workers.chains.chain_status import ChainReport, ChainStatus, chain_status
from bridge.workers.chains.followers import ChainFollowers
from bridge.workers.payouts.sender import PayoutSender
from bridge.workers.wallets.comparing import WalletComparisons
from bridge.workers.wallets.settings import WalletSettings
from coordinator.books.days import zone_named
from coordinator.payments.agreed.invoices import Invoice, InvoiceOpened, InvoiceWanted
from coordinator.payments.observed.observations import RefundOf
from coordinator.payouts.observations import (
    PayoutBooked,
    PayoutConfirmed,
    PayoutNotAsked,
    PayoutObservation,
    PayoutSent,
)
from coordinator.payouts.provider_names import NAMES_BEYOND, Naming
from coordinator.refunds.refunds import RefundOrder, RefundRefusedError
from providers.onchain.chains import Chain, Token
from providers.shkeeper.asking.api import ShkeeperApi
from tests.bridge.workers.books.gateway_books import (
    COINS,
    Books,
    asked_for,
    compared,
    comparing,
    expire,
    is_held,
    name,
    refund_name,
    registered,
)
from tests.bridge.workers.conftest import START, paid, payment
from tests.clock import Clock
from tests.scripted_gateway import Gateway, Request
from tests.waiting import until


async def test_every_name_in_every_coin_is_asked_for_that_a_forgotten_payout_would_have(
    journal: Journal, comparison: BooksComparison, books: Books
) -> None:
    await paid(journal, 1)
    await journal.register_payment(payment(2))  # which may have been completed meanwhile
    found = await compared(comparison, journal)
    names = {
        named(number, ordinal)
        for named in (name, refund_name)
        for number in (1, 2)
        for ordinal in range(NAMES_BEYOND)
    }
    assert set(books.asked_for) == {(one, coin) for one in names for coin in COINS}
    assert len(books.asked_for) == len(set(books.asked_for))
    assert (found.names_asked, found.agrees, found.open_payments) == (8, True, 1)
    assert not await is_held(journal)
    assert await journal.history.to_compare() is None


async def test_a_start_without_the_settings_of_a_provider_is_not_a_comparison(
    journal: Journal, comparison: BooksComparison, books: Books
) -> None:
    await paid(journal)
    books.has(name(1, 0), "BTC")
    wallets = WalletComparisons(
        journal, {}, ChainFollowers(journal, {}, days=7), WalletSettings().rules(zone_named("UTC"), {})
    )
    sender, chains = PayoutSender(journal, {}, rules=None), ChainFollowers(journal, {}, days=7)
    search = ChainSearch(journal, chains, {})
    without = BooksComparison(journal, sender, {}, chains, search, wallets.examine, per_second=100_000)
    found = await compared(without, journal)
    assert (found.not_asked, await is_held(journal)) == (("shkeeper, which is not set up",), True)
    assert await journal.history.to_compare() is not None
    assert [one.external_id for one in (await compared(comparison, journal)).forgotten] == [name(1, 0)]


@pytest.mark.parametrize("ordinals", [(0,), (1,), (0, 1), (0, 2), (1, 2, 3)])
async def test_what_was_forgotten_is_found_wherever_it_stands(
    journal: Journal, comparison: BooksComparison, books: Books, ordinals: tuple[int, ...]
) -> None:
    await paid(journal)
    for ordinal in ordinals:
        books.has(name(1, ordinal), "BTC")
    found = await compared(comparison, journal)
    assert [(one.external_id, one.coin) for one in found.forgotten] == [(name(1, one), "BTC") for one in ordinals]
    assert found.forgotten[0].amount == Decimal(98)
    assert (found.agrees, await is_held(journal)) == (False, True)
    assert [one.payout for one in await journal.history.forgotten_payouts()] == list(found.forgotten)
    # It was compared to the end: what is left is a person's.
    assert await journal.history.to_compare() is None


async def test_payments_that_move_meanwhile_are_asked_about_once_and_none_is_left_out(
    journal: Journal, comparison: BooksComparison, books: Books, gateway: Gateway
) -> None:
    for number in (1, 2):
        await journal.register_payment(payment(number))
    await expire(journal, 2)
    await paid(journal, 3)
    books.has(name(1, 0))
    books.has(name(2, 0))
    answer = gateway.script[0]

    async def answer_once_it_moved(request: Request) -> bytes | None:
        if name(1, 0) in request.path and (name(1, 0), "BTC") not in books.asked_for:
            await paid(journal, 1)  # which was open, and is found among those that are completed again
        if name(3, 0) in request.path:
            await paid(journal, 2)  # which had expired, and is not found among those any more
        said = answer(request)
        assert isinstance(said, bytes)
        return said

    gateway.answers(answer_once_it_moved)
    found = await compared(comparison, journal)
    assert sorted(one.payment_id for one in found.forgotten) == ["pay_1", "pay_2"]
    assert len(books.asked_for) == len(set(books.asked_for))


async def test_names_go_on_behind_the_payouts_that_the_journal_has(
    journal: Journal, comparison: BooksComparison, books: Books
) -> None:
    await paid(journal)
    payout = await asked_for(journal)
    books.has(name(1, 0), txid=None, status="IN_PROGRESS")
    books.has(name(1, 1))
    await journal.payouts.record_observation(payout.payout_id, "sent", PayoutSent(tx_hashes=("0x9",)))
    found = await compared(comparison, journal)
    assert [one.external_id for one in found.forgotten] == [name(1, 1)]
    assert found.payouts_asked == 1


async def test_a_refund_that_was_forgotten_is_found(
    journal: Journal, comparison: BooksComparison, books: Books
) -> None:
    await paid(journal)
    books.has(refund_name(1, 0))
    [forgotten] = (await compared(comparison, journal)).forgotten
    assert (forgotten.external_id, forgotten.payee_id) == (refund_name(1, 0), "b1")
    with pytest.raises(RefundRefusedError, match="may have been paid out or refunded already"):
        await journal.refunds.open(
            "pay_1", RefundOrder(RefundOf.GOODS, "s1", Decimal(10), "ETH-USDT", "it broke", by="Ada")
        )
    with pytest.raises(PayoutRefusedError, match="may have been paid out or refunded already"):
        await registered(journal)


async def test_a_payment_of_which_nothing_is_left_is_not_asked_for(
    journal: Journal, comparison: BooksComparison, books: Books
) -> None:
    await paid(journal)
    payout = await registered(journal, worth=Decimal(100))
    await journal.payouts.record_observation(payout.payout_id, "sent", PayoutSent(tx_hashes=("0x9",)))
    await journal.payouts.record_observation(payout.payout_id, "there", PayoutConfirmed())
    found = await compared(comparison, journal)
    assert (found.names_asked, books.asked_for, found.agrees) == (0, [], True)


async def test_what_the_provider_says_of_a_payout_that_the_journal_has_is_written_down(
    journal: Journal, comparison: BooksComparison, books: Books
) -> None:
    await paid(journal)
    payout = await asked_for(journal)
    await journal.payouts.record_observation(payout.payout_id, "sent", PayoutSent(tx_hashes=("0x1",)))
    books.has(name(1, 0))
    found = await compared(comparison, journal)
    assert found.moved == (f"{payout.payout_id} is completed, and was broadcast",)
    assert found.agrees
    [record] = await journal.payouts.records([payout.payout_id])
    assert record.payout.status == "completed"


async def test_what_was_asked_for_in_vain_and_is_known_differs(
    journal: Journal, comparison: BooksComparison, books: Books
) -> None:
    await paid(journal)
    payout = await asked_for(journal)
    in_vain = PayoutNotAsked(attempt=1, reason="the wallet is away")
    await journal.payouts.record_observation(payout.payout_id, "outcome:1", in_vain)
    books.has(name(1, 0))
    found = await compared(comparison, journal)
    assert ([name(1, 0) in one for one in found.differing], found.forgotten) == ([True], ())
    assert await is_held(journal)


async def test_what_was_sent_for_an_order_that_the_journal_still_waits_with_is_forgotten_and_taken_over_by_it(
    journal: Journal, comparison: BooksComparison, books: Books
) -> None:
    await paid(journal)
    other = await registered(journal, payout_id="out_0", destination="0xCd")
    payout = await registered(journal, another=True)
    books.has(name(1, 0))
    [forgotten] = (await compared(comparison, journal)).forgotten
    assert forgotten.external_id == name(1, 0)
    named = await journal.payouts.name([other.payout_id, payout.payout_id])
    # Until a person has looked at it nothing else leaves.
    assert named == {payout.payout_id: Naming(name(1, 0), takes_over=True)}


async def test_a_provider_that_does_not_answer_is_asked_again_and_nothing_is_sent_before(
    journal: Journal, comparison: BooksComparison, books: Books
) -> None:
    await paid(journal)
    await asked_for(journal)
    books.is_down = True
    found = await compared(comparison, journal)
    assert len(found.not_asked) == 2
    assert (found.is_complete, await is_held(journal)) == (False, True)


async def test_it_goes_on_until_all_was_asked(journal: Journal, gateway: Gateway, books: Books) -> None:
    await paid(journal)
    books.has(name(1, 0))
    books.is_down = True
    hours = count(step=3_600)  # the circuit lets a question through again each time
    api = ShkeeperApi(url=gateway.url, api_keys=["k"], pauses=wait_none(), clock=lambda: float(next(hours)))
    running = asyncio.create_task(comparing(journal, api).run())
    try:
        await until(lambda: gateway.requests)
        books.is_down = False
        await running
    finally:
        running.cancel()
        await api.aclose()
    assert [one.payout.external_id for one in await journal.history.forgotten_payouts()] == [name(1, 0)]


async def test_no_more_is_asked_than_is_bearable_and_what_is_left_over_is_a_persons(
    journal: Journal, api: ShkeeperApi, books: Books
) -> None:
    for number in range(1, 6):
        await paid(journal, number)
    found = await compared(comparing(journal, api, questions_limit=8), journal)
    assert len(books.asked_for) == 8
    assert (found.is_complete, found.agrees, len(found.left_out)) == (True, False, 1)
    assert await is_held(journal)


@pytest.mark.parametrize(("worth", "is_asked_about"), [(95, False), (94, True), (30, True)])
async def test_what_little_is_left_of_a_payment_that_was_paid_out_long_ago_is_left_alone(
    journal: Journal,
    comparison: BooksComparison,
    books: Books,
    clock: Clock,
    worth: int,
    is_asked_about: bool,
) -> None:
    await paid(journal)
    payout = await registered(journal, worth=Decimal(worth))
    await journal.payouts.record_observation(payout.payout_id, "booked", PayoutBooked(external_id=name(1, 0)))
    await journal.payouts.record_observation(payout.payout_id, "sent", PayoutSent(tx_hashes=("0x9",)))
    await journal.payouts.record_observation(payout.payout_id, "there", PayoutConfirmed())
    clock.now += timedelta(days=31)
    books.has(name(1, 1))
    found = await compared(comparison, journal)
    assert [one.external_id for one in found.forgotten] == ([name(1, 1)] if is_asked_about else [])
    assert bool(found.names_asked) is is_asked_about


async def test_invoices_of_which_the_journal_knows_nothing_are_named(
    journal: Journal, comparison: BooksComparison, books: Books
) -> None:
    await journal.register_payment(payment(1))
    books.invoices = ["pay_1", "pay_9", "order-7"]
    found = await compared(comparison, journal)
    assert found.unknown_invoices == ("order-7", "pay_9")
    assert found.agrees  # it moves no money


async def test_a_journal_that_is_new_asks_nobody(
    tmp_path: Path, clock: Clock, api: ShkeeperApi, books: Books
) -> None:
    journal = await Journal.open(f"sqlite:///{tmp_path / 'new.db'}", clock)
    try:
        await comparing(journal, api).run()
    finally:
        await journal.close()
    assert books.asked_for == []


async def test_what_was_found_by_a_comparison_that_was_not_whole_is_found_by_the_next_one_too(
    journal: Journal, comparison: BooksComparison, books: Books
) -> None:
    await paid(journal, 1)
    await paid(journal, 2)
    books.has(name(2, 0))
    books.is_unclear_about = {name(1, 0)}
    first = await compared(comparison, journal)
    assert ([one.external_id for one in first.forgotten], first.is_complete) == ([name(2, 0)], False)
    books.is_unclear_about = set()
    again = await compared(comparison, journal)
    assert ([one.external_id for one in again.forgotten], again.is_complete) == ([name(2, 0)], True)
    assert await is_held(journal)


@pytest.mark.parametrize("lost", ["nothing", "payouts", "invoices"])
async def test_books_that_have_lost_what_they_had_prove_nothing_and_a_person_decides(
    journal: Journal, comparison: BooksComparison, books: Books, lost: str
) -> None:
    agreed = {"provider": "shkeeper", "external_id": "pay_1", "amount": Decimal(100), "currency": "USD"}
    wanted = InvoiceWanted.model_validate({**agreed, "coin": "ETH-USDT", "callback_url": "http://127.0.0.1/"})
    await paid(journal)
    await journal.unfinished.want_invoice("pay_1", wanted)
    opened = InvoiceOpened(address="0xab", coin_amount=Decimal(100))
    await journal.unfinished.record_invoice(Invoice(payment_id="pay_1", wanted=wanted, wanted_at=START), opened)
    payout = await asked_for(journal)
    told: list[PayoutObservation] = [
        PayoutBooked(external_id=name(1, 0)),
        PayoutSent(tx_hashes=("0x1",)),
        PayoutConfirmed(),
    ]
    await journal.payouts.record_observations(payout.payout_id, [(one.kind, one) for one in told])
    books.has(name(1, 0))
    books.invoices = ["pay_1"]
    if lost == "payouts":
        books.payouts.clear()
    elif lost == "invoices":
        books.invoices.clear()
    found = await compared(comparison, journal)
    assert (found.is_complete, found.agrees, await is_held(journal)) == (True, lost == "nothing", lost != "nothing")
    assert lost == "nothing" or "these have forgotten something too" in found.differing[0]


@pytest.mark.usefixtures("books")
async def test_a_chain_that_is_not_followed_to_its_newest_block_is_named_with_the_one_that_it_was_followed_to(
    journal: Journal, comparison: BooksComparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = Token(symbol="M", decimals=18)
    words = {
        "new": ChainReport(),
        "slow": ChainReport(head=70, followed=64, blocks_behind=6),
        "sunk": ChainReport(head=70, followed=250),
    }

    async def statuses(_chains: ChainFollowers) -> list[ChainStatus]:
        chains = [Chain(name=one, chain_id=1, confirmations=3, block_seconds=1, tokens=(token,)) for one in words]
        return [
            chain_status(chain, words[chain.name], START, lease=None, is_shared=False, unfollowed=None)
            for chain in chains
        ]

    monkeypatch.setattr("bridge.workers.books.comparison.CHAIN_PATIENCE_SECONDS", 0)
    monkeypatch.setattr(ChainFollowers, "statuses", statuses)
    found = await compared(comparison, journal)
    assert found.chains == ("slow was followed to block 64", "sunk was followed to block 250")
    assert [line.partition(":")[0] for line in found.not_asked] == [f"the chain {one}" for one in words]
