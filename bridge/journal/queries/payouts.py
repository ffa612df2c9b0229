"""What can be looked up about payouts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, and_, func, or_, select, text, true, tuple_

from bridge.journal.tables import schema
from bridge.journal.tables.rows import payout_from_row, payout_observation_from_text
from bridge.journal.tables.unreadable_rows import (
    RowKind,
    StoredRow,
    UnreadableRow,
    is_not_noted,
    read_or_note,
    readable,
    reading,
    required,
)
from coordinator.payouts.observations import PayoutObservation
from coordinator.payouts.payouts import Payout
from coordinator.payouts.statuses import UNSETTLED_STATUSES, PayoutStatus

__all__ = [
    "PayoutHistoryEntry",
    "PayoutRecord",
    "WithoutNetworkFee",
    "count_overdue",
    "is_any_unanswered",
    "payment_payouts",
    "payout_history_entry",
    "payout_records",
    "payouts_called",
    "payouts_going_on",
    "payouts_to_follow",
    "payouts_without_network_fee",
]

_GOING_ON = [status for status in UNSETTLED_STATUSES if status is not PayoutStatus.AWAITING_APPROVAL]


@dataclass(frozen=True, slots=True)
class PayoutHistoryEntry:
    """One observation of a payout, and where the payout stood after it."""

    at: datetime
    key: str
    """Of the message that reported it."""
    observation: PayoutObservation
    status: str


@dataclass(frozen=True, slots=True)
class PayoutRecord:
    """A payout with its past."""

    payout: Payout
    updated_at: datetime
    history: tuple[PayoutHistoryEntry, ...]


def payout_records(connection: Connection, payout_ids: Sequence[str]) -> list[PayoutRecord | UnreadableRow]:
    """Those of the payouts that there are, oldest first."""
    return _records(connection, select(schema.payouts).where(schema.payouts.c.payout_id.in_(payout_ids)))


def payment_payouts(connection: Connection, payment_id: str) -> list[PayoutRecord | UnreadableRow]:
    """The payouts of a payment, oldest first."""
    return _records(connection, select(schema.payouts).where(schema.payouts.c.payment_id == payment_id))


def payouts_called(connection: Connection, provider: str, external_id: str) -> list[Payout]:
    """The payouts that a provider was ever asked for by a name. Raises UnreadableRowError."""
    payouts, names = schema.payouts, schema.payout_names
    rows = connection.execute(
        select(payouts)
        .join(names, names.c.payout_id == payouts.c.payout_id)
        .where(names.c.external_id == external_id, payouts.c.provider == provider)
    )
    return [required(connection, payout_from_row, row) for row in rows.mappings()]


def payouts_to_follow(
    connection: Connection, after: Payout | None, failed_since: datetime, limit: int
) -> list[Payout]:
    """Payouts that are not settled and wait for nobody's approval, and those that failed no longer ago than that.
    Those of one batch follow each other: a batch that comes while page after page is read is among them whole, or not
    at all."""
    payouts = schema.payouts
    place = func.coalesce(payouts.c.batch_id, payouts.c.payout_id)
    is_after = (
        true()
        if after is None
        else tuple_(place, payouts.c.payout_id) > (after.batch_id or after.payout_id, after.payout_id)
    )
    failed_lately = and_(payouts.c.status == PayoutStatus.FAILED, payouts.c.updated_at >= failed_since)
    rows = connection.execute(
        select(payouts)
        .where(or_(payouts.c.status.in_(_GOING_ON), failed_lately), is_after)
        .where(is_not_noted(RowKind.PAYOUT, payouts.c.payout_id))
        .order_by(place, payouts.c.payout_id)
        .limit(limit)
    )
    return readable(connection, payout_from_row, rows.mappings())


@dataclass(frozen=True, slots=True)
class WithoutNetworkFee:
    """A payout of which it is to be found out what the network took."""

    payout: Payout
    updated_at: datetime


def payouts_without_network_fee(connection: Connection, after: str, limit: int) -> list[WithoutNetworkFee]:
    """Payouts of which it is to be found out what the network took, in order of their ids."""
    payouts = schema.payouts
    rows = connection.execute(
        select(payouts)
        .where(
            text(f"payouts.{schema.NETWORK_FEE_DUE}"),
            payouts.c.payout_id > after,
            is_not_noted(RowKind.PAYOUT, payouts.c.payout_id),
        )
        .order_by(payouts.c.payout_id)
        .limit(limit)
    )
    return readable(connection, _without_network_fee, rows.mappings())


def _without_network_fee(row: StoredRow) -> WithoutNetworkFee:
    return WithoutNetworkFee(payout_from_row(row), row["updated_at"])


def payouts_going_on(connection: Connection) -> list[Payout]:
    """Payouts that are not settled and wait for nobody's approval."""
    rows = connection.execute(select(schema.payouts).where(schema.payouts.c.status.in_(_GOING_ON)))
    return readable(connection, payout_from_row, rows.mappings())


def is_any_unanswered(connection: Connection) -> bool:
    """Whether a provider was asked to send a payout, and no answer is written down."""
    payouts, names = schema.payouts, schema.payout_names
    asked = select(names.c.payout_id).where(names.c.payout_id == payouts.c.payout_id).exists()
    rows = connection.execute(select(payouts).where(payouts.c.status == PayoutStatus.CREATED, asked))
    found = readable(connection, payout_from_row, rows.mappings())
    return any(payout.unanswered_attempt is not None for payout in found)


def count_overdue(connection: Connection, now: datetime) -> int:
    """How many payouts are not settled although they should be."""
    payouts = schema.payouts
    overdue = payouts.c.status.in_(UNSETTLED_STATUSES) & (payouts.c.overdue_at < now)
    return connection.scalar(select(func.count()).where(overdue)) or 0


def _records(connection: Connection, statement: Select[Any]) -> list[PayoutRecord | UnreadableRow]:
    rows = (
        connection.execute(statement.order_by(schema.payouts.c.created_at, schema.payouts.c.payout_id))
        .mappings()
        .all()
    )
    histories: dict[str, list[RowMapping]] = {row["payout_id"]: [] for row in rows}
    observations = schema.payout_observations
    for seen in connection.execute(
        select(observations).where(observations.c.payout_id.in_(histories)).order_by(observations.c.observation_id)
    ).mappings():
        histories[seen["payout_id"]].append(seen)

    def record(row: StoredRow) -> PayoutRecord:
        history = tuple(readable(connection, payout_history_entry, histories[row["payout_id"]]))
        return PayoutRecord(payout_from_row(row), row["updated_at"], history)

    found = [(row, read_or_note(connection, record, row)) for row in rows]
    return [_in_place_of(row, one) if isinstance(one, UnreadableRow) else one for row, one in found]


def _in_place_of(row: RowMapping, unreadable: UnreadableRow) -> UnreadableRow:
    """What a list has instead of a record of which a part cannot be read."""
    return unreadable._replace(concerns=row["payout_id"], created_at=row["created_at"])


@reading(RowKind.PAYOUT_OBSERVATION, "observation_id", concerns="payout_id")
def payout_history_entry(row: StoredRow) -> PayoutHistoryEntry:
    observation = payout_observation_from_text(row["observation"])
    return PayoutHistoryEntry(row["received_at"], row["key"], observation, row["status"])
