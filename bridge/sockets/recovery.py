"""Connection state recovery (Socket.IO 4.6): a client that comes back is put into its rooms again and told what it
missed, by the server it left or by one that was started since.

The client brings what the server gave it: `pid`, which proves a session, and the offset of the last event that it
heard.
A session's rooms are kept by whoever keeps the journal; what was told lately is in memory, the rest in the journal.
"""

import asyncio
import hmac
import logging
import secrets
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from prometheus_client import Counter

from bridge.access import Principal
from bridge.sockets.audiences import reached
from coordinator import rooms
from coordinator.errors import BridgeError
from coordinator.events import Event

__all__ = ["History", "Missed", "Recovery", "Session", "SessionStore", "Told"]

logger = logging.getLogger("bridge.sockets")

# What was told lately, for the many who come back at once when a proxy restarts.
RECENT_LIMIT = 20_000
# Whoever missed more looks it up over REST.
REPLAY_LIMIT = 5_000
# A journal is asked for so many rooms at once; whoever is in more is recovered from memory alone.
ROOMS_LIMIT = 300
PAGE = 500

RECOVERIES = Counter(
    "bridge_sockets_recoveries", "Clients that came back, by whether they were recovered", ["outcome"]
)


class Told(NamedTuple):
    """An event that went out, and its place in the journal."""

    number: int
    event: Event


class History(Protocol):
    """What was told, as the journal keeps it."""

    def offset_text(self, number: int) -> str:
        """An event's offset, as clients know it."""

    def read_offset(self, text: str) -> int:
        """The place of an offset. Raises BridgeError if it is none, or of another journal."""

    async def oldest(self) -> int:
        """The place of the oldest event that is kept; 1 if there is none."""

    async def newest(self) -> int:
        """The place of the newest event; 0 if there is none."""

    async def was_further(self, number: int) -> None:
        """It is proven that there was an event of that number, beyond the newest: the journal was rewound."""

    async def heard(
        self, names: Sequence[str], *, everyone: bool, after: int, limit: int
    ) -> tuple[Sequence[Told], bool]:
        """The next events that went to some rooms, or to everyone; and whether there are more."""


@dataclass(slots=True)
class Session:
    """What a client gets back."""

    session_id: str
    began_at: int
    """The newest event when it began: what came before was never its."""
    rooms: dict[str, int] = field(default_factory=dict)
    """Since which event it is in each room."""
    online: set[str] = field(default_factory=set)
    """The users that it has said are online."""
    is_over: bool = False
    """Whether its client has said that it goes for good."""


class SessionStore(Protocol):
    """Keeps sessions for the next process."""

    @property
    def key(self) -> bytes:
        """The secret that `pid` is signed with; the same for all processes of one journal."""

    async def save(self, sessions: Mapping[str, Session]) -> None:
        """Keeps sessions as they are now."""

    async def load(self, session_id: str) -> Session | None:
        """A session, if it has ever been in a room."""


@dataclass(frozen=True, slots=True)
class Missed:
    """A session that is taken up again, and how far what it missed was read from the journal."""

    session: Session
    pid: str
    after: int
    """The last event that the client heard, or that stands in `told`."""
    told: tuple[Told, ...] = ()


