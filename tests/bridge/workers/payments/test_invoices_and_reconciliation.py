"""Opening invoices and comparing payments with SHKeeper's books, through failures of the gateway."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from tenacity import wait_none

from bridge.journal import Journal
from bridge.workers.payments.invoices import CoinNotOfferedError, InvoiceOpener
from bridge.workers.payments.reconciliation import Reconciler
from bridge.workers.payments.unopened_invoices import UnopenedInvoices
from coordinator.payments.agreed.invoices import InvoiceWanted
from coordinator.payments.deciding.decisions import Decision, decide
from coordinator.payments.observed.observations import InvoiceSnapshot, Observation
from coordinator.payments.payments import Payment
from coordinator.payments.problems.problems import ProblemKind, problems_of
from providers.errors import ProviderUnavailableError
from providers.shkeeper.asking.api import ShkeeperApi
from providers.shkeeper.invoices.invoices import ShkeeperInvoices
from tests.bridge.overdue import apply_deadlines
from tests.bridge.workers.conftest import START, payment
from tests.bridge.workers.payments.invoice_books import ADDRESS, DOWN, OPENED, Books
from tests.clock import Clock
from tests.scripted_gateway import Gateway, Request, hangs_up, says
from tests.waiting import GIVE_UP_SECONDS, until


@pytest.fixture
def opener(journal: Journal, api: ShkeeperApi) -> InvoiceOpener:
    callback_urls = {"shkeeper": "http://127.0.0.1:8000/webhooks/shkeeper"}
    return InvoiceOpener(journal, {"shkeeper": ShkeeperInvoices(api)}, callback_urls)


@pytest.fixture
def reconciliation(journal: Journal, api: ShkeeperApi) -> Reconciler:
    # Of one that is booked the only confirmation is there: when it counts is another test's subject.
    gateways = {"shkeeper": ShkeeperInvoices(api, confirmations={"ETH": 1})}
    return Reconciler(journal, gateways, interval_seconds=60, per_second=1_000, days=7)


@pytest.fixture
def unopened(journal: Journal, api: ShkeeperApi, opener: InvoiceOpener) -> UnopenedInvoices:
    return UnopenedInvoices(journal, {"shkeeper": ShkeeperInvoices(api)}, opener, per_second=1_000)


async def register(journal: Journal, opener: InvoiceOpener, number: int = 1) -> InvoiceWanted:
    wanted = await opener.wanted(payment(number), "ETH-USDT")
    await journal.register_payment(payment(number), None, wanted)
    return wanted


async def address(journal: Journal, number: int = 1) -> str | None:
    record = await journal.payment_record(f"pay_{number}")
    assert record is not None
    opened = record.invoices[0].opened
    return None if opened is None else opened.address


async def status(journal: Journal, number: int = 1) -> str:
    record = await journal.payment_record(f"pay_{number}")
    assert record is not None
    return record.payment.status


async def test_many_who_want_it_opened_open_it_once(journal: Journal, opener: InvoiceOpener, books: Books) -> None:
    await register(journal, opener)
    [invoice] = await journal.unfinished.unopened_invoices(10)
    opened = await asyncio.gather(*(opener.open(invoice) for _ in range(10)))
    assert {one and one.address for one in opened} == {ADDRESS}
    assert books.asked == ["POST ETH-USDT/payment_request"]
    assert await journal.unfinished.unopened_invoices(10) == []


async def test_a_coin_that_is_not_offered_is_refused(opener: InvoiceOpener, books: Books) -> None:
    with pytest.raises(CoinNotOfferedError, match="ETH-USDT, BTC"):
        await opener.wanted(payment(), "DOGE")


async def test_where_nobody_can_be_asked_any_coin_is_wanted(opener: InvoiceOpener, books: Books) -> None:
    books.coins = DOWN
    assert (await opener.wanted(payment(), "DOGE")).coin == "DOGE"


@pytest.mark.parametrize("failure", [DOWN, hangs_up, says("<html>", 502)])
async def test_what_could_not_be_opened_is_opened_later(
    journal: Journal,
    opener: InvoiceOpener,
    books: Books,
    failure: Callable[[Request], bytes | None],
) -> None:
    await register(journal, opener)
    [invoice] = await journal.unfinished.unopened_invoices(10)
    books.opening = failure
    with pytest.raises(ProviderUnavailableError):
        await opener.open(invoice)
    record = await journal.payment_record("pay_1")
    assert record is not None
    assert await opener.try_to_open(record) is False
    assert await address(journal) is None
    books.opening = says(OPENED)
    # The circuit may be open by now; another bridge, after a restart, knows nothing of it.
    fresh = ShkeeperApi(url=books._gateway.url, api_keys=["k"], timeout_seconds=GIVE_UP_SECONDS)
    gateways = {"shkeeper": ShkeeperInvoices(fresh)}
    restarted = InvoiceOpener(journal, gateways, {"shkeeper": "http://127.0.0.1:8000/webhooks/shkeeper"})
    await UnopenedInvoices(journal, gateways, restarted, per_second=1_000).round()
    assert await address(journal) == ADDRESS
    await fresh.aclose()


async def test_a_payment_whose_webhooks_were_all_lost_is_healed(
    journal: Journal,
    opener: InvoiceOpener,
    unopened: UnopenedInvoices,
    reconciliation: Reconciler,
    books: Books,
    clock: Clock,
) -> None:
    await register(journal, opener)
    await unopened.round()
    assert (await address(journal), await status(journal)) == (ADDRESS, "pending")
    for invoice_status, balance, expected in (
        ("PARTIAL", "40", "partially_paid"),
        ("PARTIAL", "40", "partially_paid"),
        ("PAID", "100", "completed"),
    ):
        books.received("pay_1", invoice_status, balance)
        clock.move(minutes=2)
        await reconciliation.round()
        assert await status(journal) == expected
    asked = len(books.asked)
    for moved in ("hours", "hours", "days", "days"):
        clock.move(**{moved: 5})
        await reconciliation.round()
    assert len(books.asked) == asked + 2  # it is looked back at ever later, and not after seven days
    record = await journal.payment_record("pay_1")
    assert record is not None
    assert len(record.history) == 2  # a look that finds nothing new leaves no trace


async def test_what_a_webhook_has_told_is_not_told_again(
    journal: Journal, api: ShkeeperApi, opener: InvoiceOpener, reconciliation: Reconciler, books: Books
) -> None:
    await register(journal, opener)
    books.received("pay_1", "PAID", "100")
    [invoice] = await ShkeeperInvoices(api).look_up("pay_1")
    [looked_up] = invoice.observations
    assert isinstance(looked_up, InvoiceSnapshot)
    told = looked_up.model_copy(update={"proven": None})
    await journal.record_observation(provider="shkeeper", external_id="pay_1", key="webhook", observation=told)
    before = await journal.room_events(["user-b1"], everyone=True, hidden=(), after=0, limit=100)
    await reconciliation.round()
    after = await journal.room_events(["user-b1"], everyone=True, hidden=(), after=0, limit=100)
    assert after == before


async def test_an_expired_payment_is_asked_about_for_some_days(
    journal: Journal, opener: InvoiceOpener, reconciliation: Reconciler, books: Books, clock: Clock
) -> None:
    await register(journal, opener)
    clock.move(days=2)
    await apply_deadlines(journal)
    assert await status(journal) == "expired"
    books.received("pay_1", "PAID", "100")
    await reconciliation.round()
    assert await status(journal) == "completed"
    await journal.register_payment(payment(2), None, None)
    await apply_deadlines(journal)
    clock.move(days=8)
    asked = len(books.asked)
    await reconciliation.round()
    assert len(books.asked) == asked


async def test_a_gateway_that_is_down_ends_the_round_and_loses_nothing(
    journal: Journal, gateway: Gateway, books: Books, clock: Clock
) -> None:
    now = 100.0
    api = ShkeeperApi(
        url=gateway.url, api_keys=["k"], timeout_seconds=GIVE_UP_SECONDS, pauses=wait_none(), clock=lambda: now
    )
    gateways = {"shkeeper": ShkeeperInvoices(api, confirmations={"ETH": 1})}
    reconciliation = Reconciler(journal, gateways, interval_seconds=60, per_second=1_000, days=7)
    for number in range(1, 21):
        await journal.register_payment(payment(number), None, None)
        books.received(f"pay_{number}", "PAID", "100")
    looking, books.looking = books.looking, DOWN
    await reconciliation.round()
    # So many failures open the circuit, and some were under way; nobody else is asked about.
    assert 5 <= len(books.asked) <= 9
    books.looking = looking
    now += 60
    clock.move(minutes=2)
    await reconciliation.round()
    assert {await status(journal, number) for number in range(1, 21)} == {"completed"}
    await api.aclose()


async def test_a_round_goes_on_past_whatever_fails(
    journal: Journal,
    reconciliation: Reconciler,
    books: Books,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    looking = books.looking

    def look(request: Request) -> bytes | None:
        external_id = request.path.rpartition("/")[2]
        if external_id == "pay_3":
            return says({"status": "success", "invoices": [{"external_id": "pay_3"}]})(request)  # nothing to be used
        if external_id == "pay_4":
            return DOWN(request)
        return looking(request)

    def breaks(known: Payment, observation: Observation, at: datetime) -> Decision:
        if known.payment_id == "pay_2":
            raise ZeroDivisionError
        return decide(known, observation, at)

    monkeypatch.setattr("bridge.workers.payments.look_ups.decide", breaks)
    books.looking = look
    for number in range(1, 7):
        await journal.register_payment(payment(number), None, None)
        books.received(f"pay_{number}", "PAID", "100")
    labels = {"provider": "shkeeper", "found": "failed"}
    before = REGISTRY.get_sample_value("bridge_reconciled_total", labels) or 0
    await reconciliation.round()
    assert [await status(journal, number) for number in range(1, 7)] == [
        "completed", "pending", "pending", "pending", "completed", "completed",
    ]  # fmt: skip
    assert "failed over pay_2" in caplog.text
    assert REGISTRY.get_sample_value("bridge_reconciled_total", labels) == before + 1
    asked = len(books.asked)
    for _ in range(60):
        clock.move(minutes=1)
        await reconciliation.round()
    # Later and ever later: not sixty times each.
    assert len(books.asked) - asked < 3 * (6 + 6 + 3 * 6)


async def test_a_payment_that_cannot_be_read_keeps_back_no_other(
    journal: Journal, reconciliation: Reconciler, books: Books, tmp_path: Path
) -> None:
    for number in range(1, 4):
        await journal.register_payment(payment(number), None, None)
        books.received(f"pay_{number}", "PAID", "100")
    with closing(sqlite3.connect(tmp_path / "journal.db")) as database, database:
        [(stored,)] = database.execute("SELECT facts FROM payments WHERE payment_id = 'pay_2'")
        database.execute("UPDATE payments SET facts = '{' WHERE payment_id = 'pay_2'")
        # Something was reported of it, of which its provider is to be asked before all else.
        database.execute("INSERT INTO due_look_ups VALUES ('pay_2', 'shkeeper', '2026-05-01 12:00:00.000000')")
    await reconciliation.round()
    assert [await status(journal, number) for number in (1, 3)] == ["completed", "completed"]
    with closing(sqlite3.connect(tmp_path / "journal.db")) as database, database:
        database.execute("UPDATE payments SET facts = ? WHERE payment_id = 'pay_2'", [stored])
    await reconciliation.round()
    assert await status(journal, 2) == "completed"


async def test_a_key_that_is_not_accepted_ends_the_round_and_puts_nothing_off(
    journal: Journal, reconciliation: Reconciler, books: Books
) -> None:
    for number in range(1, 21):
        await journal.register_payment(payment(number), None, None)
        books.received(f"pay_{number}", "PAID", "100")
    looking, books.looking = books.looking, says({"status": "error", "message": "Bad API key"})
    await reconciliation.round()
    assert len(books.asked) == 1
    books.looking = looking
    await reconciliation.round()
    assert {await status(journal, number) for number in range(1, 21)} == {"completed"}


async def test_a_new_payment_is_asked_about_while_a_long_round_is_under_way(
    journal: Journal, api: ShkeeperApi, books: Books
) -> None:
    gateways = {"shkeeper": ShkeeperInvoices(api, confirmations={"ETH": 1})}
    reconciliation = Reconciler(journal, gateways, interval_seconds=0.05, per_second=20, days=7)
    for number in range(100, 300):
        await journal.register_payment(payment(number), None, None)
    running = asyncio.create_task(reconciliation.run())
    await until(lambda: books.asked)
    newest = payment(999, created_at=START + timedelta(minutes=1))
    await journal.register_payment(newest, None, None)
    await until(lambda: "GET invoices/pay_999" in books.asked)
    assert len(books.asked) < 200
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def completed(
    journal: Journal, opener: InvoiceOpener, unopened: UnopenedInvoices, reconciliation: Reconciler, books: Books
) -> None:
    await register(journal, opener)
    await unopened.round()
    books.received("pay_1", "PAID", "100")
    await reconciliation.round()
    assert await status(journal) == "completed"


def unconfirmed_confirms(books: Books) -> None:
    books.received("pay_1", "OVERPAID", "150")


def more_comes(books: Books) -> None:
    books.received("pay_1", "OVERPAID", "600")


def nothing_is_there(books: Books) -> None:
    books.invoices["pay_1"] |= {"txs": [], "balance_fiat": "0", "status": "UNPAID"}


def less_is_there(books: Books) -> None:
    books.invoices["pay_1"] |= {"balance_fiat": "10", "status": "PARTIAL"}
    books.invoices["pay_1"]["txs"][0]["amount"] = "10"


def the_sum_sinks(books: Books) -> None:
    books.invoices["pay_1"] |= {"balance_fiat": "10", "status": "PARTIAL"}


def another_amount(books: Books) -> None:
    books.invoices["pay_1"] |= {"amount_fiat": "500", "status": "PARTIAL"}


def refunded(books: Books) -> None:
    books.invoices["pay_1"] |= {"status": "REFUNDED", "txs": []}


@pytest.mark.parametrize(
    ("happens", "expected", "found"),
    [
        (unconfirmed_confirms, "completed", ProblemKind.OVER),
        (more_comes, "completed", ProblemKind.OVER),
        (nothing_is_there, "completed", ProblemKind.FORGOTTEN),
        (less_is_there, "completed", ProblemKind.CONTRADICTING_BOOKS),
        (the_sum_sinks, "completed", ProblemKind.CONTRADICTING_BOOKS),
        (another_amount, "completed", ProblemKind.FOREIGN),
        (refunded, "completed", ProblemKind.CALLED_REFUNDED),
    ],
)
async def test_what_happens_to_a_payment_after_its_completion_is_noticed_without_a_webhook(
    journal: Journal,
    opener: InvoiceOpener,
    unopened: UnopenedInvoices,
    reconciliation: Reconciler,
    books: Books,
    clock: Clock,
    happens: Callable[[Books], None],
    expected: str,
    found: ProblemKind,
) -> None:
    await completed(journal, opener, unopened, reconciliation, books)
    happens(books)
    for _ in range(3):
        clock.move(minutes=5)
        await reconciliation.round()
    record = await journal.payment_record("pay_1")
    assert record is not None
    kinds = [problem.kind for problem in problems_of(record.payment)]
    assert (await status(journal), found in kinds) == (expected, True)
