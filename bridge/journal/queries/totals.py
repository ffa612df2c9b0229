"""Totals as the console shows them: what completed on each UTC day, summed by the database to the last digit."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Integer,
    Numeric,
    String,
    Table,
    and_,
    cast,
    func,
    literal,
    not_,
    select,
    true,
)

from bridge.journal.tables import schema
from coordinator.money import ZERO
from coordinator.money import total as sum_of

__all__ = ["DayTotal", "completed_totals"]

# SQLite adds floats, or whole numbers of 64 bits: what has no more digits than these before and behind its point is
# added as two of them, of which nine thousand million have room. What has more is added here.
SHORT_DIGITS = 9

Kind = Literal["payments", "payouts", "refunds"]
Sum = tuple[str, str, int, Decimal]
"""A day, a currency, and how many came to how much."""


@dataclass(frozen=True, slots=True)
class DayTotal:
    """What completed on one UTC day in one currency."""

    date: str
    currency: str
    kind: Kind
    count: int
    amount: Decimal


def completed_totals(connection: Connection, since: datetime) -> list[DayTotal]:
    """What completed on each UTC day since then, oldest day first; of payouts those to sellers, and apart from them
    those that carried refunds. Of payments that is what was agreed for the goods,
    without a gateway's fee."""
    sums: dict[tuple[str, str, Kind], tuple[int, Decimal]] = {}
    sums_in = _sums_in_postgresql if connection.dialect.name == "postgresql" else _sums_in_sqlite
    payments, payouts = schema.payments, schema.payouts
    those_of: tuple[tuple[Kind, Table, Column[Any], ColumnElement[bool]], ...] = (
        ("payments", payments, payments.c.currency, true()),
        ("payouts", payouts, payouts.c.coin, payouts.c.refund_id.is_(None)),
        ("refunds", payouts, payouts.c.coin, payouts.c.refund_id.is_not(None)),
    )
    for kind, table, currency, those in those_of:
        for date, name, count, amount in sums_in(
            connection, table, currency, and_(table.c.completed_at >= since, those)
        ):
            known_count, known = sums.get((date, name, kind), (0, ZERO))
            sums[date, name, kind] = (known_count + count, sum_of([known, amount]))
    return [DayTotal(*of_day, *sums[of_day]) for of_day in sorted(sums)]


def _sums_in_postgresql(
    connection: Connection, table: Table, currency: Column[Any], those: ColumnElement[bool]
) -> Iterator[Sum]:
    date = func.to_char(func.timezone("UTC", table.c.completed_at), "YYYY-MM-DD", type_=String).label("day")
    rows = connection.execute(
        select(date, currency, func.count(), func.sum(cast(table.c.amount, Numeric)))
        .where(those)
        .group_by("day", currency)
    )
    for day, name, count, amount in rows:
        yield day, name, count, Decimal(amount)


def _sums_in_sqlite(
    connection: Connection, table: Table, currency: Column[Any], those: ColumnElement[bool]
) -> Iterator[Sum]:
    amount, completed_at = table.c.amount, table.c.completed_at
    point = func.instr(amount + literal("."), ".", type_=Integer)
    fraction = func.substr(func.substr(amount, point + 1) + literal("0" * SHORT_DIGITS), 1, SHORT_DIGITS)
    is_short = and_(point <= SHORT_DIGITS + 1, func.length(amount) - point <= SHORT_DIGITS)
    date = func.substr(completed_at, 1, len("2026-11-24"), type_=String).label("day")
    short = connection.execute(
        select(date, currency, func.count(), func.sum(cast(amount, Integer)), func.sum(cast(fraction, Integer)))
        .where(those, is_short)
        .group_by("day", currency)
    )
    for day, name, count, whole, units in short:
        yield day, name, count, sum_of([Decimal(whole), Decimal(units).scaleb(-SHORT_DIGITS)])
    long = connection.execute(select(completed_at, currency, amount).where(those, not_(is_short)))
    for moment, name, text in long:
        yield moment.astimezone(UTC).date().isoformat(), name, 1, Decimal(text)
