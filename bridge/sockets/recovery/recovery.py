"""Connection state recovery (Socket.IO 4.6): a client that comes back is put into its rooms again and sent what it
missed, by the server it left or by one that was started since.

The client brings what the server gave it: `pid`, which proves a session, and the offset of the last event that it
heard. It is recovered only if all its rooms are known, and all that it missed can be delivered.
"""

import asyncio
import logging
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bridge.access import Principal
from bridge.sockets.errors import StoreUnavailableError
from bridge.sockets.rate_limit import messages_in
from bridge.sockets.recovery.replays import Allowance
from bridge.sockets.recovery.session_proofs import Proven, pid_of, proven_by
from bridge.sockets.recovery.sessions import Arrival, Leaving, Session, Sessions, SessionStore
from bridge.sockets.rooms.recent_events import DeliveredEvent, RecentEvents
from coordinator import rooms
from coordinator.errors import BridgeError
from coordinator.events import Event

__all__ = ["History", "Missed", "Recovery", "Resumed"]

logger = logging.getLogger("bridge.sockets")

# Whoever comes from another bridge has received what that had read of the journal, as this one soon will.
REACH_SECONDS = 5.0
# Whoever missed more looks it up over REST.
REPLAY_LIMIT = 5_000
# A journal is asked for so many rooms at once; whoever is in more is recovered from memory alone.
ROOMS_LIMIT = 300
PAGE = 500
# Of so many deliveries it is known who had been told of by then: as many as come in a minute.
TOLD_LIMIT = 5_000
TOO_OFTEN = "a client begins anew: what it missed was looked up too often"
# What an event that is sent again takes besides its payload.
FRAME_BYTES = 100


class History(Protocol):
    """What was delivered, as the journal stores it."""

    async def number_of(self, offset: str) -> int:
        """The place of an offset; 0 if it is of an earlier history, or of events that are forgotten: a client that
        began anew brings the last that it had before, until it receives another. Raises BridgeError if nobody was
        ever given it, or if it proves that the journal was rewound, which that then takes up."""

    async def oldest(self) -> int:
        """The place of the oldest event that is stored; 1 if there is none."""

    async def room_events(
        self, names: Sequence[str], *, everyone: bool, after: int, limit: int
    ) -> tuple[Sequence[DeliveredEvent], bool]:
        """The next events that went to some rooms, or to everyone; and whether there are more."""


