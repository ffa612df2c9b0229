"""Remote presence: who is online and who types at the other bridges of a journal, and what those are to be told of
here.

It decides, without I/O: what comes from others is brought to it, and what they are to be told is fetched.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from bridge.catalogue.activities import UserActivity
from bridge.sockets.presence.typing import Typing

__all__ = ["RemotePresence", "Said"]

T = TypeVar("T")


class Said(NamedTuple):
    """How a user stood at the others at first, and when that was said there."""

    activity: UserActivity
    at: datetime


class RemotePresence:
    """The users of each other node. Where the journal is not shared there are none, and nobody is told anything."""

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
        self._is_shared = False
        self._is_known = asyncio.Event()
        self._standing: list[Said] = []
        self._outgoing: dict[tuple[str, str | None], UserActivity] = {}
        self.outgoing = asyncio.Event()
        """Set while the others are to be told something."""

    # What the others are told

    def share(self) -> None:
        """From now on there may be others. How things stand with them is not known before `begin`."""
        self._is_shared = True

    def publish(self, activity: UserActivity) -> None:
        """Something has changed here."""
        if self._is_shared:
            key = (activity.user_id, activity.chat_id)
            self._outgoing.pop(key, None)
            self._outgoing[key] = activity
            self.outgoing.set()

    def take(self) -> Collection[UserActivity]:
        """What the others are to be told now: of each user, and each chat where it types, how it stands."""
        taken, self._outgoing = self._outgoing, {}
        self.outgoing.clear()
        return taken.values()

    def give_back(self, taken: Iterable[UserActivity]) -> None:
        """What was taken could not be told. What has changed since is newer."""
        newer, self._outgoing = self._outgoing, {(one.user_id, one.chat_id): one for one in taken}
        for key, activity in newer.items():
            self._outgoing.pop(key, None)
            self._outgoing[key] = activity
        self.outgoing.set()

    # What the others tell

    def begin(
        self,
        known: Iterable[tuple[str, UserActivity, datetime]],
        gone: Mapping[str, datetime],
        now: datetime,
        *,
        noticed_after: timedelta,
    ) -> None:
        """How things stand with the others at first, with what has lately ended there: each with its node and when
        that was said. Nobody is told. What was on at a node that is gone, and when that was seen last, has ended
        with it. The others notice so long after that; unless somebody has said since then that it has ended, it may
        be that nobody was told, and the others are from here."""
        on: dict[tuple[str, str | None], Said] = {}
        ended: dict[tuple[str, str | None], Said] = {}
        vanished: list[tuple[UserActivity, datetime]] = []
        for node, activity, said_at in known:
            key = activity.user_id, activity.chat_id
            if not activity.is_on:
                if key not in ended or ended[key].at <= said_at:
                    ended[key] = Said(activity, said_at)
            elif node in gone:
                ending = activity._replace(is_on=False, at=max(gone[node], said_at))
                vanished.append((ending, gone[node] + noticed_after))
            else:
                self._follow(node, activity)
                on[key] = Said(activity, said_at)
        for ending, noticed_at in vanished:
            key = ending.user_id, ending.chat_id
            if key not in on and (key not in ended or ended[key].at < noticed_at):
                ended[key] = Said(ending, now)
                self.publish(ending)
        self._standing = [said for key, said in ended.items() if key not in on]
        self._standing += on.values()
        self._is_known.set()

    async def standing(self) -> Sequence[Said]:
        """Waits until it is known how things stood with the others at first. To be asked once."""
        if self._is_shared:
            await self._is_known.wait()
        standing, self._standing = self._standing, []
        return standing

    def is_online(self, user_id: str) -> bool:
        """Whether a user is online at another node."""
        return user_id in self._nodes_of

    def hear(self, node: str, activity: UserActivity) -> None:
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
        among them has gone at that time at the latest. A node that is gone itself has none."""
        standing = {(one.user_id, one.chat_id): one for one in activities if one.is_on}
        known = self._at(node, at)
        for gone in known.keys() - standing.keys():
            self.hear(node, known[gone])
        for come in standing.keys() - known.keys():
            self.hear(node, standing[come])

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


def _enter(sets: dict[str, set[T]], name: str, value: T, *, is_in: bool) -> None:
    """Puts a value into the set of a name, or takes it out; empty ones are not kept."""
    if is_in:
        sets.setdefault(name, set()).add(value)
    elif name in sets:
        sets[name].discard(value)
        if not sets[name]:
            del sets[name]
