"""Deadlines: applied once the provider was asked whether the money came after all, and not for lack of an answer."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from tenacity import wait_none

from bridge.journal import DEADLINES, Journal
from bridge.journal.wakeups import DUE_SOON
from bridge.workers.payments.deadlines import (
    APPLIED_TOGETHER,
    COMMITS_UNDER_WAY,
    INTERVAL_SECONDS,
    POLL_SECONDS,
    PaymentDeadlines,
)
from bridge.workers.payments.reconciliation import Reconciler
from coordinator.payments.agreed.agreements import Terms
from coordinator.payments.agreed.invoices import InvoiceWanted
from coordinator.payments.payments import Payment
from coordinator.payments.problems.problems import ProblemKind, problems_of
from providers.shkeeper.asking.api import ShkeeperApi
from providers.shkeeper.invoices.invoices import ShkeeperInvoices
from tests.bridge.workers.conftest import START, payment, told_paid
from tests.bridge.workers.payments.invoice_books import DOWN, Books
from tests.clock import Clock
from tests.scripted_gateway import Gateway, says
from tests.waiting import GIVE_UP_SECONDS

GRACE_SECONDS = 900
UNPAID = {
    "external_id": "pay_1",
    "fiat": "USD",
    "amount_fiat": "100",
    "balance_fiat": "0",
    "status": "UNPAID",
    "txs": [],
}


def waiting(number: int = 1) -> Payment:
    return payment(number).model_copy(update={"terms": Terms(unconfirmed_grace_seconds=3_600)})


@pytest.fixture
async def deadlines(journal: Journal, gateway: Gateway, clock: Clock) -> AsyncIterator[PaymentDeadlines]:
    # Whose circuit goes by the same clock.
    api = ShkeeperApi(
        url=gateway.url,
        api_keys=["k"],
        timeout_seconds=GIVE_UP_SECONDS,
        pauses=wait_none(),
        clock=lambda: clock.now.timestamp(),
    )
    yield PaymentDeadlines(journal, {"shkeeper": ShkeeperInvoices(api)}, grace_seconds=GRACE_SECONDS)
    await api.aclose()


async def stands(journal: Journal, number: int = 1) -> Payment:
    record = await journal.payment_record(f"pay_{number}")
    assert record is not None
    return record.payment


async def told_of(journal: Journal) -> list[str]:
    events = await journal.room_events(["user-b1"], everyone=True, hidden=(), after=0, limit=100)
    return [event.event.payload.get("status", "") for event in events.events]


async def test_who_has_paid_in_time_never_hears_that_it_expired(
    journal: Journal, deadlines: PaymentDeadlines, books: Books, clock: Clock
) -> None:
    await journal.register_payment(waiting())
    books.received("pay_1", "PAID", "100")
    clock.move(days=1, seconds=1)
    assert await deadlines.round() == 1
    assert (await stands(journal)).status == "confirming"
    clock.move(minutes=30)
    assert await deadlines.round() == 0  # what was seen in time is given an hour
    clock.move(minutes=31)
    assert await deadlines.round() == 1  # and then asked about once more
    assert (await stands(journal)).status == "completed"
    assert "expired" not in await told_of(journal)


async def test_who_has_not_paid_expires_as_soon_as_the_provider_has_said_so(
    journal: Journal, deadlines: PaymentDeadlines, books: Books, clock: Clock
) -> None:
    await journal.register_payment(waiting())
    assert (await deadlines.round(), books.asked) == (0, [])
    clock.move(days=1, seconds=1)
    assert await deadlines.round() == 1
    assert (await stands(journal)).status == "expired"
    assert books.asked == ["GET invoices/pay_1"]
    assert await deadlines.round() == 0


async def test_money_that_was_not_listed_past_its_deadline_is_in_doubt_by_a_date_before_it(
    journal: Journal, deadlines: PaymentDeadlines, books: Books, clock: Clock
) -> None:
    books.invoices["pay_1"] = UNPAID
    await journal.register_payment(waiting())
    clock.move(days=1, seconds=1)
    assert await deadlines.round() == 1
    clock.move(minutes=4)
    await told_paid(journal, transfer_id="0x1", occurred_at=clock() - timedelta(minutes=5))
    late = await stands(journal)
    assert (late.status, late.late, [problem.kind for problem in problems_of(late)]) == (
        "completed",
        True,
        [ProblemKind.LATENESS_DOUBTED],
    )


async def test_a_provider_that_cannot_be_asked_is_waited_for_but_not_for_ever(
    journal: Journal, deadlines: PaymentDeadlines, books: Books, clock: Clock
) -> None:
    await journal.register_payment(waiting(1))
    await journal.register_payment(waiting(2))
    looking, books.looking = books.looking, DOWN
    clock.move(days=1, seconds=1)
    assert await deadlines.round() == 0
    assert {(await stands(journal, number)).status for number in (1, 2)} == {"pending"}
    clock.move(seconds=GRACE_SECONDS - 120)
    assert await deadlines.round() == 0
    # Back within the grace, it is asked, and one of them was paid.
    clock.move(seconds=60)
    books.looking = looking
    books.received("pay_1", "PAID", "100")
    assert await deadlines.round() == 1  # of two at once only one finds out that it is back
    clock.move(seconds=10)
    assert await deadlines.round() == 1
    assert [(await stands(journal, number)).status for number in (1, 2)] == ["confirming", "expired"]


async def test_after_the_grace_time_runs_out_all_the_same(
    journal: Journal, deadlines: PaymentDeadlines, books: Books, clock: Clock
) -> None:
    await journal.register_payment(waiting())
    books.looking = DOWN
    clock.move(days=1, seconds=1)
    assert await deadlines.round() == 0
    clock.move(seconds=GRACE_SECONDS)
    assert await deadlines.round() == 1
    assert (await stands(journal)).status == "expired"


@pytest.mark.parametrize("is_whole", [True, False])
async def test_a_later_look_up_counts_like_that_of_a_deadline_that_was_applied_unasked(
    journal: Journal, deadlines: PaymentDeadlines, books: Books, gateway: Gateway, clock: Clock, is_whole: bool
) -> None:
    await journal.register_payment(waiting())
    looking, books.looking = books.looking, DOWN
    clock.move(days=1, seconds=1)
    assert await deadlines.round() == 0
    clock.move(seconds=GRACE_SECONDS)
    assert await deadlines.round() == 1
    assert (await stands(journal)).facts.asked_when_due_at is None
    books.looking = looking
    if is_whole:
        books.invoices["pay_1"] = UNPAID  # an answer that knows no such invoice shows nothing
    api = ShkeeperApi(url=gateway.url, api_keys=["k"], timeout_seconds=GIVE_UP_SECONDS, pauses=wait_none())
    gateways = {"shkeeper": ShkeeperInvoices(api)}
    clock.move(minutes=5)
    asked_at = clock()
    for _ in range(2):
        await Reconciler(journal, gateways, interval_seconds=60, per_second=1_000, days=7).round()
        clock.move(minutes=1)
    await api.aclose()
    assert (await stands(journal)).facts.asked_when_due_at == (asked_at if is_whole else None)
    await told_paid(journal, transfer_id="0x1", occurred_at=START + timedelta(days=1, minutes=-1))
    late = await stands(journal)
    assert (late.status, [problem.kind for problem in problems_of(late)]) == (
        "completed",
        [ProblemKind.LATENESS_DOUBTED] if is_whole else [],
    )


async def test_who_is_to_be_asked_by_nobody_here_waits_as_long_and_who_was_invoiced_elsewhere_does_not(
    journal: Journal, clock: Clock
) -> None:
    for number in (1, 2):
        await journal.register_payment(waiting(number))
    wanted = InvoiceWanted(
        provider="shkeeper", external_id="pay_1", callback_url="", coin="BTC", amount=Decimal(100), currency="USD"
    )
    await journal.unfinished.want_invoice("pay_1", wanted)
    nobody_asked = PaymentDeadlines(journal, {}, grace_seconds=GRACE_SECONDS)
    clock.move(days=1, seconds=1)
    assert await nobody_asked.round() == 1
    assert [(await stands(journal, number)).status for number in (1, 2)] == ["pending", "expired"]
    # It is said for as long as it is asked about once somebody can.
    said: dict[str, Any] = {"asked": (), "sending": (), "expired_since": clock() - timedelta(days=1)}
    [open_still] = await journal.console.waiting_at_others(**said)
    clock.move(seconds=GRACE_SECONDS)
    assert await nobody_asked.round() == 1
    assert (await stands(journal)).status == "expired"
    assert await journal.console.waiting_at_others(**said) == [open_still]
    assert open_still[:3] == ("shkeeper", "payment", 1)
    assert await journal.console.waiting_at_others(**said | {"asked": ("shkeeper",)}) == []
    assert await journal.console.waiting_at_others(**said | {"expired_since": clock() + timedelta(seconds=1)}) == []


async def test_one_that_fails_keeps_back_no_other(
    journal: Journal, deadlines: PaymentDeadlines, books: Books, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2, 3):
        await journal.register_payment(waiting(number))
    apply_deadlines = journal.deadlines.apply

    async def breaks(payment_ids: Sequence[str], asked_at: Mapping[str, datetime]) -> int:
        if "pay_2" in payment_ids:
            raise ZeroDivisionError
        return await apply_deadlines(payment_ids, asked_at)

    monkeypatch.setattr(journal.deadlines, "apply", breaks)
    clock.move(days=1, seconds=1)
    assert await deadlines.round() == 2
    assert [(await stands(journal, number)).status for number in (1, 2, 3)] == ["expired", "pending", "expired"]


async def test_a_transfer_that_never_confirms_ends_on_the_list(
    journal: Journal, deadlines: PaymentDeadlines, books: Books, clock: Clock
) -> None:
    await journal.register_payment(waiting())
    books.received("pay_1", "UNPAID", "0")
    books.invoices["pay_1"]["txs"][0]["status"] = "UNCONFIRMED"
    clock.move(days=1, seconds=1)
    assert await deadlines.round() == 1
    assert (await stands(journal)).status == "confirming"
    clock.move(hours=1)
    assert await deadlines.round() == 1
    ended = await stands(journal)
    assert ended.status == "expired"
    assert [problem.kind for problem in problems_of(ended)] == [ProblemKind.UNCONFIRMED_TOO_LONG]


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "success", "invoices": None},
        {"status": "error", "message": "no"},
        {"status": "success", "invoices": [{"external_id": "pay_1", "status": "FOOBAR"}]},
    ],
)
async def test_an_answer_that_cannot_be_read_is_waited_for_like_none_and_is_on_the_list(
    journal: Journal, deadlines: PaymentDeadlines, books: Books, clock: Clock, answer: dict[str, object]
) -> None:
    await journal.register_payment(waiting())
    looking, books.looking = books.looking, says(answer)
    clock.move(days=1, seconds=1)
    assert (await deadlines.round(), await deadlines.round()) == (0, 0)
    assert books.asked == ["GET invoices/pay_1"]  # not again at once: it is likely to hear the same
    found = await stands(journal)
    assert [problem.kind for problem in problems_of(found)] == [ProblemKind.UNREADABLE_BOOKS]
    # Readable within the grace, it counts.
    books.looking = looking
    books.received("pay_1", "PAID", "100")
    clock.move(minutes=5)
    assert await deadlines.round() == 1
    assert ((await stands(journal)).status, problems_of(await stands(journal))) == ("confirming", ())


async def test_what_can_never_be_read_expires_after_the_grace_and_stays_on_the_list(
    journal: Journal, deadlines: PaymentDeadlines, books: Books, clock: Clock
) -> None:
    await journal.register_payment(waiting())
    books.received("pay_1", "PAID", "100")
    books.invoices["pay_1"]["txs"] = None
    clock.move(days=1, seconds=1)
    assert await deadlines.round() == 0
    clock.move(seconds=GRACE_SECONDS)
    assert await deadlines.round() == 1
    found = await stands(journal)
    assert (found.status, [problem.kind for problem in problems_of(found)]) == (
        "expired",
        [ProblemKind.UNREADABLE_BOOKS],
    )


async def test_many_that_are_due_at_once_are_committed_together_and_others_come_between(
    journal: Journal, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered = [waiting(number) for number in range(1_000)]
    await asyncio.gather(*map(journal.register_payment, registered))
    clock.move(days=1, seconds=1)
    deadlines = PaymentDeadlines(journal, {}, grace_seconds=GRACE_SECONDS)
    apply, waiting_counts = journal.deadlines.apply, [0]

    async def counted(payment_ids: Sequence[str], asked_at: Mapping[str, datetime]) -> int:
        """As asked for, with how many wait to be committed once these do, ahead of whoever comes then."""
        waiting_counts.append(waiting_counts[-1] + len(payment_ids))
        applied = await apply(payment_ids, asked_at)
        waiting_counts.append(waiting_counts[-1] - len(payment_ids))
        return applied

    monkeypatch.setattr(journal.deadlines, "apply", counted)
    before, between = journal._writer.batches, 0
    applying = asyncio.create_task(deadlines.round())
    while not applying.done():
        await journal.check()  # as a webhook that comes meanwhile
        between += 1
    assert applying.result() == len(registered)
    assert max(waiting_counts) == APPLIED_TOGETHER * COMMITS_UNDER_WAY
    assert journal._writer.batches - before <= between + len(registered) / APPLIED_TOGETHER
    assert await journal.deadlines.due_at_once(clock(), but=()) == []
    assert (await stands(journal, 999)).status == "expired"


async def test_one_that_was_given_more_time_meanwhile_is_left(journal: Journal, clock: Clock) -> None:
    await journal.register_payment(waiting(1))
    await journal.register_payment(waiting(2))
    await journal.deadlines.apply(["pay_1", "pay_2", "pay_3"])  # none is due, and there is no third
    assert [(await stands(journal, number)).status for number in (1, 2)] == ["pending", "pending"]
    clock.move(days=1, seconds=1)
    for _ in range(2):  # and once is enough
        await journal.deadlines.apply(["pay_1", "pay_2"])
    assert [(await stands(journal, number)).status for number in (1, 2)] == ["expired", "expired"]


async def test_nothing_is_looked_for_before_something_is_due(
    journal: Journal, deadlines: PaymentDeadlines, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[datetime] = []

    async def count() -> int:
        rounds.append(clock.now)
        return 0

    monkeypatch.setattr(deadlines, "round", count)
    assert await deadlines._until_next() == POLL_SECONDS
    made = waiting()
    await journal.register_payment(made)
    assert made.due_at is not None
    for seconds_before, waited in ((3_600.0, POLL_SECONDS), (3.0, 3.0), (0.2, INTERVAL_SECONDS)):
        clock.now = made.due_at - timedelta(seconds=seconds_before)
        assert await deadlines._until_next() == waited
    assert rounds == []
    clock.now = made.due_at
    assert await deadlines._until_next() == INTERVAL_SECONDS
    assert rounds == [made.due_at]


async def test_whoever_applies_deadlines_is_woken_for_what_is_due_before_they_would_look(
    journal: Journal, clock: Clock
) -> None:
    woken = journal.wakeups.of(DEADLINES)
    for number, seconds, is_told in ((1, 3_600.0, False), (2, POLL_SECONDS, True), (3, 60.0, False)):
        woken.clear()
        expires_at = clock.now + timedelta(seconds=seconds)
        await journal.register_payment(waiting(number).model_copy(update={"expires_at": expires_at}))
        assert woken.is_set() == is_told
    assert timedelta(seconds=POLL_SECONDS) < DUE_SOON
