"""Who is online: a user is, while at least one socket says so, and for a grace period after the last has gone.

`Roster` decides, without I/O; `Presence` has two clocks, and says when there is something to announce. It lives in
memory: a bridge that restarts is told who was online, and waits for their clients to come back.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bridge.catalogue.activities import UserActivity
from bridge.catalogue.chat import UserStatusChange, moment_text
from bridge.sockets.errors import TooManyError
from bridge.sockets.presence.announcements import Announcements, OnlineState
from bridge.sockets.presence.remote_presence import RemotePresence

__all__ = ["LocalPresence", "Roster", "UserPresence", "status_change"]

# One device shows one user, or a few at a desk with several accounts.
USERS_LIMIT_PER_SOCKET = 20
# How many users who have gone are remembered with when they were last seen; a few tens of megabytes at most.
GONE_LIMIT = 100_000
# Where a crowd has gone at once, others have their turn of the event loop between so many and the next.
EXPIRED_AT_ONCE = 500
# A clock that is that far from where it was has been set.
SET_BY = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class UserPresence:
    """How a user stands: `last_seen` is now for one who is online, None for one who was never seen."""

    user_id: str
    is_online: bool
    last_seen: datetime | None


@dataclass(slots=True)
class _Here:
    sids: set[str] = field(default_factory=set)
    gone_at: datetime | None = None
    """When the last socket left; the grace period runs from then."""
    seen_at: datetime | None = None
    """When the user was last seen, where that was before the grace period."""
    is_told_gone: bool = False
    """Whether others say that the user has gone from here, which stands until it has a socket again."""


class Roster:
    """Who is online by which sockets. The time is an argument everywhere."""

    def __init__(self, grace: timedelta) -> None:
        self._grace = grace
        self._here: dict[str, _Here] = {}
        self._users_of: dict[str, set[str]] = {}
        self._leaving: OrderedDict[str, None] = OrderedDict()
        """Users without a socket whose grace period runs, the first to end first."""
        self._gone: OrderedDict[str, datetime] = OrderedDict()

    def claim(self, sid: str, user_id: str) -> None:
        """A socket says that a user is online, which counts once it has arrived. Raises TooManyError."""
        users = self._users_of.get(sid, set())
        if user_id not in users and len(users) >= USERS_LIMIT_PER_SOCKET:
            raise TooManyError(f"one connection speaks for at most {USERS_LIMIT_PER_SOCKET} users")
        self._users_of.setdefault(sid, users).add(user_id)

    def claims(self, sid: str, user_id: str) -> bool:
        """Whether a socket has said that a user is online."""
        return user_id in self._users_of.get(sid, ())

    def arrive(self, sid: str, user_id: str) -> bool:
        """A user is online from now on, unless the socket that claimed it has left meanwhile. Returns whether that is
        news."""
        if user_id not in self._users_of.get(sid, ()):
            return False
        here = self._here.get(user_id)
        is_news = here is None
        if here is None:
            here = self._here[user_id] = _Here()
            self._gone.pop(user_id, None)
        here.sids.add(sid)
        here.gone_at = here.seen_at = None
        here.is_told_gone = False
        self._leaving.pop(user_id, None)
        return is_news

    def expect(self, user_id: str, seen_at: datetime, now: datetime) -> None:
        """A user was online when the bridge ended; the grace period runs from now."""
        if user_id not in self._here:
            self._here[user_id] = _Here(gone_at=now, seen_at=seen_at)
            self._leaving[user_id] = None

    def is_here(self, user_id: str) -> bool:
        """Whether a user is online, or its grace period runs."""
        return user_id in self._here

    def has_socket(self, user_id: str) -> bool:
        """Whether a user is online by a socket that is there."""
        here = self._here.get(user_id)
        return here is not None and bool(here.sids)

    def is_told_gone(self, user_id: str) -> bool:
        """Whether others say that a user has gone from here, who is not back yet."""
        here = self._here.get(user_id)
        return here is not None and here.is_told_gone

    def note_told_gone(self, user_id: str) -> None:
        """Others say that a user has gone from here, who has no socket and may come back."""
        here = self._here.get(user_id)
        if here is not None:
            here.is_told_gone = True

    @property
    def arrived(self) -> Collection[str]:
        """Who is online, or whose grace period runs."""
        return self._here.keys()

    def doubt(self, user_id: str, last_seen: datetime) -> Collection[str]:
        """A user is offline, last seen then, until one of its sockets arrives again; returns those."""
        here = self._here.pop(user_id, None)
        if here is None:
            return ()
        self._leaving.pop(user_id, None)
        self._remember(user_id, last_seen)
        return here.sids

    def leave(self, sid: str, user_id: str, now: datetime, *, for_good: bool = False) -> None:
        """A socket does not stand for a user any more; `for_good` if it said so, so that there is no grace period."""
        users = self._users_of.get(sid, set())
        if user_id not in users:
            return
        users.discard(user_id)
        if not users:
            del self._users_of[sid]
        here = self._here.get(user_id)
        if here is None or sid not in here.sids:
            return
        here.sids.discard(sid)
        if not here.sids:
            here.gone_at = now
            if for_good:
                here.gone_at, here.seen_at = now - self._grace, now
            self._leaving[user_id] = None
            self._leaving.move_to_end(user_id, last=not for_good)

    def depart(self, sid: str, now: datetime) -> None:
        """A socket is gone."""
        for user_id in sorted(self._users_of.get(sid, ())):
            self.leave(sid, user_id, now)

    @property
    def next_due(self) -> datetime | None:
        """When the next grace period ends."""
        for user_id in self._leaving:
            gone_at = self._here[user_id].gone_at
            return None if gone_at is None else gone_at + self._grace
        return None

    def stands_elsewhere(self, user_id: str, last_seen: datetime | None) -> None:
        """A user who is not here has come elsewhere, or with a time has gone from there."""
        self._gone.pop(user_id, None)
        if last_seen is not None:
            self._remember(user_id, last_seen)

    def _remember(self, user_id: str, last_seen: datetime) -> None:
        self._gone[user_id] = last_seen
        if len(self._gone) > GONE_LIMIT:
            self._gone.popitem(last=False)

    def expire(self, now: datetime, limit: int = EXPIRED_AT_ONCE) -> list[tuple[str, datetime]]:
        """The users whose grace period is over, up to so many, each with when they were last seen; they are offline
        from now on."""
        offline: list[tuple[str, datetime]] = []
        while len(offline) < limit and (due := self.next_due) is not None and due <= now:
            user_id, _ = self._leaving.popitem(last=False)
            last_seen = self._here.pop(user_id).seen_at or due - self._grace
            self._remember(user_id, last_seen)
            offline.append((user_id, last_seen))
        return offline

    def last_seen(self, user_id: str) -> datetime | None:
        """When a user was last seen who has gone, as far as that is remembered."""
        return self._gone.get(user_id)

    def look_up(self, user_ids: Iterable[str], now: datetime) -> list[UserPresence]:
        """How each of some users stands."""
        return [
            UserPresence(user_id, is_online, now if is_online else self._gone.get(user_id))
            for user_id in user_ids
            for is_online in (user_id in self._here,)
        ]


def utc_now() -> datetime:
    return datetime.now(UTC)


def steady_now() -> datetime:
    """A time that only goes on, from whenever the machine was started."""
    return datetime.fromtimestamp(time.monotonic(), UTC)


class LocalPresence:
    """The roster with two clocks: one by which it waits, which only goes on, and the machine's, by which it tells
    when somebody was last seen."""

    def __init__(
        self,
        announce: Callable[[], object],
        remote_presence: RemotePresence,
        *,
        contradict: Callable[[UserActivity], object],
        grace_seconds: float,
        clock: Callable[[], datetime] = utc_now,
        steady: Callable[[], datetime] = steady_now,
    ) -> None:
        """`announce` is called when there are more announcements; `contradict` with how a user stands of whom others
        have told their clients otherwise, who may come here."""
        self._announce = announce
        self._contradict = contradict
        self.announcements = Announcements()
        self.remote_presence = remote_presence
        """Who is online and types at other bridges."""
        self._roster = Roster(timedelta(seconds=grace_seconds))
        self._clock = clock
        self._steady = steady
        self._ahead = clock() - steady()
        """By how much the machine's clock is ahead of the other."""
        self._timer: asyncio.TimerHandle | None = None

    def go_by(self, clock: Callable[[], datetime]) -> None:
        """Moments are by this clock from now on."""
        self._clock = clock

    def claim(self, sid: str, user_id: str) -> None:
        """A socket says that a user is online, which is announced once it has arrived. Raises TooManyError."""
        self._roster.claim(sid, user_id)

    def claims(self, sid: str, user_id: str) -> bool:
        """Whether a socket has said that a user is online."""
        return self._roster.claims(sid, user_id)

    def is_here(self, user_id: str) -> bool:
        """Whether a user is online, or its grace period runs, here or elsewhere."""
        return self._roster.is_here(user_id) or self.remote_presence.is_online(user_id)

    def arrive(self, sid: str, user_id: str) -> None:
        """A user whom a socket has claimed is online, unless that has left meanwhile."""
        last_seen = self._roster.last_seen(user_id)
        is_told_gone = self._roster.is_told_gone(user_id)
        if self._roster.arrive(sid, user_id):
            self._changed(user_id, self._wall(self._steady()), last_seen, is_online=True)
        elif is_told_gone and self._roster.has_socket(user_id):
            self._is_here_after_all(user_id)

    def expect(self, user_id: str, seen_at: datetime) -> None:
        """A user was online when the bridge ended, and may come back. It is kept that it is at this one now, and
        later if it is not."""
        self._roster.expect(user_id, seen_at - self._measured_ahead(), self._steady())
        self.remote_presence.publish(UserActivity(user_id, None, is_on=True, at=seen_at))
        self._wait()

    def come_from(self, node: str, *, online: Collection[str], others: Collection[str] = ()) -> None:
        """A client is here by now that was at another node, where it stood for some users and spoke for others."""
        # Before that they have gone from there: whoever hears both in turn has them online all the time. It may have
        # been kept, and not read yet, that they are not here.
        for user_id in filter(self._roster.has_socket, online):
            self._say_here(user_id)
        self.remote_presence.come_from(node, online=online, others=others, at=self._clock())

    def is_said_to_be_gone(self, user_id: str) -> None:
        """Another says that a user is not here any more, which it says of a node that it takes for gone, and of who
        has come to it from here. If it is here, the others are told; if it comes back in time, they are told then."""
        if self._roster.has_socket(user_id):
            self._is_here_after_all(user_id)
        else:
            self._roster.note_told_gone(user_id)

    def _is_here_after_all(self, user_id: str) -> None:
        self._contradict(self._say_here(user_id))

    def _say_here(self, user_id: str) -> UserActivity:
        activity = UserActivity(user_id, None, is_on=True, at=self._clock())
        self.remote_presence.publish(activity)
        return activity

    def doubt(self, gone: UserActivity) -> Collection[str]:
        """The others say that a user has gone from here, and a bridge that stood still cannot tell: it is offline
        until one of the sockets that are returned has proven to be there, and arrives again."""
        user_id = gone.user_id
        if not self._roster.is_here(user_id):
            return ()
        sids = self._roster.doubt(user_id, gone.at - self._measured_ahead())
        if not self.remote_presence.is_online(user_id):
            self._add(gone, None)
        return sids

    def leave(self, sid: str, user_id: str, *, for_good: bool = False) -> None:
        """A socket does not stand for a user any more; `for_good` if it said so, which is announced at once."""
        self._roster.leave(sid, user_id, self._steady(), for_good=for_good)
        if for_good:
            self._expire()
        else:
            self._wait()

    def depart(self, sid: str) -> None:
        self._roster.depart(sid, self._steady())
        self._wait()

    def look_up(self, user_ids: Iterable[str]) -> list[UserPresence]:
        """How each of some users stands, as far as it is announced."""
        now, ahead = self._steady(), self._measured_ahead()
        return [self._as_announced(one, now + ahead, ahead) for one in self._roster.look_up(user_ids, now)]

    def _as_announced(self, one: UserPresence, now: datetime, ahead: timedelta) -> UserPresence:
        announced = self.announcements.announced(one.user_id)
        if announced is None:
            is_online = one.is_online or self.remote_presence.is_online(one.user_id)
            announced = OnlineState(is_online, one.last_seen and one.last_seen + ahead)
        return UserPresence(one.user_id, announced.is_online, now if announced.is_online else announced.last_seen)

    def _wait(self) -> None:
        """Sees that the next grace period to end is noticed."""
        due = self._roster.next_due
        if self._timer is None and due is not None:
            seconds = max(0.0, (due - self._steady()).total_seconds())
            self._timer = asyncio.get_running_loop().call_later(seconds, self._expire)

    def _expire(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for user_id, last_seen in self._roster.expire(self._steady()):
            self._changed(user_id, self._wall(last_seen), None, is_online=False)
        self._wait()

    def _changed(self, user_id: str, at: datetime, last_seen: datetime | None, *, is_online: bool) -> None:
        """A user has come or gone here, of which the others hear; it is announced unless it is online elsewhere."""
        change = UserActivity(user_id, None, is_on=is_online, at=at)
        self.remote_presence.publish(change)
        if not self.remote_presence.is_online(user_id):
            self._add(change, last_seen)

    def _add(self, change: UserActivity, last_seen: datetime | None) -> None:
        """A user has come who was last seen then, or gone."""
        self.announcements.add(change, OnlineState(not change.is_on, last_seen and self._wall(last_seen)))
        self._announce()

    @property
    def arrived(self) -> Collection[str]:
        """Who is online here, or whose grace period runs."""
        return self._roster.arrived

    def changed_elsewhere(self, activity: UserActivity) -> None:
        """A user has come online elsewhere, or has gone from there."""
        user_id, seen_at = activity.user_id, activity.at
        if not self._roster.is_here(user_id):
            last_seen = self._roster.last_seen(user_id)
            self._roster.stands_elsewhere(user_id, None if activity.is_on else seen_at - self._measured_ahead())
            self._add(activity, last_seen)

    def _wall(self, steady: datetime) -> datetime:
        return steady + self._measured_ahead()

    def _measured_ahead(self) -> timedelta:
        """Measured anew, but the same as long as nobody sets the clock, so that one moment is told as one."""
        ahead = self._clock() - self._steady()
        if abs(ahead - self._ahead) > SET_BY:
            self._ahead = ahead
        return self._ahead


def status_change(user_id: str, *, is_online: bool, seen_at: datetime) -> UserStatusChange:
    """What is announced of a user who came or went."""
    status = "online" if is_online else "offline"
    return UserStatusChange.model_validate({"userId": user_id, "status": status, "lastSeen": moment_text(seen_at)})
