"""What the sockets need of the journal to put clients that come back where they were."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from bridge.journal import (
    Exchanges,
    Journal,
    JournaledEvent,
    JournalUnavailableError,
    OffsetElsewhereError,
    OffsetLostError,
)
from bridge.sockets.errors import SessionContestedError, StoreUnavailableError
from bridge.sockets.presence.activity_log import clock_micros, micros_of
from bridge.sockets.recovery.reconnections import EXCHANGES, EXCHANGES_WITHIN_SECONDS
from bridge.sockets.recovery.sessions import Leaving, Session, TakenOver
from bridge.sockets.rooms.recent_events import DeliveredEvent

__all__ = ["JournalHistory", "JournalSessions", "is_of_before_activity_was_kept", "rooms_in"]

T = TypeVar("T")

EXCHANGES_OF_BRIDGES = Exchanges(EXCHANGES, timedelta(seconds=EXCHANGES_WITHIN_SECONDS))


RECEIVED_WITHIN_MICROS = 5_000_000
"""So late clients are told at most of who comes, goes or types, after it is kept at whichever bridge."""


async def _asked(answer: Awaitable[T]) -> T:
    """An answer of the journal, in the sockets' own terms."""
    try:
        return await answer
    except JournalUnavailableError as error:
        raise StoreUnavailableError(str(error)) from None


class JournalHistory:
    """What was delivered, out of the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def delivered(self, stretch: Sequence[JournaledEvent]) -> list[DeliveredEvent]:
        """Events of the journal, as they are delivered."""
        if not stretch:
            return []
        numbers, events, times, _ = zip(*stretch, strict=True)
        offsets = self._journal.offset_texts(zip(numbers, times, strict=True))
        return list(map(DeliveredEvent, numbers, events, offsets))

    async def number_of(self, offset: str) -> int:
        try:
            return await _asked(self._journal.held_offset(offset))
        except OffsetLostError:
            raise
        except OffsetElsewhereError:
            return 0

    async def oldest(self) -> int:
        return await _asked(self._journal.oldest_offset())

    async def room_events(
        self, names: Sequence[str], *, everyone: bool, after: int, limit: int
    ) -> tuple[Sequence[DeliveredEvent], bool]:
        looked_up = self._journal.room_events(names, everyone=everyone, hidden=(), after=after, limit=limit)
        stretch = await _asked(looked_up)
        return self.delivered(stretch.events), stretch.more


class JournalSessions:
    """Sessions, stored in the journal's database."""

    def __init__(self, journal: Journal) -> None:
        self._records = journal.sessions
        self.clock = clock_micros(journal.clock)
        self._began_at = self.clock()
        self._last_process = LastProcess(None, 0)

    @property
    def key(self) -> bytes:
        return self._records.key

    @property
    def is_shared(self) -> bool:
        return self._records.is_shared

    def watch(self, moved: Callable[[Collection[str] | None], object]) -> None:
        self._records.moves.follow(moved)

    async def save(self, sessions: Mapping[str, Session | None]) -> Collection[str]:
        written = {"keptAt": self.clock(), "keptBy": self._began_at}
        of = {sid: one for sid, one in sessions.items() if one is not None}
        lost = await self._records.save(
            {sid: None if one is None else _content(one) | written for sid, one in sessions.items()},
            idle={sid for sid, one in of.items() if _is_idle(one)},
            connected={sid for sid, one in of.items() if one.left is None},
            new={sid for sid, one in of.items() if not one.is_stored},
        )
        for sid in of.keys() - set(lost):
            of[sid].is_stored = True
        return lost

    async def load(self, sid: str) -> Session | None:
        content = await _asked(self._records.load(sid))
        return None if content is None or content.get("isOver") else self._session(sid, content)

    async def take_over(self, sid: str) -> TakenOver | None:
        taken = await _asked(self._records.take_over(sid, EXCHANGES_OF_BRIDGES))
        if taken is None:
            return None
        if taken.is_contested:
            raise SessionContestedError("another bridge has the session, and whoever holds it is asked first")
        if taken.content.get("isOver"):
            return TakenOver(None, taken.was_own)
        may_have_received_late = not taken.was_own and taken.are_others
        session = self._session(sid, taken.content, taken.seen_at, may_have_received_late=may_have_received_late)
        session.came_from = None if taken.was_own else taken.node
        return TakenOver(session, taken.was_own)

    async def recall(self) -> int:
        newest = await _asked(self._records.newest())
        if newest is not None:
            there_until = min(newest.get("keptAt", 0), self._began_at)
            self._last_process = LastProcess(newest.get("keptBy"), there_until)
        return self._last_process.there_until

    def _session(
        self,
        sid: str,
        content: dict[str, Any],
        seen_at: datetime | None = None,
        *,
        may_have_received_late: bool = False,
    ) -> Session:
        """A session as it is stored; `seen_at` is when the bridge that had it was seen last, where that is known. At
        that one it `may_have_heard_late` who came and went at others."""
        left_at = content.get("leftAt")
        if left_at is None and seen_at is not None:
            # With the bridge that it was connected to, if that is gone; else it is about to be noticed there. Whoever
            # keeps something is there as well.
            left_at = max(micros_of(seen_at), content.get("keptAt", 0))
        elif left_at is None:
            # It was connected when its process ended, of which is known at least when it kept something for the last
            # time. If that was long ago, it may have left with an earlier process.
            is_of_last = content.get("keptBy") == self._last_process.began_at
            left_at = self._last_process.there_until if is_of_last else content.get("keptAt", 0)
        sure_until = content.get("sureUntil", left_at)
        if may_have_received_late or content.get("leftAt") is None:
            # A process that notes when a client left knows what of its own is still to be told to it.
            left_at, sure_until = left_at - RECEIVED_WITHIN_MICROS, sure_until - RECEIVED_WITHIN_MICROS
        if content.get("keptBy") != self._began_at:
            if not self.is_shared:
                # Nobody left an earlier process since this one began, whatever the clock was set to in between.
                left_at = min(left_at, self._began_at)
            elif left_at > self.clock():
                # The database's clock, by which all go that share it, was put back: what changed since is not known.
                left_at = 0
        return Session(
            sid,
            content["beganAt"],
            content["rooms"],
            tuple(content["online"]),
            tuple(content.get("watching", ())),
            Leaving(left_at, min(left_at, sure_until), content.get("deliveredUntil", 0)),
            is_stored=True,
            user_id=content.get("user"),
        )


class LastProcess(NamedTuple):
    """The process before this one."""

    began_at: int | None
    there_until: int


def is_of_before_activity_was_kept(content: Mapping[str, Any]) -> bool:
    """Whether a session was saved by a bridge that kept who typed in sessions, and of who had gone nothing."""
    return "typing" in content


def rooms_in(content: Mapping[str, Any]) -> Mapping[str, int]:
    """The rooms of a session as it is stored, and since which event it is in each."""
    rooms: Mapping[str, int] = content["rooms"]
    return rooms


def _is_idle(session: Session) -> bool:
    return not (session.rooms or session.online or session.watching)


def _content(session: Session) -> dict[str, Any]:
    watching = {"watching": session.watching} if session.watching else {}
    user = {} if session.user_id is None else {"user": session.user_id}
    return {
        "beganAt": session.began_at,
        "rooms": dict(session.rooms),
        "online": sorted(session.online),
        **_left(session.left),
        **watching,
        **user,
    }


def _left(left: Leaving | None) -> dict[str, int | None]:
    if left is None:
        return {"leftAt": None}
    return {"leftAt": left.at, "sureUntil": left.sure, "deliveredUntil": left.delivered_until}
