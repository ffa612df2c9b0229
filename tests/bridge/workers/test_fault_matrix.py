"""Each of SHKeeper's calls, failing in each way, before and after it has acted: nothing is opened or paid twice, and
what became of it is clear once SHKeeper works again."""

from collections.abc import AsyncIterator
from decimal import Decimal
from itertools import product

import pytest
from tenacity import wait_none

from bridge.journal import Journal
from bridge.workers.payments.invoices import InvoiceOpener
from bridge.workers.payments.reconciliation import Reconciler
from bridge.workers.payments.unopened_invoices import UnopenedInvoices
from bridge.workers.payouts.sender import PayoutSender
from coordinator.payouts.payouts import Payout
from coordinator.payouts.statuses import PayoutStatus
from providers.shkeeper.asking.api import ShkeeperApi
from providers.shkeeper.invoices.invoices import ShkeeperInvoices
from providers.shkeeper.payouts.payouts import ShkeeperPayouts
from providers.shkeeper.simulator.books.payouts import Outcome
from providers.shkeeper.simulator.faults import Call, Fault, Happens, What
from providers.shkeeper.simulator.gateway import Configuration, LocalGateway
from providers.shkeeper.simulator.server import serving
from tests.bridge.workers.conftest import START, paid, payment
from tests.clock import Clock
from tests.held_answers import NEVER_SECONDS, let_time_pass_while_answers_are_held
from tests.matrices import every_pair
from tests.waiting import GIVE_UP_SECONDS

KEY = "k"
CALLBACK_URL = "http://127.0.0.1:9/webhooks/shkeeper"  # nobody listens there: no notice ever arrives
FAILURES = [What.TIMEOUT, What.ERROR_500, What.ERROR_200, What.GARBAGE, What.RESET, What.WRONG_KEY]
# The key is looked at before anything is done, and a question that only asks does nothing that could be undone.
ACTS = [*product(FAILURES, Happens)]
ACTS.remove((What.WRONG_KEY, Happens.AFTER))
READS = [(failure, Happens.BEFORE) for failure in FAILURES]


@pytest.fixture
def local() -> LocalGateway:
    return LocalGateway(Configuration(KEY, password="secret", task_seconds=0, confirm_seconds=0))


