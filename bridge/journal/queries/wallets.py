"""Wallets as they are read: what the books say of each, what came of comparing them, and what people noted."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, and_, func, select

from bridge.journal.queries.payouts import payouts_going_on
from bridge.journal.queries.totals import came_since
from bridge.journal.tables import schema
from bridge.journal.tables.rows import payment_from_row
from bridge.journal.tables.unreadable_rows import readable
from bridge.journal.writing.staged.wallets import comparison_from_text
from coordinator.books.entries import wallet_of, wallet_that_sends
from coordinator.books.wallets import Movement, Should, WalletCoin, WalletComparison
from coordinator.money import ZERO, total
from coordinator.payments.payments import PaymentStatus

__all__ = ["besides_the_books", "comparisons", "last_comparisons", "movements"]

_COMPARISONS, _MOVEMENTS = schema.wallet_comparisons, schema.wallet_movements
_COMING = (PaymentStatus.CONFIRMING, PaymentStatus.PARTIALLY_PAID)

Sums = Mapping[WalletCoin, Decimal]


def besides_the_books(connection: Connection, gathered_since: datetime) -> Mapping[WalletCoin, Should]:
    """What is known of wallets besides what is booked: what was noted, and what is on its way."""
    noted, leaving, arriving = _noted(connection), _leaving(connection), _arriving(connection)
    lately = came_since(connection, gathered_since)
    gathering = {of: amount for of, amount in lately.items() if amount > ZERO}
    return {
        of: Should(
            noted=noted.get(of, ZERO),
            leaving=leaving.get(of, ZERO),
            arriving=arriving.get(of, ZERO),
            gathering=gathering.get(of, ZERO),
        )
        for of in {*noted, *leaving, *arriving, *gathering}
    }


def _noted(connection: Connection) -> Sums:
    rows = connection.execute(select(_MOVEMENTS.c.wallet, _MOVEMENTS.c.coin, _MOVEMENTS.c.amount))
    return _added((WalletCoin(row.wallet, row.coin), Decimal(row.amount)) for row in rows)


def _leaving(connection: Connection) -> Sums:
    """Payouts that somebody was asked for, or that a wallet is to send, and that have not arrived."""
    going = (one for one in payouts_going_on(connection) if one.sender is not None or not one.is_unasked)
    return _added((WalletCoin(wallet_that_sends(one), one.coin), one.amount) for one in going)


def _arriving(connection: Connection) -> Sums:
    """What is seen of open payments and does not count yet."""
    payments = schema.payments
    rows = connection.execute(select(payments).where(payments.c.status.in_(_COMING))).mappings()
    coming = readable(connection, payment_from_row, rows)
    return _added(
        (WalletCoin(wallet_of(one), transfer.asset), transfer.amount) for one in coming for transfer in one.in_flight
    )


def _added(amounts: Iterable[tuple[WalletCoin, Decimal]]) -> Sums:
    by_coin: defaultdict[WalletCoin, list[Decimal]] = defaultdict(list)
    for of, amount in amounts:
        by_coin[of].append(amount)
    return {of: total(found) for of, found in by_coin.items()}


def last_comparisons(connection: Connection) -> Mapping[WalletCoin, WalletComparison]:
    """The last of each wallet and coin."""
    last = (
        select(_COMPARISONS.c.wallet, _COMPARISONS.c.coin, func.max(_COMPARISONS.c.day).label("day"))
        .group_by(_COMPARISONS.c.wallet, _COMPARISONS.c.coin)
        .subquery()
    )
    is_last = and_(*(_COMPARISONS.c[name] == last.c[name] for name in ("wallet", "coin", "day")))
    rows = connection.execute(select(_COMPARISONS.c.content).join(last, is_last))
    found = (comparison_from_text(row.content) for row in rows)
    return {one.of: one for one in sorted(found, key=lambda one: one.of)}


def comparisons(connection: Connection, first_day: str, last_day: str) -> list[tuple[str, WalletComparison]]:
    """Those of some days, oldest day first."""
    rows = connection.execute(
        select(_COMPARISONS.c.day, _COMPARISONS.c.content)
        .where(_COMPARISONS.c.day.between(first_day, last_day))
        .order_by(_COMPARISONS.c.day, _COMPARISONS.c.wallet, _COMPARISONS.c.coin)
    )
    return [(row.day, comparison_from_text(row.content)) for row in rows]


def movements(connection: Connection, limit: int) -> Sequence[Movement]:
    """What people noted, and what was there at first, newest first."""
    rows = connection.execute(select(_MOVEMENTS).order_by(_MOVEMENTS.c.movement_id.desc()).limit(limit)).mappings()
    return [Movement(**{**row, "amount": Decimal(row["amount"])}) for row in rows]
