"""Forgetting: the part of a batch that deletes what is kept for a time only, a bounded stretch at once, and gives the
room that this leaves in an SQLite file back to the disk."""

import json
from collections import Counter
from contextlib import closing
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, exists, insert, select, text, tuple_

from bridge.journal.tables import schema
from bridge.journal.tables.rows import EVERYONE
from bridge.journal.writing.statements import run

__all__ = ["Forgetting"]

_ROOMS = select(schema.events.c.rooms, schema.events.c.everyone).where(schema.events.c.offset <= bindparam("last"))
_FORGET_ROOM_EVENTS = delete(schema.room_events).where(
    schema.room_events.c.room == bindparam("by_room"), schema.room_events.c.last_offset <= bindparam("by_last")
)
_FORGET_EVENTS = delete(schema.events).where(schema.events.c.offset <= bindparam("last"))

_KEYS = schema.idempotency_keys
_OLD_KEYS = (
    select(_KEYS.c.scope, _KEYS.c.key)
    .where(_KEYS.c.created_at < bindparam("before"))
    .order_by(_KEYS.c.created_at)
    .limit(bindparam("limit"))
)
_FORGET_KEYS = delete(_KEYS).where(tuple_(_KEYS.c.scope, _KEYS.c.key).in_(_OLD_KEYS))
_WEBHOOKS = schema.unreadable_webhooks
_OLD_WEBHOOKS = (
    select(_WEBHOOKS.c.webhook_id)
    .where(_WEBHOOKS.c.received_at < bindparam("before"))
    .order_by(_WEBHOOKS.c.received_at)
    .limit(bindparam("limit"))
)
_FORGET_WEBHOOKS = delete(_WEBHOOKS).where(_WEBHOOKS.c.webhook_id.in_(_OLD_WEBHOOKS))
_DELIVERIES = schema.endpoint_deliveries
_OLD_DELIVERIES = (
    select(_DELIVERIES.c.endpoint_id, _DELIVERIES.c.message_id)
    .where(_DELIVERIES.c.created_at < bindparam("before"), _DELIVERIES.c.next_at.is_(None))
    .order_by(_DELIVERIES.c.created_at)
    .limit(bindparam("limit"))
)
_FORGET_DELIVERIES = delete(_DELIVERIES).where(
    tuple_(_DELIVERIES.c.endpoint_id, _DELIVERIES.c.message_id).in_(_OLD_DELIVERIES)
)
_ALERTS, _STEPS = schema.alerts, schema.alert_steps
_FORGET_ALERTS = delete(_ALERTS).where(_ALERTS.c.ended_at < bindparam("before"))
_FORGET_STEPS = delete(_STEPS).where(
    _STEPS.c.at < bindparam("before"), ~exists().where(_ALERTS.c.key == _STEPS.c.key)
)
_FORGET_NODES = delete(schema.nodes).where(schema.nodes.c.seen_at < bindparam("before"))

_COUNTED = (
    select(schema.events.c.rooms, schema.events.c.name, schema.events.c.payload)
    .where(schema.events.c.offset <= bindparam("last"), text(f"events.{schema.COUNTED}"))
    .order_by(schema.events.c.offset)
)
_COUNTS = schema.forgotten_counts
_OF_ROOM_AND_NAME = (_COUNTS.c.room == bindparam("by_room"), _COUNTS.c.name == bindparam("by_name"))
_COUNT_SO_FAR = select(_COUNTS.c.count).where(*_OF_ROOM_AND_NAME)
_FORGET_COUNT = delete(_COUNTS).where(*_OF_ROOM_AND_NAME)

INCREMENTAL = 2
"""What SQLite calls a file that can give back a few pages at a time."""


class Forgetting:
    """Deletes within one transaction, at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.writes = 0
        """How many changes were made."""

    def events(self, last: int) -> int:
        """Forgets every event up to an offset, and keeps what is asked of those that are counted. Returns how
        many."""
        self.writes += 1
        self._keep_counts(last)
        rows = self._connection.execute(_ROOMS, {"last": last}).all()
        # By the rooms that heard them, by which what is heard is in order: no index has the offsets of all rooms.
        rooms = {room for row in rows for room in json.loads(row.rooms)}
        rooms |= {EVERYONE for row in rows if row.everyone}
        run(self._connection, _FORGET_ROOM_EVENTS, [{"by_room": room, "by_last": last} for room in sorted(rooms)])
        return self._connection.execute(_FORGET_EVENTS, {"last": last}).rowcount

    def _keep_counts(self, last: int) -> None:
        counts: Counter[tuple[str, str]] = Counter()
        said: dict[tuple[str, str], str] = {}
        for row in self._connection.execute(_COUNTED, {"last": last}):
            for room in json.loads(row.rooms):
                counts[room, row.name] += 1
                said[room, row.name] = row.payload
        for (room, name), count in counts.items():
            of = {"by_room": room, "by_name": name}
            before: int = self._connection.scalar(_COUNT_SO_FAR, of) or 0
            kept = {"room": room, "name": name, "count": before + count, "last_payload": said[room, name]}
            self._connection.execute(_FORGET_COUNT, of)
            self._connection.execute(insert(_COUNTS), kept)

    def idempotency_keys(self, before: datetime, limit: int) -> int:
        """Forgets the oldest keys that were used before that. Returns how many."""
        self.writes += 1
        return self._connection.execute(_FORGET_KEYS, {"before": before, "limit": limit}).rowcount

    def unreadable_webhooks(self, before: datetime, limit: int) -> int:
        """Forgets the oldest webhooks that made no sense and came before that. Returns how many."""
        self.writes += 1
        return self._connection.execute(_FORGET_WEBHOOKS, {"before": before, "limit": limit}).rowcount

    def deliveries(self, before: datetime, limit: int) -> int:
        """Forgets the oldest deliveries of events that were committed before that, but for those that are to be tried
        again. Returns how many."""
        self.writes += 1
        return self._connection.execute(_FORGET_DELIVERIES, {"before": before, "limit": limit}).rowcount

    def nodes(self, before: datetime) -> int:
        """Forgets the bridges that were seen last before that. Returns how many."""
        forgotten = self._connection.execute(_FORGET_NODES, {"before": before}).rowcount
        self.writes += forgotten
        return forgotten

    def alerts(self, before: datetime) -> int:
        """Forgets what needed a person and ended before that, with what happened to it. Returns how many."""
        forgotten = self._connection.execute(_FORGET_ALERTS, {"before": before}).rowcount
        forgotten += self._connection.execute(_FORGET_STEPS, {"before": before}).rowcount
        self.writes += forgotten
        return forgotten

    def give_back(self, pages: int, spare: int) -> int:
        """Makes an SQLite file smaller by up to so many pages that hold nothing, but leaves it some. Returns by how
        many."""
        if self._connection.dialect.name != "sqlite" or self._pragma("auto_vacuum") != INCREMENTAL:
            return 0
        count = min(pages, self._pragma("freelist_count") - spare)
        if count <= 0:
            return 0
        self.writes += 1
        with closing(self._connection.connection.cursor()) as cursor:
            cursor.execute(f"PRAGMA incremental_vacuum({count})")
            cursor.fetchall()  # each page is a row without a column
        return count

    def _pragma(self, name: str) -> int:
        value: int = self._connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
        return value
