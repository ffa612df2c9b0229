"""Reconnections of clients, as the server sees them: who is recovered, with what it is told first, and up to when
each that leaves has heard who came and went."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from prometheus_client import Counter

from bridge.access import GrantsUnknownError, Principal
from bridge.sockets.admission import Admission
from bridge.sockets.errors import SessionContestedError, StoreUnavailableError
from bridge.sockets.presence.activity_log import ActivityLog
from bridge.sockets.recovery.recovery import Missed, Recovery
from bridge.sockets.recovery.replays import Replays
from bridge.sockets.recovery.sessions import Leaving, Session
from bridge.sockets.transport.connection import Connection
from bridge.sockets.transport.disconnects import Disconnect
from bridge.sockets.transport.engine import EngineIoServer
from bridge.sockets.transport.frames import Outgoing, event_message

__all__ = ["NOTHING", "Recalls", "Reconnections", "Restored", "brought_by", "has_gone"]

T = TypeVar("T")

logger = logging.getLogger("bridge.sockets")

# What else may delay a ping and its answer.
LATENESS_SECONDS = 5
# What shows that a WebSocket was alive to its end.
CLEAN_ENDS = {
    EngineIoServer.reason.TRANSPORT_CLOSE,
    EngineIoServer.reason.CLIENT_DISCONNECT,
    EngineIoServer.reason.SERVER_DISCONNECT,
}
# How exactly the event loop's clock tells when something was.
CLOCK_MICROS = 2_000
# For so long a client waits whose session cannot be looked up; it would begin anew at once, and miss something.
UNAVAILABLE_SECONDS = 15.0
# Longer than a bridge that is gone is taken for one that is there, and than whoever holds a session is asked.
CONTESTED_SECONDS = 10.0
RETRY_SECONDS = 0.5
# While a session is looked up, others may come for it.
TAKE_UP_TIMES = 3
# Whoever comes back before it is noticed that it was gone takes its session over from itself. Where two bring one
# session, each would put the other out as soon as it has come back, for ever: after so many times it is asked first.
EXCHANGES = 2
EXCHANGES_WITHIN_SECONDS = 60

RECOVERIES = Counter(
    "bridge_sockets_recoveries", "Clients that came back, by whether they were recovered", ["outcome"]
)

Recalls = Callable[[int], Awaitable[None]]
"""Takes up how everybody stands, told of a moment up to which the last of earlier processes was surely there."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a client that is recovered gets back."""

    rooms: Collection[str]
    online: Collection[str]
    """The users that it has said are online."""
    messages: Sequence[Outgoing]
    """What it missed, and what changed in the meantime in who is there and who types."""
    came_from: str | None = None
    """The bridge that it was at, if that was another."""


NOTHING = Restored((), (), ())


