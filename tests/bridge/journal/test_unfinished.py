"""What is unfinished is read in pages whose order an index has: nothing is sorted, however much there is."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, event

from bridge.journal.queries.chains import chain_news, payments_waiting, payouts_waiting, waiting_at
from bridge.journal.queries.payments import due_at_once, next_due_at
from bridge.journal.queries.unfinished import PageBreak, ended_payments, open_payments, unopened_invoices
from bridge.journal.tables import schema
from coordinator.payouts.statuses import UNSETTLED_STATUSES

NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        schema.metadata.create_all(connection)
        yield connection
    engine.dispose()


def plan_of(connection: Connection, query: Callable[[], Any]) -> str:
    asked: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        asked.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    query()
    event.remove(connection, "before_cursor_execute", note)
    plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values) for statement, values in asked]
    return "; ".join(row.detail for plan in plans for row in plan)


def test_money_at_a_wallet_is_for_those_who_wait_there_or_did_lately_however_many_were_paid(
    connection: Connection,
) -> None:
    plan = plan_of(connection, lambda: waiting_at(connection, "ethereum", ["0x1"], moved_since=NOW))
    assert "ix_payments_open_at (chain=? AND recipient=? AND status=?)" in plan
    assert "ix_payments_moved_at (chain=? AND recipient=? AND updated_at>?)" in plan


def test_who_waits_on_a_chain_is_found_with_each_block_however_many_were_paid_over_it(connection: Connection) -> None:
    plan = plan_of(connection, lambda: payouts_waiting(connection, "ethereum", moved_since=NOW))
    assert "ix_payouts_under_way (chain=? AND status=?)" in plan
    assert set(re.findall("'(.+?)'", schema.UNDER_WAY)) == set(UNSETTLED_STATUSES)
    assert "ix_payouts_chain_updated_at (chain=? AND updated_at>?)" in plan
    plan = plan_of(connection, lambda: payments_waiting(connection, "ethereum", moved_since=NOW))
    assert "ix_payments_waiting (chain=? AND status=?)" in plan
    assert "ix_payments_chain_moves (chain=? AND updated_at>?)" in plan
    plan = plan_of(connection, lambda: chain_news(connection, "ethereum", since=NOW))
    assert "COVERING INDEX ix_payments_chain_moves (chain=? AND updated_at>?)" in plan
    assert "ix_payouts_under_way (chain=? AND status=?)" in plan


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (lambda c: open_payments(c, "shkeeper", "pending", before=None, limit=5), "ix_payments_provider_status"),
        (lambda c: open_payments(c, "shkeeper", "pending", before="pay_9", limit=5), "ix_payments_provider_status"),
        (lambda c: ended_payments(c, "shkeeper", since=NOW, before=None, limit=5), "ix_payments_ended"),
        (
            lambda c: ended_payments(c, "shkeeper", since=NOW, before=PageBreak(NOW, "pay_9"), limit=5),
            "ix_payments_ended",
        ),
        (lambda c: unopened_invoices(c, after=None, but=(), limit=5), "ix_invoices_wanted_at_payment_id"),
        (
            lambda c: unopened_invoices(c, after=PageBreak(NOW, "pay_9"), but=["LTC"], limit=5),
            "ix_invoices_wanted_at_payment_id",
        ),
    ],
)
def test_an_index_has_the_order(connection: Connection, query: Callable[[Connection], Any], index: str) -> None:
    plan = plan_of(connection, lambda: query(connection))
    assert index in plan
    assert "TEMP B-TREE" not in plan


def test_the_next_deadline_is_found_however_many_were_paid(connection: Connection) -> None:
    plan = plan_of(connection, lambda: next_due_at(connection))
    assert "SCAN payments USING COVERING INDEX ix_payments_due_at" in plan or "USING INDEX ix_payments_due_at" in plan
    assert "TEMP B-TREE" not in plan
    plan = plan_of(connection, lambda: due_at_once(connection, NOW, but=(), grace=timedelta(), limit=10))
    assert "SEARCH payments USING INDEX ix_payments_due_at (due_at<?)" in plan
