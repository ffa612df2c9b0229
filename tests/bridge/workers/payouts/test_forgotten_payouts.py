"""Payouts that a restored journal has forgotten: what is ordered of their payments again takes them over, and
whatever else was ordered is looked at by a second person."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from bridge.journal import Journal
from bridge.journal.database.engines import parse_database_url
from bridge.journal.maintenance import declare_restored
from coordinator.attention.histories import forgotten_payout, forgotten_payout_key
from coordinator.ids import derived_id
from coordinator.payouts.approval import Approver, PayoutRules
from coordinator.payouts.limits import PayoutLimits
from coordinator.payouts.observations import (
    PayoutAsked,
    PayoutBooked,
    PayoutConfirmed,
    PayoutNotAsked,
    PayoutSent,
    PayoutUnclear,
)
from coordinator.payouts.payouts import Payout
from providers.shkeeper.asking.api import ShkeeperApi
from tests.bridge.workers.books.gateway_books import Books, compared, comparing, name, sender_of
from tests.bridge.workers.conftest import START, paid
from tests.clock import Clock
from tests.resuming import resumed
from tests.scripted_gateway import Gateway

LIMIT = PayoutLimits(
    per_payout=Decimal(90), per_seller_and_day=Decimal(95), per_day=Decimal(95), under_way=Decimal(95)
)
RULES = PayoutRules({"USD": LIMIT})


class Restored:
    """A journal in a file, which can be restored."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.url, self.mark, self.clock = f"sqlite:///{folder / 'journal.db'}", folder / "journal.mark", clock
        self.journal: Journal

    async def open(self) -> Journal:
        self.journal = await Journal.open(self.url, self.clock, mark_file=self.mark)
        return self.journal

    async def restore(self) -> Journal:
        await self.journal.close()
        self.clock.move(minutes=1)
        declare_restored(self.url, self.mark, "so it was", self.clock())
        self.clock.move(minutes=1)
        return await self.open()


@pytest.fixture
async def restored(tmp_path: Path, clock: Clock) -> AsyncIterator[Restored]:
    one = Restored(tmp_path, clock)
    await one.open()
    yield one
    await one.journal.close()


@pytest.fixture
def books(gateway: Gateway) -> Books:
    return Books(gateway)


async def ordered(journal: Journal, number: int, **changes: Any) -> str:
    """One of several for the first payment."""
    fields = {"destination": "0xAb", "coin": "ETH-USDT", "amount": Decimal(98), "worth": Decimal(1)} | changes
    payout = Payout(
        payout_id=f"out_{number}",
        provider="shkeeper",
        payment_id="pay_1",
        seller_id="s1",
        worth_currency="USD",
        created_at=journal.clock() + timedelta(seconds=number),
        **fields,
    )
    await journal.payouts.register([payout], rules=RULES, another=True)
    return payout.payout_id


async def payout(journal: Journal, payout_id: str) -> Payout:
    [record] = await journal.payouts.records([payout_id])
    return record.payout


async def dismiss(journal: Journal) -> None:
    for one in await journal.history.forgotten_payouts():
        await journal.console.dismiss(forgotten_payout_key(one.payout), by="Ada")
    await resumed(journal, by="Ada", note=None)


async def sends_all(journal: Journal, api: ShkeeperApi, clock: Clock) -> None:
    """Gives the wallet its time for one after the other."""
    sender = sender_of(api, journal)
    for _ in range(3):
        await sender.round()
        clock.move(minutes=20)


# What is ordered again


async def test_the_very_same_orders_take_over_what_was_forgotten_and_nobody_has_to_approve_them(
    restored: Restored, api: ShkeeperApi, books: Books
) -> None:
    await paid(restored.journal)
    journal = await restored.restore()
    books.has(name(1, 0))
    books.has(name(1, 1))
    books.payouts[name(1, 1), "ETH-USDT"]["destination"] = "0xCd"
    assert len((await compared(comparing(journal, api), journal)).forgotten) == 2
    await dismiss(journal)
    # Neither because of the other, nor of what it comes to: it has left.
    again = [
        await ordered(journal, 1, worth=Decimal(50), destination="0xCd"),
        await ordered(journal, 2, worth=Decimal(50)),
    ]
    assert [(await payout(journal, one)).status for one in again] == ["created", "created"]
    await sends_all(journal, api, restored.clock)
    assert [(await payout(journal, one)).external_id for one in again] == [name(1, 1), name(1, 0)]
    assert books.ordered == 0


async def test_of_two_that_are_the_same_only_one_takes_over_and_the_other_waits(
    restored: Restored, api: ShkeeperApi, books: Books
) -> None:
    await paid(restored.journal)
    journal = await restored.restore()
    books.has(name(1, 0))
    await compared(comparing(journal, api), journal)
    await dismiss(journal)
    # The later one first.
    both = [await ordered(journal, 2), await ordered(journal, 1)]
    assert sorted([(await payout(journal, one)).status for one in both]) == ["awaiting_approval", "created"]
    await sends_all(journal, api, restored.clock)
    assert books.ordered == 0


