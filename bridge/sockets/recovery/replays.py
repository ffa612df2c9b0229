"""Replays: how much is sent again, of each session and for each address. No I/O.

To look up what a client missed and send it again costs about what so many messages of its own would. So whoever comes
back again and again for the same may have as much of it as they may send, and begins anew beyond that.
"""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from weakref import WeakValueDictionary

from bridge.sockets.limits import Limits
from bridge.sockets.rate_limit import RateLimit, RateLimits

__all__ = ["Allowance", "Replays"]


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may be sent again to whoever comes from one address."""

    _of_session: RateLimits
    _of_address: RateLimits
    _address: str | None
    """None: it is not counted."""
    _under_way: MutableMapping[str, asyncio.Lock]
    """By session and by address: those for whom something is looked up."""

    @asynccontextmanager
    async def turn(self, session_id: str) -> AsyncIterator[bool]:
        """Waits until nothing is looked up for the session, nor for the address, and gives whether both may have more
        by then: whoever comes many times at once has no more than one after the other."""
        async with self._lock(session_id):
            if self._address is None:
                yield not self.is_spent(session_id)
                return
            async with self._lock(self._address):
                yield not self.is_spent(session_id)

    def _lock(self, name: str) -> asyncio.Lock:
        return self._under_way.setdefault(name, asyncio.Lock())

    def is_spent(self, session_id: str) -> bool:
        """Whether a session, or the address, has had more than it may. The first replay after a silence is never too
        large."""
        now = asyncio.get_running_loop().time()
        is_too_much = self._address is not None and self._of_address.is_overdrawn(self._address, now)
        return is_too_much or self._of_session.is_overdrawn(session_id, now)

    def spend(self, session_id: str, count: int) -> None:
        """So much was looked up for a session, in messages."""
        now = asyncio.get_running_loop().time()
        self._of_session.spend(session_id, now, count)
        if self._address is not None:
            self._of_address.spend(self._address, now, count)


class Replays:
    """What was sent again to all of them."""

    def __init__(self, limits: Limits) -> None:
        messages, connections = limits.messages, limits.connections
        self._of_session = RateLimits(messages)
        # For as many sessions as may come from it: behind one address may be a house full of people.
        self._of_address = RateLimits(
            RateLimit(messages.per_second * connections.per_second, messages.burst * connections.burst)
        )
        self._under_way: MutableMapping[str, asyncio.Lock] = WeakValueDictionary()

    def for_address(self, address: str | None) -> Allowance:
        return Allowance(self._of_session, self._of_address, address, self._under_way)
