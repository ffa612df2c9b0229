"""What a client of the soak has to hear, held against what it hears, event by event. No I/O.

All events are numbered by their one publisher. A client has to hear those to everyone from its CONNECT on, and those
to a room from its join on: each once, in the order of their numbers, and none left out.
"""

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field

__all__ = ["EVERYONE", "Publications", "Record"]

EVERYONE = ""
"""In the place of a room."""


class Publications:
    """The room of each event, by its number."""

    def __init__(self) -> None:
        self.rooms: list[str] = []
        self._numbers: defaultdict[str, list[int]] = defaultdict(list)
        self.refused: set[int] = set()
        """What was not acknowledged, and need not be told."""

    @property
    def newest(self) -> int:
        """The newest event that may have been told already."""
        return len(self.rooms) - 1

    def add(self, room: str) -> int:
        """The number of another event."""
        self.rooms.append(room)
        self._numbers[room].append(self.newest)
        return self.newest

    def count(self, room: str, after: int, last: int) -> int:
        """How many events a room was told after one and up to another."""
        numbers = self._numbers[room]
        return max(0, bisect_right(numbers, last) - bisect_right(numbers, after))


@dataclass
class Record:
    """What one client was told."""

    publications: Publications
    last: int = -1
    """The number of the last event it heard."""
    heard: int = 0
    faults: list[str] = field(default_factory=list)
    _has_to_hear_after: dict[str, int | None] = field(default_factory=dict)
    """For each room that it may hear, after which event it has to; None: it may not be in it yet, or any more."""
    _unanswered: set[str] = field(default_factory=set)
    """The rooms that it knows to be in only because it has heard something there: its join may not be kept yet."""
    _leaving: set[str] = field(default_factory=set)
    """What it hears of these was told before it left, and says nothing of what comes after."""

    def connected(self) -> None:
        """It is connected for the first time, or begins anew: in no room."""
        self._has_to_hear_after = {EVERYONE: self.publications.newest}
        self._unanswered.clear()
        self._leaving.clear()

    def recovered(self) -> None:
        """It is back in all rooms that it was told it is in. Whether it is in others as well, it does not know: the
        bridge may have been killed before it kept them."""
        self._has_to_hear_after |= dict.fromkeys(self._unanswered)
        self._unanswered.clear()

    def has_heard(self, number: int) -> bool:
        """Whether nothing up to an event is still to come."""
        began_after = self._has_to_hear_after.get(EVERYONE)
        return self.last >= number or began_after is None or began_after >= number

    def had_to_hear(self) -> int:
        """How many events at least it had to hear up to the last one that it heard: those to everyone, and those to
        the rooms that it is in. Counted from what was published, whatever it heard."""
        certain = ((room, after) for room, after in self._has_to_hear_after.items() if after is not None)
        return sum(self.publications.count(room, after, self.last) for room, after in certain)

    def joining(self, room: str) -> None:
        """It asks to be let into a room."""
        self._has_to_hear_after.setdefault(room, None)

    def joined(self, room: str) -> None:
        """It was told that it is in a room."""
        self._unanswered.discard(room)
        if self._has_to_hear_after[room] is None:
            self._has_to_hear_after[room] = self.publications.newest

    def leaving(self, room: str) -> None:
        """It asks to leave a room."""
        self._has_to_hear_after[room] = None
        self._unanswered.discard(room)
        self._leaving.add(room)

    def left(self, room: str) -> None:
        """It was told that it has left a room."""
        del self._has_to_hear_after[room]
        self._leaving.discard(room)

    def hears(self, number: int, room: str) -> None:
        """It is told an event."""
        self.heard += 1
        if self.publications.rooms[number] != room or room not in self._has_to_hear_after:
            self.faults.append(f"heard {number} of {room!r}, which is not for it")
        if number <= self.last:
            self.faults.append(f"heard {number} after {self.last}")
            return
        self._require_none_between(number)
        if self._has_to_hear_after.get(room, 0) is None and room not in self._leaving:
            self._has_to_hear_after[room] = number
            self._unanswered.add(room)
        self.last = number

    def _require_none_between(self, number: int) -> None:
        """Whoever hears one event has heard all that it had to hear before."""
        for missed in set(range(self.last + 1, number)) - self.publications.refused:
            after = self._has_to_hear_after.get(self.publications.rooms[missed])
            if after is not None and missed > after:
                self.faults.append(f"heard {number} after {self.last}, and not {missed} in between")