class Recovery:
    """The sessions of the connected clients, and what was told lately."""

    def __init__(self, history: History, store: SessionStore, *, cursor: int, keeps_confidence: bool) -> None:
        """`cursor` is the newest event that needs no telling any more."""
        self._history = history
        self._store = store
        self._keeps_confidence = keeps_confidence
        self.cursor = cursor
        self._recent: deque[Told] = deque(maxlen=RECENT_LIMIT)
        self._sessions: dict[str, Session] = {}
        """By the sid of the client."""
        self._sids: dict[str, str] = {}
        """The sid of each session."""
        self._changed: dict[str, Session] = {}
        self._saved: asyncio.Future[None] | None = None
        """Done when the changes that wait are kept."""
        self._being_saved: asyncio.Future[None] | None = None
        self._saving: asyncio.Task[None] | None = None

    # What is told

    def went_out(self, told: Iterable[Told]) -> None:
        """Notes what goes to the clients at this moment."""
        self._recent.extend(told)
        if self._recent:
            self.cursor = self._recent[-1].number

    def offset_text(self, number: int) -> str:
        """An event's offset, as clients know it."""
        return self._history.offset_text(number)

    # Sessions

    def begin(self, sid: str, principal: Principal) -> str:
        """A new session for a client; returns its `pid`."""
        session = Session(secrets.token_urlsafe(12), self.cursor)
        self._take(sid, session)
        return self._pid(session.session_id, session.began_at, principal)

    def resume(self, sid: str, missed: Missed, principal: Principal) -> None:
        """A client takes up its session again, with what it is granted now."""
        session = missed.session
        session.rooms = _granted(session, principal)
        session.online = {user_id for user_id in session.online if principal.may_speak_for(user_id)}
        self._take(sid, session)

    def _take(self, sid: str, session: Session) -> None:
        self._sessions[sid] = session
        self._sids[session.session_id] = sid

    def sid_of(self, pid: str) -> str | None:
        """The client that holds the session of a `pid` now."""
        return self._sids.get(pid.partition(".")[0])

    def entered_room(self, member: tuple[str, str], room: str) -> None:
        """A client has entered a room; staff has its own by its token alone."""
        namespace, sid = member
        session = self._sessions.get(sid)
        if session is not None and namespace == "/" and room not in (*session.rooms, rooms.STAFF):
            session.rooms[room] = self.cursor
            self._change(session)

    def left_room(self, member: tuple[str, str], room: str) -> None:
        """A client has left a room."""
        namespace, sid = member
        session = self._sessions.get(sid)
        if session is not None and namespace == "/" and session.rooms.pop(room, None) is not None:
            session.online = {user_id for user_id in session.online if rooms.user(user_id) != room}
            self._change(session)

    def is_online(self, sid: str, user_id: str) -> None:
        """A client has said that a user is online."""
        session = self._sessions.get(sid)
        if session is not None and user_id not in session.online:
            session.online.add(user_id)
            self._change(session)

    def departed(self, member: tuple[str, str]) -> None:
        """A client is gone from a namespace; `let_go` has been told before."""

    def let_go(self, sid: str, *, for_good: bool) -> None:
        """A client goes, and may come back, unless it has said that it goes for good."""
        session = self._sessions.pop(sid, None)
        if session is None or self._sids.get(session.session_id) != sid:
            return
        del self._sids[session.session_id]
        if for_good and session.rooms:
            # Kept as such: one that nothing is known of has never been in a room, and is taken up.
            self._change(Session(session.session_id, session.began_at, is_over=True))

    async def saved(self) -> None:
        """Waits until every change so far is kept, so that whoever was told of it can rely on it."""
        for saved in (self._being_saved, self._saved):
            if saved is not None:
                await asyncio.shield(saved)

    def _change(self, session: Session) -> None:
        self._changed[session.session_id] = session
        self._save()

    def _save(self) -> None:
        if self._saved is None:
            self._saved = asyncio.get_running_loop().create_future()
        if self._saving is None:
            self._saving = asyncio.create_task(self._save_all())

    async def _save_all(self) -> None:
        try:
            while self._changed:
                changed, self._changed = self._changed, {}
                saved = self._being_saved = self._saved
                self._saved = None
                try:
                    await self._store.save(changed)
                except Exception:
                    logger.exception(
                        "%d sessions could not be kept; who comes back to them begins anew", len(changed)
                    )
                self._being_saved = None
                if saved is not None:
                    saved.set_result(None)
        finally:
            self._saving = None

    def session_ids(self) -> Collection[str]:
        """The sessions of the clients that are connected."""
        return self._sids.keys()

    # The proof of a session

    def _pid(self, session_id: str, began_at: int, principal: Principal) -> str:
        proof = hmac.digest(self._store.key, f"{session_id}.{began_at}.{principal.name}".encode(), "sha256")
        return f"{session_id}.{began_at}.{proof.hex()[:32]}"

    def _began_at(self, pid: str, principal: Principal) -> int | None:
        """When the session of a `pid` began; None unless it is this principal's."""
        session_id, _, rest = pid.partition(".")
        number, _, _ = rest.partition(".")
        if not number.isascii() or not number.isdigit() or len(number) > 18:
            return None
        is_genuine = hmac.compare_digest(self._pid(session_id, int(number), principal).encode(), pid.encode())
        return int(number) if is_genuine else None

    # Coming back

    async def take_up(self, pid: Any, offset: Any, principal: Principal) -> Missed | None:
        """The session that a client brings, with what it missed as far as only the journal knows that; None if it
        has to begin anew."""
        missed = None
        if isinstance(pid, str) and len(pid.encode("utf-8", "replace")) <= 100:
            try:
                missed = await self._take_up(pid, offset, principal)
            except BridgeError as error:
                logger.info("a client begins anew: %s", error)
            except Exception:
                logger.exception("a client begins anew: what it missed could not be read")
        RECOVERIES.labels("recovered" if missed is not None else "anew").inc()
        return missed

    async def _take_up(self, pid: str, offset: Any, principal: Principal) -> Missed | None:
        began_at = self._began_at(pid, principal)
        if began_at is None:
            return None
        if began_at > self.cursor and began_at > await self._history.newest():
            # What is signed was true. The offset is not: anybody may write one.
            await self._history.was_further(began_at)
            return None
        after = self._history.read_offset(offset) if isinstance(offset, str) else began_at
        after = max(after, began_at)
        if after > self.cursor or after < await self._history.oldest() - 1:
            return None
        session_id = pid.partition(".")[0]
        session = await self._session(session_id, began_at)
        if session.is_over:
            return None
        told: list[Told] = []
        names = [*_granted(session, principal), *([rooms.STAFF] if principal.is_staff else [])]
        while after < self._recent_from - 1:
            if len(names) > ROOMS_LIMIT or len(told) > REPLAY_LIMIT:
                return None
            page, more = await self._history.heard(names, everyone=True, after=after, limit=PAGE)
            told += self._of(session, principal, page)
            # What is in memory is told from there, and what did not go out yet will go out.
            after = min(page[-1].number if more else self._recent_from - 1, self._recent_from - 1)
        return Missed(session, pid, after, tuple(one for one in told if one.number <= after))

    async def _session(self, session_id: str, began_at: int) -> Session:
        await self.saved()
        sid = self._sids.get(session_id)
        if sid is not None:
            return self._sessions[sid]  # itself: until it is taken over, it may change
        return await self._store.load(session_id) or Session(session_id, began_at)

    def missed_lately(self, missed: Missed, principal: Principal) -> list[tuple[Event, str]]:
        """All that a client missed, up to this very moment; nothing may be sent between this and the client's hearing
        what goes out."""
        recent = [one for one in self._recent if one.number > missed.after]
        told = [*missed.told, *self._of(missed.session, principal, recent)]
        return [(one.event, self._history.offset_text(one.number)) for one in told]

    @property
    def _recent_from(self) -> int:
        """From which event on everything is in memory."""
        return self._recent[0].number if self._recent else self.cursor + 1

    def _of(self, session: Session, principal: Principal, told: Iterable[Told]) -> list[Told]:
        since_of = _granted(session, principal)
        if principal.is_staff:
            since_of[rooms.STAFF] = session.began_at
        return [one for one in told if one.number > session.began_at and self._is_for(since_of, one)]

    def _is_for(self, since_of: Mapping[str, int], told: Told) -> bool:
        audience = reached(told.event.name, told.event.audience, keeps_confidence=self._keeps_confidence)
        return audience.everyone or any(since_of.get(room, told.number) < told.number for room in audience.rooms)


def _granted(session: Session, principal: Principal) -> dict[str, int]:
    """The rooms of a session that its client may be in."""
    return {room: since for room, since in session.rooms.items() if principal.may_see(room)}
