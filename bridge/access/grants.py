"""Grants that tokens do not name: who may enter which room is asked of the marketplace, and remembered for a while.

What is remembered of a user goes as soon as anything is taken back of them, or given again, and so does an answer to
what was asked before. Whatever is not known grants nothing.
"""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, field, replace

from bridge.access.errors import GrantsUnknownError
from bridge.access.principals import Principal
from bridge.access.revocations import Revocations
from coordinator import rooms

__all__ = ["AskGrants", "Grants"]

# A user who was refused may have been given what they want in the meantime: somebody waits for it.
REFUSAL_SECONDS = 5.0
# Of so many users what was answered is remembered.
USERS_LIMIT = 20_000
# So often is asked again what changed while it was asked.
TRIES = 3

AskGrants = Callable[[str, Collection[str]], Awaitable[Collection[str]]]
"""Which of some rooms a user may enter. Raises GrantsUnknownError."""


@dataclass(slots=True)
class _GrantAnswer:
    is_granted: bool
    until: float


@dataclass(slots=True)
class _OfUser:
    """What is known of one user."""

    answers: dict[str, _GrantAnswer] = field(default_factory=dict)
    changes: int = 0
    """How often something was taken back of them, or given again."""


class Grants:
    """What the marketplace has answered."""

    def __init__(
        self,
        ask: AskGrants,
        revocations: Revocations,
        *,
        remembered_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._revocations = revocations
        self._remembered_seconds = remembered_seconds
        self._clock = clock
        self._users: OrderedDict[str, _OfUser] = OrderedDict()
        """Whoever was asked about last is the last."""

    async def with_rooms(self, principal: Principal, names: Iterable[str]) -> Principal:
        """Somebody with those of some rooms that they may enter, whether their token says so or the marketplace.
        What was taken back of them is not, whatever is answered. Raises GrantsUnknownError."""
        unseen = (name for name in names if not principal.may_see(name) and rooms.is_part(name))
        wanted = self._not_taken_back(principal, unseen)
        if principal.user_id is None or not wanted:
            return principal
        # Something may have been taken back while the marketplace was asked.
        granted = self._not_taken_back(principal, await self._granted(principal.user_id, wanted))
        return replace(principal, rooms=principal.rooms | granted) if granted else principal

    def _not_taken_back(self, principal: Principal, names: Iterable[str]) -> frozenset[str]:
        return frozenset(name for name in names if not self._revocations.withholds(principal, name))

    async def _granted(self, user_id: str, wanted: Collection[str]) -> frozenset[str]:
        for _ in range(TRIES):
            of_user = self._of(user_id)
            now = self._clock()
            known = {name: one for name, one in of_user.answers.items() if now < one.until}
            of_user.answers = known
            granted = frozenset(name for name in wanted if name in known and known[name].is_granted)
            unknown = sorted(name for name in wanted if name not in known)
            if not unknown:
                return granted
            changes = of_user.changes
            answered = await self._ask(user_id, unknown)
            if of_user.changes == changes and self._users.get(user_id) is of_user:
                self._remember(of_user, unknown, answered)
                return granted.union(name for name in unknown if name in answered)
        raise GrantsUnknownError("what this user is granted is changing; try again")

    def _of(self, user_id: str) -> _OfUser:
        of_user = self._users.setdefault(user_id, _OfUser())
        self._users.move_to_end(user_id)
        while len(self._users) > USERS_LIMIT:
            self._users.popitem(last=False)
        return of_user

    def _remember(self, of_user: _OfUser, asked: Iterable[str], granted: Collection[str]) -> None:
        now = self._clock()
        for name in asked:
            is_granted = name in granted
            seconds = self._remembered_seconds if is_granted else min(REFUSAL_SECONDS, self._remembered_seconds)
            of_user.answers[name] = _GrantAnswer(is_granted, now + seconds)

    def forget(self, user_id: str) -> None:
        """Something was taken back of a user, or given again: what was answered about them does not count."""
        of_user = self._users.get(user_id)
        if of_user is not None:
            of_user.answers = {}
            of_user.changes += 1
