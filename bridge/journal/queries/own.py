"""Somebody's own: the payments of a buyer or a seller, and the payouts to a seller, newest first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, Table, or_, select, union_all

from bridge.journal.queries.console import PageEnd
from bridge.journal.queries.payments import PaymentRecord, payment_records
from bridge.journal.queries.payouts import PayoutRecord, payout_records
from bridge.journal.tables import schema
from bridge.journal.tables.unreadable_rows import UnreadableRow
from coordinator.payments.statuses import PaymentStatus

__all__ = ["OwnFilter", "Party", "own_payments", "own_payouts"]


class Party(StrEnum):
    """What somebody is to a payment."""

    BUYER = "buyer"
    SELLER = "seller"


Shown = Callable[[PaymentRecord], str]
"""The status in which a payment is shown to who lists it."""

APART = frozenset({PaymentStatus.CANCELLED, PaymentStatus.REFUNDED})
"""How a seller's part of a checkout may stand while its payment stands otherwise."""


@dataclass(frozen=True, slots=True)
class OwnFilter:
    """Which of somebody's own are wanted: all that fulfil what is given."""

    statuses: Sequence[str] = ()
    created_from: datetime | None = None
    created_before: datetime | None = None


def own_payments(
    connection: Connection,
    party: Party,
    user_id: str,
    wanted: OwnFilter,
    after: PageEnd | None,
    limit: int,
    shown: Shown = lambda record: record.payment.status,
) -> list[PaymentRecord | UnreadableRow]:
    """The payments of a buyer; or those that pay a seller, also by a share of a template checkout. What the database
    finds by a payment's status is sifted by the one in which it is shown."""
    found: list[PaymentRecord | UnreadableRow] = []
    while True:
        stretch = _own_payments(connection, party, user_id, wanted, after, limit)
        found += [
            one
            for one in stretch
            if isinstance(one, UnreadableRow) or not wanted.statuses or shown(one) in wanted.statuses
        ]
        after = None if len(stretch) < limit or len(found) >= limit else _place(stretch[-1])
        if after is None:
            return found[:limit]


def _place(last: PaymentRecord | UnreadableRow) -> PageEnd | None:
    if isinstance(last, UnreadableRow):
        return None if last.created_at is None else PageEnd(last.created_at, last.concerns)
    return PageEnd(last.payment.created_at, last.payment.payment_id)


def _own_payments(
    connection: Connection, party: Party, user_id: str, wanted: OwnFilter, after: PageEnd | None, limit: int
) -> list[PaymentRecord | UnreadableRow]:
    payments, sellers = schema.payments, schema.checkout_sellers
    found = select(payments.c.payment_id, payments.c.created_at)
    column = payments.c.buyer_id if party is Party.BUYER else payments.c.seller_id
    parts = [_page(found.where(column == user_id), payments, payments.c.payment_id, wanted, after, limit)]
    if party is Party.SELLER:
        # Of its own index's columns, so that it stops at the limit like the other.
        shares = (
            select(sellers.c.payment_id, sellers.c.created_at)
            .join(payments, payments.c.payment_id == sellers.c.payment_id)
            .where(sellers.c.seller_id == user_id)
        )
        parts.append(_page(shares, sellers, sellers.c.payment_id, wanted, after, limit))
    own = union_all(*(select(part.subquery()) for part in parts)).subquery()
    newest = select(own.c.payment_id).order_by(own.c.created_at.desc(), own.c.payment_id.desc()).limit(limit)
    payment_ids = list(connection.scalars(newest))
    found_records = payment_records(connection, payment_ids)
    records = {
        one.concerns if isinstance(one, UnreadableRow) else one.payment.payment_id: one for one in found_records
    }
    return [records[payment_id] for payment_id in payment_ids]


def own_payouts(
    connection: Connection, seller_id: str, wanted: OwnFilter, after: PageEnd | None, limit: int
) -> list[PayoutRecord | UnreadableRow]:
    """The payouts to a seller; what carries a refund goes to a buyer."""
    payouts = schema.payouts
    own = select(payouts.c.payout_id).where(payouts.c.seller_id == seller_id, payouts.c.refund_id.is_(None))
    payout_ids = list(connection.scalars(_page(own, payouts, payouts.c.payout_id, wanted, after, limit)))
    found = payout_records(connection, payout_ids)
    records = {one.concerns if isinstance(one, UnreadableRow) else one.payout.payout_id: one for one in found}
    return [records[payout_id] for payout_id in payout_ids]


def _page(
    found: Select[Any],
    table: Table,
    identifier: Column[str],
    wanted: OwnFilter,
    after: PageEnd | None,
    limit: int,
) -> Select[Any]:
    """The next of what was found, by the times of a table and the status of what it is about."""
    created_at = table.c.created_at
    status = schema.payouts.c.status if table is schema.payouts else schema.payments.c.status
    conditions: list[ColumnElement[bool]] = []
    if wanted.statuses:
        has_status = status.in_(wanted.statuses)
        may_be_apart = table is not schema.payouts and not APART.isdisjoint(wanted.statuses)
        conditions.append(or_(has_status, schema.payments.c.checkout.is_not(None)) if may_be_apart else has_status)
    if wanted.created_from is not None:
        conditions.append(created_at >= wanted.created_from)
    if wanted.created_before is not None:
        conditions.append(created_at < wanted.created_before)
    if after is not None:
        # Said twice over, so that either database goes straight to the place in the index.
        conditions.append(created_at <= after.created_at)
        conditions.append(or_(created_at < after.created_at, identifier < after.identifier))
    return found.where(*conditions).order_by(created_at.desc(), identifier.desc()).limit(limit)
