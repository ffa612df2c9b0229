"""Totals of the books: what entries of days, sellers and wallets come to, summed by the database exactly."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Numeric,
    String,
    and_,
    case,
    cast,
    column,
    func,
    literal,
    not_,
    select,
    values,
)

from bridge.journal.tables import schema
from coordinator.books.days import Span
from coordinator.books.entries import OF_COINS, EntryKind
from coordinator.books.figures import Sum
from coordinator.books.wallets import WalletCoin, WalletSums
from coordinator.money import ZERO, total

__all__ = [
    "DayTotals",
    "FeeTotals",
    "Sums",
    "came_since",
    "day_fees",
    "day_totals",
    "seller_fees",
    "seller_totals",
    "wallet_sums",
]

# SQLite adds floats, or whole numbers of 64 bits: what has no more digits than these before and behind its point is
# added as two of them, of which nine thousand million have room. What has more is added here.
SHORT_DIGITS = 9

Sums = Mapping[EntryKind, Sum]
"""What the entries of each kind come to."""


class DayTotals(NamedTuple):
    """What was entered on one day in one currency."""

    date: str
    currency: str
    sums: Sums


class FeeTotals(NamedTuple):
    """What the network took on one day out of one wallet in one coin."""

    date: str
    of: WalletCoin
    sums: Sums


_ENTRIES, _SUMS = schema.book_entries, schema.wallet_sums
_OF_MONEY = _ENTRIES.c.kind.not_in(OF_COINS)
_OF_FEES = _ENTRIES.c.kind.in_((EntryKind.NETWORK_FEE, EntryKind.FEE_UNKNOWN))
Keys = tuple[Any, ...]


def day_totals(connection: Connection, days: Sequence[Span]) -> list[DayTotals]:
    """What was entered on each of some days, oldest day first; a day without any is not there."""
    if not days:
        return []
    spans, found_within = _within(days)
    sums = _sums(
        connection,
        spans.join(_ENTRIES, found_within),
        (spans.c.day, _ENTRIES.c.unit, _ENTRIES.c.kind),
        _OF_MONEY,
    )
    return [DayTotals(date, currency, of_day) for (date, currency), of_day in _by_kind(sums).items()]


def seller_totals(
    connection: Connection, seller_id: str, begins_at: datetime | None, ends_at: datetime
) -> Mapping[str, Sums]:
    """What was entered for a seller in some time, or ever until its end, by currency."""
    conditions = [_ENTRIES.c.seller_id == seller_id, _ENTRIES.c.entered_at < ends_at, _OF_MONEY]
    if begins_at is not None:
        conditions.append(_ENTRIES.c.entered_at >= begins_at)
    sums = _sums(connection, _ENTRIES, (_ENTRIES.c.unit, _ENTRIES.c.kind), *conditions)
    return {currency: of_currency for (currency,), of_currency in _by_kind(sums).items()}


def day_fees(connection: Connection, days: Sequence[Span]) -> list[FeeTotals]:
    """What the network took on each of some days, oldest day first; a day without any is not there."""
    if not days:
        return []
    spans, found_within = _within(days)
    keys = (spans.c.day, _ENTRIES.c.wallet, _ENTRIES.c.unit, _ENTRIES.c.kind)
    sums = _sums(connection, spans.join(_ENTRIES, found_within), keys, _OF_FEES)
    return [FeeTotals(day, WalletCoin(*of), found) for (day, *of), found in _by_kind(sums).items()]


def seller_fees(
    connection: Connection, seller_id: str, begins_at: datetime, ends_at: datetime
) -> Mapping[WalletCoin, Sums]:
    """What the network took for the payouts of a seller in some time."""
    conditions = (
        _ENTRIES.c.seller_id == seller_id,
        _ENTRIES.c.entered_at >= begins_at,
        _ENTRIES.c.entered_at < ends_at,
    )
    keys = (_ENTRIES.c.wallet, _ENTRIES.c.unit, _ENTRIES.c.kind)
    return {
        WalletCoin(*of): found
        for of, found in _by_kind(_sums(connection, _ENTRIES, keys, *conditions, _OF_FEES)).items()
    }


def _within(days: Sequence[Span]) -> tuple[CTE, ColumnElement[bool]]:
    known = values(
        column("day", String),
        column("begins_at", schema.UtcDateTime),
        column("ends_at", schema.UtcDateTime),
        name="known",
    )
    spans = known.data([tuple(day) for day in days]).cte("days")
    return spans, and_(_ENTRIES.c.entered_at >= spans.c.begins_at, _ENTRIES.c.entered_at < spans.c.ends_at)


def came_since(connection: Connection, since: datetime) -> Mapping[WalletCoin, Decimal]:
    """What came into wallets since then."""
    conditions = [_ENTRIES.c.kind == EntryKind.COIN_IN, _ENTRIES.c.entered_at >= since]
    found = _amounts(connection, _ENTRIES, (_ENTRIES.c.wallet, _ENTRIES.c.unit), conditions)
    return {WalletCoin(*of): amount for of, amount in found.items()}


def wallet_sums(connection: Connection) -> WalletSums:
    """What all entries of wallets come to: those up to one of them as they are kept, and what was entered since."""
    stored = {
        (WalletCoin(row.wallet, row.coin), EntryKind(row.kind)): row for row in connection.execute(select(_SUMS))
    }
    before = max((row.through_entry_id for row in stored.values()), default=0)
    through = connection.scalar(select(func.max(_ENTRIES.c.entry_id))) or 0
    sums = {of: Decimal(row.amount) for of, row in stored.items()}
    if through > before:
        newer = [
            _ENTRIES.c.entry_id > before,
            _ENTRIES.c.entry_id <= through,
            _ENTRIES.c.kind.in_(OF_COINS),
        ]
        found = _amounts(connection, _ENTRIES, (_ENTRIES.c.wallet, _ENTRIES.c.unit, _ENTRIES.c.kind), newer)
        for (wallet, coin, kind), amount in found.items():
            of = WalletCoin(wallet, coin), EntryKind(kind)
            sums[of] = total([sums.get(of, ZERO), amount])
    return WalletSums(sums, through, through - before)


def _by_kind(sums: Mapping[Keys, Sum]) -> dict[Keys, dict[EntryKind, Sum]]:
    """Sums whose last key is their kind, by their other keys, in order."""
    found: dict[Keys, dict[EntryKind, Sum]] = {}
    for (*keys, kind), one in sorted(sums.items()):
        found.setdefault(tuple(keys), {})[EntryKind(kind)] = one
    return found


def _sums(
    connection: Connection, those_in: FromClause, keys: Sequence[ColumnElement[Any]], *conditions: ColumnElement[bool]
) -> dict[Keys, Sum]:
    """What entries come to, by their keys."""
    amounts = _amounts(connection, those_in, keys, conditions)
    counted = select(*keys, func.count(_ENTRIES.c.payment_id.distinct())).select_from(those_in)
    counts = connection.execute(counted.where(*conditions).group_by(*keys))
    return {tuple(row[:-1]): Sum(row[-1], amounts[tuple(row[:-1])]) for row in counts}


def _amounts(
    connection: Connection,
    those_in: FromClause,
    keys: Sequence[ColumnElement[Any]],
    conditions: Sequence[ColumnElement[bool]],
) -> dict[Keys, Decimal]:
    """The same without how many payments they are of, which takes longer to count than all else."""
    sums_in = _sums_in_postgresql if connection.dialect.name == "postgresql" else _sums_in_sqlite
    return sums_in(connection, those_in, keys, conditions)


def _sums_in_postgresql(
    connection: Connection,
    those_in: FromClause,
    keys: Sequence[ColumnElement[Any]],
    conditions: Sequence[ColumnElement[bool]],
) -> dict[Keys, Decimal]:
    summed = select(*keys, func.sum(cast(_ENTRIES.c.amount, Numeric))).select_from(those_in)
    rows = connection.execute(summed.where(*conditions).group_by(*keys))
    return {tuple(row[:-1]): Decimal(row[-1]) for row in rows}


def _sums_in_sqlite(
    connection: Connection,
    those_in: FromClause,
    keys: Sequence[ColumnElement[Any]],
    conditions: Sequence[ColumnElement[bool]],
) -> dict[Keys, Decimal]:
    amount = _ENTRIES.c.amount
    digits = func.ltrim(amount, "-", type_=String)
    sign = case((amount.startswith("-"), -1), else_=1)
    point = func.instr(digits + literal("."), ".", type_=Integer)
    decimals = func.length(digits) - point
    whole = cast(func.substr(digits, 1, point - 1), Integer)
    fraction = func.substr(func.substr(digits, point + 1) + literal("0" * SHORT_DIGITS), 1, SHORT_DIGITS)
    is_short = and_(point <= SHORT_DIGITS + 1, decimals <= SHORT_DIGITS)
    amounts: dict[Keys, Decimal] = {}
    for *name, wholes, units, scale in connection.execute(
        select(*keys, func.sum(sign * whole), func.sum(sign * cast(fraction, Integer)), func.max(decimals))
        .select_from(those_in)
        .where(*conditions, is_short)
        .group_by(*keys)
    ):
        exact = total([Decimal(wholes), Decimal(units).scaleb(-SHORT_DIGITS)])
        amounts[tuple(name)] = exact.quantize(Decimal(1).scaleb(-max(scale, 0)))
    long = select(*keys, amount).select_from(those_in).where(*conditions, not_(is_short))
    for *name, text in connection.execute(long):
        amounts[tuple(name)] = total([amounts.get(tuple(name), ZERO), Decimal(text)])
    return amounts
