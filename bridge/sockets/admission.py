"""Who each client is. It must never let a client be somebody whom its token does not prove."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bridge.access import ANYBODY, Grants, Principal
from bridge.catalogue.session import Ending
from bridge.sockets.errors import ClientGoneError, NotAllowedError
from bridge.sockets.rooms.manager import Member
from bridge.sockets.transport.disconnects import Disconnect

if TYPE_CHECKING:
    from bridge.access.tokens import TokenVerifier

__all__ = ["ENDINGS", "Admission"]

logger = logging.getLogger("bridge.sockets")

ENDINGS: Mapping[Ending, Disconnect] = {
    "token_expired": Disconnect.TOKEN_EXPIRED,
    "key_withdrawn": Disconnect.KEY_WITHDRAWN,
    "token_revoked": Disconnect.TOKEN_REVOKED,
    "disconnected": Disconnect.DISCONNECTED,
}
"""Those of which the client is told before, in words."""

NOBODY = Principal("nobody")
DEFAULT_NAMESPACE = "/"

# How long a client stays connected, at most, whose key has been taken back.
POLL_SECONDS = 2.0

# The longest that one timer of the event loop is trusted with: the clock may be set, and loops have limits.
TIMER_LIMIT_SECONDS = 3600.0


class Admission:
    """The principals of the connected clients, each for as long as its client is there and its token is good.

    Without a verifier nobody is asked, and everyone is ANYBODY.
    """

    def __init__(self, verifier: "TokenVerifier | None", grants: Grants | None = None) -> None:
        """`grants` says what somebody may enter besides what their token says."""
        self._verifier = verifier
        self._grants = grants
        self._principals: dict[Member, Principal] = {}
        self._timers: dict[Member, asyncio.TimerHandle] = {}
        self._key_names: Collection[str] = () if verifier is None else verifier.key_names()
        """The keys that were good when it was looked last."""
        self.end_session: Callable[[Member, Ending], None] = lambda _member, _reason: None
        """Called once for a client whose token has expired, or whose key has been taken back."""

    async def watch_keys(self) -> None:
        """Ends the sessions of those whose key has been taken back, until it is cancelled."""
        while self._verifier is not None:
            try:
                self.check_keys()
            except Exception:
                logger.exception("could not look which keys are good; looking again")
            await asyncio.sleep(POLL_SECONDS)

    def check_keys(self) -> None:
        """Ends the sessions of those whose key does not serve any more."""
        if self._verifier is None:
            return
        names = self._verifier.key_names()
        withdrawn = set(self._key_names) - set(names)
        self._key_names = names
        if not withdrawn:
            return
        ended = [member for member, principal in self._principals.items() if principal.proven_by in withdrawn]
        logger.warning("%d keys for tokens have been taken back; closing %d connections", len(withdrawn), len(ended))
        self._end_all(ended, "key_withdrawn")

    def identify(self, auth: object) -> Principal:
        """The principal of a client that brings `auth` with its CONNECT, with all that its token grants, whatever of
        that is taken back (`now`). Raises TokenError."""
        if self._verifier is None:
            return ANYBODY
        return self._verifier.proven(auth.get("token") if isinstance(auth, dict) else None)

    def admit(self, member: Member, principal: Principal) -> None:
        """From now on a client is somebody, for as long as its token is good."""
        if self._verifier is not None:
            self._principals[member] = principal
            # Either may have been taken back while the client was being connected.
            if principal.proven_by is not None and principal.proven_by not in self._verifier.key_names():
                self._end(member, "key_withdrawn")
            elif self._verifier.revocations.refuses(principal):
                self._end(member, "token_revoked")
            else:
                self._watch(member, principal)

    @property
    def asks(self) -> bool:
        """Whether more may be granted than tokens say."""
        return self._grants is not None

    async def with_rooms(self, principal: Principal, names: Iterable[str]) -> Principal:
        """Somebody with those of some rooms that they may enter. Raises GrantsUnknownError."""
        return principal if self._grants is None else await self._grants.with_rooms(principal, names)

    async def ask(self, member: Member, names: Iterable[str]) -> None:
        """A client may enter those of some rooms from now on that its user may, for as long as its token is good.
        Raises GrantsUnknownError."""
        asked = self._principals.get(member)
        if asked is not None:
            granted = (await self.with_rooms(asked, names)).rooms - asked.rooms
            present = self._principals.get(member)
            if present is not None and granted:
                self._principals[member] = replace(present, rooms=present.rooms | granted)

    async def renew(self, member: Member, token: str, names: Iterable[str]) -> Principal:
        """A client that is in some rooms brings a new token, and is granted what that grants from now on. Raises
        TokenError, NotAllowedError if it is another user's, and GrantsUnknownError."""
        if self._verifier is None:
            return ANYBODY
        renewed = self._verifier.proven(token)
        if renewed.user_id != self._principals.get(member, NOBODY).user_id:
            raise NotAllowedError("the new token is another user's; connect anew with it")
        renewed = await self.with_rooms(renewed, names)
        if member not in self._principals:
            raise ClientGoneError("the client is gone, and needs no token")
        self._forget_timer(member)
        self.admit(member, renewed)
        return self.now(renewed)

    def check_revocations(self) -> None:
        """Ends the sessions of those whose token has been revoked."""
        if self._verifier is not None:
            refuses = self._verifier.revocations.refuses
            self._end_all([member for member, one in self._principals.items() if refuses(one)], "token_revoked")

    def disconnect(self, *, user_id: str | None = None, sid: str | None = None) -> None:
        """Ends the sessions of a user, or one alone. Where nobody is asked who they are, there are no users."""
        if sid is not None:
            self._end((DEFAULT_NAMESPACE, sid), "disconnected")
        elif user_id is not None:
            of_user = [member for member, one in self._principals.items() if one.user_id == user_id]
            self._end_all(of_user, "disconnected")

    def principal(self, sid: str, namespace: str = "/") -> Principal:
        """The principal of a client; one who may do nothing if it is not connected."""
        if self._verifier is None:
            return ANYBODY
        return self.now(self._principals.get((namespace, sid), NOBODY))

    def now(self, principal: Principal) -> Principal:
        """Somebody with what they are still granted at this moment."""
        return principal if self._verifier is None else self._verifier.revocations.applied_to(principal)

    def has_lost_rooms(
        self, principal: Principal, joined: Mapping[str, int], received_until: int, there_until_micros: int
    ) -> bool:
        """Whether a session of somebody has lost a room, so that not all that was missed may be sent to them any
        more, and they begin anew (`Revocations.has_lost_rooms`). The moment is in microseconds since 1970."""
        if self._verifier is None:
            return False
        there_until = datetime.fromtimestamp(there_until_micros / 1_000_000, UTC)
        return self._verifier.revocations.has_lost_rooms(principal, joined, received_until, there_until)

    def entered_room(self, member: Member, room: str) -> None:
        """Nothing to do, as when one is left."""

    def left_room(self, member: Member, room: str) -> None:
        """Nothing to do: a principal belongs to a client, whatever rooms it is in."""

    def departed(self, member: Member) -> None:
        self._principals.pop(member, None)
        self._forget_timer(member)

    def _forget_timer(self, member: Member) -> None:
        timer = self._timers.pop(member, None)
        if timer is not None:
            timer.cancel()

    def _watch(self, member: Member, principal: Principal) -> None:
        if principal.expires_at is None:
            return
        seconds = (principal.expires_at - datetime.now(UTC)).total_seconds()
        if seconds <= 0:
            self._end(member, "token_expired")
            return
        loop = asyncio.get_running_loop()
        wait_seconds = min(seconds, TIMER_LIMIT_SECONDS)
        self._timers[member] = loop.call_later(wait_seconds, self._watch, member, principal)

    def _end_all(self, members: Collection[Member], reason: Ending) -> None:
        for member in members:
            self._end(member, reason)

    def _end(self, member: Member, reason: Ending) -> None:
        """From now on a client is nobody, and is told why."""
        self.departed(member)
        self.end_session(member, reason)
