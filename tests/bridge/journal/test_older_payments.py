"""Payments of a journal from before each transfer had its own proof: they stand as they stood, and go on."""

import asyncio
import json
from contextlib import nullcontext
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, text

from bridge.journal import Journal
from bridge.journal.database.engines import parse_database_url, writing_engine
from bridge.journal.migrations.rewriting import compact
from coordinator.events import Audience, Event
from coordinator.payments.observed.observations import (
    AddressBorrowed,
    ClaimContested,
    Ending,
    InvoiceEnded,
    InvoiceSnapshot,
    InvoiceUnreadable,
    MoneyTaken,
    Observation,
    Standing,
    Transfer,
    TransfersTakenBack,
)
from coordinator.payments.payments import Payment, PaymentStatus
from coordinator.payments.problems.problems import problems_of
from tests.bridge.journal.conftest import NOW
from tests.bridge.journal.older_journals import migrate
from tests.bridge.journal.sales import payment
from tests.clock import Clock

BEFORE = "0013"


def transfer(name: str, value: str | None) -> dict[str, Any]:
    return {"transferId": name, "asset": "ETH-USDT", "amount": "1", "value": value, "occurredAt": None}


# By its id: the status that it had, and what was known of it.
PAYMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    # Called paid by the gateway's word alone: what was told stays.
    "pay_1": ("completed", {"standing": 2, "received": "1", "confirmed": [transfer("t1", "1")]}),
    "pay_2": ("partially_paid", {"standing": 1, "received": "40", "confirmed": [transfer("t1", "40")]}),
    "pay_3": ("partially_paid", {"standing": 1, "received": "40", "confirmed": [transfer("t1", None)]}),
    "pay_4": ("confirming", {"standing": 0, "received": "0", "seen": [transfer("t1", None)]}),
    "pay_5": ("expired", {"standing": 0, "received": "0", "deadlinePassed": True}),
    "pay_6": ("pending", {"standing": 0, "received": "0"}),
}


def insert(connection: Connection) -> None:
    names = [
        *("payment_id", "provider", "external_id", "request_id", "buyer_id", "seller_id", "amount", "currency"),
        *("created_at", "expires_at", "facts", "status", "escrow_state", "updated_at", "search_text"),
    ]
    for number, (payment_id, (status, facts)) in enumerate(PAYMENTS.items()):
        connection.execute(
            text(f"INSERT INTO payments ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"),
            {
                "payment_id": payment_id,
                "provider": "shkeeper",
                "external_id": payment_id,
                "request_id": f"r{number}",
                "buyer_id": "b1",
                "seller_id": "s1",
                "amount": "100",
                "currency": "USD",
                "created_at": _moment(connection, NOW),
                "expires_at": _moment(connection, NOW + timedelta(hours=1)),
                "facts": json.dumps(facts),
                "status": status,
                "escrow_state": "funded" if status == "completed" else "none",
                "updated_at": _moment(connection, NOW),
                "search_text": "",
            },
        )


def _moment(connection: Connection, moment: datetime) -> datetime | str:
    return moment if connection.dialect.name == "postgresql" else moment.strftime("%Y-%m-%d %H:%M:%S.%f")


async def look(empty_database_url: str) -> dict[str, Payment]:
    journal = await Journal.open(empty_database_url, Clock(NOW + timedelta(hours=2)))
    parts = (("t1", Decimal(40)), ("t2", Decimal(60)))
    transfers = [
        Transfer(transfer_id=name, asset="ETH-USDT", amount=Decimal(1), value=value) for name, value in parts
    ]
    rest = InvoiceSnapshot(standing=Standing.PAID, currency="USD", received=Decimal(100), transfers=tuple(transfers))
    try:
        found = {}
        for payment_id in PAYMENTS:
            record = await journal.payment_record(payment_id)
            assert record is not None
            found[payment_id] = record.payment
        for payment_id in ("pay_1", "pay_2", "pay_5"):
            recorded = await journal.record_observation(
                provider="shkeeper", external_id=payment_id, key=f"rest-{payment_id}", observation=rest
            )
            assert recorded.payment is not None
            assert recorded.payment.status == "completed"
        return found
    finally:
        await journal.close()


