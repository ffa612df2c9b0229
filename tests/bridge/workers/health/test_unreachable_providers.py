"""Providers that cannot be asked while something waits for them: a person is told once it has lasted, of what is
unknown meanwhile, until they answer again."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from tenacity import wait_none

from bridge.journal import Journal
from bridge.workers.health.unreachable_providers import REPORTED_AFTER, UnreachableProviders
from coordinator.attention.items import AttentionKind
from coordinator.attention.severities import SEVERITIES, Severity
from providers.shkeeper.asking.api import ShkeeperApi
from providers.shkeeper.invoices.invoices import ShkeeperInvoices
from tests.bridge.workers.conftest import payment
from tests.bridge.workers.payments.invoice_books import DOWN, Books
from tests.clock import Clock
from tests.scripted_gateway import Gateway, Request, hangs_up, says
from tests.waiting import GIVE_UP_SECONDS

BAD_KEY = says({"status": "error", "message": "bad API key"})
SECOND = timedelta(seconds=1)
# Longer than a circuit stays open.
ASKED_AGAIN_AFTER = timedelta(minutes=10)


@pytest.fixture
def refused() -> Counter[str]:
    """How many webhooks of each provider were refused for their signature."""
    return Counter()


@pytest.fixture
async def unreachable(
    journal: Journal, gateway: Gateway, clock: Clock, refused: Counter[str]
) -> AsyncIterator[UnreachableProviders]:
    api = ShkeeperApi(
        url=gateway.url,
        api_keys=["k"],
        timeout_seconds=GIVE_UP_SECONDS,
        pauses=wait_none(),
        clock=lambda: clock().timestamp(),
    )
    yield UnreachableProviders(
        journal, {"shkeeper": ShkeeperInvoices(api)}, {}, signatures_refused=lambda provider: refused[provider]
    )
    await api.aclose()


async def look_after(unreachable: UnreachableProviders, clock: Clock, passed: timedelta) -> list[str]:
    clock.move(seconds=passed.total_seconds())
    await unreachable.refresh()
    return [one.detail for one in unreachable.items]


@pytest.mark.parametrize(
    ("trouble", "said"),
    [(BAD_KEY, "shkeeper turns the bridge away"), (DOWN, "shkeeper does not answer"), (hangs_up, "does not answer")],
)
async def test_it_is_listed_once_it_has_lasted_and_leaves_by_itself(
    journal: Journal,
    books: Books,
    clock: Clock,
    unreachable: UnreachableProviders,
    trouble: Callable[[Request], bytes | None],
    said: str,
) -> None:
    await journal.register_payment(payment(1))
    await journal.register_payment(payment(2))
    assert await look_after(unreachable, clock, SECOND) == []
    usual, books.looking = books.looking, trouble
    assert await look_after(unreachable, clock, SECOND) == []
    assert await look_after(unreachable, clock, REPORTED_AFTER - SECOND) == []
    [detail] = await look_after(unreachable, clock, SECOND)
    assert said in detail
    assert "2 payments to be asked about" in detail
    [item] = unreachable.items
    assert (item.key, item.since) == ("provider-unreachable:shkeeper", clock() - REPORTED_AFTER)
    assert SEVERITIES[AttentionKind.PROVIDER_UNREACHABLE] is Severity.CRITICAL
    # Of what expires meanwhile nobody knows whether it was paid: that stays on the list though nothing else waits.
    clock.move(days=2)
    await journal.deadlines.apply(["pay_1", "pay_2"])
    [detail] = await look_after(unreachable, clock, SECOND)
    assert "2 payments expired since, of which nobody knows whether the money came" in detail
    assert "to be asked about" not in detail
    books.looking = usual
    assert await look_after(unreachable, clock, ASKED_AGAIN_AFTER) == []


async def test_what_expired_before_the_first_question_failed_counts_as_unasked(
    journal: Journal, books: Books, clock: Clock, unreachable: UnreachableProviders
) -> None:
    for number in (1, 2):
        await journal.register_payment(payment(number))
    books.looking = BAD_KEY
    clock.move(days=2)
    await journal.deadlines.apply(["pay_1"])
    assert await look_after(unreachable, clock, SECOND) == []
    [detail] = await look_after(unreachable, clock, REPORTED_AFTER)
    assert "1 payment to be asked about; 1 payment expired since" in detail


async def test_where_nothing_waits_nobody_is_asked(
    books: Books, clock: Clock, unreachable: UnreachableProviders
) -> None:
    books.looking = BAD_KEY
    for _ in range(3):
        assert await look_after(unreachable, clock, REPORTED_AFTER) == []
    assert books.asked == []


async def test_webhooks_that_anybody_can_send_are_told_of_only_where_the_key_is_refused_too(
    journal: Journal, books: Books, clock: Clock, unreachable: UnreachableProviders, refused: Counter[str]
) -> None:
    await journal.register_payment(payment(1))
    refused["shkeeper"] = 1000
    for _ in range(3):
        assert await look_after(unreachable, clock, REPORTED_AFTER) == []
    books.looking = DOWN
    await look_after(unreachable, clock, SECOND)
    refused["shkeeper"] += 3
    [detail] = await look_after(unreachable, clock, REPORTED_AFTER)
    assert "signature" not in detail
    books.looking = BAD_KEY
    [detail] = await look_after(unreachable, clock, ASKED_AGAIN_AFTER)
    assert "3 webhooks came since whose signature fits no key of the bridge's" in detail