@dataclass(frozen=True, slots=True)
class Missed:
    """A session that is taken up again, and how far what it missed was read from the journal."""

    session: Session
    pid: str
    received_until: int
    """The last event that the client shows to have received; all before it was received, too."""
    after: int
    """That, or the last that stands in `delivered`."""
    delivered: tuple[DeliveredEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class Resumed:
    """What a client that is recovered gets back."""

    rooms: Collection[str]
    online: Collection[str]
    """The users that it has said are online."""
    watching: Collection[str]
    """The users whom it watches."""
    delivered: Sequence[tuple[Event, str]]
    """What it missed, each event with its offset."""
    knew_until: int
    """Up to when it received who came and went, in microseconds since 1970; what it is told of that comes first."""


class Recovery:
    """The sessions of clients, and what was delivered lately."""

    def __init__(
        self,
        history: History,
        store: SessionStore,
        *,
        cursor: int,
        offset: str,
        keeps_confidence: bool,
        remembered_bytes: int = 32_000_000,
        replay_bytes: int = 8_000_000,
    ) -> None:
        """`cursor` is the newest event that needs no delivery any more, and `offset` its offset. Of what was told
        lately no more is remembered than `remembered_bytes`, and no client is sent more again than `replay_bytes`."""
        self._history = history
        self._key = store.key
        self.clock = store.clock
        """By which it is noted when clients left."""
        self._replay_bytes = replay_bytes
        self.cursor = cursor
        self._offset = offset
        self._start = (offset, cursor)
        self._remembered = RecentEvents(keeps_confidence=keeps_confidence, limit_bytes=remembered_bytes)
        self._sessions = Sessions(store, lambda sid: self.on_lost(sid), lambda sid: self.on_wanted(sid))
        self.on_lost: Callable[[str], object] = lambda _sid: None
        """Is told the sid of each client whose session another process has by now."""
        self.on_wanted: Callable[[str], object] = lambda _sid: None
        """Is told the sid of each client whose session another process wants: it may be gone without a word."""
        self.told_until: Callable[[], int] = lambda: 0
        """Up to when all clients have been told who came and went, in microseconds since 1970."""
        self._told: deque[tuple[int, int]] = deque(maxlen=TOLD_LIMIT)
        """That, as it was each time that events were delivered, behind the first of them."""
        self._waiting_for: set[asyncio.Event] = set()
        """Of those who wait for the cursor to move."""

    # What is delivered

    def note_delivered(self, delivered: Sequence[DeliveredEvent]) -> None:
        """Notes what goes to the clients at this moment."""
        self._remembered.add(delivered)
        self.cursor, _, self._offset = delivered[-1]
        self._told.append((delivered[0].number, self.told_until()))
        for moved in self._waiting_for.copy():
            moved.set()

    async def _reach(self, number: int) -> None:
        """Waits until what another process has delivered already is delivered here too: whoever comes from there has
        received it. Raises StoreUnavailableError if it is not, in time."""
        moved = asyncio.Event()
        self._waiting_for.add(moved)
        try:
            async with asyncio.timeout(REACH_SECONDS):
                while self.cursor < number:
                    moved.clear()
                    await moved.wait()
        except TimeoutError:
            raise StoreUnavailableError("what others have delivered could not be read yet") from None
        finally:
            self._waiting_for.discard(moved)

    # Sessions

    def begin(self, sid: str, principal: Principal) -> str:
        """A new session for a client; returns its `pid`."""
        # Staff has its room by its token alone.
        of_staff = {rooms.STAFF: self.cursor} if principal.is_staff else {}
        told_until = self.told_until()
        arrival = Arrival(told_until, self.cursor, told_until, self.cursor)
        session = Session(sid, self.cursor, of_staff, user_id=principal.user_id, arrival=arrival)
        self._sessions.begin(session)
        return pid_of(self._key, sid, self._offset, principal)

    def resume(self, missed: Missed, principal: Principal) -> Resumed:
        """A client takes up its session again, while `is_current`. Nothing may be sent between this and the client's
        hearing what goes out."""
        session, delivered = missed.session, self._all_of(missed)
        knew_until = self._knew_until(missed, delivered)
        if principal.is_staff:
            session.rooms.setdefault(rooms.STAFF, self.cursor)
        session.is_resumed = True
        self._sessions.take_up(session)
        session.arrival = Arrival(knew_until, missed.received_until, self.told_until(), self.cursor)
        events = [(one.event, one.offset) for one in delivered]
        return Resumed(tuple(session.rooms), session.online, session.watching, events, knew_until)

    def knew_until(self, missed: Missed) -> int:
        """Up to when a client whose session `is_current` received who came and went, in microseconds since 1970."""
        return self._knew_until(missed, self._all_of(missed))

    def _knew_until(self, missed: Missed, delivered: Sequence[DeliveredEvent]) -> int:
        known = _known_when_it_left(missed.session.left, delivered)
        return max(known, self._proven_until(missed.session.arrival, missed.received_until))

    def _proven_until(self, arrival: Arrival | None, received_until: int) -> int:
        """Up to when a client certainly knew who came and went, by the last event that it shows to have received over
        the connection that it had: what had been sent there before came before it."""
        if arrival is None:
            return 0
        if received_until > arrival.cursor:
            place = bisect_right(self._told, received_until, key=lambda told: told[0]) - 1
            return arrival.told_at if place < 0 else max(arrival.told_at, self._told[place][1])
        return arrival.told_at if received_until > arrival.received_until else arrival.knew_until

    def entered_room(self, member: tuple[str, str], room: str) -> None:
        """A client has entered a room."""
        namespace, sid = member
        session = self._sessions.of(sid)
        if session is not None and namespace == "/" and room not in session.rooms:
            session.rooms[room] = self.cursor
            self._sessions.changed(session)

    def left_room(self, member: tuple[str, str], room: str) -> None:
        """A client has left a room."""
        namespace, sid = member
        session = self._sessions.of(sid)
        if session is not None and namespace == "/" and session.rooms.pop(room, None) is not None:
            session.online = tuple(user_id for user_id in session.online if rooms.user(user_id) != room)
            self._sessions.changed(session)

    def is_online(self, sid: str, user_id: str) -> None:
        """A client has said that a user is online."""
        session = self._sessions.of(sid)
        if session is not None and user_id not in session.online:
            session.online += (user_id,)
            self._sessions.changed(session)

    def is_resumed(self, sid: str) -> bool:
        """Whether a client was recovered."""
        session = self._sessions.of(sid)
        return session is not None and session.is_resumed

    def watches(self, sid: str, user_ids: tuple[str, ...]) -> None:
        """These are the users whom a client watches."""
        session = self._sessions.of(sid)
        if session is not None and session.watching != user_ids:
            session.watching = user_ids
            self._sessions.changed(session)

    async def recall(self) -> int:
        """A moment up to which the last of earlier processes was surely there."""
        return await self._sessions.recall()

    def departed(self, member: tuple[str, str]) -> None:
        """A client is gone from a namespace; `let_go` has been told before."""

    def let_go(self, sid: str, left: Leaving, *, for_good: bool) -> None:
        """A client goes, and may come back, unless it goes for good."""
        self._sessions.let_go(sid, left._replace(delivered_until=self.cursor), for_good=for_good)

    def waiting_count(self, sid: str) -> int:
        """How many wait for `wait_until_saved`."""
        return self._sessions.waiting_count(sid)

    def wait_until_saved(self, sid: str) -> asyncio.Future[None]:
        """Done once what a client has changed is saved, so that it would get it back after whatever happens. Raises
        ClientGoneError if it goes before that."""
        return self._sessions.wait_until_saved(sid)

    def session_ids(self) -> Collection[str]:
        """The sessions of the clients that are connected."""
        return self._sessions.connected

    async def close(self) -> None:
        """Saves what is still to be saved."""
        await self._sessions.close()

    # Coming back

    async def rooms_of(self, pid: Any, principal: Principal) -> Collection[str]:
        """The rooms of the session that a client brings; none of one that is not known, or not at the moment."""
        proven = proven_by(self._key, pid, principal)
        try:
            session = None if proven is None else await self._sessions.find(proven.sid)
        except StoreUnavailableError:
            return ()
        return () if session is None else tuple(session.rooms)

    async def take_up(self, pid: Any, offset: Any, principal: Principal, allowance: Allowance) -> Missed | None:
        """The session that a client brings, with what it missed as far as only the journal knows that; None if it
        has to begin anew. What is looked up is taken from `allowance`. Raises StoreUnavailableError where that cannot
        be known."""
        proven = proven_by(self._key, pid, principal)
        if proven is None:
            return None
        if allowance.is_spent(proven.sid):
            logger.info(TOO_OFTEN)
            return None
        try:
            return await self._take_up(proven, pid, offset, principal, allowance)
        except StoreUnavailableError:
            raise
        except BridgeError as error:
            logger.info("a client begins anew: %s", error)
        except Exception:
            logger.exception("a client begins anew: what it missed could not be read")
        return None

    async def _take_up(
        self, proven: Proven, pid: str, offset: Any, principal: Principal, allowance: Allowance
    ) -> Missed | None:
        session = await self._sessions.find(proven.sid)
        # Also where the session is unknown: what the client brings may prove that the journal was rewound.
        received_until = await self._number_of(offset) if isinstance(offset, str) else 0
        if session is None or received_until <= session.began_at:
            received_until = max(received_until, await self._number_of(proven.began_at))
        if session is None:
            logger.info("a client begins anew: its session is not known any more")
            return None
        await self._reach(max(received_until, session.began_at, *session.rooms.values()))
        if not _grants_all(session, principal):
            logger.info("a client begins anew: its token does not grant all that it was in")
            return None
        async with allowance.turn(proven.sid) as may_have_more:
            if not may_have_more:
                logger.info(TOO_OFTEN)
                return None
            return await self._look_up(session, pid, received_until, allowance)

    async def _look_up(self, session: Session, pid: str, received_until: int, allowance: Allowance) -> Missed | None:
        """What a session missed; None if that is too much, or not all of it is stored."""
        after = received_until
        delivered: list[DeliveredEvent] = []
        size_bytes = 0
        while after < self._remembered_from - 1:
            # Each time anew: whoever holds the session may join another room in the meantime.
            since_of = dict(session.rooms)
            if len(since_of) > ROOMS_LIMIT or len(delivered) > REPLAY_LIMIT or size_bytes > self._replay_bytes:
                return None
            page, more = await self._history.room_events([*since_of], everyone=True, after=after, limit=PAGE)
            allowance.spend(session.sid, _messages_in(page))
            own = [one for one in page if self._is_for(since_of, one)]
            delivered += own
            size_bytes += _size_bytes(own)
            # What is in memory is told from there, and what did not go out yet will go out.
            reached = self._remembered_from - 1
            after = min(page[-1].number, reached) if more else reached
        if after > received_until and received_until < await self._history.oldest() - 1:
            return None  # nor may any of it have been forgotten while it was read
        missed = Missed(session, pid, received_until, after, tuple(one for one in delivered if one.number <= after))
        everything = self._all_of(missed)
        allowance.spend(session.sid, _messages_in(everything[len(missed.delivered) :]))
        if len(everything) > REPLAY_LIMIT or _size_bytes(everything) > self._replay_bytes:
            return None
        return missed

    async def _number_of(self, offset: str) -> int:
        number = self._remembered.number_of(offset)
        if number is None and offset == self._start[0]:  # which all bring that come back after a restart
            number = self._start[1]
        return await self._history.number_of(offset) if number is None else number

    def is_current(self, missed: Missed, principal: Principal) -> bool:
        """Whether what was found out about a session is still so, all that it missed can be told, and its client may
        have all of it again."""
        known = self._sessions.known(missed.session.sid)
        is_the_same = known is missed.session or known is None
        reaches = missed.after >= self._remembered_from - 1
        return is_the_same and not missed.session.is_over and reaches and _grants_all(missed.session, principal)

    def _all_of(self, missed: Missed) -> list[DeliveredEvent]:
        return [*missed.delivered, *self._remembered.after(missed.after, missed.session.rooms)]

    @property
    def _remembered_from(self) -> int:
        """From which event on everything is in memory."""
        return self._remembered.first or self.cursor + 1

    def _is_for(self, since_of: dict[str, int], delivered: DeliveredEvent) -> bool:
        audience = self._remembered.rooms_of(delivered.event)
        return any(room is None or since_of.get(room, delivered.number) < delivered.number for room in audience)


def _known_when_it_left(left: Leaving | None, delivered: Sequence[DeliveredEvent]) -> int:
    """Whoever did not hear all that it was told before it left did not hear either who came and went."""
    if left is None:
        return 0
    has_lost = bool(delivered) and delivered[0].number <= left.delivered_until
    return left.sure if has_lost else left.at


def _grants_all(session: Session, principal: Principal) -> bool:
    """Whether the token that a client brings grants all that it had: who is told that it is recovered does not ask
    for its rooms again, and would never hear that it may not be in one, nor get it back with its next token."""
    return all(map(principal.may_see, session.rooms)) and all(map(principal.may_speak_for, session.online))


def _messages_in(delivered: Iterable[DeliveredEvent]) -> int:
    """As how many messages events count that are looked up."""
    return sum(messages_in(len(one.event.payload_json)) for one in delivered)


def _size_bytes(delivered: Collection[DeliveredEvent]) -> int:
    return sum(FRAME_BYTES + len(one.event.payload_json) for one in delivered)
