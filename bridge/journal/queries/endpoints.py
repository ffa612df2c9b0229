"""Look-ups about endpoints: which there are, what comes next for one, and what was sent to it."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, literal, or_, select, tuple_

from bridge.journal.tables import schema
from bridge.journal.tables.rows import JournaledEvent, events_from_rows
from bridge.journal.writing.staged.endpoints import delivery_from_row, endpoint_from_row
from coordinator.endpoints.endpoints import DeliveryStatus, Endpoint, EndpointDelivery
from coordinator.waits import latest_known

__all__ = [
    "DueDelivery",
    "count_behind",
    "count_pending",
    "deliveries",
    "due",
    "endpoint",
    "endpoints",
    "event_at",
    "newest_offset",
    "next_due",
    "next_events",
]

# Of more nobody wants to know how many; and to count them would take longer than to look.
BEHIND_LIMIT = 100_000

_EVENTS, _DELIVERIES, _ENDPOINTS = schema.events, schema.endpoint_deliveries, schema.endpoints


class DueDelivery(NamedTuple):
    """What is to be tried, with its event; None if that is forgotten, or there never was one."""

    delivery: EndpointDelivery
    event: JournaledEvent | None


def endpoints(connection: Connection) -> list[Endpoint]:
    """All of them, oldest first."""
    rows = connection.execute(select(_ENDPOINTS).order_by(_ENDPOINTS.c.registered_at, _ENDPOINTS.c.endpoint_id))
    return list(map(endpoint_from_row, rows.mappings()))


def endpoint(connection: Connection, endpoint_id: str) -> Endpoint | None:
    row = connection.execute(select(_ENDPOINTS).where(_ENDPOINTS.c.endpoint_id == endpoint_id)).mappings().first()
    return None if row is None else endpoint_from_row(row)


def count_behind(connection: Connection, after: int, names: Collection[str]) -> int:
    """How many of the next events after an offset have one of some names, of as many as are looked at."""
    wanted = select(func.count()).where(
        _EVENTS.c.offset > after, _EVENTS.c.offset <= after + BEHIND_LIMIT, _EVENTS.c.name.in_(names)
    )
    return connection.scalar(wanted) or 0


def newest_offset(connection: Connection) -> int:
    return connection.scalar(select(func.max(_EVENTS.c.offset))) or 0


def next_events(connection: Connection, after: int, limit: int, limit_bytes: int) -> list[JournaledEvent]:
    """The next events after an offset, in order: as many as come to no more than that in memory, and one at least."""
    sizes = connection.execute(
        select(_EVENTS.c.offset, func.length(_EVENTS.c.payload).label("size"))
        .where(_EVENTS.c.offset > after)
        .order_by(_EVENTS.c.offset)
        .limit(limit)
    ).all()
    last, total = after, 0
    for row in sizes:
        total += row.size
        if total > limit_bytes and last > after:
            break
        last = row.offset
    rows = connection.execute(
        select(*schema.EVENT_COLUMNS)
        .where(_EVENTS.c.offset > after, _EVENTS.c.offset <= last)
        .order_by(_EVENTS.c.offset)
    )
    return events_from_rows(rows)


def event_at(connection: Connection, offset: int) -> JournaledEvent | None:
    found = events_from_rows(connection.execute(select(*schema.EVENT_COLUMNS).where(_EVENTS.c.offset == offset)))
    return found[0] if found else None


def due(
    connection: Connection, endpoint_id: str, now: datetime, cursor: int, limit: int, *, only_wanted: bool
) -> list[DueDelivery]:
    """Deliveries whose time has come, of what lies behind the cursor, the longest due first; `only_wanted`: those
    that somebody wants and that were not tried since."""
    # As `Delivery.left` has it.
    is_wanted = or_(_DELIVERIES.c.tries == 0, _DELIVERIES.c.next_at == _DELIVERIES.c.first_at)
    rows = connection.execute(
        _waiting(select(_DELIVERIES), endpoint_id, cursor, only_wanted=only_wanted)
        .where(or_(_DELIVERIES.c.next_at <= now, is_wanted, _DELIVERIES.c.last_at > latest_known(now)))
        .order_by(_DELIVERIES.c.next_at)
        .limit(limit)
    )
    found = [delivery_from_row(row) for row in rows.mappings()]
    return [DueDelivery(one, None if one.offset is None else event_at(connection, one.offset)) for one in found]


def next_due(connection: Connection, endpoint_id: str, cursor: int, *, only_wanted: bool) -> datetime | None:
    """When the next of them is due."""
    statement = select(func.min(_DELIVERIES.c.next_at, type_=schema.UtcDateTime))
    found: datetime | None = connection.scalar(_waiting(statement, endpoint_id, cursor, only_wanted=only_wanted))
    return found


def _waiting(statement: Select[Any], endpoint_id: str, cursor: int, *, only_wanted: bool) -> Select[Any]:
    behind = or_(_DELIVERIES.c.offset.is_(None), _DELIVERIES.c.offset <= cursor)
    waiting = statement.where(_DELIVERIES.c.endpoint_id == endpoint_id, _DELIVERIES.c.next_at.is_not(None), behind)
    return waiting.where(_DELIVERIES.c.tries == 0) if only_wanted else waiting


def count_pending(connection: Connection, endpoint_id: str) -> int:
    counted = select(func.count()).where(_DELIVERIES.c.endpoint_id == endpoint_id, _DELIVERIES.c.next_at.is_not(None))
    return connection.scalar(counted) or 0


def deliveries(
    connection: Connection,
    endpoint_id: str,
    status: DeliveryStatus | None,
    before: EndpointDelivery | None,
    limit: int,
) -> list[EndpointDelivery]:
    """What was sent to an endpoint, or is to be, the newest events first, from a place on."""
    place = (_DELIVERIES.c.created_at, _DELIVERIES.c.message_id)
    statement = select(_DELIVERIES).where(_DELIVERIES.c.endpoint_id == endpoint_id)
    if status is not None:
        statement = statement.where(_DELIVERIES.c.status == status)
    if before is not None:
        at = literal(before.created_at, schema.UtcDateTime())
        statement = statement.where(tuple_(*place) < tuple_(at, literal(before.message_id)))
    rows = connection.execute(statement.order_by(*(one.desc() for one in place)).limit(limit))
    return [delivery_from_row(row) for row in rows.mappings()]
