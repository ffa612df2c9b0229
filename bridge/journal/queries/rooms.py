"""What rooms heard. A row of the journal holds what one room heard of one commit, so that an event which many rooms
hear, or a room which hears many, costs a commit little.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, TextClause, func, select, text, union_all

from bridge.journal.queries.payments import last_place, oldest_offset
from bridge.journal.tables import schema
from bridge.journal.tables.rows import EVERYONE, JournaledEvent, events_from_rows
from coordinator.batched import batched
from coordinator.compact_json import compact_json
from coordinator.histories import Place

__all__ = [
    "STRETCH_BYTES",
    "Stretch",
    "all_events",
    "count_counted",
    "last_counted",
    "newest_in_rooms",
    "room_events",
    "room_events_before",
]


# How many rows, and how many events, one statement looks up.
CHUNK = 500
# A stretch ends with the event that makes it larger than this: what is looked up by many at once must not fill the
# memory.
STRETCH_BYTES = 4_000_000
# So many events are read without a look at how large they are.
FEW = 16


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some events in a row, and where to go on."""

    events: tuple[JournaledEvent, ...]
    next: Place
    """Everything up to here has been seen."""
    more: bool
    """Whether there is more beyond."""


def room_events(
    connection: Connection, rooms: Sequence[str], *, hidden: Sequence[str], after: int, limit: int
) -> Stretch:
    """The next events after an offset that at least one of some rooms heard, in order: up to a limit, and fewer where
    they are large.

    EVERYONE among the rooms stands for what went to everyone, but not for the events named in `hidden`.
    """
    newest = last_place(connection)
    while True:
        room_rows = {
            room: {offset for offset in offsets if after < offset <= newest.number}
            for room, offsets in _offsets_after(connection, rooms, after, limit).items()
        }
        offsets = sorted(set().union(*room_rows.values()))
        seen, read = _events_within(connection, offsets[:limit], STRETCH_BYTES)
        for_rooms = set().union(*(those for room, those in room_rows.items() if room != EVERYONE))
        events = tuple(one for one in seen if one.offset in for_rooms or one.event.name not in hidden)
        if read == len(offsets):
            return Stretch(events, newest, more=False)
        after = offsets[read - 1]
        if events:
            # The oldest are forgotten first: what was read last is there if anything is.
            return Stretch(events, seen[-1].place, more=True)


def all_events(connection: Connection, *, after: int, limit: int, limit_bytes: int) -> Stretch:
    """The next events after an offset, whoever heard them, in order: up to a limit, and up to the one that makes them
    larger than that."""
    newest = last_place(connection)
    begin = max(after, oldest_offset(connection) - 1) + 1
    offsets = range(begin, min(newest.number + 1, begin + limit))
    if not offsets:
        return Stretch((), newest, more=False)
    seen, _ = _events_within(connection, offsets, limit_bytes)
    if not seen:  # they were forgotten just now; the newest never is
        return all_events(connection, after=after, limit=limit, limit_bytes=limit_bytes)
    if seen[-1].offset == newest.number:
        return Stretch(tuple(seen), newest, more=False)
    return Stretch(tuple(seen), seen[-1].place, more=True)


def room_events_before(
    connection: Connection, room: str, name: str, *, before: int | None, limit: int
) -> tuple[list[JournaledEvent], bool]:
    """Up to `limit` events of one kind that went to a room, the last before an offset, in order; and whether it is
    fewer because they are large."""
    found: list[JournaledEvent] = []
    size_bytes = 0
    for offsets in batched(_offsets_before(connection, room, before), CHUNK):
        wanted: list[int] = []
        sizes = _sizes(connection, offsets, name)
        for offset in filter(sizes.__contains__, offsets):
            if size_bytes > STRETCH_BYTES:
                return [*_events_at(connection, wanted), *found], True
            wanted.append(offset)
            size_bytes += sizes[offset]
            if len(found) + len(wanted) == limit:
                return [*_events_at(connection, wanted), *found], False
        if wanted:
            found = [*_events_at(connection, wanted), *found]
    return found, False


def newest_in_rooms(connection: Connection, rooms: Iterable[str]) -> dict[str, int]:
    """The newest event of each of some rooms that has any."""
    delivered = schema.room_events
    newest: dict[str, int] = {}
    for names in batched(rooms, CHUNK):
        rows = connection.execute(
            select(delivered.c.room, func.max(delivered.c.last_offset).label("newest"))
            .where(delivered.c.room.in_(names))
            .group_by(delivered.c.room)
        )
        newest |= {row.room: row.newest for row in rows}
    return newest


def count_counted(connection: Connection, room: str, name: str) -> int:
    """How many events of a kind that is counted ever went to a room, also of those that are forgotten."""
    counted = select(func.count()).select_from(schema.events)
    stored: int = connection.scalar(counted.where(*_are_counted(room, name))) or 0
    return stored + (connection.scalar(_forgotten(schema.forgotten_counts.c.count, room, name)) or 0)


