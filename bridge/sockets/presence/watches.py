"""Watches: which clients want to know of which users whether they are online. No I/O.

What one client watches is bounded, in number and in bytes, and costs some sixty bytes for each user: names are kept
once, however many watch them.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from bridge.catalogue.client_events import WATCHED_LIMIT
from bridge.sockets.errors import TooManyError

__all__ = ["Watches"]

# Of the ids that one client watches, in UTF-8; they are stored with its session.
WATCHED_LIMIT_BYTES = 20_000


@dataclass(slots=True)
class _Watched:
    user_id: str
    sids: dict[str, None] = field(default_factory=dict)
    """Smaller than a set, and as quick."""


class Watches:
    """Who watches whom."""

    def __init__(self, *, are_alone: bool) -> None:
        self.are_alone = are_alone
        """Whether nobody but those who watch a user is told that it came or went."""
        self._watched: dict[str, _Watched] = {}
        self._of: dict[str, tuple[str, ...]] = {}

    def add(self, sid: str, user_ids: Iterable[str]) -> None:
        """A client watches some users besides those that it watches. Raises TooManyError, and then it does not."""
        own = self.of(sid)
        new = dict.fromkeys(user_id for user_id in user_ids if sid not in self.watching(user_id))
        if len(own) + len(new) > WATCHED_LIMIT:
            raise TooManyError(f"one connection watches at most {WATCHED_LIMIT} users")
        if sum(len(user_id.encode()) for user_id in (*own, *new)) > WATCHED_LIMIT_BYTES:
            raise TooManyError(f"the ids that one connection watches have at most {WATCHED_LIMIT_BYTES} bytes")
        if new:
            self._of[sid] = (*own, *(self._enter(sid, user_id) for user_id in new))

    def _enter(self, sid: str, user_id: str) -> str:
        watched = self._watched.setdefault(user_id, _Watched(user_id))
        watched.sids[sid] = None
        return watched.user_id

    def discard(self, sid: str, user_ids: Iterable[str]) -> None:
        """A client watches some users no longer."""
        gone = {user_id for user_id in user_ids if sid in self.watching(user_id)}
        for user_id in gone:
            watched = self._watched[user_id]
            del watched.sids[sid]
            if not watched.sids:
                del self._watched[user_id]
        left = tuple(user_id for user_id in self.of(sid) if user_id not in gone)
        if left:
            self._of[sid] = left
        else:
            self._of.pop(sid, None)

    def forget(self, sid: str) -> None:
        """A client is gone."""
        self.discard(sid, self.of(sid))

    def of(self, sid: str) -> tuple[str, ...]:
        """Whom a client watches."""
        return self._of.get(sid, ())

    def watching(self, user_id: str) -> Collection[str]:
        """Which clients watch a user."""
        watched = self._watched.get(user_id)
        return () if watched is None else watched.sids.keys()
