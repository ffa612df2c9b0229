"""The last change of everybody who came online, went, or types, so that a client that was away can be told how things
stand now; and what of it those who are there are still to be told. None of it is journaled."""

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice, takewhile

from bridge.sockets.presence.outboxes import Outboxes
from bridge.sockets.presence.watches import Watches
from bridge.sockets.transport.frames import Outgoing, event_message
from coordinator import rooms
from coordinator.events import Event

__all__ = ["ActivityLog", "clock_micros", "micros_of", "moment_of", "now_micros"]

# Of those who came or went, and of those who type, each.
CHANGES_LIMIT = 20_000
# Whoever missed more looks it up.
REPLAYED_CHANGES_LIMIT = 5_000
# By how much what other bridges tell may come late: they are read every two seconds, also without news.
LATE_SECONDS = 3.0


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
    message: Outgoing
    """Encoded once, however many are told of it."""


Changes = OrderedDict[tuple[str, str | None], _Change]


class ActivityLog:
    """One change for each user and for each who types in a chat, in the order in which they were announced."""

    def __init__(self, clock: Callable[[], int] = now_micros) -> None:
        self._clock = clock
        self.watches = Watches(are_alone=False)
        """Who wants to know of whom."""
        self.outboxes = Outboxes()
        """What is noted of who came and went, and not told yet."""
        self._change_begun: dict[object, int] = {}
        """Since when each is to be told of what is."""
        self._statuses: Changes = OrderedDict()
        self._typing: Changes = OrderedDict()
        self._newest = self._complete_since = clock()
        """From when on the last change of everybody is here."""
        self._heard_others_at: tuple[float, int] | None = None
        """When the others were heard last, by the steady clock and by the other; None where there are none."""
        self._others_complete_since = 0
        """From when on all that clients of other bridges were told was heard in time here."""

    def go_by(self, clock: Callable[[], int]) -> None:
        """Moments are by this clock from now on."""
        self._clock = clock
        self._newest = self._complete_since = clock()

    def now(self) -> int:
        """The present moment: after all that was announced, and before all that will be."""
        self._newest = max(self._newest, self._clock())
        return self._newest

    def begin_change(self) -> object:
        """Something changes now and is told later: whoever leaves before `is_told` of what this returns hears it when
        it is back."""
        change_begun = object()
        self._change_begun[change_begun] = self.now()
        return change_begun

    def end_change(self, change_begun: object) -> None:
        del self._change_begun[change_begun]

    def left(self, sid: str) -> int:
        """Up to when a client that leaves at this moment was told: not of what was still to be told to it, which it
        hears when it is back."""
        outbox = self.outboxes.take(sid)
        return self._told_before(None if outbox is None else outbox.first_at, self.now())

    def told_until(self) -> int:
        """Up to when all that are connected at this moment have been told, each in one line with all else that it is
        sent: of whoever has received what is sent from now on it is certain that it heard all until then. Asked with
        each delivery, so without a look at the clock: nothing has been announced since the newest."""
        if not self._change_begun and not self.outboxes:
            return self._newest
        return self._told_before(self.outboxes.first_at, self._newest)

    def _told_before(self, waiting_since: int | None, now: int) -> int:
        waiting = [*self._change_begun.values()]
        if waiting_since is not None:
            waiting.append(waiting_since)
        return min(now, min(waiting, default=now + 1) - 1)

    def note(
        self, event: Event, user_id: str, chat_id: str | None = None, *, at: int | None = None
    ) -> tuple[int, Outgoing]:
        """Somebody's status has changed, or with a chat whether they type there. What is told now comes after all
        that was told; `at` is of an earlier process or of another one, and those are noted before
        `is_complete_since`: of each the latest counts. Returns when that is, and what is told."""
        changes, key = self._statuses if chat_id is None else self._typing, (user_id, chat_id)
        known = changes.get(key)
        if at is not None and known is not None and known.at >= at:
            return known.at, known.message
        message = event_message(event, None)
        if at is not None:
            changes[key] = _Change(at, message)
            return at, message
        self._newest = at = max(self._newest + 1, self._clock())
        changes[key] = _Change(at, message)
        changes.move_to_end(key)
        self._forget_some(changes)
        return at, message

    def is_complete_since(self, moment: int) -> None:
        """All changes since a moment in earlier processes, and in others, have been noted."""
        self._complete_since = min(self._complete_since, moment)
        for changes in (self._statuses, self._typing):
            ordered = sorted(changes.items(), key=lambda item: item[1].at)
            changes.clear()
            changes.update(ordered)
            self._forget_some(changes)

    def hears_others(self) -> None:
        """All that the other bridges have stored so far is heard. Of what was heard late only the outcome is known:
        who came and went again meanwhile is not noted here, but clients of the others were told of it."""
        now = self.now()
        if self.unheard_seconds > LATE_SECONDS:
            self._others_complete_since = now
        self._heard_others_at = time.monotonic(), now

    @property
    def unheard_seconds(self) -> float:
        """For how long the others have not been heard."""
        if self._heard_others_at is None:
            return 0.0
        steady, moment = self._heard_others_at
        return max(time.monotonic() - steady, (self.now() - moment) / 1_000_000)

    def _forget_some(self, changes: Changes) -> None:
        while len(changes) > CHANGES_LIMIT:
            _, forgotten = changes.popitem(last=False)
            self._complete_since = max(self._complete_since, forgotten.at)

    def reaches(self, moment: int, *, is_from_another: bool = False) -> bool:
        """Whether somebody who knew how things stood at a moment, here or at another bridge, can be told how they
        stand now."""
        if moment < self._complete_since:
            return False
        if is_from_another and (moment < self._others_complete_since or self.unheard_seconds > LATE_SECONDS):
            return False
        newer = _newer(self._typing, moment)
        if not self.watches.are_alone:  # else there are no more than one may watch
            newer = chain(newer, _newer(self._statuses, moment))
        return sum(1 for _ in islice(newer, REPLAYED_CHANGES_LIMIT + 1)) <= REPLAYED_CHANGES_LIMIT

    def since(self, moment: int, own_rooms: Collection[str], watched: Collection[str]) -> list[Outgoing]:
        """What somebody in some rooms, who watches some users, has to hear to know how things stand, if it knew at a
        moment."""
        if self.watches.are_alone:
            known = (self._statuses.get((user_id, None)) for user_id in watched)
            found = [change for change in known if change is not None and change.at > moment]
        else:
            found = [change for _, change in _newer(self._statuses, moment)]
        for (user_id, chat_id), change in _newer(self._typing, moment):
            # Of typing those receive nothing who type.
            if chat_id and rooms.chat(chat_id) in own_rooms and rooms.user(user_id) not in own_rooms:
                found.append(change)
        return [change.message for change in sorted(found, key=lambda change: change.at)]


def _newer(changes: Changes, moment: int) -> Iterator[tuple[tuple[str, str | None], _Change]]:
    """Those after a moment, the last first."""
    return takewhile(lambda item: item[1].at > moment, reversed(changes.items()))
