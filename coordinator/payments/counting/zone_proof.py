"""Zone proof: what a gateway's other notices show of the zone in which it dated one transfer. Pure.

A gateway may change its zone at any time. Therefore a zone is ruled out for a date only by notices on both sides of
the moment at which the transfer came, were it dated so: some that were told before it, and some about payments that
began after it. Whether a notice came soon or late does not matter: none is told before what it is about, and no money
comes before its payment.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice

from coordinator.payments.counting.date_zones import AGREEING, LOOKED_AT, TOLD_APART, Dated
from coordinator.payments.observed.dates import CLOCKS_APART

__all__ = ["is_ruled_out"]


def is_ruled_out(ahead: timedelta, dated: Dated, others: Sequence[Dated]) -> bool:
    """Whether others, the first notice of a transfer each, show that a date is not so far ahead of UTC. A gateway
    that wrote so for a while and then no more would have told of more than this while it did."""
    came_at = dated.date - ahead
    before = _shown_by(ahead, (one for one in sorted(others, key=_told_at, reverse=True) if _is_before(one, came_at)))
    after = _shown_by(ahead, (one for one in sorted(others, key=_told_at) if _is_after(one, came_at)))
    if before is None or after is None:
        return False
    between = (one for one in others if before <= one.told_at <= after and one.is_prompt(ahead))
    # What could not be told for a while comes all at once.
    return all(abs(one.told_at - dated.told_at) < TOLD_APART for one in between)


def _shown_by(ahead: timedelta, nearest_first: Iterable[Dated]) -> datetime | None:
    """When the nearest of those was told that show that the gateway's zone is another; None if too few show it."""
    against = [one for one in islice(nearest_first, LOOKED_AT) if one.possible and not one.is_possible(ahead)]
    return against[0].told_at if len(against) >= AGREEING else None


def _told_at(one: Dated) -> datetime:
    return one.told_at


def _is_before(one: Dated, came_at: datetime) -> bool:
    return one.told_at <= came_at - CLOCKS_APART


def _is_after(one: Dated, came_at: datetime) -> bool:
    return one.could_come_at is not None and one.could_come_at >= came_at + CLOCKS_APART
