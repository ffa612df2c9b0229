"""Rows that nobody could read, as they are noted, and which of them can be read again."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, select

from bridge.journal.queries.payments import history_entry
from bridge.journal.queries.payouts import payout_history_entry
from bridge.journal.tables import schema
from bridge.journal.tables.rows import invoice_from_row, payment_from_row, payout_from_row, refund_from_row
from bridge.journal.tables.unreadable_rows import RowKind, StoredRow, UnreadableRow, UnreadableRowError

__all__ = ["NotedRow", "noted_rows", "readable_again"]

_NOTED = schema.unreadable_rows
# Each is looked up by itself: there are few, or a newer bridge is needed.
REREAD_ROWS = 1_000

_Read = Callable[[StoredRow], Any]
_READ: Mapping[RowKind, tuple[Column[Any], _Read]] = {
    RowKind.PAYMENT: (schema.payments.c.payment_id, payment_from_row),
    RowKind.INVOICE: (schema.invoices.c.payment_id, invoice_from_row),
    RowKind.OBSERVATION: (schema.observations.c.observation_id, history_entry),
    RowKind.PAYOUT: (schema.payouts.c.payout_id, payout_from_row),
    RowKind.PAYOUT_OBSERVATION: (schema.payout_observations.c.observation_id, payout_history_entry),
    RowKind.REFUND: (schema.refunds.c.refund_id, refund_from_row),
}

_NUMBERED = (RowKind.OBSERVATION, RowKind.PAYOUT_OBSERVATION)


class NotedRow(NamedTuple):
    """A row that could not be read, and since when that is known."""

    row: UnreadableRow
    found_at: datetime


def noted_rows(connection: Connection, limit: int) -> list[NotedRow]:
    """Those that are noted, the first first."""
    rows = connection.execute(select(_NOTED).order_by(_NOTED.c.found_at, _NOTED.c.identifier).limit(limit))
    return [
        NotedRow(UnreadableRow(RowKind(row.kind), row.identifier, row.concerns, row.reason), row.found_at)
        for row in rows
    ]


def readable_again(connection: Connection) -> Sequence[UnreadableRow]:
    """Those of the first that can be read by now, or are gone."""
    return [one.row for one in noted_rows(connection, REREAD_ROWS) if _is_readable(connection, one.row)]


def _is_readable(connection: Connection, noted: UnreadableRow) -> bool:
    named, read = _READ[noted.kind]
    value = int(noted.identifier) if noted.kind in _NUMBERED else noted.identifier
    try:
        for row in connection.execute(select(named.table).where(named == value)).mappings():
            read(row)
    except UnreadableRowError:
        return False
    return True
