"""Payments about which SHKeeper does not answer, while it answers about others: each is put off by itself, keeps back
no other, and is on the list, where it holds nothing that a webhook has proven."""

from collections.abc import Callable

import pytest

from bridge.journal import Journal
from bridge.workers.payments.deadlines import PaymentDeadlines
from bridge.workers.payments.invoices import InvoiceOpener
from bridge.workers.payments.reconciliation import UNANSWERED_LIMIT, Reconciler
from bridge.workers.payments.unopened_invoices import UnopenedInvoices
from coordinator.payments.observed.observations import InvoiceUnreadable
from coordinator.payments.payments import Payment
from coordinator.payments.problems.problems import ProblemKind, hold_on_payouts, problems_of
from providers.shkeeper.asking.api import ShkeeperApi
from providers.shkeeper.invoices.invoices import ShkeeperInvoices
from tests.bridge.workers.conftest import payment, told_paid
from tests.bridge.workers.payments.invoice_books import DOWN, OPENED, Books
from tests.clock import Clock
from tests.scripted_gateway import Request, breaks_off, hangs_up, says

BAD, GOOD = range(21, 31), range(1, 21)
"""The bad ones are the newest, half as many as the others."""
Answer = Callable[[Request], bytes | None]


@pytest.fixture
def reconciliation(journal: Journal, api: ShkeeperApi) -> Reconciler:
    gateways = {"shkeeper": ShkeeperInvoices(api, confirmations={"ETH": 1})}
    return Reconciler(journal, gateways, interval_seconds=60, per_second=1_000, days=7)


def breaks_for_bad(well: Answer, failure: Answer) -> Answer:
    def answer(request: Request) -> bytes | None:
        named = request.content["external_id"] if request.content else request.path.rpartition("/")[2]
        return failure(request) if named in {f"pay_{number}" for number in BAD} else well(request)

    return answer


async def found(journal: Journal, number: int) -> Payment:
    record = await journal.payment_record(f"pay_{number}")
    assert record is not None
    return record.payment


async def listed(journal: Journal, number: int) -> list[ProblemKind]:
    return [problem.kind for problem in problems_of(await found(journal, number))]


@pytest.mark.parametrize("failure", [DOWN, hangs_up, breaks_off, says("<html>")])
async def test_they_delay_no_other_and_are_asked_about_ever_less_often(
    journal: Journal, reconciliation: Reconciler, books: Books, clock: Clock, failure: Answer
) -> None:
    well = books.looking
    books.looking = breaks_for_bad(well, failure)
    for number in (*GOOD, *BAD):
        await journal.register_payment(payment(number), None, None)
        books.received(f"pay_{number}", "PAID", "100")
    await reconciliation.round()
    assert {(await found(journal, number)).status for number in GOOD} == {"completed"}
    assert [books.asked.count(f"GET invoices/pay_{number}") > 0 for number in BAD] == [True] * len(BAD)
    assert await listed(journal, BAD[0]) == []
    asked = len(books.asked)
    for _ in range(10):
        clock.move(minutes=1)
        await reconciliation.round()
    assert {tuple(await listed(journal, number)) for number in BAD} == {(ProblemKind.UNREADABLE_BOOKS,)}
    # After one, two, four minutes: at most three times more, and each time three tries at most and the harmless one.
    bad = [one for one in books.asked[asked:] if one.removeprefix("GET invoices/pay_") in map(str, BAD)]
    assert UNANSWERED_LIMIT - 1 <= len(bad) / len(BAD) <= 3 * 3
    books.looking = well
    clock.move(minutes=60)
    await reconciliation.round()
    assert {(await found(journal, number)).status for number in BAD} == {"completed"}
    assert {tuple(await listed(journal, number)) for number in BAD} == {()}


