"""Dated notices: when a provider's notices came, and how they date the transfers that they are about: the newest, or
those before and after one whose zone is in doubt."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, func, select

from bridge.journal.queries.problems import has_problem
from bridge.journal.tables import schema
from bridge.journal.tables.rows import payment_from_row
from bridge.journal.tables.unreadable_rows import readable
from coordinator.payments.counting.date_zones import Dated
from coordinator.payments.counting.lateness import KEPT_FOR
from coordinator.payments.observed.observations import transfer_key
from coordinator.payments.payments import Payment
from coordinator.payments.problems.problems import ProblemKind

__all__ = ["DatedNotice", "NoticesAround", "dated_notices", "doubted_for_lateness", "notices_around"]

# Enough to find a few dates in, and few enough to be read again and again.
LOOKED_THROUGH = 200
# What came before and after one whose zone is in doubt is read rarely.
AROUND = 1_000


class DatedNotice(NamedTuple):
    """The first notice of one transfer."""

    coin: str
    dated: Dated
    """Without what is known of the coin."""


class NoticesAround(NamedTuple):
    """Those before and after the notice of one transfer."""

    notices: Sequence[DatedNotice]
    is_all: bool
    """Whether there will be no more of them."""


def dated_notices(connection: Connection, provider: str) -> Sequence[DatedNotice]:
    """The first of each transfer among the newest notices, newest first."""
    observation_id = schema.observations.c.observation_id
    newest = connection.scalar(select(func.max(observation_id))) or 0
    # By the primary key, however many others there are.
    return [one for one, _ in _first_of_each(connection, provider, observation_id > newest - LOOKED_THROUGH)]


def notices_around(connection: Connection, payment: Payment, told_at: datetime) -> NoticesAround:
    """The first of each transfer among the notices before and after what a payment was told of then, newest first."""
    observations = schema.observations
    about = (observations.c.payment_id == payment.payment_id, observations.c.received_at >= told_at)
    observation_id = observations.c.observation_id
    place = connection.scalar(select(func.min(observation_id)).where(*about))
    if place is None:
        return NoticesAround((), is_all=True)
    newest = connection.scalar(select(func.max(observation_id))) or place
    within = and_(observation_id >= place - AROUND, observation_id <= place + AROUND)
    found = [
        # Of an invoice that was opened elsewhere, nothing counts that came longer ago.
        one if one.dated.could_come_at or since is None else _since(one, since - KEPT_FOR)
        for one, since in _first_of_each(connection, payment.provider, within)
    ]
    return NoticesAround(found, is_all=newest >= place + AROUND)


def doubted_for_lateness(connection: Connection, provider: str, limit: int) -> list[Payment]:
    """The payments of a provider of which nobody knows whether they were paid in time, up to a limit, those first of
    which there was news last."""
    payments = schema.payments
    rows = connection.execute(
        select(payments)
        .where(has_problem(ProblemKind.LATENESS_DOUBTED), payments.c.provider == provider)
        .order_by(payments.c.problems_at.desc())
        .limit(limit)
    )
    return list(readable(connection, payment_from_row, rows.mappings()))


def _first_of_each(
    connection: Connection, provider: str, within: ColumnElement[bool]
) -> Sequence[tuple[DatedNotice, datetime | None]]:
    """The first notice of each transfer, newest first, and since when there is the payment that it is about."""
    observations, payments = schema.observations, schema.payments
    rows = connection.execute(
        select(
            *(observations.c.observation, observations.c.received_at, observations.c.external_id),
            *(payments.c.payment_id, payments.c.created_at),
        )
        .outerjoin(payments, payments.c.payment_id == observations.c.payment_id)
        .where(within, observations.c.provider == provider)
        .order_by(observations.c.observation_id)
    )
    first: dict[str, tuple[DatedNotice, datetime | None]] = {}
    for row in rows.mappings():
        transfer = _cause(json.loads(row["observation"]))
        if transfer is not None:
            first.setdefault(transfer_key(transfer["transferId"]), (_dated(row, transfer), row["created_at"]))
    return list(first.values())[::-1]


def _dated(row: RowMapping, transfer: Mapping[str, Any]) -> DatedNotice:
    # Where the bridge opens the invoice nobody knows where to pay before.
    could_come_at = row["created_at"] if row["external_id"] == row["payment_id"] else None
    dated = Dated(row["received_at"], datetime.fromisoformat(transfer["occurredAt"]), could_come_at)
    return DatedNotice(transfer["asset"], dated)


def _since(notice: DatedNotice, could_come_at: datetime) -> DatedNotice:
    return notice._replace(dated=notice.dated._replace(could_come_at=could_come_at))


def _cause(observation: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The transfer that a notice is about, if it is dated."""
    cause = observation.get("causedBy")
    transfers = observation.get("transfers", ()) if cause is not None else ()
    return next((one for one in transfers if one["transferId"] == cause and one.get("occurredAt")), None)
