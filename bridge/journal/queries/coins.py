"""Which coins of chains are waited for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, Connection, func, or_, select

from bridge.journal.tables import schema
from coordinator.payments.payments import OPEN_STATUSES
from coordinator.payouts.statuses import UNSETTLED_STATUSES

__all__ = ["WaitedCoin", "coins_waited_for"]


@dataclass(frozen=True, slots=True)
class WaitedCoin:
    """A coin of a chain, and how many payments or payouts are in it."""

    chain: str
    provider: str
    coin: str
    """What the provider calls it."""
    kind: Literal["payment", "payout"]
    count: int


def coins_waited_for(connection: Connection, moved_since: datetime | None = None) -> list[WaitedCoin]:
    """The coins that payments wait for which are open, and payouts which are unsettled; also of those that ended no
    longer ago than that, if it is given."""
    payments, payouts = schema.payments, schema.payouts
    in_payments = (payments.c.chain, payments.c.provider, payments.c.currency)
    in_payouts = (payouts.c.chain, payouts.c.provider, payouts.c.coin)
    is_open = _still(payments.c.status.in_(OPEN_STATUSES), payments.c.updated_at, moved_since)
    is_unsettled = _still(payouts.c.status.in_(UNSETTLED_STATUSES), payouts.c.updated_at, moved_since)
    incoming = select(*in_payments, func.count()).where(in_payments[0].is_not(None), is_open).group_by(*in_payments)
    outgoing = select(*in_payouts, func.count()).where(in_payouts[0].is_not(None), is_unsettled).group_by(*in_payouts)
    found = [
        *(WaitedCoin(row[0], row[1], row[2], "payment", row[3]) for row in connection.execute(incoming)),
        *(WaitedCoin(row[0], row[1], row[2], "payout", row[3]) for row in connection.execute(outgoing)),
    ]
    return sorted(found, key=lambda one: (one.chain, one.coin, one.kind))


def _still(
    waits: ColumnElement[bool], updated_at: ColumnElement[datetime], moved_since: datetime | None
) -> ColumnElement[bool]:
    return waits if moved_since is None else or_(waits, updated_at >= moved_since)
