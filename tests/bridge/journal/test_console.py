"""What finance ops look up, on both databases."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect, select

from bridge.http.ops.overview import needs_a_person
from bridge.journal import ChainCommit, ConsoleFilter, Journal, PageEnd, StagedTransfer, all_read
from bridge.journal.database.engines import parse_database_url, reading_engine, writing_engine
from bridge.journal.database.schema_versions import MIGRATIONS
from bridge.journal.tables import schema
from coordinator.payments.agreed.agreements import Checkout, Share
from coordinator.payments.observed.observations import (
    Sighting,
    Stage,
    Transfer,
)
from coordinator.payouts.observations import (
    PayoutAccepted,
    PayoutConfirmed,
    PayoutFailed,
    PayoutSent,
    PayoutSighted,
)
from coordinator.payouts.payouts import Payout
from tests.bridge.journal.conftest import NOW
from tests.bridge.journal.sales import observe, paid, paid_out, payment, payout, snapshot
from tests.clock import Clock

DAY = timedelta(days=1)


async def found_payouts(journal: Journal, **wanted: Any) -> list[str]:
    return [
        listed.payout.payout_id
        for listed in all_read(await journal.console.payouts(ConsoleFilter(**wanted), None, 100))
    ]


async def found_payments(journal: Journal, **wanted: Any) -> list[str]:
    found = all_read(await journal.console.payments(ConsoleFilter(**wanted), None, 100))
    return [listed.payment.payment_id for listed in found]


# Lists


def nobodys(number: int, amount: str, **changes: Any) -> StagedTransfer:
    """A transfer of a sender of its own, of which nobody knows what it is for."""
    tx_hash = f"0x{number:064x}"
    transfer = StagedTransfer(
        chain="ethereum",
        transfer_id=f"{tx_hash}#0@0xa",
        symbol="USDT",
        recipient="0xshop",
        sender=f"0x{number}",
        amount=Decimal(amount),
        tx_hash=tx_hash,
        block_number=number,
        block_hash="0xa",
        mined_at=NOW + timedelta(seconds=number),
        reason="it fits none",
    )
    return replace(transfer, **changes)


async def test_no_dust_however_much_hides_money_that_is_nobodys(journal: Journal) -> None:
    of_many = [nobodys(number, "0.000001") for number in range(300)]
    of_one = [nobodys(number, "0.0000012", sender="0xdust") for number in range(300, 600)]
    money = [
        nobodys(600, "10", mined_at=NOW - DAY),
        nobodys(601, "9.5", mined_at=NOW - DAY),
        nobodys(602, "0.01", symbol="ETH", mined_at=NOW - DAY),
        nobodys(603, "1000", payment_id="pay_1"),
    ]
    transfers = (*of_many, *of_one, *money)
    await journal.chains.record_step(ChainCommit("ethereum", "{}", transfers=transfers))
    shown = await journal.chains.unmatched_transfers(200)
    assert [one.transfer.amount for one in shown[:3]] == [Decimal(10), Decimal("0.01"), Decimal("9.5")]
    assert [one.smaller for one in shown[3:8]] == [0, 0, 0, 296, 0]
    assert shown[6].newest_at == max(one.mined_at for one in of_one)
    pages = [await journal.chains.unmatched_transfers(100, after) for after in range(0, 500, 100)]
    everything = [one.transfer.tx_hash for page in pages for one in page]
    assert len(everything) == len(set(everything)) == 300 + 4 + 3
    listed = await needs_a_person(journal, DAY)
    assert "10 USDT" in listed[0].detail
    assert len(listed) == 200
    assert len(await needs_a_person(journal, DAY, transfers=400)) == 300 + 4 + 3


async def test_of_a_transaction_that_carries_several_each_is_dismissed_alone(journal: Journal) -> None:
    dust = nobodys(1, "0.000001")
    money = replace(dust, transfer_id=dust.transfer_id.replace("#0", "#1"), recipient="0xother", amount=Decimal(10))
    await journal.chains.record_step(ChainCommit("ethereum", "{}", transfers=(dust, money)))
    [first, last] = await needs_a_person(journal, DAY)
    assert first.detail.startswith("10 USDT")
    await journal.console.dismiss(last.key, by="Ada")
    assert await needs_a_person(journal, DAY) == [first]


async def test_pages_together_are_the_whole_once_and_in_order(journal: Journal) -> None:
    # Many are of the same moment, where only the id tells them apart.
    moments = [NOW + timedelta(microseconds=number // 4) for number in range(40)]
    for number, created_at in enumerate(moments):
        coin, seller_id = ("BTC", "TRX")[number % 2], f"seller-{number % 3}"
        await paid(journal, number, seller_id=seller_id)
        failed = [PayoutFailed(reason="no")] if number % 5 == 0 else []
        made = payout(number, created_at=created_at, coin=coin, seller_id=seller_id)
        await paid_out(journal, made, *failed)
    everything = all_read(await journal.console.payouts(ConsoleFilter(), None, 100))
    loop = asyncio.get_running_loop()

    filters = st.builds(
        ConsoleFilter,
        statuses=st.sampled_from([(), ("failed",), ("created",), ("created", "failed")]),
        currency=st.sampled_from([None, "BTC", "TRX", "XRP"]),
        seller_id=st.sampled_from([None, "seller-0", "seller-9"]),
        search=st.sampled_from([None, "out_1", "OUT_", "0xde3", "%", "_", "\\"]),
        created_from=st.sampled_from([None, NOW + timedelta(microseconds=3)]),
        created_before=st.sampled_from([None, NOW + timedelta(microseconds=7)]),
    )

    @given(wanted=filters, limit=st.integers(1, 45))
    @settings(max_examples=60)
    def page_through(wanted: ConsoleFilter, limit: int) -> None:
        async def read() -> tuple[list[Payout], int]:
            found: list[Payout] = []
            after = None
            while page := all_read(await journal.console.payouts(wanted, after, limit)):
                assert len(page) <= limit
                found += [listed.payout for listed in page]
                after = PageEnd(found[-1].created_at, found[-1].payout_id)
            return found, await journal.console.total("payouts", wanted)

        found, total = asyncio.run_coroutine_threadsafe(read(), loop).result()
        expected = [listed.payout for listed in everything if fits(listed.payout, wanted)]
        expected.sort(key=lambda one: (one.created_at, one.payout_id), reverse=True)
        assert (found, total) == (expected, len(expected))

    await asyncio.to_thread(page_through)


def fits(one: Payout, wanted: ConsoleFilter) -> bool:
    names = (one.payout_id, one.payment_id, one.seller_id, one.destination)
    return (
        (not wanted.statuses or one.status in wanted.statuses)
        and wanted.currency in (None, one.coin)
        and wanted.seller_id in (None, one.seller_id)
        and (wanted.search is None or any(wanted.search.lower() in name.lower() for name in names))
        and (wanted.created_from is None or one.created_at >= wanted.created_from)
        and (wanted.created_before is None or one.created_at < wanted.created_before)
    )


async def test_payouts_are_found_by_all_that_is_known_of_them(journal: Journal) -> None:
    await paid(journal, 1)
    await paid(journal, 2)
    await paid_out(journal, payout(2))
    sighted = Transfer(transfer_id="0xSeen#1", asset="ETH-USDT", amount=Decimal(1))
    await paid_out(
        journal,
        payout(1),
        PayoutAccepted(task_id="Task-77"),
        PayoutSent(tx_hashes=("0xFEED",)),
        PayoutSighted(sighting=Sighting(transfer=sighted, stage=Stage.SEEN, view=1)),
    )
    for search in ("out_1", "PAY_1", "seller-1", "0xde1", "task-77", "feed", "0xseen", "Task"):
        assert await found_payouts(journal, search=search) == ["out_1"], search
    # Names do not run into each other, and what means something to the database means only itself.
    for search in ("out_1pay", "%", "out%", "o_t", "\\"):
        assert await found_payouts(journal, search=search) == [], search


async def test_payments_are_found_by_all_that_is_known_of_them(journal: Journal) -> None:
    share = {"seller_id": "seller-x", "amount": Decimal("5.05")}
    shares = (Share(request_id="request-a", **share), Share(request_id="request-b", **share))
    await journal.register_payment(
        payment(1, checkout=Checkout(checkout_id="Checkout-7", shares=shares), buyer_id="Büyer-1")
    )
    await journal.register_payment(payment(2))
    await observe(journal, 1, "seen", snapshot("0xPAID"))
    for search in ("pay_1", "order-1", "request-b", "büyer-1", "BÜYER-1", "seller-x", "checkout-7", "0xpaid"):
        assert await found_payments(journal, search=search) == ["pay_1"], search
    assert await found_payments(journal, statuses=("pending",)) == ["pay_2"]
    assert await found_payments(journal, currency="EUR") == []
    assert await journal.console.total("payments", ConsoleFilter(provider="shkeeper")) == 2


async def test_the_first_page_needs_no_sorting_and_no_walk_through_the_table(tmp_path: Path) -> None:
    # PostgreSQL plans by what is in the table; SQLite by its indexes alone.
    journal = await Journal.open(f"sqlite:///{tmp_path / 'journal.db'}")
    engine = reading_engine(journal._readers.url)
    with engine.connect() as connection:
        for table, key in (("payments", "payment_id"), ("payouts", "payout_id")):
            plan = connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN SELECT * FROM {table} WHERE created_at <= '2026' AND (created_at < '2026'"
                f" OR {key} < 'x') ORDER BY created_at DESC, {key} DESC LIMIT 101"
            ).all()
            assert [row[-1] for row in plan] == [
                f"SEARCH {table} USING INDEX ix_{table}_created_at_{key} (created_at<?)"
            ]
    engine.dispose()
    await journal.close()


# The migration


async def test_what_was_there_before_is_found_and_summed_after_the_migration(database_url: str, clock: Clock) -> None:
    journal = await Journal.open(database_url, clock)
    share = {"seller_id": "seller-1", "amount": Decimal("5.05")}
    shares = (Share(request_id="request-a", **share), Share(request_id="request-b", **share))
    await paid(journal, 1, checkout=Checkout(checkout_id="Checkout-7", shares=shares))
    clock.now = NOW + DAY
    await paid_out(
        journal,
        payout(1),
        PayoutAccepted(task_id="Task-77"),
        PayoutSent(tx_hashes=("0xFEED",)),
        PayoutConfirmed(),
    )
    await journal.close()

    def derived() -> list[Sequence[Any]]:
        engine = writing_engine(parse_database_url(database_url))
        with engine.connect() as connection:
            rows = [
                tuple(connection.execute(select(table.c.completed_at, table.c.search_text)).one())
                for table in (schema.payments, schema.payouts)
            ]
        engine.dispose()
        return [*rows]

    def go(*revisions: str) -> None:
        engine = writing_engine(parse_database_url(database_url))
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, revisions[0])
            names = {column["name"] for column in inspect(connection).get_columns("payments")}
            assert not names & {"search_text", "completed_at"}
            connection.commit()
            command.upgrade(config, revisions[1])
        engine.dispose()

    written = await asyncio.to_thread(derived)
    await asyncio.to_thread(go, "0010", "0011")
    assert await asyncio.to_thread(derived) == written
    assert [row[0] for row in written] == [NOW, NOW + DAY]


async def test_what_is_under_way_is_counted_by_status(journal: Journal) -> None:
    await journal.register_payment(payment(1))
    for number in (2, 3):
        await paid(journal, number)
    await paid_out(journal, payout(2))
    await paid_out(journal, payout(3), PayoutFailed(reason="refused"))
    counted = await journal.console.under_way()
    assert (counted.payments, counted.payouts) == ({"pending": 1}, {"created": 1})