async def test_what_its_provider_has_no_more_is_not_sent_before_somebody_has_approved_it(
    restored: Restored, api: ShkeeperApi, books: Books
) -> None:
    await paid(restored.journal)
    journal = await restored.restore()
    books.has(name(1, 0))
    await compared(comparing(journal, api), journal)
    await dismiss(journal)
    again = await ordered(journal, 1)
    books.payouts.clear()
    await sender_of(api, journal).round()
    assert ((await payout(journal, again)).status, books.ordered) == ("awaiting_approval", 0)
    await journal.approvals.approve(again, by=Approver("Bo"), note=None)
    await sender_of(api, journal).round()
    assert books.ordered == 1


# What was ordered before


@pytest.mark.parametrize("is_before_sending", [False, True])
async def test_an_order_of_before_that_is_unlike_what_was_forgotten_waits_for_a_second_person(
    restored: Restored, api: ShkeeperApi, books: Books, is_before_sending: bool
) -> None:
    await paid(restored.journal)
    waiting = await ordered(restored.journal, 1, amount=Decimal(30))
    journal = await restored.restore()
    if is_before_sending:  # in a coin that the comparison does not know of
        assert not (await compared(comparing(journal, api), journal)).forgotten
        await resumed(journal, by="Ada", note=None)
        books.has(name(1, 0), "TRX")
        await sender_of(api, journal).round()
    else:
        books.has(name(1, 0))
        await compared(comparing(journal, api), journal)
    await dismiss(journal)
    await sender_of(api, journal).round()
    assert ((await payout(journal, waiting)).status, books.ordered) == ("awaiting_approval", 0)
    [reason] = (await payout(journal, waiting)).facts.withheld
    assert "98" in reason
    assert "this may have been paid" in reason


@pytest.mark.parametrize("is_forgotten", [True, False])
async def test_what_was_approved_before_the_backup_is_approved_again_if_something_of_its_payment_was_forgotten(
    restored: Restored, api: ShkeeperApi, books: Books, is_forgotten: bool
) -> None:
    await paid(restored.journal)
    approved = await ordered(restored.journal, 1, amount=Decimal(30), worth=Decimal(91))
    assert (await payout(restored.journal, approved)).status == "awaiting_approval"
    await restored.journal.approvals.approve(approved, by=Approver("Bo"), note=None)
    journal = await restored.restore()
    if is_forgotten:
        books.has(name(1, 0))
    assert bool((await compared(comparing(journal, api), journal)).forgotten) is is_forgotten
    await dismiss(journal)
    await sender_of(api, journal).round()
    if is_forgotten:
        assert ((await payout(journal, approved)).status, books.ordered) == ("awaiting_approval", 0)
        assert "this may have been paid" in (await payout(journal, approved)).approval_reasons[0]
        seeing = Approver("Cy", seen=(await payout(journal, approved)).approval_reasons)
        await journal.approvals.approve(approved, by=seeing, note="one transfer arrived")
        await sender_of(api, journal).round()
    assert books.ordered == 1


# One name in two coins


async def test_a_name_that_stands_in_the_books_of_two_coins_is_two_forgotten_payouts(
    restored: Restored, api: ShkeeperApi, books: Books
) -> None:
    await paid(restored.journal)
    journal = await restored.restore()
    for coin in ("ETH-USDT", "BTC"):
        books.has(name(1, 0), coin)
    await compared(comparing(journal, api), journal)
    assert sorted(one.payout.coin for one in await journal.history.forgotten_payouts()) == ["BTC", "ETH-USDT"]
    await dismiss(journal)
    again = [await ordered(journal, number, coin=coin) for number, coin in ((1, "BTC"), (2, "ETH-USDT"))]
    await sends_all(journal, api, restored.clock)
    assert [(await payout(journal, one)).external_id for one in again] == [name(1, 0)] * 2
    assert (books.ordered, await journal.history.forgotten_payouts()) == (0, [])


async def test_a_name_that_the_journal_has_given_in_one_coin_is_asked_for_in_the_others(
    restored: Restored, api: ShkeeperApi, books: Books
) -> None:
    await paid(restored.journal)
    asked = await ordered(restored.journal, 1, coin="BTC")
    await restored.journal.payouts.record_observation(asked, "asked", PayoutAsked(external_id=name(1, 0)))
    journal = await restored.restore()
    # That one came to nothing after the backup, and the next one got its name.
    books.has(name(1, 0), "ETH-USDT")
    [forgotten] = (await compared(comparing(journal, api), journal)).forgotten
    assert (forgotten.external_id, forgotten.coin) == (name(1, 0), "ETH-USDT")


