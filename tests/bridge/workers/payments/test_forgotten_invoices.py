"""What a gateway knows decides: invoices that it has forgotten, and messages that did not fit."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from bridge.journal import Journal
from bridge.workers.payments.invoices import InvoiceOpener
from bridge.workers.payments.reconciliation import Reconciler
from bridge.workers.payments.unopened_invoices import UnopenedInvoices
from coordinator.payments.observed.observations import InvoiceSnapshot, Standing, Transfer
from coordinator.payments.payments import Payment
from coordinator.payments.problems.problems import ProblemKind, hold_on_payouts, problems_of
from providers.shkeeper.asking.api import ShkeeperApi
from providers.shkeeper.invoices.invoices import ShkeeperInvoices
from tests.bridge.workers.conftest import payment
from tests.bridge.workers.payments.invoice_books import ADDRESS, DOWN, OPENED, Books
from tests.clock import Clock
from tests.scripted_gateway import says

OTHER_ADDRESS = "0x9999999999999999999999999999999999999999"
CALLBACK_URLS = {"shkeeper": "http://127.0.0.1:8000/webhooks/shkeeper"}


class Bridge:
    """What asks and opens, each when the test says so."""

    def __init__(self, journal: Journal, api: ShkeeperApi, books: Books, clock: Clock) -> None:
        gateways = {"shkeeper": ShkeeperInvoices(api, confirmations={"ETH": 1})}
        self.opener = InvoiceOpener(journal, gateways, CALLBACK_URLS)
        self._unopened = UnopenedInvoices(journal, gateways, self.opener, per_second=1_000)
        self._reconciliation = Reconciler(journal, gateways, interval_seconds=60, per_second=1_000, days=7)
        self._journal = journal
        self._books = books
        self._clock = clock

    async def register(self) -> None:
        wanted = await self.opener.wanted(payment(), "ETH-USDT")
        await self._journal.register_payment(payment(), None, wanted)
        await self._unopened.round()
        assert await self.addresses() == (ADDRESS, (ADDRESS,))
        self._books.invoices["pay_1"] = unpaid()

    async def looks(self, times: int = 1) -> None:
        for _ in range(times):
            self._clock.move(minutes=2)
            await self._reconciliation.round()
            await self._unopened.round()

    async def asks(self, books: Books) -> None:
        """Looks until the gateway was asked once more: about what is completed it is asked seldom."""
        asked = len(books.asked)
        while len(books.asked) == asked:
            await self.looks()

    async def payment(self) -> Payment:
        record = await self._journal.payment_record("pay_1")
        assert record is not None
        return record.payment

    async def kinds(self) -> list[ProblemKind]:
        return [problem.kind for problem in problems_of(await self.payment())]

    async def addresses(self) -> tuple[str | None, tuple[str, ...]]:
        """Where the buyer is to pay, and everywhere that was ever said."""
        record = await self._journal.payment_record("pay_1")
        assert record is not None
        opened = record.invoices[0].opened
        return None if opened is None else opened.address, record.invoices[0].addresses

    async def hears(self, address: str, value: int, standing: Standing, key: str, **changes: object) -> str:
        transfer = Transfer(transfer_id="0x1", asset="ETH-USDT", amount=Decimal(value), value=Decimal(value))
        told = InvoiceSnapshot(
            standing=standing, currency="USD", received=Decimal(value), transfers=(transfer,), address=address
        ).model_copy(update=changes)
        recorded = await self._journal.record_observation(
            provider="shkeeper", external_id="pay_1", key=key, observation=told
        )
        return recorded.outcome

    @property
    def opened(self) -> int:
        """How often the gateway was asked for an invoice."""
        return self._books.asked.count("POST ETH-USDT/payment_request")


def unpaid(amount: str = "100") -> dict[str, object]:
    return {
        "external_id": "pay_1",
        "fiat": "USD",
        "amount_fiat": amount,
        "balance_fiat": "0",
        "status": "UNPAID",
        "txs": [],
    }


@pytest.fixture
def bridge(journal: Journal, api: ShkeeperApi, books: Books, clock: Clock) -> Bridge:
    return Bridge(journal, api, books, clock)


async def test_an_unpaid_invoice_that_is_forgotten_is_opened_anew_and_on_the_list(
    bridge: Bridge, books: Books
) -> None:
    await bridge.register()
    books.invoices.clear()
    books.opening = says({**OPENED, "wallet": OTHER_ADDRESS})
    # Once may be a gateway that is only starting.
    await bridge.looks()
    assert (await bridge.addresses(), await bridge.kinds()) == ((ADDRESS, (ADDRESS,)), [])
    await bridge.looks()
    assert await bridge.addresses() == (OTHER_ADDRESS, (ADDRESS, OTHER_ADDRESS))
    assert await bridge.kinds() == [ProblemKind.FORGOTTEN]
    assert ADDRESS in problems_of(await bridge.payment())[0].detail
    books.invoices["pay_1"] = unpaid()
    await bridge.looks(3)
    assert (bridge.opened, await bridge.kinds()) == (2, [ProblemKind.FORGOTTEN])
    # Money at either address is the payment's.
    assert await bridge.hears(ADDRESS, 40, Standing.PARTIAL, "one") == "applied"
    assert await bridge.hears(OTHER_ADDRESS, 40, Standing.PARTIAL, "other") == "unchanged"
    assert (await bridge.payment()).paid == 40


async def test_a_gateway_that_answers_nothing_once_has_forgotten_nothing(bridge: Bridge, books: Books) -> None:
    await bridge.register()
    for _ in range(3):
        books.invoices.clear()
        await bridge.looks()
        books.invoices["pay_1"] = unpaid()
        await bridge.looks()
    assert (bridge.opened, await bridge.kinds()) == (1, [])


async def test_an_invoice_that_the_gateway_knows_after_all_is_the_same(bridge: Bridge, books: Books) -> None:
    await bridge.register()
    looking, books.looking = books.looking, says({"status": "success", "invoices": []})
    await bridge.looks(2)
    assert (bridge.opened, await bridge.addresses(), await bridge.kinds()) == (2, (ADDRESS, (ADDRESS,)), [])
    # However long it goes on, the gateway is not asked for one invoice after the other.
    await bridge.looks(10)
    assert bridge.opened == 2
    books.looking = looking
    await bridge.looks()
    assert await bridge.kinds() == []


async def test_no_dead_address_is_shown_while_the_gateway_opens_no_new_one(bridge: Bridge, books: Books) -> None:
    await bridge.register()
    books.invoices.clear()
    books.opening = DOWN
    await bridge.looks(2)
    assert await bridge.addresses() == (None, (ADDRESS,))


async def test_an_invoice_that_somebody_asked_for_over_another_amount_is_put_right(
    bridge: Bridge, books: Books
) -> None:
    await bridge.register()
    books.invoices["pay_1"] = unpaid("1")
    await bridge.looks(2)
    assert bridge.opened == 2
    books.invoices["pay_1"] = unpaid()
    books.received("pay_1", "PAID", "100")
    await bridge.looks()
    assert ((await bridge.payment()).status, await bridge.kinds()) == ("completed", [])


async def test_a_partly_paid_invoice_that_is_forgotten_is_on_the_list_until_it_is_found(
    bridge: Bridge, books: Books
) -> None:
    await bridge.register()
    assert await bridge.hears(ADDRESS, 40, Standing.PARTIAL, "part") == "applied"
    books.received("pay_1", "PARTIAL", "40")
    await bridge.looks(2)
    known = books.invoices.pop("pay_1")
    await bridge.looks(4)
    assert (bridge.opened, await bridge.kinds()) == (1, [ProblemKind.FORGOTTEN])
    forgotten = await bridge.payment()
    assert (forgotten.status, forgotten.paid) == ("partially_paid", Decimal(40))
    assert "40.00 of 100.00 USD had come" in problems_of(forgotten)[0].detail
    books.invoices["pay_1"] = unpaid()  # an empty one of the same name is not it
    await bridge.looks(2)
    assert await bridge.kinds() == [ProblemKind.FORGOTTEN]
    books.invoices["pay_1"] = known
    await bridge.looks()
    assert await bridge.kinds() == []


@pytest.mark.parametrize("is_old", [False, True])
async def test_the_gateway_is_asked_at_once_about_what_did_not_fit(
    bridge: Bridge, books: Books, clock: Clock, is_old: bool
) -> None:
    await bridge.register()
    if is_old:
        clock.move(hours=20)
        await bridge.looks()
    # Told while the new address of a buyer who switched coins is not committed yet.
    assert await bridge.hears("0x77", 100, Standing.PAID, "early") == "not-counted"
    assert await bridge.kinds() == [ProblemKind.FOREIGN]
    books.received("pay_1", "PAID", "100")
    await bridge.looks()
    assert ((await bridge.payment()).status, await bridge.kinds()) == ("completed", [])


async def test_what_the_gateway_does_not_know_stays_uncounted(bridge: Bridge, books: Books) -> None:
    await bridge.register()
    assert await bridge.hears("0x77", 100, Standing.PAID, "forged") == "not-counted"
    await bridge.looks(3)
    assert ((await bridge.payment()).status, await bridge.kinds()) == ("pending", [ProblemKind.FOREIGN])


async def test_what_the_gateway_called_anothers_does_not_count_when_its_webhook_comes(
    bridge: Bridge, books: Books
) -> None:
    await bridge.register()
    books.received("pay_1", "PAID", "100")
    books.invoices["pay_1"]["txs"][0]["addr"] = "0x77"
    await bridge.looks(2)
    assert await bridge.kinds() == [ProblemKind.FOREIGN]
    await bridge.hears(ADDRESS, 100, Standing.PAID, "retried")
    assert ((await bridge.payment()).status, await bridge.kinds()) == ("pending", [ProblemKind.FOREIGN])


async def test_a_payment_of_an_older_journal_knows_its_addresses(
    bridge: Bridge, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bridge.register()
    forget: Callable[[Payment], Payment] = lambda one: one.with_facts(  # noqa: E731
        one.facts.model_copy(update={"given": frozenset()})
    )
    before = forget(await bridge.payment())
    await journal._writer.submit(lambda batch: batch.payments.move(before))
    assert (await bridge.payment()).facts.given == frozenset()
    assert await bridge.hears("0x77", 100, Standing.PAID, "foreign") == "not-counted"
    await journal._writer.submit(lambda batch: batch.payments.move(before))
    assert await bridge.hears(ADDRESS, 40, Standing.PARTIAL, "own") == "applied"
    assert (await bridge.payment()).facts.given == {ADDRESS}


async def test_what_the_gateway_calls_unconfirmed_after_it_counted_is_held_until_it_is_booked_again(
    bridge: Bridge, books: Books
) -> None:
    await bridge.register()
    assert await bridge.hears(ADDRESS, 100, Standing.PAID, "whole") == "applied"
    books.received("pay_1", "PAID", "100")
    await bridge.looks()
    confirmed = books.invoices["pay_1"]
    unconfirmed = [{**one, "status": "UNCONFIRMED"} for one in confirmed["txs"]]
    books.invoices["pay_1"] = {**confirmed, "balance_fiat": "0", "status": "PARTIAL", "txs": unconfirmed}
    # Once may be an answer from before the webhook.
    await bridge.looks()
    assert await bridge.kinds() == []
    await bridge.looks()
    payment = await bridge.payment()
    assert (payment.status, payment.paid, payment.is_held) == ("completed", Decimal(0), True)
    assert ProblemKind.CONTRADICTING_BOOKS in await bridge.kinds()
    assert "calls unconfirmed" in (hold_on_payouts(payment) or "")
    books.invoices["pay_1"] = confirmed
    await bridge.looks()
    payment = await bridge.payment()
    assert (payment.paid, hold_on_payouts(payment), await bridge.kinds()) == (Decimal(100), None, [])


async def test_one_answer_from_before_a_webhook_takes_nothing_back(bridge: Bridge, books: Books) -> None:
    await bridge.register()
    assert await bridge.hears(ADDRESS, 100, Standing.PAID, "whole") == "applied"
    books.received("pay_1", "PAID", "100")
    confirmed = books.invoices["pay_1"]
    unconfirmed = [{**one, "status": "UNCONFIRMED"} for one in confirmed["txs"]]
    for _ in range(3):
        books.invoices["pay_1"] = {**confirmed, "balance_fiat": "0", "status": "PARTIAL", "txs": unconfirmed}
        await bridge.asks(books)
        assert await bridge.kinds() == []
        books.invoices["pay_1"] = confirmed
        await bridge.asks(books)
    assert ((await bridge.payment()).paid, await bridge.kinds()) == (Decimal(100), [])