def test_older_payments_stand_as_they_stood_and_go_on(empty_database_url: str) -> None:
    migrate(empty_database_url, command.upgrade, BEFORE)
    engine = writing_engine(parse_database_url(empty_database_url))
    with engine.begin() as connection:
        insert(connection)
    engine.dispose()
    found = asyncio.run(look(empty_database_url))
    assert {payment_id: payment.status for payment_id, payment in found.items()} == {
        payment_id: status for payment_id, (status, _) in PAYMENTS.items()
    }
    assert [str(found[name].received) for name in ("pay_1", "pay_2", "pay_3")] == ["1", "40", "40"]
    assert found["pay_6"].terms.tolerance_percent == 5
    # And back, for who has to.
    migrate(empty_database_url, command.downgrade, BEFORE)
    engine = writing_engine(parse_database_url(empty_database_url))
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT facts FROM payments WHERE payment_id = 'pay_3'")).all()
    engine.dispose()
    facts = json.loads(rows[0].facts)
    assert (facts["received"], [one["transferId"] for one in facts["confirmed"]]) == ("40", ["t1"])


# Not every older bridge knows what is learnt of a payment since.
LEARNT: tuple[Observation, ...] = (
    InvoiceUnreadable(what=("it is no JSON",)),
    AddressBorrowed(address="0xa", payment_id="pay_2"),
    MoneyTaken(transfer_key="ETH-USDT t9", payment_id="pay_2"),
    ClaimContested(what="0xb", payment_id="pay_2"),
    TransfersTakenBack(transfer_keys=("t9",)),
)


def test_payments_go_back_to_a_bridge_that_knows_nothing_of_claims(empty_database_url: str) -> None:
    migrate(empty_database_url, command.upgrade, BEFORE)
    engine = writing_engine(parse_database_url(empty_database_url))
    with engine.begin() as connection:
        insert(connection)
    engine.dispose()

    async def learn() -> tuple[PaymentStatus, set[str]]:
        journal = await Journal.open(empty_database_url, Clock(NOW))
        for number, observation in enumerate(LEARNT):
            await journal.record_observation(
                provider="shkeeper", external_id="pay_6", key=f"learnt-{number}", observation=observation
            )
        record = await journal.payment_record("pay_6")
        await journal.close()
        assert record is not None
        return record.payment.status, {problem.kind for problem in problems_of(record.payment)}

    status, problems = asyncio.run(learn())
    assert "payment-unreadable-books" in problems
    migrate(empty_database_url, command.downgrade, "0019")
    engine = writing_engine(parse_database_url(empty_database_url))
    with engine.connect() as connection:
        row = connection.execute(text("SELECT facts, problems FROM payments WHERE payment_id = 'pay_6'")).one()
        kept = connection.execute(text("SELECT observation FROM observations")).scalars().all()
    engine.dispose()
    facts = json.loads(row.facts)
    assert not {"asked", "unreadable", "borrowed", "taken", "withheld", "contestedBy"} & facts.keys()
    assert "claimed-twice" not in {one["kind"] for one in facts["misfits"]}
    assert "payment-unreadable-books" not in (row.problems or "")
    assert not {json.loads(one)["kind"] for one in kept} & {one.kind for one in LEARNT}
    # And forward again: what was forgotten is learnt anew.
    assert asyncio.run(learn()) == (status, problems)


def test_what_an_older_bridge_took_for_refunded_at_its_gateways_word_is_on_the_list(empty_database_url: str) -> None:
    migrate(empty_database_url, command.upgrade, BEFORE)
    engine = writing_engine(parse_database_url(empty_database_url))
    with engine.begin() as connection:
        insert(connection)
    engine.dispose()

    async def told(observation: Observation | None = None) -> tuple[str, set[str]]:
        journal = await Journal.open(empty_database_url, Clock(NOW))
        if observation is not None:
            await journal.record_observation(
                provider="shkeeper", external_id="pay_6", key="ended", observation=observation
            )
        record = await journal.payment_record("pay_6")
        troubled = {one.payment.payment_id: one.kinds for one in await journal.console.troubled_payments()}
        await journal.close()
        assert record is not None
        return record.payment.status, set(map(str, troubled.get("pay_6", ())))

    before = asyncio.run(told(InvoiceEnded(ending=Ending.REFUNDED)))
    assert "payment-called-refunded" in before[1]
    migrate(empty_database_url, command.downgrade, "0026")
    engine = writing_engine(parse_database_url(empty_database_url))
    with engine.connect() as connection:
        row = connection.execute(text("SELECT * FROM payments WHERE payment_id = 'pay_6'")).one()
    engine.dispose()
    assert (row.status, row.escrow_state) == ("refunded", "refunded")
    assert "payment-called-refunded" not in (row.problems or "")
    assert not {"cancelledAt", "usualRates"} & json.loads(row.facts).keys()
    assert asyncio.run(told()) == before
    engine = writing_engine(parse_database_url(empty_database_url))
    with engine.connect() as connection:
        row = connection.execute(text("SELECT * FROM payments WHERE payment_id = 'pay_6'")).one()
    engine.dispose()
    assert row.status == before[0]