async def test_one_that_certainly_was_not_asked_for_gets_another_name_if_its_own_is_taken_in_another_coin(
    restored: Restored, api: ShkeeperApi, books: Books
) -> None:
    await paid(restored.journal)
    asked = await ordered(restored.journal, 1, coin="BTC")
    await restored.journal.payouts.record_observation(asked, "asked", PayoutAsked(external_id=name(1, 0)))
    in_vain = PayoutNotAsked(attempt=1, reason="the wallet is away")
    await restored.journal.payouts.record_observation(asked, "outcome:1", in_vain)
    journal = await restored.restore()
    books.has(name(1, 0), "ETH-USDT")
    await compared(comparing(journal, api), journal)
    assert await journal.payouts.name([asked]) == {}  # until somebody has looked at it
    await dismiss(journal)
    await journal.approvals.approve(asked, by=Approver("Bo"), note=None)
    await sends_all(journal, api, restored.clock)
    assert ((await payout(journal, asked)).external_id, books.ordered) == (name(1, 1), 1)


async def test_nor_is_it_asked_for_again_if_it_is_in_the_books_of_its_own_coin_as_well(
    restored: Restored, api: ShkeeperApi, books: Books
) -> None:
    await paid(restored.journal)
    asked = await ordered(restored.journal, 1, coin="BTC")
    await restored.journal.payouts.record_observation(asked, "asked", PayoutAsked(external_id=name(1, 0)))
    in_vain = PayoutNotAsked(attempt=1, reason="the wallet is away")
    await restored.journal.payouts.record_observation(asked, "outcome:1", in_vain)
    journal = await restored.restore()
    for coin in ("BTC", "ETH-USDT"):
        books.has(name(1, 0), coin)
    await compared(comparing(journal, api), journal)
    await dismiss(journal)
    await journal.approvals.approve(asked, by=Approver("Bo"), note=None)
    await sends_all(journal, api, restored.clock)
    assert ((await payout(journal, asked)).external_id, books.ordered) == (name(1, 0), 0)


# Whose it is


@pytest.mark.parametrize("is_heard", [False, True])
@pytest.mark.parametrize("is_same", [True, False])
async def test_what_may_have_been_paid_by_what_is_taken_for_anothers_waits_for_a_second_person(
    restored: Restored, api: ShkeeperApi, books: Books, is_heard: bool, is_same: bool
) -> None:
    await paid(restored.journal)
    first = await ordered(restored.journal, 1)
    heard = (
        ("booked", PayoutBooked(external_id=name(1, 0))),
        ("sent", PayoutSent(tx_hashes=("0x1",))),
        ("there", PayoutConfirmed()),
    )
    for key, observation in (
        ("asked", PayoutAsked(external_id=name(1, 0), at=START)),
        ("unclear", PayoutUnclear(reason="nobody answered")),
        *(heard if is_heard else ()),
    ):
        await restored.journal.payouts.record_observation(first, key, observation)
    journal = await restored.restore()
    # After the backup somebody found that the first had arrived, and the next one got its name.
    books.has(name(1, 0), txid="0x1" if is_heard else "0x2")
    await compared(comparing(journal, api), journal)
    assert (await payout(journal, first)).status == "completed"
    second = await ordered(journal, 2, amount=Decimal(98 if is_same else 97))
    is_doubted = is_same and not is_heard
    assert (await payout(journal, second)).status == ("awaiting_approval" if is_doubted else "created")
    if is_doubted:
        [reason] = (await payout(journal, second)).facts.withheld
        assert all(one in reason for one in (first, name(1, 0), "0x2", "one transfer arrived at 0xAb or two"))


# What an older bridge had asked for, or another marketplace that shares the provider


@pytest.mark.parametrize("is_plain", [False, True])
async def test_by_an_older_name_nothing_is_taken_over_before_a_person_has_looked(
    restored: Restored, api: ShkeeperApi, books: Books, is_plain: bool
) -> None:
    await paid(restored.journal)
    again = await ordered(restored.journal, 1)
    await asyncio.to_thread(has_plain_names, restored.url)
    journal = await restored.restore()
    known_as = derived_id("out", "shkeeper", "pay_1", "s1", 0) if is_plain else name(1, 0)
    books.has(known_as)
    [forgotten] = (await compared(comparing(journal, api), journal)).forgotten
    assert forgotten.external_id == known_as
    await resumed(journal, by="Ada", note=None)
    await sends_all(journal, api, restored.clock)
    assert ((await payout(journal, again)).external_id, books.ordered) == (None if is_plain else known_as, 0)
    item = forgotten_payout(forgotten, START)
    assert ("another marketplace asked for it" in item.title) is is_plain
    await dismiss(journal)
    await sends_all(journal, api, restored.clock)
    found = await payout(journal, again)
    assert (found.external_id, found.status, books.ordered) == (known_as, "completed", 0)


def has_plain_names(url: str) -> None:
    """Has a journal be one of which an older bridge has asked for payouts."""
    engine = create_engine(parse_database_url(url))
    with engine.begin() as connection:
        connection.execute(text("UPDATE journal SET plain_names = TRUE"))
    engine.dispose()