@pytest.fixture
async def url(local: LocalGateway, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    let_time_pass_while_answers_are_held(monkeypatch)
    async with serving(local) as url:
        yield url


class Bridge:
    """The bridge's workers. A new one is a bridge that was started again: it knows only what is in the journal."""

    def __init__(self, journal: Journal, url: str) -> None:
        self.api = ShkeeperApi(url=url, api_keys=[KEY], timeout_seconds=GIVE_UP_SECONDS, pauses=wait_none())
        invoices = {"shkeeper": ShkeeperInvoices(self.api)}
        payouts = ShkeeperPayouts(
            self.api,
            user="admin",
            password="secret",
            callback_url=CALLBACK_URL,
            coins=invoices["shkeeper"].coins,
        )
        self.opener = InvoiceOpener(journal, invoices, {"shkeeper": CALLBACK_URL})
        self.sender = PayoutSender(journal, {"shkeeper": payouts}, rules=None)
        self.unopened = UnopenedInvoices(journal, invoices, self.opener, per_second=1_000)
        self.reconciliation = Reconciler(journal, invoices, interval_seconds=60, per_second=1_000, days=7)

    async def work(self, clock: Clock, rounds: int = 4) -> None:
        """Does what it does by itself, for some time; then it ends."""
        for _ in range(rounds):
            await self.unopened.round()
            await self.reconciliation.round()
            await self.sender.round()
            clock.move(minutes=30)
        await self.api.aclose()


async def ask_for_payouts(journal: Journal, number: int) -> list[Payout]:
    payouts = [
        Payout(
            payout_id=f"out_{count}",
            provider="shkeeper",
            payment_id=await paid(journal, count),
            seller_id="s1",
            destination=f"0xA{count}",
            coin="ETH-USDT",
            amount=Decimal(98),
            worth=Decimal(98),
            created_at=START,
            batch_id="batch" if number > 1 else None,
        )
        for count in range(number)
    ]
    await journal.payouts.register(payouts, rules=None)
    return payouts


async def statuses(journal: Journal, payouts: list[Payout]) -> set[str]:
    records = await journal.payouts.records([payout.payout_id for payout in payouts])
    return {record.payout.status for record in records}


def sent(local: LocalGateway, payouts: list[Payout]) -> list[int]:
    """How often each payout's money left."""
    return [sum(money.destination == payout.destination for money in local.payouts.sent) for payout in payouts]


def fail(local: LocalGateway, call: Call, what: What, happens: Happens, times: int | None = None) -> None:
    local.faults.add(Fault(call=call, what=what, happens=happens, times=times, seconds=NEVER_SECONDS))


@pytest.mark.parametrize(
    ("call", "what", "happens"),
    [
        *((Call.PAYMENT_REQUEST, *way) for way in ACTS),
        *((call, *way) for call in (Call.CRYPTO, Call.INVOICES) for way in READS),
    ],
)
async def test_one_invoice_is_opened_and_the_payment_ends_right(
    journal: Journal, clock: Clock, local: LocalGateway, url: str, call: Call, what: What, happens: Happens
) -> None:
    fail(local, call, what, happens)
    bridge = Bridge(journal, url)
    wanted = await bridge.opener.wanted(payment(), "ETH-USDT")
    await journal.register_payment(payment(), None, wanted)
    await bridge.work(clock, rounds=2)
    assert len(local.invoices.invoices) <= 1
    local.faults.clear()
    await Bridge(journal, url).work(clock, rounds=1)
    [invoice] = local.invoices.invoices
    local.transfer(invoice.addresses["ETH-USDT"], None, clock(), confirmed=True)
    await Bridge(journal, url).work(clock)
    record = await journal.payment_record("pay_1")
    assert record is not None
    assert (record.payment.status, record.invoices[0].opened is not None) == ("completed", True)
    assert len(local.invoices.invoices) == 1


@pytest.mark.parametrize(("number", "what", "happens"), every_pair([1, 3], [*FAILURES, What.LOGIN], Happens))
async def test_no_payout_is_sent_twice_when_the_question_fails(
    journal: Journal, clock: Clock, local: LocalGateway, url: str, number: int, what: What, happens: Happens
) -> None:
    call = Call.PAYOUT if number == 1 else Call.MULTIPAYOUT
    fail(local, call, what, happens, times=1)
    payouts = await ask_for_payouts(journal, number)
    await Bridge(journal, url).work(clock)
    await Bridge(journal, url).work(clock)
    is_sent = happens is Happens.AFTER
    expected = PayoutStatus.COMPLETED if is_sent else PayoutStatus.AMBIGUOUS
    assert (sent(local, payouts), await statuses(journal, payouts)) == ([is_sent] * number, {expected})
    assert sum(asked.call is call for asked in local.asked) == 1


@pytest.mark.parametrize(
    ("number", "call", "what"), every_pair([1, 3], [Call.CRYPTO, Call.TASK, Call.PAYOUT_STATUS], FAILURES)
)
async def test_a_payout_ends_right_when_the_questions_around_it_fail(
    journal: Journal,
    clock: Clock,
    local: LocalGateway,
    url: str,
    number: int,
    call: Call,
    what: What,
) -> None:
    fail(local, call, what, Happens.BEFORE)
    payouts = await ask_for_payouts(journal, number)
    await Bridge(journal, url).work(clock, rounds=2)
    assert await statuses(journal, payouts) <= {PayoutStatus.CREATED, PayoutStatus.BROADCAST, PayoutStatus.COMPLETED}
    local.faults.clear()
    await Bridge(journal, url).work(clock)
    assert (sent(local, payouts), await statuses(journal, payouts)) == ([1] * number, {PayoutStatus.COMPLETED})


async def test_a_payout_that_shkeeper_stopped_following_is_overdue_and_still_asked_about(
    journal: Journal, clock: Clock, local: LocalGateway, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    local.payouts.outcomes["0xa0"] = Outcome.UNCONFIRMED
    [payout] = await ask_for_payouts(journal, 1)
    await Bridge(journal, url).work(clock)
    [record] = await journal.payouts.records([payout.payout_id])
    assert (record.payout.status, record.payout.is_overdue(clock())) == (PayoutStatus.BROADCAST, False)
    clock.move(days=1)
    await Bridge(journal, url).work(clock)
    assert record.payout.is_overdue(clock())
    assert [message for message in caplog.messages if "not settled after a day" in message] == [
        "out_0 is not settled after a day; look at the chain and at the provider"
    ]
    local.payouts.payouts[0].status = "SUCCESS"  # an operator has looked after it
    await Bridge(journal, url).work(clock)
    assert await statuses(journal, [payout]) == {PayoutStatus.COMPLETED}


async def test_money_that_shkeeper_sent_and_never_wrote_down_is_not_sent_again(
    journal: Journal, clock: Clock, local: LocalGateway, url: str
) -> None:
    fail(local, Call.PAYOUT, What.NOT_WRITTEN_DOWN, Happens.AFTER, times=1)
    payouts = await ask_for_payouts(journal, 1)
    for _ in range(3):
        await Bridge(journal, url).work(clock)
    assert (sent(local, payouts), await statuses(journal, payouts)) == ([1], {PayoutStatus.AMBIGUOUS})
