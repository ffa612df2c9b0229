"""How fast a client may go: so many a second, and a burst after a silence. The generic cell rate algorithm (ITU-T
I.371): all that is remembered of a client is when its allowance will be full again.
"""

import math
from collections.abc import Hashable
from dataclasses import dataclass

__all__ = ["RateLimit", "RateLimits", "messages_in"]

# What the sums of such times are not exact to.
ROUNDING_SECONDS = 1e-6
# To read so much costs as much again as to handle a message does.
MESSAGE_BYTES = 1_000


def messages_in(size_bytes: int) -> int:
    """As how many messages one counts: each thousand bytes as one more."""
    return 1 + size_bytes // MESSAGE_BYTES


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many a second, and so many at once."""

    per_second: float
    burst: float

    def spent(self, full_at: float, now: float, count: int = 1) -> float:
        """When an allowance that is full at `full_at` is full again once `count` more are taken; times in seconds."""
        return max(full_at, now) + count / self.per_second

    def wait_seconds(self, full_at: float, now: float, reserve: float = 0.0) -> float:
        """How long one waits that has taken so much already; 0 while the allowance lasts, or has so much left."""
        if math.isinf(self.per_second):
            return 0.0
        wait_seconds = full_at - now - (self.burst - reserve) / self.per_second
        return wait_seconds if wait_seconds > ROUNDING_SECONDS else 0.0

    def take(self, full_at: float, now: float) -> tuple[float, float]:
        """Takes one from an allowance, and returns when it is full again, and 0; or takes nothing, and returns the
        same time, and how long to wait for one."""
        spent = self.spent(full_at, now)
        wait_seconds = self.wait_seconds(spent, now)
        return (full_at, wait_seconds) if wait_seconds else (spent, 0.0)


class RateLimits:
    """One rate limit for each of many, who are remembered for as long as their allowance is not full."""

    def __init__(self, rate_limit: RateLimit) -> None:
        self.rate_limit = rate_limit
        self._full_at: dict[Hashable, float] = {}
        self._prune_at = 1_000

    def __len__(self) -> int:
        return len(self._full_at)

    def wait_seconds(self, one: Hashable, now: float) -> float:
        """Takes one from an allowance and returns 0; or takes nothing, and returns how long to wait for it."""
        full_at, wait_seconds = self.rate_limit.take(self._full_at.get(one, now), now)
        if wait_seconds == 0:
            self._full_at[one] = full_at
            self._forget_the_rested(now)
        return wait_seconds

    def is_overdrawn(self, one: Hashable, now: float) -> bool:
        """Whether one has taken more than its allowance."""
        return self.overdrawn_seconds(one, now) > 0

    def overdrawn_seconds(self, one: Hashable, now: float, reserve: float = 0.0) -> float:
        """How long until one has taken no more than its allowance, or so much is left of it; 0 if that is so."""
        return self.rate_limit.wait_seconds(self._full_at.get(one, now), now, reserve)

    def spend(self, one: Hashable, now: float, count: int) -> None:
        """Takes so many from an allowance, however much is left of it."""
        self._full_at[one] = self.rate_limit.spent(self._full_at.get(one, now), now, count)
        self._forget_the_rested(now)

    def _forget_the_rested(self, now: float) -> None:
        """Each time that twice as many are remembered as were left the last time."""
        if len(self._full_at) >= self._prune_at:
            self._full_at = {one: full_at for one, full_at in self._full_at.items() if full_at > now}
            self._prune_at = max(1_000, 2 * len(self._full_at))
