"""Lateness: whether money came after it was due, by the earliest that shows that it was there. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import IntEnum

from coordinator.payments.counting.date_zones import Dated
from coordinator.payments.facts.booked import Booked
from coordinator.payments.facts.facts import Facts
from coordinator.payments.observed.observations import Stage

__all__ = ["KEPT_FOR", "Lateness", "has_passed", "lateness"]

KEPT_FOR = timedelta(days=1)
"""How long before a payment was registered something may have been told that is about it."""


class Lateness(IntEnum):
    """Whether money came after a deadline."""

    IN_TIME = 0
    DOUBTED = 1
    """By one of the zones that its date may be in, and by another it came in time."""
    LATE = 2


def lateness(facts: Facts, deadline: datetime | None, created_at: datetime, *, is_opened_here: bool) -> Lateness:
    """Of all that counts, as late as the latest of it. What a gateway says of when a transfer came shows nothing
    where that was before it could come: since the payment was created, where the bridge opened the invoice."""
    found = Lateness.IN_TIME
    earliest = created_at if is_opened_here else created_at - KEPT_FOR
    if deadline is None:
        return found
    seen = {one.transfer.key: one.first_told_at for one in facts.seen} if facts.seen else {}
    for one in facts.booked:
        if one.counts:
            told = one.first_told_at
            if told is not None and told <= deadline:
                continue  # the usual case
            announced = seen.get(one.transfer.key) if seen else None
            if announced is None or announced > deadline:
                found = max(found, _lateness_of(one, deadline, earliest))
    if facts.sightings:
        dates = (one.transfer.occurred_at for one in facts.sightings if one.stage is Stage.FINAL)
        if any(at is not None and at > deadline for at in dates):
            return Lateness.LATE
    return found


def _lateness_of(one: Booked, deadline: datetime, earliest: datetime) -> Lateness:
    """Of a transfer that was told of after the deadline, or of which nobody knows when it was told."""
    late = {came_at > deadline for came_at in _moments(one, earliest)}
    if late == {True, False}:
        return Lateness.DOUBTED
    return Lateness.LATE if late == {True} else Lateness.IN_TIME


def _moments(one: Booked, earliest: datetime) -> Iterator[datetime]:
    """When it may have come, by each zone that its date may be in: the one that the gateway's dates were read in, and
    those by which it would have been told as soon as it is usual. The gateway may have changed its zone since."""
    told, date = one.first_told_at, one.transfer.occurred_at
    if date is None or told is None:
        at = told or one.occurred_at  # older bridges did not write down when they were told
        if at is not None and (at is told or at >= earliest):
            yield at
        return
    dated = Dated(told, date, earliest)
    zones = {timedelta(seconds=one.dates_ahead_seconds), *dated.prompt}
    possible = [ahead for ahead in zones if dated.is_possible(ahead)]
    if not possible:
        yield told
    for ahead in possible:
        came_at = date - ahead
        yield min(came_at, told) if came_at >= earliest else told


def has_passed(passed: datetime | None, deadline: datetime | None) -> bool:
    """Whether a deadline is known to have passed; `passed` is the last that is."""
    return passed is not None and deadline is not None and passed >= deadline
