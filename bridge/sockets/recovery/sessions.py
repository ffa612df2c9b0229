"""The sessions of clients: of those that are connected, and of those that may come back.

A session that is known nowhere is unknown. That never means that its client was in no room: somebody who has to be
recovered has to be known.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from bridge.sockets.recovery.pending_saves import PendingSaves

__all__ = ["Arrival", "Leaving", "Session", "SessionStore", "Sessions", "TakenOver"]

# Of those who left, so many are found without the store: as many as come back at once when a proxy restarts.
AWAY_LIMIT = 20_000


class Leaving(NamedTuple):
    """How a client left: up to when, in microseconds since 1970, it received what it was sent."""

    at: int
    """Where nothing shows otherwise."""
    sure: int
    """In any case: up to when it is known to have been there."""
    delivered_until: int = 0
    """The last event that it may have been told."""


class Arrival(NamedTuple):
    """How a client came to this process last, for what it shows when it comes again: its offset proves what it was
    sent before that event, also of what has none."""

    knew_until: int
    """Up to when it certainly knew who came and went, in microseconds since 1970."""
    received_until: int
    """The last event that it had received."""
    told_at: int
    """Up to when it was told who came and went, before the events that it had missed."""
    cursor: int
    """The last of those, and of all: what came later it was sent over this connection, each as it was delivered."""


@dataclass(slots=True)
class Session:
    """What a client gets back. There is one for each client, so what most have none of is an empty tuple."""

    sid: str
    """That of its client, which keeps it."""
    began_at: int
    """The newest event when it began: what came before was never its."""
    rooms: dict[str, int] = field(default_factory=dict)
    """Since which event it is in each room."""
    online: tuple[str, ...] = ()
    """The users that it has said are online."""
    watching: tuple[str, ...] = ()
    """The users whom it watches."""
    left: Leaving | None = None
    """None while its client is connected."""
    is_over: bool = False
    """Whether its client has gone for good, or to another process."""
    exchanges: tuple[float, ...] = ()
    """When it was taken over from a connection that was still there, by the event loop's clock; of this process."""
    is_stored: bool = False
    """Whether the store has had it."""
    came_from: str | None = None
    """The process that it was taken over from, where several share the store, until it is taken up."""
    user_id: str | None = None
    """Whose token its client brought, for staff to find it by."""
    is_resumed: bool = False
    """Whether its client has come back to it, and believes to be where it was."""
    arrival: Arrival | None = None
    """None: it has not been at this process."""


class TakenOver(NamedTuple):
    """What becomes of a session that is asked for."""

    session: Session | None
    """As it was saved last; None if it is over, or contested, and stays where it is."""
    was_own: bool
    """Whether this process had it already."""


class SessionStore(Protocol):
    """Keeps sessions for the next process."""

    @property
    def key(self) -> bytes:
        """The secret that `pid` is signed with; the same for all processes of one journal."""

    @property
    def clock(self) -> Callable[[], int]:
        """In microseconds since 1970; that of all processes that share it."""

    @property
    def is_shared(self) -> bool:
        """Whether other processes may take sessions over at the same time."""

    def watch(self, moved: Callable[[Collection[str] | None], object]) -> None:
        """Has somebody told which sessions another process has taken over; None: it may have been any. That may go
        unsaid: to save or to take over a session shows it too."""

    async def save(self, sessions: Mapping[str, Session | None]) -> Collection[str]:
        """Saves sessions as they are now; forgets those that are None. Returns those that another process has taken
        over, of which nothing is saved. Raises whatever kept it from that; then none may have been saved."""

    async def load(self, sid: str) -> Session | None:
        """A session, if it is known and not over; never one that has not left."""

    async def take_over(self, sid: str) -> TakenOver | None:
        """The same where it is shared, from whatever process has it, which is this one from then on; None if none
        has it."""

    async def recall(self) -> int:
        """A moment, in microseconds since 1970, up to which the last of earlier processes was surely there. To be
        called before `load`."""


