"""Doorkeeper of the front door: what all its connections share, which are their limits, their deadlines and who is
in."""

import math
from collections.abc import Hashable
from typing import Protocol

from bridge.door.connection_limits import AcceptedConnection, ConnectionLimits
from bridge.door.limits import DoorLimits
from bridge.door.partial_requests import PartialRequests
from bridge.sockets.loop_shares import LoopShare, LoopShares
from bridge.sockets.transport.deadlines import Deadlines
from bridge.sockets.transport.read_buffer import ReadBuffer
from bridge.sockets.transport.unread_bytes import MADE_ROOM, UnreadBytes

__all__ = ["Doorkeeper", "WatchedConnection"]

# Who has just come is not sent away for somebody else's sake: their request is on its way.
MOMENT_SECONDS = 1.0
# Whoever comes when all is full is answered here.
WEBHOOKS, PROBES = "/webhooks/", ("/health/", "/metrics")


class WatchedConnection(Hashable, Protocol):
    """A connection, as far as it can be late or have to make room."""

    def late_head(self) -> None:
        """It has not said in time what it asks."""

    def late(self, part: str) -> None:
        """Some part of a request has not come in time."""

    def late_reader(self) -> None:
        """It has not read in time what it was answered."""

    def close(self) -> None:
        """Closes after what is still to be written."""

    def break_off(self) -> None:
        """Closes at once."""

    def turn_out(self, reason: str) -> None:
        """Closes one that has nothing under way, or takes too long."""


class Doorkeeper:
    """Knows who is in, and sees that nobody stays longer than they may.

    Each of the deadlines is of one length for all, and so watched by one timer.
    """

    def __init__(
        self,
        connection_limits: ConnectionLimits,
        limits: DoorLimits | None = None,
        unread: UnreadBytes | None = None,
        shares: LoopShares | None = None,
    ) -> None:
        """`unread` is what waits to be read, also by those who are not the door's any more; `shares` what each
        address may have of the event loop."""
        self.connection_limits = connection_limits
        self._shares = shares
        self.limits = limits or DoorLimits()
        self.unread = unread or UnreadBytes(math.inf)
        self.heads: Deadlines[WatchedConnection] = Deadlines(lambda late, _: late.late_head())
        """Whose request has begun, or should have, and has not said what it asks."""
        self.idle: Deadlines[WatchedConnection] = Deadlines(lambda late, _: late.close())
        """Who was answered, and has not asked again."""
        self.bodies: Deadlines[WatchedConnection] = Deadlines(lambda late, _: late.late("body"))
        """Whose body is on its way."""
        self.answers: Deadlines[WatchedConnection] = Deadlines(lambda late, _: late.late_reader())
        """Who does not read what they are answered."""
        self.leaving: Deadlines[WatchedConnection] = Deadlines(lambda late, _: late.break_off())
        """Who is being closed."""
        self.read_buffer = ReadBuffer()
        self.held: PartialRequests[WatchedConnection] = PartialRequests(
            self.limits.held_bytes, self.limits.held_bytes_per_address
        )
        """What has come of heads and bodies that are not whole."""

    def enter(self, address: str) -> AcceptedConnection | None:
        """Lets a connection in, if there is a place for it. What is signed comes whole within moments, so that where
        all are taken whoever takes longest over a head or a body has to leave."""
        return self.connection_limits.enter(address, lambda: self._make_room(self._slowest()))

    def _slowest(self) -> WatchedConnection | None:
        silent, sending = self.heads.first(), self.bodies.first()
        if silent is None or sending is None:
            return silent or sending
        silent_seconds = self.limits.head_seconds - self.heads.left_seconds(silent)
        sending_seconds = self.limits.body_seconds - self.bodies.left_seconds(sending)
        return silent if silent_seconds > sending_seconds else sending

    def share_of(self, accepted: AcceptedConnection) -> LoopShare | None:
        """What one may have of the event loop's time for what makes no whole request."""
        return None if self._shares is None or accepted.network is None else LoopShare(self._shares, accepted.network)

    def has_place(self, accepted: AcceptedConnection, path: str) -> bool:
        """Whether there is one for who asks for this, be it one of those that are kept."""
        if path.startswith(WEBHOOKS) or (path.startswith(PROBES) and self.connection_limits.may_probe(accepted)):
            return True
        patience = self.limits.head_seconds - MOMENT_SECONDS
        return self.connection_limits.find_place(
            accepted, lambda: self._make_room(self.heads.first(within_seconds=patience))
        )

    def _make_room(self, slow: WatchedConnection | None) -> bool:
        """Has one leave that is being closed, or has been answered and asked nothing more; or else who is slow."""
        longest = self.leaving.first() or self.idle.first() or slow
        if longest is None:
            return False
        longest.turn_out(MADE_ROOM)
        self.connection_limits.made_room()
        return True

    def hold(self, connection: WatchedConnection, network: str | None, held_bytes: int, *, is_more: bool) -> None:
        """A connection from an address holds so much of what has not come whole."""
        self.held.note(connection, network, held_bytes)
        while is_more:
            why, holders = self.held.too_much(network)
            late = (one for one in holders if one in self.bodies or one in self.heads or one in self.answers)
            longest = next(late, None)
            if longest is None:
                return
            self.connection_limits.gave_up_body(why)
            longest.turn_out(MADE_ROOM)

    def waits_no_more(self, connection: WatchedConnection) -> None:
        """It has said what it asks."""
        self.heads.discard(connection)
        self.idle.discard(connection)

    def forget(self, connection: WatchedConnection) -> None:
        """Watches a connection no longer."""
        for deadlines in (self.heads, self.idle, self.bodies, self.answers, self.leaving):
            deadlines.discard(connection)
