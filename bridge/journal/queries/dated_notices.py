"""Dated notices: when a provider's newest notices came, and how they date the transfers that they are about."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from bridge.journal.tables import schema
from coordinator.payments.counting.date_zones import Dated
from coordinator.payments.observed.observations import transfer_key

__all__ = ["DatedNotice", "dated_notices"]

# Enough to find a few dates in, and few enough to be read again and again.
LOOKED_THROUGH = 200


class DatedNotice(NamedTuple):
    """The first notice of one transfer."""

    coin: str
    dated: Dated
    """Without what is known of the coin."""


def dated_notices(connection: Connection, provider: str) -> Sequence[DatedNotice]:
    """The first of each transfer among the newest notices, newest first."""
    observations, payments = schema.observations, schema.payments
    newest = connection.scalar(select(func.max(observations.c.observation_id))) or 0
    rows = connection.execute(
        select(
            *(observations.c.observation, observations.c.received_at, observations.c.external_id),
            *(payments.c.payment_id, payments.c.created_at),
        )
        .outerjoin(payments, payments.c.payment_id == observations.c.payment_id)
        # By the primary key, however many others there are.
        .where(observations.c.observation_id > newest - LOOKED_THROUGH, observations.c.provider == provider)
        .order_by(observations.c.observation_id)
    )
    first: dict[str, DatedNotice] = {}
    for row in rows:
        transfer = _cause(json.loads(row.observation))
        if transfer is not None:
            # Where the bridge opens the invoice nobody knows where to pay before.
            could_come_at = row.created_at if row.external_id == row.payment_id else None
            dated = Dated(row.received_at, datetime.fromisoformat(transfer["occurredAt"]), could_come_at)
            first.setdefault(transfer_key(transfer["transferId"]), DatedNotice(transfer["asset"], dated))
    return list(first.values())[::-1]


def _cause(observation: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The transfer that a notice is about, if it is dated."""
    cause = observation.get("causedBy")
    transfers = observation.get("transfers", ()) if cause is not None else ()
    return next((one for one in transfers if one["transferId"] == cause and one.get("occurredAt")), None)
