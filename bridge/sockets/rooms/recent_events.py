"""What was told lately, for the many who come back at once when a proxy restarts: bounded in number and in bytes, and
found by room, so that a client that comes back costs what it missed.
"""

import sys
from collections import deque
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from bridge.sockets.rooms.audiences import reached
from coordinator.events import Event

__all__ = ["EVERYONE", "DeliveredEvent", "RecentEvents"]

EVENTS_LIMIT = 20_000
# What an event takes besides its payload: itself, its offset, its rooms and its places in the indexes.
EVENT_BYTES = 800

Room = str | None
"""None is everyone."""
EVERYONE: tuple[Room, ...] = (None,)


class DeliveredEvent(NamedTuple):
    """An event that went out, and its place in the journal."""

    number: int
    event: Event
    offset: str
    """That place, as clients know it."""


class RecentEvents:
    """The newest events, by whom they were for."""

    def __init__(self, *, keeps_confidence: bool, limit_bytes: int, limit: int = EVENTS_LIMIT) -> None:
        self._keeps_confidence = keeps_confidence
        self._limit_bytes = limit_bytes
        self._limit = limit
        self._delivered: deque[DeliveredEvent] = deque()
        self._rooms: deque[tuple[Room, ...]] = deque()
        """Whom each of them was for. Not in pairs, which the garbage collector would walk through as well."""
        self._of: dict[Room, deque[DeliveredEvent]] = {}
        self._numbers: dict[str, int] = {}
        """By offset."""
        self.size_bytes = 0
        """What it takes of the memory, about."""

    def __len__(self) -> int:
        return len(self._delivered)

    def add(self, delivered: Iterable[DeliveredEvent]) -> None:
        """Notes events, in order, and forgets the oldest that are too many by that."""
        note, note_rooms = self._delivered.append, self._rooms.append
        numbers, of, rooms_of = self._numbers, self._of, self.rooms_of
        getsizeof, size_bytes = sys.getsizeof, self.size_bytes
        for one in delivered:
            number, event, offset = one
            rooms = rooms_of(event)
            note(one)
            note_rooms(rooms)
            numbers[offset] = number
            size_bytes += EVENT_BYTES + getsizeof(event.payload_json)
            for room in rooms:
                of_room = of.get(room)
                if of_room is None:
                    of[room] = deque((one,))
                else:
                    of_room.append(one)
        self.size_bytes = size_bytes
        while self._delivered and (len(self._delivered) > self._limit or self.size_bytes > self._limit_bytes):
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        delivered = self._delivered.popleft()
        del self._numbers[delivered.offset]
        self.size_bytes -= EVENT_BYTES + sys.getsizeof(delivered.event.payload_json)
        for room in self._rooms.popleft():
            of_room = self._of[room]
            of_room.popleft()  # each room has them in the same order
            if not of_room:
                del self._of[room]

    @property
    def first(self) -> int | None:
        """The oldest event from which on all are here."""
        return self._delivered[0].number if self._delivered else None

    def number_of(self, offset: str) -> int | None:
        """The place of an offset; None if it is of no event that is here."""
        return self._numbers.get(offset)

    def after(self, number: int, since_of: Mapping[str, int]) -> list[DeliveredEvent]:
        """What went to everyone after an event, and to some rooms, for each of which is given from when on, in
        order."""
        found = {delivered.number: delivered for delivered in self._latest(None, number)}
        for room, since in since_of.items():
            found |= ((delivered.number, delivered) for delivered in self._latest(room, max(number, since)))
        return [found[number] for number in sorted(found)]

    def _latest(self, room: Room, after: int) -> Iterable[DeliveredEvent]:
        for delivered in reversed(self._of.get(room, ())):
            if delivered.number <= after:
                return
            yield delivered

    def rooms_of(self, event: Event) -> tuple[Room, ...]:
        """The rooms that receive an event, each once; None alone stands for everyone."""
        audience = reached(event.name, event.audience) if self._keeps_confidence else event.audience
        if audience.everyone:
            return EVERYONE
        return audience.rooms if len(audience.rooms) == 1 else tuple(dict.fromkeys(audience.rooms))
