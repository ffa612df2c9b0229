"""Comparing the books of a journal that may have forgotten something: everything is asked for that could have been
paid out, within bounds, and what cannot be asked is not taken for a no."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tenacity import wait_none

from bridge.journal import Journal, JournalUnavailableError, PayoutRefusedError
from bridge.journal.upkeep import declare_restored
from bridge.workers.books_comparison import BooksComparison
from bridge.workers.chain_followers import ChainFollowers
from bridge.workers.payouts import PayoutSender
from coordinator.comparisons import Comparison
from coordinator.ids import derived_id
from coordinator.observations import DeadlinePassed, RefundOf
from coordinator.payout_names import NAMES_BEYOND, Naming
from coordinator.payout_observations import PayoutAsked, PayoutBooked, PayoutConfirmed, PayoutNotAsked, PayoutSent
from coordinator.payouts import Payout
from coordinator.refunds import RefundOrder, RefundRefusedError
from providers.shkeeper.api import ShkeeperApi
from providers.shkeeper.invoices import ShkeeperInvoices
from providers.shkeeper.payouts import ShkeeperPayouts
from tests.bridge.workers.conftest import START, paid, payment, told_paid
from tests.clock import Clock
from tests.scripted_gateway import Gateway, Request, says
from tests.waiting import until

COINS = ["ETH-USDT", "BTC"]
FAILED = says({"status": "error", "message": "oops"}, 500)


class Books:
    """SHKeeper's: the payouts that it has, by their names and coins, and its invoices."""

    def __init__(self, gateway: Gateway) -> None:
        self.payouts: dict[tuple[str, str], dict[str, Any]] = {}
        self.invoices: list[str] = []
        self.is_down = False
        self.is_unclear_about: set[str] = set()
        """Names of which it does not say whether it knows them."""
        self.asked_for: list[tuple[str, str]] = []
        self.ordered = 0
        """How often it was asked to send money."""
        gateway.answers(self._answer)

    def has(
        self, payout_id: str, coin: str = "ETH-USDT", *, txid: str | None = "0x1", status: str = "SUCCESS"
    ) -> None:
        self.payouts[payout_id, coin] = {
            "status": status,
            "txid": txid,
            "crypto": coin,
            "amount": "98.0000000000",
            "destination": "0xAb",
        }

    def _answer(self, request: Request) -> bytes | None:
        if self.is_down:
            return FAILED(request)
        path = urlsplit(request.path)
        if path.path.endswith("/crypto"):
            return says({"status": "success", "crypto": COINS})(request)
        if path.path.endswith("/invoices"):
            return says({"status": "success", "invoices": [{"external_id": one} for one in self.invoices]})(request)
        if "/task/" in path.path:
            return says({"status": "PENDING", "result": None})(request)
        if request.method == "POST":
            self.ordered += 1
            return says({"task_id": "t1"})(request)
        found = re.search(r"/([A-Z-]+)/payout/status$", path.path)
        assert found is not None, request.path
        name, coin = parse_qs(path.query)["external_id"][0], found[1]
        if name in self.is_unclear_about:
            return says({"payout": "perhaps"})(request)
        self.asked_for.append((name, coin))
        known = self.payouts.get((name, coin))
        return says({"error": "Payout not found"}, 404)(request) if known is None else says(known)(request)


@pytest.fixture
def books(gateway: Gateway) -> Books:
    return Books(gateway)


@pytest.fixture
async def journal(tmp_path: Path, clock: Clock) -> AsyncIterator[Journal]:
    """One that was restored, so that its books are to be compared."""
    url, mark = f"sqlite:///{tmp_path / 'journal.db'}", tmp_path / "journal.mark"
    await (await Journal.open(url, clock)).close()
    declare_restored(url, mark, "so it was", clock())
    opened = await Journal.open(url, clock, mark_file=mark)
    yield opened
    await opened.close()


@pytest.fixture
async def comparison(journal: Journal, api: ShkeeperApi) -> BooksComparison:
    return comparing(journal, api)


