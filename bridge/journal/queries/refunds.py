"""What can be looked up about refunds."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, text

from bridge.journal.tables import schema
from bridge.journal.tables.rows import refund_from_row
from bridge.journal.tables.unreadable_rows import RowKind, StoredRow, is_not_noted, readable, required
from coordinator.refunds.refunds import Refund

__all__ = ["ListedRefund", "listed_refund", "payment_refunds", "refunds_without_address"]


@dataclass(frozen=True, slots=True)
class ListedRefund:
    """A refund with its current status."""

    refund: Refund
    updated_at: datetime


def listed_refund(connection: Connection, refund_id: str) -> ListedRefund | None:
    refunds = schema.refunds
    row = connection.execute(select(refunds).where(refunds.c.refund_id == refund_id)).mappings().first()
    return None if row is None else required(connection, _listed, row)


def payment_refunds(connection: Connection, payment_id: str) -> list[ListedRefund]:
    """The refunds of a payment, oldest first."""
    refunds = schema.refunds
    rows = connection.execute(
        select(refunds).where(refunds.c.payment_id == payment_id).order_by(refunds.c.opened_at, refunds.c.refund_id)
    )
    return readable(connection, _listed, rows.mappings())


def refunds_without_address(connection: Connection, opened_before: datetime, limit: int) -> list[Refund]:
    """Refunds that were opened before that and whose buyers have not said where they go, the oldest first."""
    refunds = schema.refunds
    rows = connection.execute(
        select(refunds)
        .where(text(schema.AWAITING_ADDRESS), refunds.c.opened_at < opened_before)
        .where(is_not_noted(RowKind.REFUND, refunds.c.refund_id))
        .order_by(refunds.c.opened_at)
        .limit(limit)
    )
    return readable(connection, refund_from_row, rows.mappings())


def _listed(row: StoredRow) -> ListedRefund:
    return ListedRefund(refund_from_row(row), row["updated_at"])
