"""What the sockets need of the journal to put clients that come back where they were."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from bridge.journal import Journal, JournaledEvent
from bridge.sockets.presence.activity_log import clock_micros, micros_of, now_micros
from bridge.sockets.recovery.sessions import Leaving, Session
from bridge.sockets.rooms.recent_events import DeliveredEvent

__all__ = ["JournalHistory", "JournalSessions", "rooms_in"]


HEARD_WITHIN_MICROS = 5_000_000


class JournalHistory:
    """What was delivered, out of the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def delivered(self, journaled: JournaledEvent) -> DeliveredEvent:
        """An event of the journal, as it is delivered."""
        return DeliveredEvent(journaled.offset, journaled.event, self._journal.offset_text(journaled.place))

    async def number_of(self, offset: str) -> int:
        return await self._journal.held_offset(offset)

    async def oldest(self) -> int:
        return await self._journal.oldest_offset()

    async def room_events(
        self, names: Sequence[str], *, everyone: bool, after: int, limit: int
    ) -> tuple[Sequence[DeliveredEvent], bool]:
        stretch = await self._journal.room_events(names, everyone=everyone, hidden=(), after=after, limit=limit)
        return [self.delivered(one) for one in stretch.events], stretch.more


class JournalSessions:
    """Sessions, stored in the journal's database."""

    def __init__(self, journal: Journal, clock: Callable[[], int] = now_micros) -> None:
        self._records = journal.sessions
        self._clock = clock_micros(journal.clock) if journal.sessions.is_shared else clock
        self._began_at = clock()
        self._last_process = LastProcess(None, 0)

    @property
    def key(self) -> bytes:
        return self._records.key

    @property
    def is_shared(self) -> bool:
        return self._records.is_shared

    async def save(self, sessions: Mapping[str, Session | None]) -> Collection[str]:
        kept = {"keptAt": self._clock(), "keptBy": self._began_at}
        return await self._records.save(
            {sid: None if one is None else _content(one) | kept for sid, one in sessions.items()},
            idle={sid for sid, one in sessions.items() if one is not None and _is_idle(one)},
        )

    async def load(self, sid: str) -> Session | None:
        content = await self._records.load(sid)
        return None if content is None or content.get("isOver") else self._session(sid, content)

    async def take_over(self, sid: str) -> tuple[Session | None, bool]:
        taken = await self._records.take_over(sid)
        if taken is None:
            return None, True
        session = self._session(sid, taken.content)
        if session.left is not None and not taken.was_own:
            # What others tell is heard at one bridge a little later than at another.
            session.left = Leaving(session.left.at - HEARD_WITHIN_MICROS, session.left.sure - HEARD_WITHIN_MICROS)
        if taken.seen_at is not None and taken.content.get("leftAt") is None:
            # With the bridge that it was connected to, if that is gone; else it is about to be noticed there.
            seen_at = micros_of(taken.seen_at)
            session.left = Leaving(seen_at, seen_at)
        return session, taken.was_own

    async def recall(self) -> tuple[Sequence[Session], int]:
        newest, active = await self._records.active()
        if newest is not None:
            there_until = min(newest.get("keptAt", 0), self._began_at)
            self._last_process = LastProcess(newest.get("keptBy"), there_until)
        return [self._session(sid, content) for sid, content in active.items()], self._last_process.there_until

    def _session(self, sid: str, content: dict[str, Any]) -> Session:
        left_at = content.get("leftAt")
        if left_at is None:
            # It was connected when its process ended, of which is known at least when it kept something for the last
            # time. If that was long ago, it may have left with an earlier process.
            is_of_last = content.get("keptBy") == self._last_process.began_at
            left_at = self._last_process.there_until if is_of_last else content.get("keptAt", 0)
        if content.get("keptBy") != self._began_at:
            # Nobody left an earlier process since this one began, whatever the clock was set to in between.
            left_at = min(left_at, self._began_at)
        return Session(
            sid,
            content["beganAt"],
            content["rooms"],
            set(content["online"]),
            {(chat_id, user_id) for chat_id, user_id in content.get("typing", ())},
            tuple(content.get("watching", ())),
            Leaving(left_at, left_at),
            is_over=bool(content.get("isOver")),
        )


class LastProcess(NamedTuple):
    """The process before this one."""

    began_at: int | None
    there_until: int


def rooms_in(content: Mapping[str, Any]) -> Mapping[str, int]:
    """The rooms of a session as it is stored, and since which event it is in each."""
    rooms: Mapping[str, int] = content["rooms"]
    return rooms


def _is_idle(session: Session) -> bool:
    return not (session.rooms or session.online or session.typing or session.watching)


def _content(session: Session) -> dict[str, Any]:
    watching = {"watching": session.watching} if session.watching else {}
    return {
        "beganAt": session.began_at,
        "rooms": dict(session.rooms),
        "online": sorted(session.online),
        "typing": sorted(session.typing),
        "leftAt": None if session.left is None else session.left.at,
        "isOver": session.is_over,
        **watching,
    }