def last_counted(connection: Connection, room: str, name: str) -> Mapping[str, Any] | None:
    """What the last of them said; None if there was none."""
    events, forgotten = schema.events, schema.forgotten_counts
    last = select(events.c.payload).where(*_are_counted(room, name)).order_by(events.c.offset.desc()).limit(1)
    said = connection.scalar(last) or connection.scalar(_forgotten(forgotten.c.last_payload, room, name))
    payload: Mapping[str, Any] | None = None if said is None else json.loads(said)
    return payload


def _forgotten(column: Column[Any], room: str, name: str) -> Select[Any]:
    forgotten = schema.forgotten_counts
    return select(column).where(forgotten.c.room == room, forgotten.c.name == name)


def _are_counted(room: str, name: str) -> Iterator[ColumnElement[bool] | TextClause]:
    """Said so that an index has them, whatever else went to that room."""
    events = schema.events
    yield text(f"events.{schema.COUNTED}")
    yield events.c.rooms == compact_json((room,))
    yield events.c.name == name


def _events_at(connection: Connection, offsets: Sequence[int]) -> list[JournaledEvent]:
    """Those of the events that there are still, in order."""
    events = schema.events
    rows = connection.execute(
        select(*schema.EVENT_COLUMNS).where(events.c.offset.in_(offsets)).order_by(events.c.offset)
    )
    return events_from_rows(rows)


def _events_within(
    connection: Connection, offsets: Sequence[int], limit_bytes: int
) -> tuple[list[JournaledEvent], int]:
    """Those of the events that there are still, in order, up to the one that makes them larger than that; and how
    many of the offsets that were."""
    found: list[JournaledEvent] = []
    size_bytes = read = 0
    while read < len(offsets):
        some = _fitting(connection, offsets[read : read + CHUNK], limit_bytes - size_bytes)
        for one in _events_at(connection, some):
            found.append(one)
            size_bytes += len(one.event.payload_json)
            if size_bytes > limit_bytes:
                return found, offsets.index(one.offset) + 1
        read += len(some)
    return found, len(offsets)


def _fitting(connection: Connection, offsets: Sequence[int], limit_bytes: int) -> Sequence[int]:
    """The first of some offsets, up to the one that makes their events larger than that, or a few."""
    if len(offsets) <= FEW:
        return offsets
    events = schema.events
    largest = select(func.max(func.length(events.c.payload))).where(events.c.offset.in_(offsets))
    if len(offsets) * (connection.scalar(largest) or 0) <= limit_bytes:
        return offsets
    sizes, size_bytes = _sizes(connection, offsets), 0
    for count, offset in enumerate(offsets, start=1):
        size_bytes += sizes.get(offset, 0)
        if size_bytes > limit_bytes:
            return offsets[:count]
    return offsets


def _sizes(connection: Connection, offsets: Sequence[int], name: str | None = None) -> dict[int, int]:
    """How large each of some events is that there is still, and is of that kind."""
    events = schema.events
    sizes = select(events.c.offset, func.length(events.c.payload)).where(events.c.offset.in_(offsets))
    return dict(connection.execute(sizes if name is None else sizes.where(events.c.name == name)).all())


def _offsets_after(connection: Connection, rooms: Iterable[str], after: int, limit: int) -> dict[str, list[int]]:
    """For each room at least the first `limit` offsets of what it heard after one, and one more if it heard more."""
    room_rows = schema.room_events
    # Each room by itself stops at the limit, so that a busy room is not read whole.
    parts = [
        select(
            select(room_rows)
            .where(room_rows.c.room == room, room_rows.c.last_offset > after)
            .order_by(room_rows.c.last_offset)
            .limit(limit + 1)
            .subquery()
        )
        for room in rooms
    ]
    of_rooms: dict[str, list[int]] = defaultdict(list)
    if parts:
        for row in connection.execute(union_all(*parts)):
            of_rooms[row.room] += json.loads(row.offsets)
    return of_rooms


def _offsets_before(connection: Connection, room: str, before: int | None) -> Iterator[int]:
    """What a room heard, from an offset, or the end, back to the beginning."""
    room_rows = schema.room_events
    of_room = select(room_rows.c.last_offset, room_rows.c.offsets).where(room_rows.c.room == room)
    earlier = of_room.order_by(room_rows.c.last_offset.desc()).limit(CHUNK)
    if before is None:
        rows = connection.execute(earlier).all()
    else:
        # The commit that made that offset may have told the room something before it.
        around = of_room.where(room_rows.c.last_offset >= before).order_by(room_rows.c.last_offset).limit(1)
        rows = [*connection.execute(around), *connection.execute(earlier.where(room_rows.c.last_offset < before))]
    while rows:
        for row in rows:
            yield from (offset for offset in reversed(json.loads(row.offsets)) if before is None or offset < before)
        rows = connection.execute(earlier.where(room_rows.c.last_offset < rows[-1].last_offset)).all()
