"""What finance ops look up and do, on both databases."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect, select

from bridge.journal import ConsoleFilter, DayTotal, Journal, Place, schema
from bridge.journal.database import MIGRATIONS, parse_database_url, writing_engine
from coordinator.observations import (
    Ending,
    InvoiceEnded,
    InvoiceSnapshot,
    Observation,
    Sighting,
    Stage,
    Standing,
    Transfer,
)
from coordinator.payments import Checkout, Payment, Share
from coordinator.payout_observations import (
    PayoutAccepted,
    PayoutConfirmed,
    PayoutFailed,
    PayoutObservation,
    PayoutSent,
    PayoutSighted,
    PayoutUnclear,
)
from coordinator.payouts import Payout
from tests.bridge.journal.conftest import NOW
from tests.clock import Clock

DAY = timedelta(days=1)


def payment(number: int, **changes: Any) -> Payment:
    fields: dict[str, Any] = {
        "payment_id": f"pay_{number}",
        "provider": "shkeeper",
        "external_id": f"order-{number}",
        "request_id": f"request-{number}",
        "buyer_id": f"buyer-{number % 3}",
        "seller_id": f"seller-{number % 2}",
        "amount": Decimal("10.10"),
        "currency": "USD",
        "created_at": NOW,
    }
    return Payment(**{**fields, **changes})


def snapshot(txid: str = "0xAbC", standing: Standing = Standing.PAID, currency: str = "USD") -> InvoiceSnapshot:
    transfer = Transfer(transfer_id=txid, asset="ETH-USDT", amount=Decimal("10.10"))
    return InvoiceSnapshot(standing=standing, currency=currency, received=Decimal("10.10"), transfers=(transfer,))


def payout(number: int, **changes: Any) -> Payout:
    fields: dict[str, Any] = {
        "payout_id": f"out_{number}",
        "provider": "shkeeper",
        "payment_id": f"pay_{number}",
        "seller_id": f"seller-{number % 2}",
        "destination": f"0xDe{number}",
        "coin": "ETH-USDT",
        "amount": Decimal("9.90"),
        "created_at": NOW,
    }
    return Payout(**{**fields, **changes})


async def observe(journal: Journal, number: int, key: str, observation: Observation) -> str:
    recorded = await journal.record_observation(
        provider="shkeeper", external_id=f"order-{number}", key=key, observation=observation
    )
    return recorded.outcome


async def paid(journal: Journal, number: int, **changes: Any) -> None:
    await journal.register_payment(payment(number, **changes))
    currency = changes.get("currency", "USD")
    await observe(journal, number, f"paid-{number}", snapshot(f"0xPaid{number}", currency=currency))


async def paid_out(journal: Journal, made: Payout, *observations: PayoutObservation, another: bool = False) -> None:
    await journal.register_payouts([made], another=another)
    for number, observation in enumerate(observations):
        await journal.record_payout_observation(made.payout_id, f"k{number}", observation)


async def found_payouts(journal: Journal, **wanted: Any) -> list[str]:
    return [listed.payout.payout_id for listed in await journal.console.payouts(ConsoleFilter(**wanted), None, 100)]


async def found_payments(journal: Journal, **wanted: Any) -> list[str]:
    found = await journal.console.payments(ConsoleFilter(**wanted), None, 100)
    return [listed.payment.payment_id for listed in found]


# Lists


async def test_pages_together_are_the_whole_once_and_in_order(journal: Journal) -> None:
    # Many are of the same moment, where only the id tells them apart.
    moments = [NOW + timedelta(microseconds=number // 4) for number in range(40)]
    for number, created_at in enumerate(moments):
        coin, seller_id = ("BTC", "TRX")[number % 2], f"seller-{number % 3}"
        await paid(journal, number, seller_id=seller_id)
        failed = [PayoutFailed(reason="no")] if number % 5 == 0 else []
        made = payout(number, created_at=created_at, coin=coin, seller_id=seller_id)
        await paid_out(journal, made, *failed)
    everything = await journal.console.payouts(ConsoleFilter(), None, 100)
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
            while page := await journal.console.payouts(wanted, after, limit):
                assert len(page) <= limit
                found += [listed.payout for listed in page]
                after = Place(found[-1].created_at, found[-1].payout_id)
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
    with journal._engines[1].connect() as connection:
        for table, key in (("payments", "payment_id"), ("payouts", "payout_id")):
            plan = connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN SELECT * FROM {table} WHERE created_at <= '2026' AND (created_at < '2026'"
                f" OR {key} < 'x') ORDER BY created_at DESC, {key} DESC LIMIT 101"
            ).all()
            assert [row[-1] for row in plan] == [
                f"SEARCH {table} USING INDEX ix_{table}_created_at_{key} (created_at<?)"
            ]
    await journal.close()


# Totals


async def test_what_completed_is_summed_by_utc_day_and_currency(journal: Journal, clock: Clock) -> None:
    await paid(journal, 1)
    await paid(journal, 2, currency="EUR")
    await paid_out(journal, payout(1))
    clock.now = NOW + timedelta(hours=3)  # Which is the next day.
    await paid(journal, 3)
    await paid(journal, 4, amount=Decimal("0.00000001"))
    await journal.record_payout_observation("out_1", "sent", PayoutSent(tx_hashes=("0x1",)))
    await journal.record_payout_observation("out_1", "confirmed", PayoutConfirmed())
    await journal.register_payment(payment(5))
    expected = [
        DayTotal("2026-05-01", "EUR", "payments", 1, Decimal("10.10")),
        DayTotal("2026-05-01", "USD", "payments", 1, Decimal("10.10")),
        DayTotal("2026-05-02", "ETH-USDT", "payouts", 1, Decimal("9.90")),
        DayTotal("2026-05-02", "USD", "payments", 2, Decimal("10.10000001")),
    ]
    assert await journal.console.totals(NOW) == expected
    # Whatever comes after does not make it another day's.
    clock.now = NOW + 3 * DAY
    await observe(journal, 1, "refunded", InvoiceEnded(ending=Ending.REFUNDED))
    await journal.record_payout_observation("out_1", "again", PayoutSent(tx_hashes=("0x2",)))
    assert await journal.console.totals(NOW) == expected
    assert await journal.console.totals(NOW + timedelta(hours=2)) == expected[2:]


# What needs a person


async def for_a_person(journal: Journal) -> list[str]:
    found = await journal.console.for_a_person(journal.clock() - DAY)
    return [listed.payout.payout_id for listed in found.payouts]


async def test_payouts_that_go_on_by_themselves_need_nobody(journal: Journal, clock: Clock) -> None:
    for number in range(1, 6):
        await paid(journal, number)
    await paid_out(journal, payout(1))
    await paid_out(journal, payout(2), PayoutSent(tx_hashes=("0x1",)), PayoutConfirmed())
    await paid_out(journal, payout(3), PayoutUnclear(reason="no answer"))
    await paid_out(journal, payout(4), PayoutFailed(reason="no money"))
    assert await for_a_person(journal) == ["out_3", "out_4"]
    clock.now = NOW + DAY + timedelta(seconds=1)
    assert await for_a_person(journal) == ["out_3", "out_1", "out_4"]
    # Another payout makes up for the one that failed; if that fails too, both need somebody.
    second = payout(4, payout_id="out_4b", created_at=clock.now)
    await paid_out(journal, second)
    assert await for_a_person(journal) == ["out_3", "out_1"]
    await journal.record_payout_observation("out_4b", "failed", PayoutFailed(reason="no money"))
    assert await for_a_person(journal) == ["out_3", "out_1", "out_4", "out_4b"]


async def test_webhooks_that_wait_are_told_once_for_each_payment(journal: Journal) -> None:
    await observe(journal, 1, "a", snapshot(standing=Standing.PARTIAL))
    await observe(journal, 2, "b", snapshot())
    await observe(journal, 1, "c", snapshot())
    found = (await journal.console.for_a_person(NOW)).unmatched_webhooks
    assert [(one.external_id, one.count, one.received_at) for one in found] == [
        ("order-2", 1, NOW),
        ("order-1", 2, NOW),
    ]
    assert await journal.console.waiting_observation(found[1].observation_id) == ("order-1", None)
    await journal.register_payment(payment(1))
    assert await journal.console.waiting_observation(found[1].observation_id) == ("order-1", "pay_1")
    left = (await journal.console.for_a_person(NOW)).unmatched_webhooks
    assert [one.external_id for one in left] == ["order-2"]


# Actions


async def kept(journal: Journal, body: bytes) -> int:
    await journal.keep_unreadable_webhook(provider="shkeeper", body=body, reason="no sense")
    newest = (await journal.console.for_a_person(NOW)).unreadable_webhooks[0]
    assert newest.body == body
    return newest.webhook_id


async def replay(journal: Journal, webhook_id: int, number: int, key: str, by: str = "Ada") -> str:
    replayed = await journal.console.replay_payment_webhook(
        webhook_id,
        name=f"webhook_{webhook_id}",
        by=by,
        provider="shkeeper",
        external_id=f"order-{number}",
        key=key,
        observation=snapshot(),
    )
    return replayed.outcome


async def test_a_replayed_webhook_counts_once_however_often_and_by_whomever(journal: Journal) -> None:
    await journal.register_payment(payment(1))
    webhook_id = await kept(journal, b"{}")
    outcomes = await asyncio.gather(*(replay(journal, webhook_id, 1, "k") for _ in range(5)))
    assert sorted(outcomes) == ["applied", *["duplicate"] * 4]
    # The same by webhook, before or after, is the same message.
    assert await observe(journal, 1, "k", snapshot()) == "duplicate"
    assert await replay(journal, webhook_id, 1, "paid") == "unchanged"
    told = await journal.console.payment_events("pay_1")
    updates = [one.event.payload for one in told if one.event.name == "payment-update"]
    assert [payload["status"] for payload in updates] == ["completed"]
    assert (await journal.console.for_a_person(NOW)).unreadable_webhooks == []


async def test_what_people_did_is_on_record_in_the_same_commit(journal: Journal, clock: Clock) -> None:
    await journal.register_payment(payment(1))
    webhook_id = await kept(journal, b"{}")
    await replay(journal, webhook_id, 1, "k")
    clock.now = NOW + timedelta(minutes=1)
    await paid_out(journal, payout(1), PayoutUnclear(reason="no answer"))
    stood = (await journal.payout_records(["out_1"]))[0].payout
    resolved, _ = await journal.console.record_resolution(
        "out_1", by="Bo", observations=[("found", PayoutFailed(reason="no"))], found="not-sent"
    )
    assert resolved.status == "failed"
    rechecked, action = await journal.console.record_recheck(
        "out_1", by="Cy", observations=[], before=resolved, problems=["shkeeper does not say: down"]
    )
    assert (rechecked, action.outcome) == (resolved, "nothing new; it is failed; shkeeper does not say: down")
    _, moved = await journal.console.record_recheck("out_1", by="Cy", observations=[], before=stood, problems=[])
    assert moved.outcome == "it is failed now"
    actions = await journal.console.actions(10)
    assert [(one.by, one.action, one.subject, one.concerns) for one in actions] == [
        ("Cy", "recheck", "out_1", "out_1"),
        ("Cy", "recheck", "out_1", "out_1"),
        ("Bo", "resolution", "out_1", "out_1"),
        ("Ada", "replay", f"webhook_{webhook_id}", "pay_1"),
    ]
    assert actions[-1].at == NOW
    assert await journal.console.actions_concerning("pay_1") == actions[-1:]
    assert await journal.console.actions(2) == actions[:2]
    assert [one.action_id for one in actions] == [4, 3, 2, 1]


async def test_a_payout_that_is_settled_is_not_resolved_any_more(journal: Journal) -> None:
    await paid(journal, 1)
    await paid_out(journal, payout(1), PayoutSent(tx_hashes=("0x1",)), PayoutConfirmed())
    failing = [("found", PayoutFailed(reason="no"))]
    resolved, action = await journal.console.record_resolution(
        "out_1", by="Bo", observations=failing, found="not-sent"
    )
    assert (resolved.status, action.outcome) == ("completed", "not-sent; it is completed")
    assert not resolved.facts.failures


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
