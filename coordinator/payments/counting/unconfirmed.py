"""Unconfirmed transfers: which of those that were seen do not count yet, and when there will be news of them.
Pure, derived from the facts.
"""

from datetime import datetime, timedelta

from coordinator.payments.facts.booked import latest
from coordinator.payments.facts.facts import Facts
from coordinator.payments.observed.observations import Stage, Transfer

__all__ = ["matures_at", "seen_at", "unconfirmed"]


def unconfirmed(facts: Facts) -> tuple[Transfer, ...]:
    """The transfers that were seen and do not count yet."""
    if not facts.seen and not facts.sightings and all(one.counts for one in facts.booked):
        return ()
    waiting = {one.transfer.key: one.transfer for one in facts.booked}
    waiting |= {one.transfer.key: one.transfer for one in facts.seen} if facts.seen else {}
    over = {one.transfer.key for one in facts.booked if one.counts or not one.is_own} | facts.taken
    on_chain = (one.transfer for one in facts.sightings if one.stage in (Stage.SEEN, Stage.MINED))
    return (*(waiting[key] for key in sorted(waiting.keys() - over)), *on_chain)


def matures_at(facts: Facts) -> datetime | None:
    """From when on the next answer that lists it shows that a booked transfer has its confirmations, by a clock that
    only goes on: the first such moment; None if no transfer is booked that does not count yet."""
    waiting = (one for one in facts.booked if one.is_own and not one.is_confirmed)
    since = (
        (one.first_heard_at or one.first_told_at, timedelta(seconds=one.settling_seconds))
        for one in waiting
        if one.transfer.key not in facts.taken
    )
    return min((first + settling for first, settling in since if first is not None), default=None)


def seen_at(facts: Facts) -> datetime | None:
    """When a transfer that is not booked yet was told of last, or one that was booked taken back; None if there is
    none."""
    booked = {one.transfer.key for one in facts.booked} | facts.taken
    waiting = (one for one in facts.seen if one.transfer.key not in booked)
    taken_back = (one.taken_back_at for one in facts.booked if one.is_taken_back)
    return latest(*(one.first_told_at for one in waiting), *taken_back)
