"""What one bridge registers, holds or doubts while another, over the same journal, does the work."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

import pytest
from prometheus_client import REGISTRY

from bridge.journal import Draft, Journal
from bridge.workers.payments.invoices import InvoiceOpener
from bridge.workers.payments.reconciliation import Reconciler
from bridge.workers.payouts.sender import PayoutSender
from coordinator.payments.agreed.invoices import InvoiceOpened, InvoiceWanted
from coordinator.payments.deciding.evidence import LookedUpInvoice
from coordinator.payments.observed.observations import Ending, InvoiceEnded
from providers.shkeeper.asking.api import ShkeeperApi
from tests.bridge.workers.conftest import paid, payment
from tests.bridge.workers.payouts.sending import Books, new_sender, wanted
from tests.resuming import resumed
from tests.scripted_gateway import Gateway, Request, says
from tests.waiting import until

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

CALLBACKS = {"shkeeper": "http://127.0.0.1:8000/webhooks/shkeeper"}


class Two(NamedTuple):
    """The journals of two bridges, which are one."""

    first: Journal
    second: Journal


@pytest.fixture
async def two(database_url: str) -> AsyncIterator[Two]:
    journals = [await Journal.open(database_url, is_shared=True) for _ in range(2)]
    listening = [asyncio.create_task(journal.follow_others()) for journal in journals]
    yield Two(*journals)
    for task in listening:
        task.cancel()
    await asyncio.gather(*listening, return_exceptions=True)
    for journal in journals:
        await journal.close()


class Provider:
    """A provider that answers about invoices when a test says so."""

    provider = "shkeeper"

    def __init__(self) -> None:
        self.opening = asyncio.Event()
        self.opened: list[str] = []
        self.at_once = 0
        self.looked_up: list[str] = []

    async def coins(self) -> Sequence[str]:
        return ["BTC"]

    async def open_invoice(self, wanted: InvoiceWanted) -> InvoiceOpened:
        self.at_once += 1
        await self.opening.wait()
        self.at_once -= 1
        self.opened.append(wanted.external_id)
        return InvoiceOpened(address="0x86", coin_amount=Decimal(100), payment_uri="0x86")

    async def look_up(self, external_id: str) -> Sequence[LookedUpInvoice]:
        self.looked_up.append(external_id)
        return []

    async def names(self) -> Sequence[str]:
        return []

    async def check(self) -> None:
        pass

    async def examine(self) -> None:
        pass

    async def trouble_with(self, coin: str) -> str | None:
        return None

    def troubles(self) -> dict[str, str]:
        return {}


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def books(gateway: Gateway) -> Books:
    return Books(gateway)


@asynccontextmanager
async def sending(journal: Journal, api: ShkeeperApi) -> AsyncIterator[PayoutSender]:
    """A sender that looks for payouts by itself only once an hour."""
    usual = new_sender(journal, api)
    sender = PayoutSender(journal, usual.gateways, rules=None, shortest_wait=timedelta(hours=1))
    running = asyncio.create_task(sender.run())
    yield sender
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def looks(journal: Journal, count: int) -> None:
    """Waits until a journal was written to, or asked for a lease, so many times more."""
    enough = journal._writer.batches + count
    await until(lambda: journal._writer.batches >= enough)


async def test_what_one_bridge_orders_another_sends_at_once(two: Two, api: ShkeeperApi, books: Books) -> None:
    await two.second.nodes.take(["payouts"], timedelta(hours=1))
    async with sending(two.second, api):
        for number in range(1, 5):
            await wanted(two.first, number, coin="USDT")
            await until(lambda: books.questions == number)  # noqa: B023 (it is waited for here)


async def test_a_hold_stops_another_bridge_within_its_commit_and_waits_for_what_that_has_ordered(
    two: Two, api: ShkeeperApi, books: Books
) -> None:
    answered = asyncio.Event()

    async def slow(request: Request) -> bytes | None:
        await answered.wait()
        return says({"task_id": "t"})(request)

    books.question = slow
    await two.second.nodes.take(["payouts"], timedelta(hours=1))
    async with sending(two.second, api):
        await wanted(two.first, 1, coin="USDT")
        await until(lambda: books.questions)
        second = await wanted(two.first, 2, coin="USDT")
        await two.first.console.hold_payouts(by="Ada", note=None)
        for journal in two:
            await new_sender(journal, api).measure()
            assert REGISTRY.get_sample_value("bridge_payouts_held") == 1
        name = (await two.second.payouts.name([second]))[second].external_id
        assert await two.second.payouts.begin_attempts({second: name}, rules=None) == {}
        waiting = asyncio.create_task(new_sender(two.first, api).orders_answered())
        done, _ = await asyncio.wait([waiting], timeout=0)
        assert not done
        answered.set()
        await waiting
        assert books.questions == 1
        await resumed(two.first, by="Ada", note=None)
        await until(lambda: books.questions == 2)


async def test_an_invoice_that_one_bridge_could_not_open_another_is_woken_for(two: Two, provider: Provider) -> None:
    first, second = (InvoiceOpener(journal, {"shkeeper": provider}, CALLBACKS) for journal in two)
    await two.first.register_payment(payment(), None, await first.wanted(payment(), "BTC"))
    await until(second.left.is_set)


async def test_an_invoice_that_was_left_before_a_bridge_listens_wakes_it_when_it_does(
    database_url: str, provider: Provider
) -> None:
    """As where its connection was away meanwhile."""
    async with AsyncExitStack() as opened:
        journals = []
        for _ in range(2):
            journals.append(await Journal.open(database_url, is_shared=True))
            opened.push_async_callback(journals[-1].close)
        first, second = (InvoiceOpener(journal, {"shkeeper": provider}, CALLBACKS) for journal in journals)
        await journals[0].register_payment(payment(), None, await first.wanted(payment(), "BTC"))
        listening = asyncio.create_task(journals[1].follow_others())
        await until(second.left.is_set)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_two_bridges_switch_the_coin_of_a_payment_one_after_the_other(two: Two, provider: Provider) -> None:
    openers = [InvoiceOpener(journal, {"shkeeper": provider}, CALLBACKS) for journal in two]
    switching, inside = asyncio.Event(), []

    async def switch(opener: InvoiceOpener) -> None:
        async with opener.switching("pay_1"):
            inside.append(opener)
            await switching.wait()

    async with asyncio.TaskGroup() as tasks:
        for opener in openers:
            tasks.create_task(switch(opener))
        await until(lambda: inside)
        await looks(two.second if inside[0] is openers[0] else two.first, 3)
        assert len(inside) == 1
        switching.set()
    assert len(inside) == 2


async def test_two_bridges_do_not_ask_for_the_invoice_of_one_payment_at_once(two: Two, provider: Provider) -> None:
    openers = [InvoiceOpener(journal, {"shkeeper": provider}, CALLBACKS) for journal in two]
    invoice = await openers[0].wanted(payment(), "BTC")
    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(opener.ask("pay_1", invoice)) for opener in openers]
        await until(lambda: provider.at_once)
        [lease] = (await two.first.nodes.leases()).values()
        await looks(two.second if lease.node == two.first.nodes.own else two.first, 3)
        assert (provider.at_once, provider.opened) == (1, [])
        provider.opening.set()
    assert [one.result().why_not for one in asked] == [None, None]
    assert await two.first.nodes.leases() == {}


async def test_a_payment_that_one_bridge_is_registering_is_not_registered_by_another(
    two: Two, provider: Provider
) -> None:
    first, second = (InvoiceOpener(journal, {"shkeeper": provider}, CALLBACKS) for journal in two)
    draft = await two.first.unfinished.draft_payment(payment(), None, await first.wanted(payment(), "BTC"))
    assert isinstance(draft, Draft)
    async with asyncio.TaskGroup() as tasks:
        with first.holding("pay_1"):
            registering = tasks.create_task(first.register(draft))
            await until(lambda: provider.at_once)
            await second.finish_drafts()
            provider.opening.set()
            registered, _ = await registering
    assert (registered.is_new, provider.opened) == (True, ["pay_1"])


async def test_what_is_told_to_one_bridge_and_does_not_fit_another_asks_about(two: Two, provider: Provider) -> None:
    await paid(two.first)
    told = InvoiceEnded(ending=Ending.CANCELLED)
    await two.first.record_observation(provider="shkeeper", external_id="pay_1", key="ended", observation=told)
    # One that is over is not asked about by itself.
    asking = Reconciler(two.second, {"shkeeper": provider}, interval_seconds=60, per_second=1_000, days=0)
    await asking.round()
    assert provider.looked_up == ["pay_1"]
    assert await two.first.unfinished.due_look_ups() == []
    await asking.round()
    assert provider.looked_up == ["pay_1"]
