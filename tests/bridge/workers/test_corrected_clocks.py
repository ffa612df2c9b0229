"""A clock that was a day ahead and is put right: whoever waits for a while waits that long, and not a day."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.http.ops.overview import needs_a_person
from bridge.journal import Journal
from bridge.workers.payments.deadlines import PaymentDeadlines
from bridge.workers.payments.invoices import InvoiceOpener
from bridge.workers.payments.reconciliation import Reconciler
from bridge.workers.payments.unopened_invoices import UnopenedInvoices
from coordinator.attention.items import AttentionKind
from providers.shkeeper.asking.api import ShkeeperApi
from providers.shkeeper.invoices.invoices import ShkeeperInvoices
from tests.bridge.workers.conftest import START, payment, told_paid
from tests.bridge.workers.payments.invoice_books import DOWN, OPENED, Books
from tests.bridge.workers.payouts.sending import Books as PayoutBooks
from tests.bridge.workers.payouts.sending import new_sender, wanted
from tests.clock import Clock
from tests.scripted_gateway import Gateway, says

DAY = timedelta(days=1)


class Clocks:
    """The machine's, and one that only goes on."""

    def __init__(self) -> None:
        self.wall, self.steady = Clock(START + DAY), Clock(START + DAY)

    def is_put_right(self) -> None:
        self.wall.now -= DAY

    def move(self, **by: float) -> None:
        self.wall.move(**by)
        self.steady.move(**by)


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
async def journal(tmp_path: Path, clocks: Clocks) -> AsyncIterator[Journal]:
    opened = await Journal.open(f"sqlite:///{tmp_path / 'journal.db'}", clocks.wall, steady=clocks.steady)
    yield opened
    await opened.close()


async def status(journal: Journal) -> str:
    record = await journal.payment_record("pay_1")
    assert record is not None
    return record.payment.status


@pytest.fixture
async def registered(journal: Journal, clocks: Clocks) -> None:
    await journal.register_payment(payment(created_at=clocks.wall()))


@pytest.fixture
def reconciliation(journal: Journal, api: ShkeeperApi) -> Reconciler:
    gateways = {"shkeeper": ShkeeperInvoices(api, confirmations={"ETH": 1})}
    return Reconciler(journal, gateways, interval_seconds=60, per_second=1_000, days=7)


@pytest.mark.usefixtures("registered")
async def test_payments_are_asked_about_on(
    journal: Journal, reconciliation: Reconciler, books: Books, clocks: Clocks
) -> None:
    await reconciliation.round()
    clocks.is_put_right()
    clocks.move(minutes=2)
    books.received("pay_1", "PAID", "100")
    await reconciliation.round()
    assert await status(journal) == "completed"
    # And looked back at soon after that.
    asked = len(books.asked)
    clocks.move(minutes=2)
    await reconciliation.round()
    assert len(books.asked) == asked + 1


@pytest.mark.parametrize("hours", [-7, 7])
@pytest.mark.usefixtures("registered")
async def test_what_one_block_holds_waits_its_confirmations_whichever_way_the_clock_is_set(
    journal: Journal, api: ShkeeperApi, books: Books, clocks: Clocks, hours: int
) -> None:
    gateways = {"shkeeper": ShkeeperInvoices(api, confirmations={"ETH": 12})}  # 264 seconds
    reconciliation = Reconciler(journal, gateways, interval_seconds=60, per_second=1_000, days=7)
    books.received("pay_1", "PAID", "100")
    await reconciliation.round()
    clocks.wall.move(hours=hours)
    for _ in range(4):
        assert await status(journal) == "confirming"
        clocks.move(seconds=65)
        await reconciliation.round()
    # It is asked about again just then.
    clocks.move(seconds=61)
    await reconciliation.round()
    assert await status(journal) == "completed"


@pytest.mark.usefixtures("registered")
async def test_one_that_was_completed_by_the_wrong_clock_is_looked_back_at(
    journal: Journal, api: ShkeeperApi, books: Books, clocks: Clocks, reconciliation: Reconciler
) -> None:
    books.received("pay_1", "PAID", "100")
    await reconciliation.round()
    assert await status(journal) == "completed"
    clocks.is_put_right()
    restarted = Reconciler(
        journal, {"shkeeper": ShkeeperInvoices(api)}, interval_seconds=60, per_second=1_000, days=7
    )
    await restarted.round()
    asked = len(books.asked)
    clocks.move(minutes=2)
    await restarted.round()
    assert len(books.asked) == asked + 1