async def test_what_a_webhook_proves_of_one_counts_and_may_be_paid_out(
    journal: Journal, reconciliation: Reconciler, books: Books, clock: Clock
) -> None:
    books.looking = breaks_for_bad(books.looking, DOWN)
    await journal.register_payment(payment(BAD[0]), None, None)
    for _ in range(UNANSWERED_LIMIT):
        await reconciliation.round()
        clock.move(minutes=5)
    assert await listed(journal, BAD[0]) == [ProblemKind.UNREADABLE_BOOKS]
    await told_paid(journal, BAD[0])
    paid = await found(journal, BAD[0])
    assert (paid.status, paid.is_held, hold_on_payouts(paid)) == ("completed", False, None)


async def test_one_that_was_answered_unreadably_stays_held_when_it_is_not_answered_any_more(
    journal: Journal, reconciliation: Reconciler, books: Books, clock: Clock
) -> None:
    await journal.register_payment(payment(BAD[0]), None, None)
    books.looking = says({"status": "success", "invoices": [{"external_id": f"pay_{BAD[0]}"}]})
    await reconciliation.round()
    assert (await found(journal, BAD[0])).is_held
    clock.move(minutes=10)
    silence = InvoiceUnreadable(what=("too slow",), is_unanswered=True)
    await journal.record_observation(
        provider="shkeeper", external_id=f"pay_{BAD[0]}", key="silence", observation=silence
    )
    after = await found(journal, BAD[0])
    assert after.facts.unanswered is not None
    assert after.is_held
    assert [problem.kind for problem in problems_of(after)] == [ProblemKind.UNREADABLE_BOOKS]


@pytest.mark.parametrize("failure", [DOWN, hangs_up, says("<html>", 500)])
async def test_those_for_which_nothing_can_be_opened_keep_back_no_other_of_their_coin(
    journal: Journal, api: ShkeeperApi, books: Books, clock: Clock, failure: Answer
) -> None:
    gateways = {"shkeeper": ShkeeperInvoices(api)}
    opener = InvoiceOpener(journal, gateways, {"shkeeper": "http://127.0.0.1:8000/webhooks/shkeeper"})
    books.opening, books.wallet = breaks_for_bad(says(OPENED), failure), "Synced"
    for number in (*GOOD, *BAD):
        wanted = await opener.wanted(payment(number), "ETH-USDT")
        await journal.register_payment(payment(number), None, wanted)
    unopened = UnopenedInvoices(journal, gateways, opener, per_second=1_000)
    await unopened.round()
    assert len(await journal.unfinished.unopened_invoices(100)) == len(BAD)
    assert opener.retry_delays.waiting_coins(journal.steady()) == set()
    asked = len(books.asked)
    await unopened.round()
    assert len(books.asked) == asked  # each waits by itself
    books.opening = says(OPENED)
    clock.move(seconds=6)
    await unopened.round()
    assert await journal.unfinished.unopened_invoices(100) == []


async def test_one_that_is_due_keeps_back_no_other_that_is(
    journal: Journal, api: ShkeeperApi, books: Books, clock: Clock
) -> None:
    deadlines = PaymentDeadlines(journal, {"shkeeper": ShkeeperInvoices(api)}, grace_seconds=900)
    books.looking = breaks_for_bad(books.looking, DOWN)
    for number in (*GOOD, *BAD):
        await journal.register_payment(payment(number), None, None)
    clock.move(days=1, seconds=1)
    assert await deadlines.round() == len(GOOD)
    assert {(await found(journal, number)).status for number in BAD} == {"pending"}
    asked = len(books.asked)
    assert (await deadlines.round(), len(books.asked)) == (0, asked)
    for _ in range(14):
        clock.move(minutes=1)
        await deadlines.round()
    # After half a minute, one, two, four, and eight at the earliest; three tries each time.
    again = [one for one in books.asked[asked:] if one == f"GET invoices/pay_{BAD[0]}"]
    assert 3 <= len(again) <= 4 * 3
    clock.move(seconds=61)
    assert await deadlines.round() == len(BAD)
