"""Ages of payouts: how long ago each was asked for, by a clock that only goes on.

The machine's own tells it once, when a payout is first seen; whoever sets it afterwards makes no payout older or
younger.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from bridge.journal import Journal
from coordinator.payouts import Payout

__all__ = ["PayoutAges"]


class _Seen(NamedTuple):
    since: datetime
    age: timedelta
    at: datetime
    """By the clock that only goes on."""


class PayoutAges:
    """The ages of those that are followed."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._seen: dict[str, _Seen] = {}

    def of(self, payout: Payout) -> timedelta:
        """How long ago a payout was asked for last; or made, if it was not. One that was asked for in the time to
        come was so by a clock that was wrong, and is new."""
        since, now = payout.facts.asked_at or payout.created_at, self._journal.steady()
        seen = self._seen.get(payout.payout_id)
        if seen is None or seen.since != since:
            age = max(self._journal.clock() - since, timedelta())
            seen = self._seen[payout.payout_id] = _Seen(since, age, now)
        return seen.age + (now - seen.at)

    def forget_all_but(self, payout_ids: Collection[str]) -> None:
        self._seen = {payout_id: seen for payout_id, seen in self._seen.items() if payout_id in payout_ids}
