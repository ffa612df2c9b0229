"""Prices that cannot be used: a person hears of them once for each coin and what is wrong, from any bridge, and no
more once the price is good."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import pytest
from tenacity import wait_none

from bridge.http.ops.overview import needs_a_person
from bridge.journal import Journal
from bridge.workers.payouts.price_checks import PriceChecks
from bridge.workers.payouts.sender import PayoutSender
from coordinator.attention.items import Attention, AttentionKind
from providers.contract import PayoutOrder
from providers.shkeeper.asking.api import ShkeeperApi
from providers.shkeeper.payouts.payouts import ShkeeperPayouts
from providers.unknown_prices import PriceUnknownError
from tests.clock import Clock
from tests.scripted_gateway import Gateway, hangs_up, says
from tests.waiting import GIVE_UP_SECONDS

OFFERED = ["BTC", "ETH-USDT", "LTC"]
GOOD = says({"status": "success", "exchange_rate": "80", "amount_crypto": "12500"})
OTHER_RATE = says({"status": "success", "exchange_rate": "60", "amount_crypto": "12500"})
OTHER_COIN = says({"status": "success", "exchange_rate": "80", "amount_crypto": "12500", "crypto": "DASH"})
NO_RATE = says({"status": "success", "exchange_rate": "0"})
WAIT = timedelta(hours=1)


@pytest.fixture
async def payouts(gateway: Gateway) -> AsyncIterator[ShkeeperPayouts]:
    api = ShkeeperApi(url=gateway.url, api_keys=["k"], timeout_seconds=GIVE_UP_SECONDS, pauses=wait_none())

    async def offered() -> list[str]:
        return OFFERED

    yield ShkeeperPayouts(api, user="op", password="secret", callback_url="http://127.0.0.1/", coins=offered)
    await api.aclose()


@pytest.fixture
def sender(journal: Journal, payouts: ShkeeperPayouts) -> PayoutSender:
    return PayoutSender(journal, {"shkeeper": payouts}, rules=None)


async def ask(sender: PayoutSender, coin: str = "LTC", currency: str = "USD") -> None:
    """As for a payout, which is refused where nobody can tell its worth."""
    with suppress(PriceUnknownError):
        await sender.worth("shkeeper", PayoutOrder(coin, "", Decimal(1)), currency)


async def listed(journal: Journal) -> list[Attention]:
    return [one for one in await needs_a_person(journal, WAIT) if one.kind is AttentionKind.PRICE_UNUSABLE]


async def test_each_coin_and_fault_is_listed_once_however_often_and_in_whatever_it_is_asked(
    journal: Journal, gateway: Gateway, sender: PayoutSender, clock: Clock
) -> None:
    gateway.answers(OTHER_RATE)
    began_at = clock()
    for currency in ("USD", "EUR", "USD", "EUR"):
        await ask(sender, currency=currency)
        clock.move(seconds=60)
    await asyncio.gather(*(ask(sender, "BTC") for _ in range(8)))
    bitcoin, litecoin = sorted(await listed(journal), key=lambda one: one.subject)
    assert (bitcoin.subject, litecoin.subject) == ("shkeeper:BTC:contradictory", "shkeeper:LTC:contradictory")
    assert (litecoin.since, litecoin.news_at) == (began_at, began_at + timedelta(seconds=60))
    assert "In EUR, USD: nobody can tell what LTC is worth" in litecoin.detail
    said = await PriceChecks(journal, sender).trouble() or ""
    assert [part.partition(":")[0] for part in said.split("; ")] == ["LTC in USD", "LTC in EUR", "BTC in USD"]


async def test_another_fault_takes_the_place_of_the_one_before(
    journal: Journal, gateway: Gateway, sender: PayoutSender
) -> None:
    for answer, fault in ((OTHER_RATE, "contradictory"), (OTHER_COIN, "of-another"), (NO_RATE, "unreadable")):
        gateway.answers(answer)
        await ask(sender)
        assert [one.subject for one in await listed(journal)] == [f"shkeeper:LTC:{fault}"]


async def test_it_goes_once_a_price_is_good_whoever_asked_for_it(
    journal: Journal, gateway: Gateway, sender: PayoutSender
) -> None:
    gateway.answers(OTHER_RATE)
    await ask(sender)
    await ask(sender, "BTC")
    gateway.answers(GOOD)
    assert await sender.coins_for("shkeeper", Decimal(40), "USD", "LTC") == Decimal("0.5")
    assert [one.subject for one in await listed(journal)] == ["shkeeper:BTC:contradictory"]
    await PriceChecks(journal, sender).round()
    assert await listed(journal) == []
    assert await PriceChecks(journal, sender).trouble() is None


async def test_a_provider_that_is_away_is_no_fault_of_a_price_and_mends_none(
    journal: Journal, gateway: Gateway, sender: PayoutSender
) -> None:
    gateway.answers(hangs_up)
    await ask(sender, "BTC")
    assert await listed(journal) == []
    gateway.answers(OTHER_RATE)
    await ask(sender)
    gateway.answers(hangs_up)
    await PriceChecks(journal, sender).round()
    assert [one.subject for one in await listed(journal)] == ["shkeeper:LTC:contradictory"]


async def test_of_what_is_offered_no_more_nobody_is_told(
    journal: Journal, gateway: Gateway, sender: PayoutSender
) -> None:
    gateway.answers(OTHER_RATE)
    await ask(sender, "DOGE")
    assert len(await listed(journal)) == 1
    asked = len(gateway.requests)
    await PriceChecks(journal, sender).round()
    assert (await listed(journal), len(gateway.requests)) == ([], asked)
    await ask(sender)
    await PriceChecks(journal, PayoutSender(journal, {}, rules=None)).round()
    assert await listed(journal) == []
