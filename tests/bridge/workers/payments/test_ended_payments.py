"""Payments that have ended are looked back at for some days, ever less often: money may still come for them, and its
webhook be lost."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from bridge.journal import Journal
from bridge.workers.payments.reconciliation import Reconciler
from coordinator.payments.observed.observations import (
    Ending,
    InvoiceEnded,
    Observation,
    PaymentWithdrawn,
    RefundMoved,
    RefundOf,
    Release,
    Transfer,
    TransferSeen,
)
from coordinator.payments.payments import Payment
from coordinator.payments.problems.problems import ProblemKind, problems_of
from providers.shkeeper.asking.api import ShkeeperApi
from providers.shkeeper.invoices.invoices import ShkeeperInvoices
from tests.bridge.overdue import apply_deadlines
from tests.bridge.workers.conftest import payment
from tests.bridge.workers.payments.invoice_books import ADDRESS, Books
from tests.clock import Clock
from tests.waiting import until


@pytest.fixture
def reconciliation(journal: Journal, api: ShkeeperApi) -> Reconciler:
    return reconciling(journal, api)


def reconciling(journal: Journal, api: ShkeeperApi) -> Reconciler:
    gateways = {"shkeeper": ShkeeperInvoices(api, confirmations={"ETH": 1})}
    return Reconciler(journal, gateways, interval_seconds=60, per_second=1_000, days=7)


async def known(journal: Journal) -> Payment:
    record = await journal.payment_record("pay_1")
    assert record is not None
    return record.payment


async def observe(journal: Journal, observation: Observation) -> None:
    await journal.record_observation(
        provider="shkeeper", external_id="pay_1", key=observation.kind, observation=observation
    )


@pytest.mark.parametrize("days_later", [0, 8])
@pytest.mark.parametrize("is_restarted", [False, True])
async def test_money_that_comes_for_a_refunded_payment_is_noticed_without_a_webhook(
    journal: Journal,
    api: ShkeeperApi,
    reconciliation: Reconciler,
    books: Books,
    clock: Clock,
    days_later: int,
    is_restarted: bool,
) -> None:
    await journal.register_payment(payment())
    books.received("pay_1", "PAID", "100")
    await reconciliation.round()
    clock.move(days=days_later)
    await reconciliation.round()
    back = RefundMoved(refund_id="back_1", of=RefundOf.GOODS, amount=Decimal(100), release=Release.DONE, step=1)
    await observe(journal, back)
    assert (await known(journal)).status == "refunded"
    await reconciliation.round()
    if is_restarted:
        reconciliation = reconciling(journal, api)
        await reconciliation.round()
    books.received("pay_1", "OVERPAID", "160")
    clock.move(minutes=20)
    await reconciliation.round()
    assert (await known(journal)).excess == Decimal(60)
    asked = []
    for _ in range(10):
        before = len(books.asked)
        for _ in range(24):
            clock.move(hours=1)
            await reconciliation.round()
        asked.append(len(books.asked) - before)
    assert (asked[0] <= 6, set(asked[1:6]), asked[8:]) == (True, {1}, [0, 0])


@pytest.mark.parametrize("hours", [1, 30, 100, 160])
async def test_money_that_comes_for_a_cancelled_payment_is_noticed_within_an_hour(
    journal: Journal, reconciliation: Reconciler, books: Books, clock: Clock, hours: int
) -> None:
    await journal.register_payment(payment())
    await reconciliation.round()
    await observe(journal, PaymentWithdrawn(by="Ada", note="sold elsewhere"))
    for _ in range(hours):
        clock.move(hours=1)
        await reconciliation.round()
    books.received("pay_1", "PAID", "100")
    clock.move(hours=1)
    await reconciliation.round()
    assert (await known(journal)).received == Decimal(100)


async def test_money_that_comes_for_a_completed_payment_is_noticed_within_a_day(
    journal: Journal, reconciliation: Reconciler, books: Books, clock: Clock
) -> None:
    await journal.register_payment(payment())
    books.received("pay_1", "PAID", "100")
    await reconciliation.round()
    for day in range(1, 6):
        books.received("pay_1", "OVERPAID", str(150 + 10 * day))
        clock.now += timedelta(days=1)
        await reconciliation.round()
        assert (await known(journal)).excess == Decimal(50 + 10 * day)


async def ask_until(reconciliation: Reconciler, clock: Clock, journal: Journal, status: str, *, minutes: int) -> int:
    """How many minutes it takes until a payment stands so, if it is looked each minute what is due."""
    for minute in range(minutes):
        if (await known(journal)).status == status:
            return minute
        clock.move(minutes=1)
        await reconciliation.round()
    return minutes


@pytest.mark.parametrize("age", [timedelta(minutes=10), timedelta(hours=20), timedelta(days=3)])
async def test_money_that_was_seen_is_asked_about_as_its_confirmations_come_however_old_its_payment_is(
    journal: Journal, api: ShkeeperApi, books: Books, clock: Clock, age: timedelta
) -> None:
    gateways = {"shkeeper": ShkeeperInvoices(api, confirmations={"ETH": 12})}
    reconciliation = Reconciler(journal, gateways, interval_seconds=60, per_second=1_000, days=7)
    await journal.register_payment(payment())
    clock.now += age
    if age > timedelta(days=1):
        await apply_deadlines(journal)
        assert (await known(journal)).status == "expired"
    books.received("pay_1", "PAID", "100")
    await reconciliation.round()
    assert (await known(journal)).status == "confirming"
    # 264 seconds: after that it counts, with the first answer.
    assert await ask_until(reconciliation, clock, journal, "completed", minutes=60) == 5


async def test_money_that_no_block_holds_yet_is_asked_about_as_often_as_a_new_payment(
    journal: Journal, reconciliation: Reconciler, books: Books, clock: Clock
) -> None:
    await journal.register_payment(payment())
    clock.move(hours=20)
    books.received("pay_1", "UNPAID", "0")
    books.invoices["pay_1"]["txs"] = [
        {"crypto": "ETH-USDT", "addr": ADDRESS, "amount": "100", "txid": "0x1", "status": "UNCONFIRMED"}
    ]
    await reconciliation.round()
    assert (await known(journal)).status == "confirming"
    books.invoices["pay_1"] |= {"status": "PAID", "balance_fiat": "100"}
    books.invoices["pay_1"]["txs"][0]["status"] = "CONFIRMED"
    assert await ask_until(reconciliation, clock, journal, "completed", minutes=60) <= 3


async def test_a_payment_that_a_webhook_tells_of_unconfirmed_money_of_is_asked_about_at_once(
    journal: Journal, reconciliation: Reconciler, books: Books, clock: Clock
) -> None:
    await journal.register_payment(payment())
    clock.move(hours=20)
    await reconciliation.round()
    await observe(journal, TransferSeen(transfer=Transfer(transfer_id="0x1", asset="ETH-USDT", amount=Decimal(100))))
    books.received("pay_1", "PAID", "100")
    await reconciliation.round()
    assert await ask_until(reconciliation, clock, journal, "completed", minutes=60) <= 2


@pytest.mark.parametrize("is_paid", [True, False])
async def test_what_a_gateway_calls_refunded_is_asked_about_again_until_it_takes_that_back(
    journal: Journal, reconciliation: Reconciler, books: Books, clock: Clock, is_paid: bool
) -> None:
    await journal.register_payment(payment())
    if is_paid:
        books.received("pay_1", "PAID", "100")
        await reconciliation.round()
    clock.move(hours=20)
    await observe(journal, InvoiceEnded(ending=Ending.REFUNDED))
    assert [one.kind for one in problems_of(await known(journal))] == [ProblemKind.CALLED_REFUNDED]
    if not is_paid:
        books.received("pay_1", "PAID", "100")
    for _ in range(3):
        clock.move(minutes=1)
        await reconciliation.round()
    healed = await known(journal)
    assert (healed.status, problems_of(healed)) == ("completed", ())


async def test_a_payment_that_is_over_before_it_was_asked_about_is_asked_about_as_often_as_an_open_one(
    journal: Journal, api: ShkeeperApi, books: Books
) -> None:
    gateways = {"shkeeper": ShkeeperInvoices(api, confirmations={"ETH": 1})}
    reconciliation = Reconciler(journal, gateways, interval_seconds=0.05, per_second=1_000, days=7)
    await journal.register_payment(payment())
    asking = asyncio.create_task(reconciliation.run())
    await until(lambda: books.asked)
    second = payment(2)
    await journal.register_payment(second.with_facts(second.facts.model_copy(update={"withdrawn": True})))
    await until(lambda: any("pay_2" in asked for asked in books.asked))
    asking.cancel()