def test_a_bridge_of_before_gets_back_what_went_over_chains_and_nothing_else(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    asyncio.run(_with_a_payment(url))
    engine = writing_engine(parse_database_url(url))

    def run(statement: str, **values: str) -> Any:
        with engine.begin() as connection:
            result = connection.execute(text(statement), values)
            return result.scalar_one() if result.returns_rows else None

    facts = json.loads(run("SELECT facts FROM payments"))
    for disputes, is_readable in (({"dp_1": {"stage": "won", "amount": "1", "reason": None}}, False), ({}, True)):
        run("UPDATE payments SET facts = :facts", facts=compact({**facts, "disputes": disputes}))
        with nullcontext() if is_readable else pytest.raises(RuntimeError, match="an older bridge cannot read"):
            migrate(url, command.downgrade, "0029")
    assert "disputes" not in json.loads(run("SELECT facts FROM payments"))
    row = {
        "payout_id": "out_1",
        "provider": "shkeeper",
        "payment_id": "pay_1",
        "seller_id": "s1",
        "destination": "0x1",
        "coin": "ETH",
        "amount": "1",
        "facts": "{}",
        "status": "created",
        "search_text": "",
        "ended_in_doubt": "0",
        **dict.fromkeys(("created_at", "updated_at", "cleared_at"), "2026-05-01 12:00:00.000000"),
    }
    run(f"INSERT INTO payouts ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})", **row)
    migrate(url, command.upgrade, "0032")
    assert run("SELECT overdue_at FROM payouts") == "2026-05-02 12:00:00.000000"
    engine.dispose()


async def _with_a_payment(url: str) -> None:
    journal = await Journal.open(url, Clock(NOW))
    await journal.register_payment(payment(1))
    await journal.close()


def test_an_older_bridge_is_told_no_zones_and_what_it_published_is_counted(empty_database_url: str) -> None:
    def told(transfer_id: str) -> InvoiceSnapshot:
        moved = Transfer(
            transfer_id=transfer_id, asset="ETH-USDT", amount=Decimal(1), value=Decimal(1), occurred_at=NOW
        )
        return InvoiceSnapshot(
            standing=Standing.PARTIAL,
            currency="USD",
            received=Decimal(1),
            transfers=(moved,),
            dates_ahead_seconds=-18_000,
        )

    async def counted(*told_of: InvoiceSnapshot) -> tuple[int, list[int]]:
        journal = await Journal.open(empty_database_url, Clock(NOW))
        if told_of:
            await journal.register_payment(payment(1))
        for one in told_of:
            key = one.transfers[0].transfer_id
            await journal.record_observation(provider="shkeeper", external_id="order-1", key=key, observation=one)
            await journal.publish_events([Event("new-notification", Audience(rooms=("user-b1",)), "{}")])
        record = await journal.payment_record("pay_1")
        count = await journal.count_counted("user-b1", "new-notification")
        await journal.close()
        assert record is not None
        return count, [one.dates_ahead_seconds for one in record.payment.facts.booked]

    assert asyncio.run(counted(told("0x1"), told("0x2"))) == (2, [-18_000, -18_000])
    migrate(empty_database_url, command.downgrade, "0069")
    engine = writing_engine(parse_database_url(empty_database_url))
    with engine.connect() as connection:
        stored = connection.execute(text("SELECT facts FROM payments UNION ALL SELECT observation FROM observations"))
        assert not [one for one in stored.scalars() if "datesAheadSeconds" in one]
    engine.dispose()
    assert asyncio.run(counted()) == (2, [0, 0])