class Reconnections:
    """Puts clients that come back where they were, one at a time."""

    def __init__(
        self,
        recovery: Recovery,
        activity_log: ActivityLog,
        recalls: Recalls,
        replays: Replays,
        has_lost_rooms: Callable[[Principal, Mapping[str, int], int, int], bool],
    ) -> None:
        """`has_lost_rooms` says whether a session of somebody has lost a room: by the event since which it is in
        each, the last that its client has heard, and until when that was surely there, in microseconds since 1970."""
        self.recovery = recovery
        self._loses_rooms = has_lost_rooms
        self._replays = replays
        self._activity_log = activity_log
        self._recalls = recalls
        self._recalling = asyncio.create_task(self._recall())

    async def _recall(self) -> None:
        """Takes up from earlier processes who is online and who types."""
        try:
            await self._recalls(await _until_available(self.recovery.recall))
        except Exception:
            logger.exception("who was online before could not be read; who comes back from then begins anew")

    async def ready(self) -> None:
        """Waits until it is known who was there before; nobody is let in earlier."""
        if not self._recalling.done():
            await asyncio.shield(self._recalling)

    async def recognize(self, auth: Any, principal: Principal, admission: Admission) -> Principal:
        """Somebody with those rooms of the session that their client brings which they may enter, whatever says so,
        as far as that can be known now."""
        brought = brought_by(auth)
        if not admission.asks or brought.get("recovery") is False:
            return principal
        names = await self.recovery.rooms_of(brought.get("pid"), principal)
        try:
            return await admission.with_rooms(principal, names)
        except GrantsUnknownError as error:
            logger.info("a client gets no room back that its token does not name: %s", error)
            return principal

    async def take_up(
        self,
        brought: Mapping[str, Any],
        principal: Principal,
        free: Callable[[str, bool], Awaitable[bool]],
        connection: Connection,
    ) -> Missed | None:
        """What a client missed whose session can be restored, by what it brings; None if it brings none, or has to
        begin anew. `free` closes the connection of whoever holds a sid, unless it is to be asked first and answers,
        and says whether nobody holds it any more. Where that cannot be known the client's own `connection` is closed,
        so that it comes again. Once that has gone by itself, nothing more is done in its name: its client may be back
        over another one."""
        pid = brought.get("pid")
        if pid is None or brought.get("recovery") is False:
            return None
        allowance = self._replays.for_address(connection.address)
        take_up = partial(self.recovery.take_up, pid, brought.get("offset"), principal, allowance)
        missed = await self._take_up(take_up, principal, free, connection)
        if has_gone(connection):
            return None
        RECOVERIES.labels("anew" if missed is None else "recovered").inc()
        return missed

    async def _take_up(
        self,
        take_up: Callable[[], Awaitable[Missed | None]],
        principal: Principal,
        free: Callable[[str, bool], Awaitable[bool]],
        connection: Connection,
    ) -> Missed | None:
        for _ in range(TAKE_UP_TIMES):
            try:
                missed = await _until_available(take_up, lambda: not has_gone(connection))
            except SessionContestedError:
                logger.info("a client begins anew: another one has its session, at another bridge, and is there")
                return None
            except StoreUnavailableError:
                await connection.finish(Disconnect.UNAVAILABLE)
                return None
            if missed is None or has_gone(connection):
                return None
            if self._has_lost_rooms(missed, principal):
                logger.info("a client begins anew: its user lost a room before it had surely heard all until then")
                return None
            is_held, is_contested = missed.session.left is None, _is_contested(missed.session)
            is_free = await free(missed.session.sid, is_contested)
            if is_held and is_free:
                _note_exchange(missed.session)
            if has_gone(connection):
                return None
            if is_contested and not is_free:
                logger.info("a client begins anew: another one has its session, and is there")
                return None
            if is_free and self.can_be_restored(missed, principal):
                return missed
        logger.info("a client begins anew: it cannot be told all that changed since it left")
        return None

    def can_be_restored(self, missed: Missed, principal: Principal) -> bool:
        """Whether a client that is not connected any more can be given back all that it had, and told all that it
        missed."""
        left, is_from_another = missed.session.left, missed.session.came_from is not None
        if left is None or not self.recovery.is_current(missed, principal) or self._has_lost_rooms(missed, principal):
            return False
        reaches = partial(self._activity_log.reaches, is_from_another=is_from_another)
        # Most are reached by when they were surely there, which says it without a look at what they missed.
        return reaches(left.sure) or (left.at > left.sure and reaches(self.recovery.knew_until(missed)))

    def _has_lost_rooms(self, missed: Missed, principal: Principal) -> bool:
        session, left = missed.session, missed.session.left
        return left is not None and self._loses_rooms(principal, session.rooms, missed.received_until, left.sure)

    def restore(self, missed: Missed, principal: Principal) -> Restored:
        """A client is back that `can_be_restored`. Nothing may be sent between this and its hearing what goes out."""
        came_from, missed.session.came_from = missed.session.came_from, None
        resumed = self.recovery.resume(missed, principal)
        watches, sid = self._activity_log.watches, missed.session.sid
        watches.add(sid, resumed.watching)
        missed.session.watching = watches.of(sid)  # the same, but each name is in memory once
        # Before the events: who comes again with the offset of one of those has heard all of this.
        messages = self._activity_log.since(resumed.knew_until, resumed.rooms, missed.session.watching)
        messages += [event_message(event, offset) for event, offset in resumed.delivered]
        return Restored(resumed.rooms, resumed.online, messages, came_from)

    def let_go(self, sid: str, connection: Connection | None, reason: str, *, for_good: bool) -> None:
        """A client leaves. That it was there is known from the last ping that it answered, or from its answer to the
        ping before the last, if the end of its WebSocket does not show it."""
        now, silent_seconds = self._activity_log.left(sid), float(LATENESS_SECONDS)
        if connection is not None:
            silent_seconds += connection.server.ping_interval + connection.server.ping_timeout
            if connection.lost_at is not None:
                # Since then it was told nothing, which is noticed in its turn.
                now -= round((asyncio.get_running_loop().time() - connection.lost_at) * 1_000_000) + CLOCK_MICROS
        sure = now - round(silent_seconds * 1_000_000)
        if connection is not None:
            sure = max(sure, connection.told_until)
        is_clean = reason in CLEAN_ENDS and connection is not None and connection.protocol is not None
        self.recovery.let_go(sid, Leaving(now if is_clean else sure, sure), for_good=for_good)

    async def close(self) -> None:
        """Saves what is still to be saved of those who may return."""
        self._recalling.cancel()
        await asyncio.gather(self._recalling, return_exceptions=True)
        await self.recovery.close()


def has_gone(connection: Connection) -> bool:
    """Whether a client is not there any more over a connection, be it that this is still to be closed here."""
    return connection.lost_at is not None or not connection.is_present


async def _until_available(ask: Callable[[], Awaitable[T]], is_wanted: Callable[[], bool] = lambda: True) -> T:
    """Asks again for a while: a database that is restarted, or gives its work to another, is back in seconds. Raises
    StoreUnavailableError, sooner where it is not wanted any more."""
    loop = asyncio.get_running_loop()
    begun_at = loop.time()
    while True:
        try:
            return await ask()
        except StoreUnavailableError as error:
            is_contested = isinstance(error, SessionContestedError)
            ends_at = begun_at + (CONTESTED_SECONDS if is_contested else UNAVAILABLE_SECONDS)
            if loop.time() >= ends_at or not is_wanted():
                raise
        await asyncio.sleep(RETRY_SECONDS)


def brought_by(auth: Any) -> dict[str, Any]:
    """What a client brings with its CONNECT."""
    return auth if isinstance(auth, dict) else {}


def _is_contested(session: Session) -> bool:
    """Whether a session that a connection has was taken over from one again and again, lately."""
    return session.left is None and len(_exchanges_of(session)) == EXCHANGES


def _note_exchange(session: Session) -> None:
    """It was taken over from a connection once more."""
    session.exchanges = (*_exchanges_of(session), asyncio.get_running_loop().time())


def _exchanges_of(session: Session) -> tuple[float, ...]:
    """The last of those that count."""
    now = asyncio.get_running_loop().time()
    return tuple(at for at in session.exchanges if now - at < EXCHANGES_WITHIN_SECONDS)[-EXCHANGES:]
