"""Lateness: whether money came after it was due, by the earliest that shows that it was there. Pure."""

from datetime import datetime, timedelta

from coordinator.payments.facts.facts import Facts
from coordinator.payments.observed.observations import Stage

__all__ = ["CLOCKS_APART", "KEPT_FOR", "ZONES", "came_late", "has_passed"]

KEPT_FOR = timedelta(days=1)
"""How long before a payment was registered something may have been told that is about it."""
ZONES = timedelta(hours=14)
"""A gateway writes the dates of transfers in a zone that it does not name."""
CLOCKS_APART = timedelta(minutes=5)
"""No clock that is set by others is so much off."""


def came_late(facts: Facts, deadline: datetime, earliest: datetime) -> bool:
    """Whether some of what counts came after a deadline. What a gateway says of when a transfer came shows nothing
    where that was before `earliest`, when it could come."""
    seen = {one.transfer.key: one.first_told_at for one in facts.seen} if facts.seen else {}
    for one in facts.booked:
        if one.counts:
            date = one.occurred_at
            reported = (None if date is None or date < earliest else date, one.first_told_at)
            known = [at for at in ((*reported, seen.get(one.transfer.key)) if seen else reported) if at is not None]
            if known and min(known) > deadline:
                return True
    if not facts.sightings:
        return False
    dates = (one.transfer.occurred_at for one in facts.sightings if one.stage is Stage.FINAL)
    return any(at is not None and at > deadline for at in dates)


def has_passed(passed: datetime | None, deadline: datetime | None) -> bool:
    """Whether a deadline is known to have passed; `passed` is the last that is."""
    return passed is not None and deadline is not None and passed >= deadline