class Sessions:
    """Who is connected, who may come back, and what of that is still to be saved."""

    def __init__(
        self, store: SessionStore, on_lost: Callable[[str], object], on_wanted: Callable[[str], object]
    ) -> None:
        """`on_lost` is told the sid of each client that is connected to another process by now, and `on_wanted` of
        each whose session another process wants."""
        self._store = store
        self._on_lost = on_lost
        self._on_wanted = on_wanted
        self._connected: dict[str, Session] = {}
        self._away: OrderedDict[str, Session] = OrderedDict()
        self._changes: PendingSaves[Session] = PendingSaves(
            store.save, is_needed=self._connected.__contains__, on_lost=self.give_up
        )
        store.watch(self._moved)

    def begin(self, session: Session) -> None:
        """A session of a client that is new. It is saved soon: before that it is unknown to the next process."""
        self._connected[session.sid] = session
        self._changes.add(session.sid, session, soon=True)

    def take_up(self, session: Session) -> None:
        """The client of a session is back."""
        self._away.pop(session.sid, None)
        self._connected[session.sid] = session
        session.left = None
        # Where others may want it, they have to see at once that its client is here.
        self._changes.add(session.sid, session, soon=not self._store.is_shared)

    def of(self, sid: str) -> Session | None:
        """The session of a client that is connected."""
        return self._connected.get(sid)

    def changed(self, session: Session, *, soon: bool = False) -> None:
        """A session is to be saved as it is now; `soon` where nobody waits for that."""
        self._changes.add(session.sid, session, soon=soon)

    def let_go(self, sid: str, left: Leaving, *, for_good: bool) -> None:
        """A client goes, and may come back, unless it goes for good."""
        session = self._connected.pop(sid, None)
        self._changes.abandon(sid)
        if session is None:
            return
        session.left, session.is_over = left, for_good
        if not for_good:
            self._changes.add(sid, session, soon=True)
            self._remember(session)
        else:
            self._changes.add(sid, None)

    async def recall(self) -> int:
        """A moment up to which the last of earlier processes was surely there."""
        return await self._store.recall()

    def _remember(self, session: Session) -> None:
        self._away[session.sid] = session
        self._away.move_to_end(session.sid)
        if len(self._away) > AWAY_LIMIT:
            self._away.popitem(last=False)

    def known(self, sid: str) -> Session | None:
        """A session that may be taken up, as far as that is known without a look into the store."""
        known = self._connected.get(sid) or self._away.get(sid) or self._changes.waiting(sid)
        return None if known is None or known.is_over else known

    async def find(self, sid: str) -> Session | None:
        """A session; None if it is unknown, or over."""
        if self._store.is_shared:
            return await self._take_over(sid)
        session = self.known(sid)
        if session is None and not self._changes.waits(sid):
            session = await self._store.load(sid)
            # In the meantime another may have looked for the same one: both are given the same.
            known = self.known(sid)
            if session is not None and known is None and not self._changes.waits(sid):
                self._remember(session)
            else:
                session = known
        return session

    async def _take_over(self, sid: str) -> Session | None:
        taken = await self._store.take_over(sid)
        if taken is not None and not taken.was_own:
            self.give_up(sid)  # what is known of it here is from before
        known = self.known(sid)
        if taken is None:
            # It is not kept yet; or its client said goodbye to another process.
            return None if known is None or known.is_stored else known
        if known is None and taken.session is not None and not self._changes.waits(sid):
            self._remember(taken.session)
            return taken.session
        return known

    def _moved(self, sids: Collection[str] | None) -> None:
        """Another process has taken sessions over, perhaps, or wants to: whether those of clients that are connected
        are still here is seen by saving them, and whether those clients are still there by asking them."""
        for sid in list(self._connected) if sids is None else sids:
            session = self._connected.get(sid)
            if session is not None:
                self._changes.add(sid, session, soon=sids is None)
                if sids is not None:
                    self._on_wanted(sid)
            elif not self._changes.waits(sid):
                self._forget(sid)

    def give_up(self, sid: str) -> None:
        """Another process has a session: what becomes of it is no more known here, nor saved."""
        self._changes.discard(sid)
        self._forget(sid)
        session = self._connected.pop(sid, None)
        if session is not None:
            session.is_over = True
            self._on_lost(sid)

    def _forget(self, sid: str) -> None:
        """Whoever is about to take up a session that left looks for it again."""
        session = self._away.pop(sid, None)
        if session is not None:
            session.is_over = True

    def waiting_count(self, sid: str) -> int:
        """How many wait until a session is saved."""
        return self._changes.waiting_count(sid)

    def wait_until_saved(self, sid: str) -> asyncio.Future[None]:
        """Done once the session of a client is saved as it is now. Raises ClientGoneError if the client goes before
        that."""
        return self._changes.wait_until_saved(sid)

    async def close(self) -> None:
        """Saves what is still to be saved, if it can be."""
        await self._changes.close()

    @property
    def connected(self) -> Collection[str]:
        """The sids of the clients that are connected."""
        return self._connected.keys()