def sender_of(api: ShkeeperApi, journal: Journal) -> PayoutSender:
    coins = ShkeeperInvoices(api).coins
    callback_url = "http://127.0.0.1:8000/"
    payouts = ShkeeperPayouts(api, user="admin", password="secret", callback_url=callback_url, coins=coins)
    return PayoutSender(journal, {"shkeeper": payouts})


def comparing(journal: Journal, api: ShkeeperApi, **settings: Any) -> BooksComparison:
    return BooksComparison(
        journal,
        sender_of(api, journal),
        {"shkeeper": ShkeeperInvoices(api)},
        ChainFollowers(journal, {}, days=7),
        per_second=100_000,
        **{"again_seconds": 0.01, **settings},
    )


async def compared(comparison: BooksComparison, journal: Journal) -> Comparison:
    return await comparison.compare((await journal.history.all())[0])


def name(number: int, ordinal: int, seller_id: str = "s1") -> str:
    return derived_id("out", "shkeeper", f"pay_{number}", seller_id, ordinal)


def refund_name(number: int, ordinal: int) -> str:
    return derived_id("out", "shkeeper", f"pay_{number}", ordinal)


async def registered(journal: Journal, number: int = 1, *, another: bool = False, **changes: Any) -> Payout:
    payout = Payout(
        payout_id=f"out_{number}",
        provider="shkeeper",
        payment_id=f"pay_{number}",
        seller_id="s1",
        destination="0xAb",
        coin="ETH-USDT",
        amount=Decimal(98),
        worth=Decimal(40),
        created_at=START,
    ).model_copy(update=changes)
    await journal.register_payouts([payout], rules=None, another=another)
    return payout


async def asked_for(journal: Journal, number: int = 1, **changes: Any) -> Payout:
    """One that was asked for by the first name of its share before the journal was restored."""
    payout = await registered(journal, number, **changes)
    await journal.record_payout_observation(payout.payout_id, "asked:1", PayoutAsked(external_id=name(number, 0)))
    return payout


async def expire(journal: Journal, number: int) -> None:
    """Its time is out."""
    deadline = payment(number).expires_at
    assert deadline is not None
    await journal.record_observation(
        provider="shkeeper",
        external_id=f"pay_{number}",
        key=f"expired-{number}",
        observation=DeadlinePassed(deadline=deadline),
    )


async def is_held(journal: Journal) -> bool:
    return await journal.console.payout_hold() is not None


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
    await journal.record_payout_observation(payout.payout_id, "sent", PayoutSent(tx_hashes=("0x9",)))
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
    await journal.record_payout_observation(payout.payout_id, "sent", PayoutSent(tx_hashes=("0x9",)))
    await journal.record_payout_observation(payout.payout_id, "there", PayoutConfirmed())
    found = await compared(comparison, journal)
    assert (found.names_asked, books.asked_for, found.agrees) == (0, [], True)


async def test_what_the_provider_says_of_a_payout_that_the_journal_has_is_written_down(
    journal: Journal, comparison: BooksComparison, books: Books
) -> None:
    await paid(journal)
    payout = await asked_for(journal)
    await journal.record_payout_observation(payout.payout_id, "sent", PayoutSent(tx_hashes=("0x1",)))
    books.has(name(1, 0))
    found = await compared(comparison, journal)
    assert found.moved == (f"{payout.payout_id} is completed, and was broadcast",)
    assert found.agrees
    [record] = await journal.payout_records([payout.payout_id])
    assert record.payout.status == "completed"


async def test_what_was_asked_for_in_vain_and_is_known_differs(
    journal: Journal, comparison: BooksComparison, books: Books
) -> None:
    await paid(journal)
    payout = await asked_for(journal)
    in_vain = PayoutNotAsked(attempt=1, reason="the wallet is away")
    await journal.record_payout_observation(payout.payout_id, "outcome:1", in_vain)
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
    named = await journal.name_payouts([other.payout_id, payout.payout_id])
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
    await journal.record_payout_observation(payout.payout_id, "booked", PayoutBooked(external_id=name(1, 0)))
    await journal.record_payout_observation(payout.payout_id, "sent", PayoutSent(tx_hashes=("0x9",)))
    await journal.record_payout_observation(payout.payout_id, "there", PayoutConfirmed())
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


# Before a payout leaves


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
        await own.look_before_sending(payment_id)
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
