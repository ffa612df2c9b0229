"""What can be looked up in the journal. Every function reads and none writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Select, func, select

from bridge.journal import schema
from bridge.journal.rows import (
    JournaledEvent,
    event_from_row,
    observation_from_text,
    payment_from_row,
)
from coordinator.observations import Observation
from coordinator.payments import Payment

__all__ = [
    "HistoryEntry",
    "PaymentRecord",
    "due_payment_ids",
    "last_offset",
    "payment_record",
    "request_records",
    "tail",
]


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One observation of a payment, and where the payment stood after it."""

    at: datetime
    observation: Observation
    effect: str
    status: str
    escrow_state: str
    received: Decimal


@dataclass(frozen=True, slots=True)
class PaymentRecord:
    """A payment with its past."""

    payment: Payment
    updated_at: datetime
    history: tuple[HistoryEntry, ...]


def payment_record(connection: Connection, payment_id: str) -> PaymentRecord | None:
    records = _records(connection, select(schema.payments).where(schema.payments.c.payment_id == payment_id))
    return records[0] if records else None


def request_records(connection: Connection, request_id: str) -> list[PaymentRecord]:
    """The payments for one purchase request, oldest first."""
    return _records(
        connection,
        select(schema.payments)
        .where(schema.payments.c.request_id == request_id)
        .order_by(schema.payments.c.created_at, schema.payments.c.payment_id),
    )


def _records(connection: Connection, statement: Select[Any]) -> list[PaymentRecord]:
    rows = connection.execute(statement).mappings().all()
    histories: dict[str, list[HistoryEntry]] = {row["payment_id"]: [] for row in rows}
    observations = schema.observations
    for seen in connection.execute(
        select(observations).where(observations.c.payment_id.in_(histories)).order_by(observations.c.observation_id)
    ):
        histories[seen.payment_id].append(
            HistoryEntry(
                at=seen.received_at,
                observation=observation_from_text(seen.observation),
                effect=seen.effect,
                status=seen.status,
                escrow_state=seen.escrow_state,
                received=Decimal(seen.received),
            )
        )
    return [
        PaymentRecord(payment_from_row(row), row["updated_at"], tuple(histories[row["payment_id"]])) for row in rows
    ]


def due_payment_ids(connection: Connection, now: datetime, limit: int) -> Sequence[str]:
    """Payments whose time ran out and who have not been told, the longest overdue first."""
    payments = schema.payments
    return connection.scalars(
        select(payments.c.payment_id).where(payments.c.due_at < now).order_by(payments.c.due_at).limit(limit)
    ).all()


def last_offset(connection: Connection) -> int:
    """The newest event's offset, or 0 while there is none."""
    return connection.scalar(select(func.max(schema.events.c.offset))) or 0


def tail(connection: Connection, after: int, limit: int) -> list[JournaledEvent]:
    """Up to `limit` events that come after offset `after`, in order."""
    events = schema.events
    rows = connection.execute(select(events).where(events.c.offset > after).order_by(events.c.offset).limit(limit))
    return [event_from_row(row) for row in rows.mappings()]
