"""Invoices that could not be opened at once: when each is opened, and what keeps back whom."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import pytest
from prometheus_client import REGISTRY

from bridge.journal import Draft, Journal, PaymentRecord
from bridge.workers.payments import unopened_invoices
from bridge.workers.payments.invoices import InvoiceOpener
from bridge.workers.payments.unopened_invoices import AT_ONCE, UnopenedInvoices
from coordinator.payments.agreed.invoices import InvoiceOpened, InvoiceWanted
from coordinator.payments.deciding.evidence import LookedUpInvoice
from providers.errors import (
    AnswerUnusableError,
    CoinUnavailableError,
    CredentialsRefusedError,
    ProviderRefusedError,
    ProviderUnavailableError,
)
from tests.bridge.workers.conftest import START, payment
from tests.clock import Clock, pass_seconds
from tests.waiting import until

CALLBACKS = {"shkeeper": "http://127.0.0.1:8000/webhooks/shkeeper"}
OPENED = InvoiceOpened(address="0x86", coin_amount=Decimal(100), payment_uri="0x86")


class Provider:
    """A provider that does with each coin what a test wants."""

    provider = "shkeeper"

    def __init__(self) -> None:
        self.does: dict[str, Callable[[InvoiceWanted], InvoiceOpened]] = {}
        self.asked: list[tuple[str, str]] = []
        self.is_away = False
        self.hanging: dict[str, asyncio.Event] = {}
        self.troubled: dict[str, str] = {}

    async def coins(self) -> Sequence[str]:
        return ["BTC", "LTC", "ETH-USDT"]

    async def open_invoice(self, wanted: InvoiceWanted) -> InvoiceOpened:
        self.asked.append((wanted.external_id, wanted.coin))
        if self.is_away:
            raise ProviderUnavailableError("not reached")
        if wanted.coin in self.hanging:
            await self.hanging[wanted.coin].wait()
        return self.does[wanted.coin](wanted) if wanted.coin in self.does else OPENED

    async def look_up(self, external_id: str) -> Sequence[LookedUpInvoice]:
        return []

    async def names(self) -> Sequence[str]:
        return []

    async def check(self) -> None:
        if self.is_away:
            raise ProviderUnavailableError("not reached")

    async def examine(self) -> None:
        await self.check()

    async def trouble_with(self, coin: str) -> str | None:
        return self.troubled.get(coin)

    def troubles(self) -> dict[str, str]:
        return self.troubled


def fails(error: Exception) -> Callable[[InvoiceWanted], InvoiceOpened]:
    def fail(_: InvoiceWanted) -> InvoiceOpened:
        raise error

    return fail


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def opener(journal: Journal, provider: Provider) -> InvoiceOpener:
    return InvoiceOpener(journal, {"shkeeper": provider}, CALLBACKS)


@pytest.fixture
def unopened(journal: Journal, provider: Provider, opener: InvoiceOpener) -> UnopenedInvoices:
    return UnopenedInvoices(journal, {"shkeeper": provider}, opener, per_second=1_000)


@pytest.fixture
async def at_work(unopened: UnopenedInvoices) -> AsyncIterator[None]:
    running = asyncio.create_task(unopened.run())
    yield
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def want(journal: Journal, opener: InvoiceOpener, number: int, coin: str, clock: Clock) -> None:
    clock.move(seconds=1)
    await journal.register_payment(payment(number), None, await opener.wanted(payment(number), coin))


async def record(journal: Journal, number: int) -> PaymentRecord:
    found = await journal.payment_record(f"pay_{number}")
    assert found is not None
    return found


async def is_open(journal: Journal, number: int) -> bool:
    return (await record(journal, number)).invoices[0].opened is not None


async def opened_within(journal: Journal, number: int) -> None:
    while not await is_open(journal, number):  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def test_the_newest_is_opened_first_whatever_their_number(
    journal: Journal, clock: Clock, provider: Provider, opener: InvoiceOpener, unopened: UnopenedInvoices
) -> None:
    for number in range(30):
        await want(journal, opener, number, "BTC", clock)
    await unopened.round()
    asked = [external_id for external_id, _ in provider.asked]
    places = [asked.index(f"pay_{number}") for number in reversed(range(30))]
    assert places[0] == 0
    assert all(abs(place - expected) < AT_ONCE for expected, place in enumerate(places))
    assert await journal.unfinished.unopened_invoices(100) == []


async def test_once_a_coin_works_some_are_opened_at_once_however_long_its_wallet_takes(
    journal: Journal, clock: Clock, provider: Provider, opener: InvoiceOpener, unopened: UnopenedInvoices
) -> None:
    for number in range(6):
        await want(journal, opener, number, "BTC", clock)
    provider.hanging["BTC"] = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(unopened.round())
        await until(lambda: provider.asked)
        assert len(provider.asked) == 1
        first, provider.hanging["BTC"] = provider.hanging["BTC"], asyncio.Event()
        first.set()
        await until(lambda: len(provider.asked) == 1 + AT_ONCE)
        provider.hanging["BTC"].set()
    assert all([await is_open(journal, number) for number in range(6)])


async def test_pages_are_as_many_as_there_have_to_be(
    journal: Journal, clock: Clock, provider: Provider, opener: InvoiceOpener, unopened: UnopenedInvoices,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(unopened_invoices, "PAGE", 3)
    provider.does["LTC"] = fails(ProviderRefusedError("no"))
    await want(journal, opener, 100, "BTC", clock)
    for number in range(10):
        await want(journal, opener, number, "LTC", clock)
    await unopened.round()
    assert await is_open(journal, 100)
    assert len(provider.asked) == 11
    await want(journal, opener, 101, "BTC", clock)
    await unopened.round()  # behind ten that are left alone
    assert await is_open(journal, 101)
    assert len(provider.asked) == 12


async def test_a_coin_that_hangs_keeps_back_no_other(
    journal: Journal, clock: Clock, provider: Provider, opener: InvoiceOpener, at_work: None
) -> None:
    provider.hanging["LTC"] = asyncio.Event()
    for number in range(5):
        await want(journal, opener, number, "LTC", clock)
    await until(lambda: provider.asked)
    for number in range(5, 10):
        await want(journal, opener, number, "BTC", clock)
        await opened_within(journal, number)
    assert sum(coin == "LTC" for _, coin in provider.asked) == 1
    provider.hanging["LTC"].set()
    for number in range(5):
        await opened_within(journal, number)


async def test_a_coin_that_fails_is_tried_with_one_invoice_after_the_other_and_all_follow_when_it_works(
    journal: Journal, clock: Clock, provider: Provider, opener: InvoiceOpener, unopened: UnopenedInvoices
) -> None:
    provider.does["LTC"] = fails(CoinUnavailableError("LTC", "its wallet is down"))
    for number in range(20):
        await want(journal, opener, number, "LTC", clock)
    await want(journal, opener, 50, "BTC", clock)
    await unopened.round()
    assert await is_open(journal, 50)
    assert [asked for asked in provider.asked if asked[1] == "LTC"] == [("pay_19", "LTC")]
    await unopened.round()  # nobody asks until some seconds later
    clock.move(seconds=3)
    await unopened.round()
    assert sum(coin == "LTC" for _, coin in provider.asked) == 2
    clock.move(hours=1)
    await unopened.round()
    del provider.does["LTC"]
    clock.move(seconds=30)
    await unopened.round()
    await unopened.round()
    assert await journal.unfinished.unopened_invoices(100) == []


@pytest.mark.parametrize(
    "error", [ProviderRefusedError("Exchange rate for JPY is not found"), AnswerUnusableError("it names no address")]
)
async def test_what_is_refused_later_is_seen_and_is_not_asked_for_all_day(
    journal: Journal, clock: Clock, provider: Provider, opener: InvoiceOpener, unopened: UnopenedInvoices,
    error: Exception, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    provider.does["LTC"] = fails(error)
    await want(journal, opener, 1, "LTC", clock)
    for _ in range(24 * 12):
        await unopened.round()
        clock.move(minutes=5)
    assert len(provider.asked) <= 10
    assert (await record(journal, 1)).refusals == {"LTC": str(error)}
    assert caplog.text.count(str(error)) == 1
    # Nor does somebody who asks again and again make it be asked for.
    asked = len(provider.asked)
    clock.now = START + timedelta(days=1, minutes=1)
    for _ in range(5):
        assert not await opener.try_to_open(await record(journal, 1))
    assert len(provider.asked) <= asked + 1
    del provider.does["LTC"]
    clock.move(hours=6)
    await unopened.round()
    assert await is_open(journal, 1)
    assert (await record(journal, 1)).refusals == {}


async def test_whatever_is_raised_over_one_invoice_the_next_is_opened(
    journal: Journal, clock: Clock, provider: Provider, opener: InvoiceOpener, unopened: UnopenedInvoices,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    def breaks(wanted: InvoiceWanted) -> InvoiceOpened:
        if wanted.external_id == "pay_2":
            raise ZeroDivisionError
        return OPENED

    provider.does["LTC"] = breaks
    before = REGISTRY.get_sample_value("bridge_invoice_openings_total", {"provider": "shkeeper", "outcome": "defect"})
    for number in (1, 2, 3):
        await want(journal, opener, number, "LTC", clock)
    for _ in range(3):
        await unopened.round()
    assert [await is_open(journal, number) for number in (1, 2, 3)] == [True, False, True]
    assert sum(external_id == "pay_2" for external_id, _ in provider.asked) == 1
    assert "invoice of pay_2" in caplog.text
    after = REGISTRY.get_sample_value("bridge_invoice_openings_total", {"provider": "shkeeper", "outcome": "defect"})
    assert after == (before or 0) + 1


async def test_everything_is_opened_within_seconds_of_the_providers_return(
    journal: Journal, clock: Clock, provider: Provider, opener: InvoiceOpener, at_work: None
) -> None:
    provider.is_away = True
    for number in range(20):
        await want(journal, opener, number, "BTC", clock)
        assert not await opener.try_to_open(await record(journal, number))
    asked = len(provider.asked)
    provider.is_away = False
    waiting = asyncio.create_task(opened_within(journal, 0))
    while not waiting.done():
        await pass_seconds(unopened_invoices.AWAY_SECONDS)
        await asyncio.sleep(0.01)
    assert [external_id for external_id, _ in provider.asked[asked:][:1]] == ["pay_19"]
    assert len(provider.asked) == asked + 20


async def test_a_wrong_key_is_no_refusal_of_the_invoice(
    journal: Journal, clock: Clock, provider: Provider, opener: InvoiceOpener, unopened: UnopenedInvoices
) -> None:
    provider.does["BTC"] = fails(CredentialsRefusedError("the key is not accepted"))
    for number in (1, 2):
        await want(journal, opener, number, "BTC", clock)
    await unopened.round()
    await unopened.round()
    assert len(provider.asked) == 1
    assert (await record(journal, 2)).refusals == {}
    del provider.does["BTC"]
    await pass_seconds(unopened_invoices.REFUSED_SECONDS)
    await unopened.round()
    assert [await is_open(journal, number) for number in (1, 2)] == [True, True]


async def test_what_the_buyer_does_not_want_to_pay_with_any_more_is_not_opened(
    journal: Journal, clock: Clock, provider: Provider, opener: InvoiceOpener, unopened: UnopenedInvoices
) -> None:
    await want(journal, opener, 1, "LTC", clock)
    [superseded] = await journal.unfinished.unopened_invoices(1)
    clock.move(seconds=1)
    await journal.unfinished.want_invoice("pay_1", await opener.wanted(payment(1), "BTC"))
    await unopened.round()
    assert await opener.open(superseded) is None
    assert provider.asked == [("pay_1", "BTC")]


async def test_a_coin_in_trouble_is_named_in_the_figures(
    journal: Journal, provider: Provider, unopened: UnopenedInvoices
) -> None:
    labels = {"provider": "shkeeper", "coin": "LTC"}
    provider.troubled = {"LTC": "its wallet is down"}
    await unopened.round()
    assert REGISTRY.get_sample_value("bridge_provider_coin_trouble", labels) == 1
    provider.troubled = {}
    await unopened.round()
    assert REGISTRY.get_sample_value("bridge_provider_coin_trouble", labels) is None


async def draft(journal: Journal, opener: InvoiceOpener, number: int, coin: str = "BTC") -> Draft:
    wanted = await opener.wanted(payment(number), coin)
    made = await journal.unfinished.draft_payment(payment(number), None, wanted)
    assert isinstance(made, Draft)
    return made


@pytest.mark.parametrize("is_away", [False, True])
async def test_a_draft_that_a_crash_left_becomes_a_payment_with_the_same_invoice(
    journal: Journal, provider: Provider, opener: InvoiceOpener, unopened: UnopenedInvoices, is_away: bool
) -> None:
    await draft(journal, opener, 1)
    assert await journal.payment_record("pay_1") is None
    provider.is_away = is_away
    await unopened.round()
    assert (await record(journal, 1)).payment.status == "pending"
    assert await is_open(journal, 1) is not is_away
    assert await journal.unfinished.drafts() == []
    assert {external_id for external_id, _ in provider.asked} <= {"pay_1"}


async def test_a_draft_that_is_refused_never_was_a_payment(
    journal: Journal, provider: Provider, opener: InvoiceOpener, unopened: UnopenedInvoices
) -> None:
    await draft(journal, opener, 1)
    provider.does["BTC"] = fails(ProviderRefusedError("no"))
    await unopened.round()
    assert await journal.payment_record("pay_1") is None
    assert await journal.unfinished.drafts() == []
    assert await journal.oldest_offset() == 1
    assert await journal.room_events(["user-b1"], everyone=True, hidden=(), after=0, limit=10) == (
        await journal.room_events(["nobody"], everyone=False, hidden=(), after=0, limit=10)
    )


async def test_a_draft_in_somebodys_hand_is_left_to_them(
    journal: Journal, provider: Provider, opener: InvoiceOpener, unopened: UnopenedInvoices
) -> None:
    await draft(journal, opener, 1)
    with opener.holding("pay_1"):
        await unopened.round()
        assert provider.asked == []
    await unopened.round()
    assert provider.asked == [("pay_1", "BTC")]


async def test_that_too_few_days_tell_of_a_coin_is_looked_up_once_an_hour(
    journal: Journal, clock: Clock, provider: Provider, opener: InvoiceOpener, unopened: UnopenedInvoices
) -> None:
    provider.does["BTC"] = lambda _: OPENED.model_copy(update={"exchange_rate": Decimal(50)})

    async def usual(number: int, after: timedelta) -> Decimal | None:
        clock.now = START + after
        made = payment(number, created_at=clock())
        await journal.register_payment(made, None, await opener.wanted(made, "BTC"))
        await unopened.round()
        assert await is_open(journal, number)
        return (await record(journal, number)).payment.facts.usual_rates.get("BTC")

    for day in range(3):
        assert await usual(day, timedelta(days=day)) is None
    third_day = timedelta(days=3)
    assert await usual(3, third_day - timedelta(minutes=30)) is None
    assert await usual(4, third_day + timedelta(minutes=10)) is None  # of which nobody asked the journal
    assert await usual(5, third_day + timedelta(minutes=31)) == Decimal(50)
