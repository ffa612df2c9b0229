"""Announcements: who came or went and is still to be told of. It decides, without I/O.

Who comes and goes before that was told is told of once, or not at all. Until it is told, a user stands for everybody
as it was told last: whoever looks it up then, and hears what is told from then on, knows how it stands.
"""

from datetime import datetime
from typing import NamedTuple

from bridge.catalogue.activities import UserActivity

__all__ = ["Announcements", "OnlineState"]


class OnlineState(NamedTuple):
    """How a user stands."""

    is_online: bool
    last_seen: datetime | None
    """Of one who is offline; None for one who was never seen."""


class Announcements:
    """The last change of each user that is still to be told."""

    def __init__(self) -> None:
        self._waiting: dict[str, UserActivity] = {}
        self._under_way: set[str] = set()
        """Of whom one is taken that is not told yet."""
        self._announced: dict[str, OnlineState] = {}
        """How those stand, by what was told, of whom one is waiting or under way."""

    def __bool__(self) -> bool:
        """Whether one is waiting."""
        return bool(self._waiting)

    def add(self, change: UserActivity, before: OnlineState) -> None:
        """A user has come or gone, who stood otherwise before."""
        user_id = change.user_id
        if self._waiting.pop(user_id, None) is None:
            self._waiting[user_id] = change
            self._announced.setdefault(user_id, before)
        elif user_id not in self._under_way:
            del self._announced[user_id]  # it stands again as it was told

    def take(self, limit: int | None = None) -> list[UserActivity]:
        """The next that are to be told, the first first, each of another user."""
        taken = list(self._waiting.values())[:limit]
        for change in taken:
            del self._waiting[change.user_id]
            self._under_way.add(change.user_id)
        return taken

    def note_announced(self, change: UserActivity) -> None:
        """One that was taken is told now."""
        user_id = change.user_id
        self._under_way.remove(user_id)
        if user_id in self._waiting:
            self._announced[user_id] = OnlineState(change.is_on, None if change.is_on else change.at)
        else:
            del self._announced[user_id]

    def announced(self, user_id: str) -> OnlineState | None:
        """How a user stands by what was told; None if there is nothing more to tell of it."""
        return self._announced.get(user_id)
