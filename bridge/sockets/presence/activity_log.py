"""The last change of everybody who came online, went, or types, so that a client that was away can be told how things
stand now. None of it is journaled."""

import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice, takewhile

from coordinator import rooms
from coordinator.events import Event

__all__ = ["ActivityLog", "clock_micros", "micros_of", "moment_of", "now_micros"]

CHANGES_LIMIT = 20_000
# Whoever missed more looks it up.
REPLAYED_CHANGES_LIMIT = 5_000


def now_micros() -> int:
    """Microseconds since 1970: of a session it is noted when it left, for the next process too."""
    return time.time_ns() // 1_000


def micros_of(moment: datetime) -> int:
    """A moment in microseconds since 1970."""
    return round(moment.timestamp() * 1_000_000)


def clock_micros(clock: Callable[[], datetime]) -> Callable[[], int]:
    """A clock in microseconds since 1970."""
    return lambda: micros_of(clock())


def moment_of(micros: int) -> datetime:
    """A moment that `now_micros` gave."""
    return datetime.fromtimestamp(micros / 1_000_000, UTC)


@dataclass(frozen=True, slots=True)
class _Change:
    at: int
    event: Event
    chat_room: str | None
    """Who receives it; None is everyone."""
    user_room: str
    """Who receives nothing of typing: those who type."""


class ActivityLog:
    """One change for each user and for each who types in a chat, in the order in which they were announced."""

    def __init__(self, clock: Callable[[], int] = now_micros) -> None:
        self._clock = clock
        self._changes: OrderedDict[tuple[str, str | None], _Change] = OrderedDict()
        self._newest = self._complete_since = clock()
        """From when on the last change of everybody is here."""

    def go_by(self, clock: Callable[[], int]) -> None:
        """Moments are by this clock from now on."""
        self._clock = clock
        self._newest = self._complete_since = clock()

    def now(self) -> int:
        """The present moment: after all that was announced, and before all that will be."""
        self._newest = max(self._newest, self._clock())
        return self._newest

    def note(self, event: Event, user_id: str, chat_id: str | None = None, *, at: int | None = None) -> None:
        """Somebody's status has changed, or with a chat whether they type there. What is told now comes after all
        that was told; `at` is of an earlier process or of another one, and those are noted before
        `is_complete_since`: of each the latest counts."""
        key = (user_id, chat_id)
        known = self._changes.get(key)
        if at is not None and known is not None and known.at >= at:
            return
        if at is None:
            self._newest = at = max(self._newest + 1, self._clock())
        chat_room = None if chat_id is None else rooms.chat(chat_id)
        self._changes[key] = _Change(at, event, chat_room, rooms.user(user_id))
        self._changes.move_to_end(key)
        if len(self._changes) > CHANGES_LIMIT:
            _, forgotten = self._changes.popitem(last=False)
            self._complete_since = max(self._complete_since, forgotten.at)

    def is_complete_since(self, moment: int) -> None:
        """All changes since a moment in earlier processes, and in others, have been noted."""
        self._changes = OrderedDict(sorted(self._changes.items(), key=lambda item: item[1].at))
        self._complete_since = min(self._complete_since, moment)

    def reaches(self, moment: int) -> bool:
        """Whether somebody who knew how things stood at a moment can be told how they stand now."""
        if moment < self._complete_since:
            return False
        newer = takewhile(lambda change: change.at > moment, reversed(self._changes.values()))
        return sum(1 for _ in islice(newer, REPLAYED_CHANGES_LIMIT + 1)) <= REPLAYED_CHANGES_LIMIT

    def since(self, moment: int, own_rooms: Collection[str]) -> list[Event]:
        """What somebody in some rooms has to hear to know how things stand, if it knew at a moment."""
        found = []
        for change in reversed(self._changes.values()):
            if change.at <= moment:
                break
            if change.chat_room is None or (change.chat_room in own_rooms and change.user_room not in own_rooms):
                found.append(change.event)
        return found[::-1]
