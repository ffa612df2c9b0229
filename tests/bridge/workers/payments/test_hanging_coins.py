"""A coin about which a provider does not answer: whoever asks about others goes on at full pace, and its own payments
are asked about a few at a time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable

import pytest
from tenacity import wait_none

from bridge.journal import Journal
from bridge.workers.payments.deadlines import PaymentDeadlines
from bridge.workers.payments.look_up_turns import OF_A_SLOW_COIN, SLOW_IN_ALL, Lane, LookUpTurns
from bridge.workers.payments.reconciliation import AT_ONCE, Reconciler
from coordinator.payments.agreed.invoices import InvoiceWanted
from providers.shkeeper.asking.api import ShkeeperApi
from providers.shkeeper.invoices.invoices import ShkeeperInvoices
from tests.bridge.workers.conftest import payment
from tests.bridge.workers.payments.invoice_books import DOWN, Books
from tests.clock import Clock
from tests.scripted_gateway import Gateway, Request, scripted_gateway
from tests.waiting import until

HANGING, WELL = range(1, 31), range(31, 61)
# Longer than a test takes: whatever hangs does so to its end.
TIMEOUT_SECONDS = 600.0


class HangingBooks(Books):
    """Books that never answer about some payments."""

    def __init__(self, gateway: Gateway, hanging: Iterable[int]) -> None:
        super().__init__(gateway)
        self.paths = {f"invoices/pay_{number}" for number in hanging}
        self.over = asyncio.Event()
        gateway.answers(self._hang)

    async def _hang(self, request: Request) -> bytes | None:
        if any(request.path.endswith(path) for path in self.paths):
            await self.over.wait()
        return self._answer(request)

    def hang(self) -> list[str]:
        return [one for one in self.asked if one.removeprefix("GET ") in self.paths]


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with scripted_gateway() as gateway:
        yield gateway


@pytest.fixture
async def books(gateway: Gateway) -> AsyncIterator[HangingBooks]:
    books = HangingBooks(gateway, HANGING)
    yield books
    books.over.set()


@pytest.fixture
async def invoices(gateway: Gateway) -> AsyncIterator[ShkeeperInvoices]:
    api = ShkeeperApi(url=gateway.url, api_keys=["k"], timeout_seconds=TIMEOUT_SECONDS, pauses=wait_none())
    yield ShkeeperInvoices(api)
    await api.aclose()


def fails_for(looking: Callable[[Request], bytes | None], number: int) -> Callable[[Request], bytes | None]:
    return lambda request: DOWN(request) if request.path.endswith(f"/pay_{number}") else looking(request)


async def register(journal: Journal, numbers: Iterable[int], coin: str) -> None:
    for number in numbers:
        made = payment(number)
        wanted = InvoiceWanted(
            provider="shkeeper",
            external_id=made.external_id,
            callback_url="http://127.0.0.1:8000/webhooks/shkeeper",
            coin=coin,
            amount=made.amount,
            currency=made.currency,
        )
        await journal.register_payment(made, None, wanted)


async def stand_so(journal: Journal, numbers: Iterable[int], status: str) -> bool:
    records = [await journal.payment_record(f"pay_{number}") for number in numbers]
    return {record.payment.status for record in records if record is not None} == {status}


@pytest.mark.parametrize("hanging_are_newer", [True, False])
async def test_reconciliation_asks_about_all_others_while_a_coin_hangs(
    journal: Journal, books: HangingBooks, invoices: ShkeeperInvoices, *, hanging_are_newer: bool
) -> None:
    hanging, well = (WELL, HANGING) if hanging_are_newer else (HANGING, WELL)
    books.paths = {f"invoices/pay_{number}" for number in hanging}
    await register(journal, hanging, "BTC-LIGHTNING")
    await register(journal, well, "ETH-USDT")
    for number in well:
        books.received(f"pay_{number}", "PAID", "100")
    reconciliation = Reconciler(journal, {"shkeeper": invoices}, interval_seconds=60, per_second=1_000, days=7)
    running = asyncio.create_task(reconciliation.run())
    # Not one of the others waits for an answer that does not come.
    await until(lambda: len(books.asked) - len(books.hang()) >= len(well))
    await until(lambda: len(books.hang()) >= OF_A_SLOW_COIN)
    assert len(books.hang()) <= AT_ONCE
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_deadlines_are_applied_to_all_others_while_a_coin_hangs(
    journal: Journal, books: HangingBooks, invoices: ShkeeperInvoices, clock: Clock
) -> None:
    await register(journal, HANGING, "BTC-LIGHTNING")
    await register(journal, WELL, "ETH-USDT")
    deadlines = PaymentDeadlines(journal, {"shkeeper": invoices}, grace_seconds=900)
    clock.move(days=1, seconds=1)
    applied = 0
    while applied < len(WELL):
        applied += await deadlines.round()
    assert await stand_so(journal, WELL, "expired")
    assert await stand_so(journal, HANGING, "pending")
    books.over.set()
    while applied < len(WELL) + len(HANGING):
        applied += await deadlines.round()
    assert await stand_so(journal, HANGING, "expired")


async def test_more_than_fit_into_a_look_at_what_is_due_hide_no_others(
    journal: Journal, books: HangingBooks, invoices: ShkeeperInvoices, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.journal.records.deadlines.DEADLINE_LIMIT", 4)
    await register(journal, HANGING, "BTC-LIGHTNING")
    clock.move(seconds=1)
    await register(journal, WELL, "ETH-USDT")
    deadlines = PaymentDeadlines(journal, {"shkeeper": invoices}, grace_seconds=900)
    clock.move(days=1, seconds=2)
    applied = 0
    while applied < len(WELL):
        applied += await deadlines.round()
    assert await stand_so(journal, WELL, "expired")
    await deadlines.aclose()


async def test_past_the_grace_only_those_expire_unasked_whose_coin_has_failed_to_answer(
    journal: Journal, books: HangingBooks, invoices: ShkeeperInvoices, clock: Clock
) -> None:
    failing, later = HANGING[0], HANGING[20:]
    await register(journal, HANGING, "BTC-LIGHTNING")
    deadlines = PaymentDeadlines(journal, {"shkeeper": invoices}, grace_seconds=900)
    clock.move(days=1, seconds=901)
    # As after a long stop: what is slow may well be answered, so that nobody gives up the others.
    for _ in range(3):
        assert await deadlines.round() == 0
    assert await stand_so(journal, HANGING, "pending")
    await deadlines.aclose()
    # One that fails for itself shows that the coin is silent, and those that hang keep the others from being asked.
    books.looking = fails_for(books.looking, failing)
    books.paths.remove(f"invoices/pay_{failing}")
    applied = 0
    while applied < len(later):
        applied += await deadlines.round()
    assert await stand_so(journal, [failing, *later], "expired")
    await deadlines.aclose()


class Questions:
    """Questions that are answered when a test says so."""

    def __init__(self) -> None:
        self.answers: list[asyncio.Event] = []

    async def __call__(self) -> None:
        answer = asyncio.Event()
        self.answers.append(answer)
        await answer.wait()


async def test_what_is_slow_gives_up_its_place_and_leaves_few_to_its_coin() -> None:
    turns, ask = LookUpTurns(2), Questions()
    bitcoin, litecoin = Lane("BTC"), Lane("LTC")
    await turns.begin(bitcoin, ask)
    await turns.begin(bitcoin, ask)
    assert not turns.is_full(bitcoin)
    await turns.begin(litecoin, ask)  # waits until the first two are slow
    assert turns.full_coins == frozenset({"BTC"})
    assert not turns.is_full(litecoin)
    assert not turns.is_full(Lane("BTC", was_unanswered=True))
    assert not await turns.begin(bitcoin, ask)
    await until(lambda: len(ask.answers) == 3)
    for answer in ask.answers:
        answer.set()
    await turns.all()
    assert not turns.full_coins


async def test_where_many_coins_hang_no_more_is_under_way_than_the_provider_bears() -> None:
    turns, ask = LookUpTurns(2), Questions()
    begun = [asyncio.create_task(turns.begin(Lane(f"COIN-{number}"), ask)) for number in range(20)]
    await until(lambda: len(ask.answers) == SLOW_IN_ALL + 2)
    await asyncio.sleep(0)
    ended = asyncio.create_task(turns.quick())
    for number in range(20):
        await until(lambda number=number: len(ask.answers) > number)  # type: ignore[misc]
        assert len(ask.answers) <= SLOW_IN_ALL + 2 + number
        ask.answers[number].set()
    await asyncio.gather(*begun, ended)
    await turns.all()


async def test_whoever_stops_gives_up_what_is_under_way() -> None:
    turns, ask = LookUpTurns(2), Questions()
    assert await turns.begin(Lane("BTC"), ask)
    await until(lambda: len(ask.answers) == 1)
    await turns.aclose()
    await turns.all()
    assert not ask.answers[0].is_set()
