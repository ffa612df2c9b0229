"""Payments that have ended are looked back at for some days, ever less often: money may still come for them, and its
webhook be lost."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bridge.journal import Journal
from bridge.workers.reconciliation import Reconciliation
from coordinator.observations import Observation, PaymentWithdrawn, RefundMoved, RefundOf, Release
from coordinator.payments import Payment
from providers.shkeeper.api import ShkeeperApi
from providers.shkeeper.invoices import ShkeeperInvoices
from tests.bridge.workers.books import Books
from tests.bridge.workers.conftest import payment
from tests.clock import Clock


@pytest.fixture
def reconciliation(journal: Journal, api: ShkeeperApi) -> Reconciliation:
    return reconciling(journal, api)


def reconciling(journal: Journal, api: ShkeeperApi) -> Reconciliation:
    gateways = {"shkeeper": ShkeeperInvoices(api, confirmations={"ETH": 1})}
    return Reconciliation(journal, gateways, interval_seconds=60, per_second=1_000, days=7)


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
    reconciliation: Reconciliation,
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
    journal: Journal, reconciliation: Reconciliation, books: Books, clock: Clock, hours: int
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
    journal: Journal, reconciliation: Reconciliation, books: Books, clock: Clock
) -> None:
    await journal.register_payment(payment())
    books.received("pay_1", "PAID", "100")
    await reconciliation.round()
    for day in range(1, 6):
        books.received("pay_1", "OVERPAID", str(150 + 10 * day))
        clock.now += timedelta(days=1)
        await reconciliation.round()
        assert (await known(journal)).excess == Decimal(50 + 10 * day)
