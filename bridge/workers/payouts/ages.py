"""Ages of payouts: how long ago each was asked for, by the steady clock, whatever happens to the machine's clock."""

from collections.abc import Collection
from datetime import datetime, timedelta

from bridge.journal import Journal
from coordinator.payouts.payouts import Payout

__all__ = ["PayoutAges"]

_NONE = timedelta(0)


class PayoutAges:
    """The ages of the payouts that were asked for, as far as they were noted."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._asked: dict[tuple[str, int], datetime] = {}
        """When, by the steady clock, each attempt was made."""
        self._noted_at: datetime | None = None

    def note(self, payouts: Collection[Payout]) -> None:
        """Takes in the payouts that are under way, and forgets all others. A new one was asked for since this was
        last called, whatever the machine's clock says by now; only for those that were asked for before the bridge
        was started is nothing known but the stored time."""
        now, before = self._journal.steady(), self._noted_at
        asked: dict[tuple[str, int], datetime] = {}
        for payout in payouts:
            key = payout.payout_id, payout.facts.attempts
            by_the_clock = now - self._by_the_clock(payout)
            asked[key] = self._asked.get(key) or (by_the_clock if before is None else max(by_the_clock, before))
        self._asked, self._noted_at = asked, now

    def of(self, payout: Payout) -> timedelta:
        """How long ago it was asked for."""
        asked_at = self._asked.get((payout.payout_id, payout.facts.attempts))
        return self._by_the_clock(payout) if asked_at is None else self._journal.steady() - asked_at

    def _by_the_clock(self, payout: Payout) -> timedelta:
        # A time in the future comes from a clock that was wrong.
        return max(self._journal.clock() - (payout.facts.asked_at or payout.created_at), _NONE)
