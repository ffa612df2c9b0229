"""Remote presence: who is online and who types at the other bridges of a journal, what is kept of who is and does
here, and what earlier bridges have left of that.

It decides, without I/O: what comes from others is brought to it, and what is to be kept is fetched. Nobody is told
here of what is not kept yet, so that whatever happens the next bridge knows what clients were told.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeVar

from bridge.catalogue.activities import UserActivity
from bridge.sockets.errors import StoreUnavailableError
from bridge.sockets.presence.typing import Typing

__all__ = ["ActivityPicture", "Noted", "RemotePresence", "Said"]

T = TypeVar("T")

ENDED = "the bridge stops, and keeps nothing any more of who comes and goes"


class Noted(NamedTuple):
    """What is to be kept of an activity."""

    node: str | None
    """Where it was; None for here."""
    activity: UserActivity


class Said(NamedTuple):
    """How a user stood at first, and when that was said."""

    activity: UserActivity
    at: datetime


@dataclass(frozen=True, slots=True)
class ActivityPicture:
    """How things stood at first."""

    said: Sequence[Said] = ()
    """With what has lately ended."""
    expected: Collection[str] = ()
    """The users who were online at bridges that are gone, of which nobody was told: they may come back here."""
    left: Collection[Noted] = ()
    """What has ended with those bridges, and is to be kept."""
    complete_since: datetime | None = None
    """From when on that is all that has changed; None: ever since."""


class RemotePresence:
    """The users of each other node. Where there is no journal there are none, and nothing is kept."""

    def __init__(
        self, *, on_status: Callable[[UserActivity], object], on_typing: Callable[[UserActivity], object]
    ) -> None:
        """`on_status` is told when a user comes online at the first of the other nodes, or has gone from the last;
        `on_typing` of each user who types there, or stops."""
        self._on_status = on_status
        self._on_typing = on_typing
        self._nodes_of: dict[str, set[str]] = {}
        """Where each user is online."""
        self._users_at: dict[str, set[str]] = {}
        self._typing_at: dict[str, set[Typing]] = {}
        self._is_kept = self._has_ended = False
        self._is_known = asyncio.Event()
        self._standing = ActivityPicture()
        self._outgoing: dict[tuple[str | None, str, str | None], Noted] = {}
        self._is_under_way = False
        self._waiting: list[asyncio.Future[None]] = []
        self._waiting_under_way: list[asyncio.Future[None]] = []
        self.outgoing = asyncio.Event()
        """Set while something is to be kept."""

    # What is kept

    def keep(self) -> None:
        """From now on all of it is kept. How things stand is not known before `begin`."""
        self._is_kept = True

    def publish(self, activity: UserActivity, *, node: str | None = None) -> None:
        """Something has changed here, or has ended at a node whose clients are here by now."""
        if self._is_kept:
            self._add(Noted(node, activity))
            self.outgoing.set()

    def _add(self, noted: Noted) -> None:
        """Of each the last counts."""
        key = (noted.node, noted.activity.user_id, noted.activity.chat_id)
        self._outgoing.pop(key, None)
        self._outgoing[key] = noted

    def take(self) -> Collection[Noted]:
        """What is to be kept now: of each user, and each chat where it types, how it stands."""
        taken, self._outgoing = self._outgoing, {}
        self._waiting, self._waiting_under_way = [], self._waiting
        self._is_under_way = True
        self.outgoing.clear()
        return taken.values()

    def is_stored(self) -> None:
        """What was taken is kept."""
        self._is_under_way = False
        waited, self._waiting_under_way = self._waiting_under_way, []
        for waiter in waited:
            _release(waiter)

    def give_back(self, taken: Iterable[Noted]) -> None:
        """What was taken could not be kept. What has changed since is newer."""
        newer, self._outgoing = self._outgoing.values(), {}
        for noted in (*taken, *newer):
            self._add(noted)
        self._waiting, self._waiting_under_way = self._waiting_under_way + self._waiting, []
        self._is_under_way = False
        self.outgoing.set()

    def end(self) -> None:
        """Nothing is kept any more."""
        self._has_ended = True
        for waiter in (*self._waiting, *self._waiting_under_way):
            if not waiter.done():
                waiter.set_exception(StoreUnavailableError(ENDED))

    def wait_until_stored(self) -> asyncio.Future[None]:
        """Done once what has changed so far is kept, or what has changed since then instead. Whoever asked first goes
        on first: who stops typing is told of before that they have gone. Raises StoreUnavailableError where nothing
        is kept any more."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        if self._has_ended:
            waiter.set_exception(StoreUnavailableError(ENDED))
        elif self._outgoing:
            self._waiting.append(waiter)
        elif self._is_under_way:
            self._waiting_under_way.append(waiter)
        else:
            loop.call_soon(_release, waiter)  # those who waited for the last that was stored may be about to go on
        return waiter

    # What the others tell

    def begin(
        self,
        known: Iterable[tuple[str, UserActivity, datetime]],
        now: datetime,
        *,
        is_alone: bool,
        complete_since: datetime,
    ) -> None:
        """How things stand at other nodes at first, with what has lately ended there: each with its node and when
        that was said. Nobody is told. Where this one `is_alone` all of those are gone, and nobody was told what has
        ended with them: whoever typed there does not any more, and whoever was online there may come back here."""
        on: dict[tuple[str, str | None], Said] = {}
        ended: dict[tuple[str, str | None], Said] = {}
        expected: set[str] = set()
        left: list[Noted] = []
        for node, activity, said_at in known:
            key, said = (activity.user_id, activity.chat_id), Said(activity, said_at)
            if is_alone and activity.is_on:
                ending = activity._replace(is_on=False, at=now)
                left.append(Noted(node, ending))
                if activity.chat_id is None:
                    expected.add(activity.user_id)
                else:
                    said = Said(ending, now)
            elif activity.is_on:
                self._follow(node, activity)
            latest = on if said.activity.is_on else ended
            if key not in latest or latest[key].at <= said.at:
                latest[key] = said
        standing = [said for key, said in ended.items() if key not in on]
        self._standing = ActivityPicture([*standing, *on.values()], expected, left, complete_since)
        self._is_known.set()

    async def standing(self) -> ActivityPicture:
        """Waits until it is known how things stood at first. To be asked once."""
        if self._is_kept:
            await self._is_known.wait()
        standing, self._standing = self._standing, ActivityPicture()
        return standing

    def is_online(self, user_id: str) -> bool:
        """Whether a user is online at another node."""
        return user_id in self._nodes_of

    def come_from(self, node: str, *, online: Collection[str], others: Collection[str] = (), at: datetime) -> None:
        """A client is here by now that was at another node, where it stood for some users and spoke for others too:
        what those did there has ended. If it goes on for another client there, that node says so again."""
        for activity in self._at(node, at).values():
            if activity.user_id in online or (activity.chat_id is not None and activity.user_id in others):
                self.receive(node, activity)
                self.publish(activity, node=node)

    def receive(self, node: str, activity: UserActivity) -> None:
        """Something has changed at another node."""
        if activity.chat_id is not None:
            typing = Typing(activity.chat_id, activity.user_id)
            was_typing = typing in self._typing_at.get(node, ())
            self._follow(node, activity)
            if activity.is_on or was_typing:
                self._on_typing(activity)
            return
        was_online = self.is_online(activity.user_id)
        self._follow(node, activity)
        if self.is_online(activity.user_id) != was_online:
            self._on_status(activity)

    def replace(self, node: str, activities: Iterable[UserActivity], at: datetime) -> None:
        """These are all who are online or type at another node, of which not every change was heard: whoever is not
        among them has gone at that time at the latest."""
        standing = {(one.user_id, one.chat_id): one for one in activities if one.is_on}
        known = self._at(node, at)
        for gone in known.keys() - standing.keys():
            self.receive(node, known[gone])
        for come in standing.keys() - known.keys():
            self.receive(node, standing[come])

    def all_at(self, node: str, at: datetime) -> Collection[UserActivity]:
        """Who is online or types at another node, each as one who has gone at that time."""
        return self._at(node, at).values()

    @property
    def nodes(self) -> Collection[str]:
        """Those at which somebody is online or types."""
        return self._users_at.keys() | self._typing_at.keys()

    def _at(self, node: str, at: datetime) -> dict[tuple[str, str | None], UserActivity]:
        """Who is online or types at a node, each as one who has gone at that time."""
        present = [(user_id, None) for user_id in self._users_at.get(node, ())]
        typing = [(one.user_id, one.chat_id) for one in self._typing_at.get(node, ())]
        return {key: UserActivity(*key, is_on=False, at=at) for key in (*typing, *present)}

    def _follow(self, node: str, activity: UserActivity) -> None:
        if activity.chat_id is not None:
            _enter(self._typing_at, node, Typing(activity.chat_id, activity.user_id), is_in=activity.is_on)
            return
        _enter(self._users_at, node, activity.user_id, is_in=activity.is_on)
        _enter(self._nodes_of, activity.user_id, node, is_in=activity.is_on)


def _release(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _enter(sets: dict[str, set[T]], name: str, value: T, *, is_in: bool) -> None:
    """Puts a value into the set of a name, or takes it out; empty ones are not kept."""
    if is_in:
        sets.setdefault(name, set()).add(value)
    elif name in sets:
        sets[name].discard(value)
        if not sets[name]:
            del sets[name]
