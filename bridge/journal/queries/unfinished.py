"""What is unfinished: invoices that no provider has opened, and payments that a provider may still tell more of.

Both may be many, so each is read in pages whose order an index has; nothing is sorted.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Column, ColumnElement, Connection, and_, exists, literal, or_, select, text, true, tuple_

from bridge.journal.tables import schema
from bridge.journal.tables.rows import invoice_from_row, payment_from_row
from bridge.journal.tables.unreadable_rows import RowKind, is_not_noted, readable
from coordinator.payments.agreed.invoices import Invoice
from coordinator.payments.payments import OPEN_STATUSES, UNPAID_STATUSES, Payment, PaymentStatus

__all__ = [
    "CompletedPayment",
    "EndedPayment",
    "PageBreak",
    "UnfinishedPayment",
    "completed_payments",
    "ended_payments",
    "open_payments",
    "payments_still_open",
    "unopened_invoices",
]


class PageBreak(NamedTuple):
    """A place between two pages: the last row of the page before, by what they are ordered by."""

    at: datetime
    payment_id: str


class UnfinishedPayment(NamedTuple):
    """As much of a payment as is needed to know when to ask about it."""

    payment_id: str
    created_at: datetime


class EndedPayment(NamedTuple):
    """As much of a payment that is over, and not completed."""

    payment_id: str
    created_at: datetime
    updated_at: datetime
    is_refunded: bool


class CompletedPayment(NamedTuple):
    """As much of a payment that is completed."""

    payment_id: str
    created_at: datetime
    completed_at: datetime


def _is_before(at: Column[datetime], payment_id: Column[str], page: PageBreak) -> ColumnElement[bool]:
    return tuple_(at, payment_id) < tuple_(literal(page.at, schema.UtcDateTime()), literal(page.payment_id))


def unopened_invoices(
    connection: Connection, *, after: PageBreak | None, but: Collection[str], limit: int
) -> list[Invoice]:
    """Invoices that are to be paid and that no provider has opened, of payments that are not over, the one wanted
    last first. `but` are coins that are left out."""
    payments, invoices = schema.payments, schema.invoices
    later = schema.invoices.alias("later")
    rows = connection.execute(
        select(invoices)
        .join(payments, payments.c.payment_id == invoices.c.payment_id)
        .where(
            invoices.c.opened.is_(None),
            payments.c.status.in_(OPEN_STATUSES),
            is_not_noted(RowKind.INVOICE, invoices.c.payment_id),
            true() if after is None else _is_before(invoices.c.wanted_at, invoices.c.payment_id, after),
            invoices.c.coin.not_in(but) if but else true(),
            # What the buyer does not want to pay with any more would become the one to pay at the provider.
            ~exists().where(later.c.payment_id == invoices.c.payment_id, later.c.wanted_at > invoices.c.wanted_at),
        )
        .order_by(invoices.c.wanted_at.desc(), invoices.c.payment_id.desc())
        .limit(limit)
    )
    return readable(connection, invoice_from_row, rows.mappings())


def open_payments(
    connection: Connection, provider: str, status: str, *, before: str | None, limit: int
) -> Sequence[UnfinishedPayment]:
    """Payments of a provider that stand so, the one with the last id first."""
    payments = schema.payments
    rows = connection.execute(
        select(payments.c.payment_id, payments.c.created_at)
        .where(
            payments.c.provider == provider,
            payments.c.status == status,
            true() if before is None else payments.c.payment_id < before,
        )
        .order_by(payments.c.payment_id.desc())
        .limit(limit)
    )
    return [UnfinishedPayment(*row) for row in rows]


def ended_payments(
    connection: Connection, provider: str, *, since: datetime, before: PageBreak | None, limit: int
) -> Sequence[EndedPayment]:
    """Payments of a provider that are over and not completed, and of which something was heard no longer ago than
    that, the last first."""
    payments = schema.payments
    is_refunded = payments.c.status == PaymentStatus.REFUNDED
    rows = connection.execute(
        select(payments.c.payment_id, payments.c.created_at, payments.c.updated_at, is_refunded)
        .where(
            payments.c.provider == provider,
            text(f"payments.{schema.ENDED}"),  # in the words of the index, or it would not be used
            payments.c.updated_at >= since,
            true() if before is None else _is_before(payments.c.updated_at, payments.c.payment_id, before),
        )
        .order_by(payments.c.updated_at.desc(), payments.c.payment_id.desc())
        .limit(limit)
    )
    return [EndedPayment(*row) for row in rows]


def completed_payments(
    connection: Connection, provider: str, *, since: datetime, before: PageBreak | None, limit: int
) -> Sequence[CompletedPayment]:
    """Payments of a provider that are completed, no longer ago than that, the last first."""
    payments = schema.payments
    rows = connection.execute(
        select(payments.c.payment_id, payments.c.created_at, payments.c.completed_at)
        .where(
            payments.c.completed_at >= since,
            payments.c.provider == provider,
            payments.c.status == PaymentStatus.COMPLETED,
            true() if before is None else _is_before(payments.c.completed_at, payments.c.payment_id, before),
        )
        .order_by(payments.c.completed_at.desc(), payments.c.payment_id.desc())
        .limit(limit)
    )
    return [CompletedPayment(*row) for row in rows]


def payments_still_open(
    connection: Connection, payment_ids: Collection[str], *, ended_since: datetime
) -> list[Payment]:
    """Those of some payments that money may still come for: that are not over, or ended no longer ago than that."""
    payments = schema.payments
    rows = connection.execute(
        select(payments).where(
            payments.c.payment_id.in_(payment_ids),
            or_(
                payments.c.status.in_(OPEN_STATUSES),
                and_(
                    payments.c.status.in_((*UNPAID_STATUSES, PaymentStatus.REFUNDED)),
                    payments.c.updated_at >= ended_since,
                ),
                and_(payments.c.status == PaymentStatus.COMPLETED, payments.c.completed_at >= ended_since),
            ),
        )
    )
    return readable(connection, payment_from_row, rows.mappings())
