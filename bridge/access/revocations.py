"""Revocations: access that tokens grant, taken back before the tokens expire. Plain values, no I/O.

A token says who somebody is and what they were granted when it was issued. A revocation counts
against the tokens that were issued until then; a token that is issued later grants again. Of two revocations of the
same the later counts, by their order in the journal: one that was made by a wrong clock is made again by a right one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from bridge.access.errors import AccessChangedError, TokenError
from bridge.access.principals import Principal

__all__ = ["Revocations"]


class Revoked(NamedTuple):
    """A room of a user that was revoked, or all their tokens."""

    revoked_at: datetime
    offset: int | None
    """The event that says so; None if a bridge wrote it down that did not know."""
    is_restored: bool = False

    def is_before(self, offset: int | None) -> bool:
        """Whether what an event says comes after it."""
        return self.offset is None or (offset is not None and self.offset <= offset)


class Revocations:
    """What is revoked at the moment: all tokens of users, single tokens, and rooms of users."""

    def __init__(self) -> None:
        self._users: dict[str, Revoked] = {}
        self._tokens: set[str] = set()
        self._rooms: dict[str, dict[str, Revoked]] = {}

    def revoke_all_of(self, user_id: str, at: datetime, offset: int | None) -> None:
        """No token of a user that was issued until then is good any more, as the event at `offset` says."""
        known = self._users.get(user_id)
        if known is None or known.is_before(offset):
            self._users[user_id] = Revoked(at, offset)

    def revoke_token(self, token_id: str) -> None:
        """The token of that `jti` is not good any more."""
        self._tokens.add(token_id)

    def revoke_room(self, user_id: str, room: str, at: datetime, offset: int | None) -> None:
        """No token of a user that was issued until then grants the room any more, as the event at `offset` says."""
        of_user = self._rooms.setdefault(user_id, {})
        if room not in of_user or of_user[room].is_before(offset):
            of_user[room] = Revoked(at, offset)

    def restore_room(self, user_ids: Iterable[str], room: str) -> None:
        """The tokens of some users grant the room as they say. That it was revoked is remembered: whoever was away
        then has missed what nobody may send them."""
        for user_id in user_ids:
            revoked = self._rooms.get(user_id, {})
            if room in revoked:
                revoked[room] = revoked[room]._replace(is_restored=True)

    def has_lost_rooms(
        self, principal: Principal, joined: Mapping[str, int], received_until: int, there_until: datetime
    ) -> bool:
        """Whether a session of somebody has lost a room of which they may not have heard all until then, or which it
        would get back with what came since, also if the room was restored. `joined` has the event since which the
        session is in each room, `heard_until` is the last that its client shows to have heard, and `there_until` is
        until when that was surely there."""
        if principal.sees_everything:
            return False
        for name, revoked in self._rooms.get(principal.user_id or "", {}).items():
            offset = revoked.offset
            if offset is not None and joined.get(name, offset) < offset:
                return True  # it was away when the room was taken, or its bridge ended before that was kept
            has_received = offset is not None and received_until >= offset
            if not has_received and revoked.revoked_at >= there_until:
                return True
        return False

    def refuses(self, principal: Principal) -> bool:
        """Whether the token by which somebody proved who they are is not good any more."""
        if principal.token_id is not None and principal.token_id in self._tokens:
            return True
        taken = None if principal.user_id is None else self._users.get(principal.user_id)
        return taken is not None and _is_from_before(principal, taken.revoked_at)

    def require_token(self, principal: Principal) -> None:
        """Raises TokenError if somebody's token is not good any more."""
        if self.refuses(principal):
            raise TokenError("token_revoked", "the token has been revoked; get a new one")

    def require(self, principal: Principal) -> None:
        """Raises TokenError if somebody's token is not good any more, and AccessChangedError if they are taken for
        somebody who has a room that was taken from them."""
        self.require_token(principal)
        if self.applied_to(principal).rooms != principal.rooms:
            raise AccessChangedError("what this token grants has changed just now")

    def withholds(self, principal: Principal, room: str) -> bool:
        """Whether somebody may not enter a room any more that their token grants."""
        revoked = self._rooms.get(principal.user_id or "", {}).get(room)
        if revoked is None or revoked.is_restored or principal.sees_everything:
            return False
        return _is_from_before(principal, revoked.revoked_at)

    def applied_to(self, principal: Principal) -> Principal:
        """Somebody without the rooms that are revoked."""
        taken = {room for room in self._rooms.get(principal.user_id or "", ()) if self.withholds(principal, room)}
        return replace(principal, rooms=principal.rooms - taken) if taken else principal


def _is_from_before(principal: Principal, taken_at: datetime) -> bool:
    """Whether a token was issued until then. One that does not say when may have been."""
    return principal.issued_at is None or principal.issued_at <= taken_at