async def test_payouts_are_looked_up_on(journal: Journal, api: ShkeeperApi, gateway: Gateway, clocks: Clocks) -> None:
    PayoutBooks(gateway)
    sender = new_sender(journal, api)
    await wanted(journal)
    await sender.round()
    await sender.round()
    clocks.is_put_right()
    for run in (sender, new_sender(journal, api)):  # also by one that was restarted
        asked = len(gateway.requests)
        clocks.move(seconds=3)
        await run.round()
        assert len(gateway.requests) > asked


async def test_a_clock_that_is_set_forward_makes_no_payout_old(
    journal: Journal, api: ShkeeperApi, gateway: Gateway, clocks: Clocks
) -> None:
    PayoutBooks(gateway)
    sender = new_sender(journal, api)
    await wanted(journal)
    await sender.round()
    await sender.round()
    clocks.wall.now += DAY
    for _ in range(3):  # it is still followed closely
        asked = len(gateway.requests)
        clocks.move(seconds=3)
        await sender.round()
        assert len(gateway.requests) > asked


@pytest.mark.parametrize("by_hours", [24, -24])
async def test_a_wallet_that_sends_one_after_the_other_waits_its_time_and_neither_more_nor_less(
    journal: Journal, api: ShkeeperApi, gateway: Gateway, clocks: Clocks, by_hours: int
) -> None:
    books = PayoutBooks(gateway)
    sender = new_sender(journal, api)
    for number in (1, 2):
        await wanted(journal, number)
    await sender.round()
    clocks.wall.move(hours=by_hours)
    for run in (sender, new_sender(journal, api)) if by_hours < 0 else (sender,):  # also by one that was restarted
        await run.round()
        assert books.questions == 1
        clocks.move(minutes=4)
    clocks.move(minutes=7)
    await sender.round()
    assert books.questions == 2


@pytest.mark.usefixtures("registered")
async def test_deadlines_are_applied_once_a_provider_that_was_away_is_back(
    journal: Journal, api: ShkeeperApi, books: Books, clocks: Clocks
) -> None:
    deadlines = PaymentDeadlines(journal, {"shkeeper": ShkeeperInvoices(api)}, grace_seconds=3 * 86_400)
    clocks.wall.move(days=2)
    knows, books.looking = books.looking, DOWN
    await deadlines.round()
    assert await status(journal) == "pending"
    clocks.wall.move(hours=-20)
    clocks.move(seconds=31)
    books.looking = knows
    await deadlines.round()
    assert await status(journal) == "expired"


async def test_an_invoice_that_could_not_be_opened_is_tried_again(
    journal: Journal, api: ShkeeperApi, books: Books, clocks: Clocks
) -> None:
    gateways = {"shkeeper": ShkeeperInvoices(api)}
    opener = InvoiceOpener(journal, gateways, {"shkeeper": "http://127.0.0.1:8000/webhooks/shkeeper"})
    unopened = UnopenedInvoices(journal, gateways, opener, per_second=1_000)
    wanted_invoice = await opener.wanted(payment(), "ETH-USDT")
    await journal.register_payment(payment(created_at=clocks.wall()), None, wanted_invoice)
    books.opening = says({"status": "error", "message": "no"})
    await unopened.round()
    clocks.is_put_right()
    clocks.move(minutes=6)
    books.opening = says(OPENED)
    await unopened.round()
    record = await journal.payment_record("pay_1")
    assert record is not None
    assert record.invoices[0].opened is not None


@pytest.mark.parametrize("way", ["notice", "look-up"])
async def test_what_is_told_once_the_clock_is_right_counts_and_the_clock_alone_is_on_the_list(
    journal: Journal, reconciliation: Reconciler, books: Books, clocks: Clocks, way: str
) -> None:
    for number in range(1, 4):
        await journal.register_payment(payment(number, created_at=clocks.wall()))
    assert await needs_a_person(journal, DAY) == []
    # By far more than a message is kept for a payment that is to come.
    clocks.wall.now -= 40 * DAY
    clocks.move(minutes=2)
    for number in range(1, 4):
        books.received(f"pay_{number}", "PAID", "100")
        if way == "notice":
            await told_paid(journal, number, transfer_id=f"t{number}")
    await reconciliation.round()
    assert await status(journal) == "completed"
    [item] = await needs_a_person(journal, DAY)
    assert item.kind is AttentionKind.CLOCK_WRONG
    assert "of up to 2026-05-02 12:00 UTC, and the clock says 2026-03-23 12:02 UTC" in item.detail
    clocks.wall.now += 40 * DAY
    assert await needs_a_person(journal, DAY) == []
