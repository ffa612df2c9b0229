"""Lists of the console at the size of a large shop: each is read off an index, and pages of several statuses are one
list."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from sqlalchemy import Connection, event

from bridge.journal import ConsoleFilter, Journal, ListedPayment, PageEnd
from bridge.journal.database.engines import reading_engine
from bridge.journal.queries import console as console_queries
from tests.bridge.journal.conftest import NOW
from tests.bridge.journal.sales import observe, payment, snapshot

LISTS: Sequence[tuple[str, dict[str, Any], list[str]]] = [
    ("payments", {"statuses": ("failed",)}, ["ix_payments_status_made"]),
    ("payments", {"statuses": ("failed", "completed")}, ["ix_payments_status_made"]),
    ("payments", {"provider": "shkeeper"}, ["ix_payments_provider_made"]),
    ("payments", {"provider": "shkeeper", "statuses": ("completed",)}, ["ix_payments_status_made"]),
    ("payments", {"currency": "EUR"}, ["ix_payments_currency_made"]),
    ("payments", {"currency": "USD", "statuses": ("failed",)}, ["ix_payments_status_made"]),
    ("payments", {"currency": "EUR", "statuses": ("completed",)}, ["ix_payments_currency_made"]),
    ("payments", {"seller_id": "seller-1", "statuses": ("completed",)}, ["ix_payments_seller"]),
    ("payments", {"problems": ("underpaid",)}, ["ix_payments_problems_at_payment_id"]),
    (
        "payments",
        {"has_problems": True, "unopened_since": NOW},
        ["ix_payments_problems_at_payment_id", "ix_invoices_wanted_at_payment_id"],
    ),
    ("payouts", {"statuses": ("failed",)}, ["ix_payouts_status_created_at"]),
    ("payouts", {"provider": "shkeeper"}, ["ix_payouts_provider_made"]),
    ("payouts", {"currency": "BTC"}, ["ix_payouts_coin_made"]),
    ("payouts", {"seller_id": "seller-1", "currency": "BTC"}, ["ix_payouts_seller_id_created_at"]),
]


@pytest.mark.parametrize(("kind", "wanted", "indexes"), LISTS)
async def test_a_list_reads_what_its_filter_wants_and_nothing_else(
    kind: Literal["payments", "payouts"], wanted: dict[str, Any], indexes: list[str], tmp_path: Path
) -> None:
    journal = await Journal.open(f"sqlite:///{tmp_path / 'journal.db'}")
    await journal.close()
    engine = reading_engine(journal._readers.url)
    listed: Any = console_queries.listed_payments if kind == "payments" else console_queries.listed_payouts
    with engine.connect() as connection:
        for plan in _plans(connection, lambda: listed(connection, ConsoleFilter(**wanted), None, 101)):
            assert all(index in plan for index in indexes), plan
            assert f"SCAN {kind}" not in plan
            # Of one index what it has in order is not sorted; a few that were looked up one by one are.
            is_one_by_one = "payment_id=?" in plan or "payout_id=?" in plan
            assert is_one_by_one or "USE TEMP B-TREE FOR ORDER BY" not in plan, plan
        for plan in _plans(connection, lambda: console_queries.total(connection, kind, ConsoleFilter(**wanted))):
            assert all(index in plan for index in indexes), plan
            assert f"SCAN {kind}" not in plan
        for plan in _plans(connection, lambda: console_queries.payouts_for_a_person(connection, NOW, 200)):
            assert "SCAN payouts USING INDEX ix_payouts_created_at" not in plan
    engine.dispose()


def _plans(connection: Connection, look_up: Callable[[], object]) -> list[str]:
    """How SQLite goes about each question of a look-up."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        asked.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    try:
        look_up()
    finally:
        event.remove(connection, "before_cursor_execute", note)
    return [
        "\n".join(row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters))
        for statement, parameters in asked
    ]


async def test_several_statuses_are_listed_together_by_their_time_page_by_page(journal: Journal) -> None:
    for number in range(1, 8):
        await journal.register_payment(payment(number, created_at=NOW + timedelta(minutes=number % 4)))
        if number % 2:
            await observe(journal, number, f"paid-{number}", snapshot(f"0xPaid{number}"))
    wanted, after, pages = ConsoleFilter(statuses=("pending", "completed", "pending")), None, []
    while found := await journal.console.payments(wanted, after, 3):
        readable = [one for one in found if isinstance(one, ListedPayment)]
        pages.append([one.payment.payment_id for one in readable])
        after = PageEnd(readable[-1].payment.created_at, readable[-1].payment.payment_id)
    assert pages == [["pay_7", "pay_3", "pay_6"], ["pay_2", "pay_5", "pay_1"], ["pay_4"]]
    assert await journal.console.total("payments", wanted) == 7
