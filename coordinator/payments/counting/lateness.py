"""Lateness: whether money came after it was due, by the earliest that shows that it was there. Pure."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from enum import Enum, IntEnum, auto

from coordinator.payments.counting.date_zones import Dated
from coordinator.payments.counting.zone_proof import is_ruled_out
from coordinator.payments.facts.booked import Booked
from coordinator.payments.facts.facts import Facts
from coordinator.payments.observed.observations import Stage
from coordinator.payments.observed.zones_ruled_out import ZonesRuledOut, ruled_out_of

__all__ = ["KEPT_FOR", "Lateness", "LatenessDoubt", "doubted_transfers", "has_passed", "lateness", "zones_settling"]

KEPT_FOR = timedelta(days=1)
"""How long before a payment was registered something may have been told that is about it."""


class Lateness(IntEnum):
    """Whether money came after a deadline."""

    IN_TIME = 0
    DOUBTED = 1
    """Its date is in time, and something speaks against it (`LatenessDoubt`)."""
    LATE = 2


class LatenessDoubt(Enum):
    """Why nobody knows whether money came in time."""

    ZONE = auto()
    """Its date is in time in one of the zones that it may be in, and late in another."""
    IMPOSSIBLE_DATE = auto()
    """It was told of after the deadline, and its date cannot be right in any zone."""
    NOT_LISTED = auto()
    """Its date is in time, and its provider did not list it when it was asked after the deadline."""


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
                found = max(found, _judged(one, deadline, earliest, facts)[0])
    if facts.sightings:
        dates = (one.transfer.occurred_at for one in facts.sightings if one.stage is Stage.FINAL)
        if any(at is not None and at > deadline for at in dates):
            return Lateness.LATE
    return found


def doubted_transfers(
    facts: Facts, deadline: datetime, created_at: datetime, *, is_opened_here: bool
) -> Iterator[tuple[Booked, LatenessDoubt]]:
    """What counts and was told of after the deadline, of which nobody knows whether it came in time, and why."""
    earliest = created_at if is_opened_here else created_at - KEPT_FOR
    seen = {one.transfer.key: one.first_told_at for one in facts.seen}
    for one in facts.booked:
        moments = (one.first_told_at, seen.get(one.transfer.key))
        if one.counts and not any(at is not None and at <= deadline for at in moments):
            doubt = _judged(one, deadline, earliest, facts)[1]
            if doubt is not None:
                yield one, doubt


def zones_settling(
    one: Booked, deadline: datetime, created_at: datetime, others: Sequence[Dated], *, is_opened_here: bool
) -> ZonesRuledOut | None:
    """What other notices show of the zone of a transfer that is in doubt for its zone; None unless it came in time,
    or late, by all zones that they leave: also by those that nobody took it to be in."""
    told, date = one.first_told_at, one.transfer.occurred_at
    if told is None or date is None:
        return None
    earliest = created_at if is_opened_here else created_at - KEPT_FOR
    dated = Dated(told, date, earliest)
    ruled_out = [ahead for ahead in dated.possible if is_ruled_out(ahead, dated, others)]
    left = set(dated.possible).difference(ruled_out)
    # What can be dated a little before its payment began came as that did: two clocks are apart.
    late = {max(dated.date - ahead, earliest) > deadline for ahead in left}
    if len(late) != 1 or left.isdisjoint(_zones(one, dated)):
        return None
    ahead_seconds = tuple(int(ahead.total_seconds()) for ahead in ruled_out)
    return ZonesRuledOut(transfer_key=one.transfer.key, date=date, ahead_seconds=ahead_seconds)


def _judged(
    one: Booked, deadline: datetime, earliest: datetime, facts: Facts
) -> tuple[Lateness, LatenessDoubt | None]:
    """Of a transfer that was told of after the deadline, or of which nobody knows when it was told."""
    late = {came_at > deadline for came_at in _moments(one, earliest, facts)}
    if late == {True, False}:
        return Lateness.DOUBTED, LatenessDoubt.ZONE
    if late == {True}:
        is_undated = one.refused_date is not None and one.transfer.occurred_at is None
        return (Lateness.DOUBTED, LatenessDoubt.IMPOSSIBLE_DATE) if is_undated else (Lateness.LATE, None)
    told, asked_at = one.first_told_at, facts.asked_when_due_at
    if late and told is not None and asked_at is not None and told > asked_at:
        return Lateness.DOUBTED, LatenessDoubt.NOT_LISTED
    return Lateness.IN_TIME, None


def _moments(one: Booked, earliest: datetime, facts: Facts) -> Iterator[datetime]:
    """When it may have come, by each zone that its date may be in."""
    told, date = one.first_told_at, one.transfer.occurred_at
    if date is None or told is None:
        at = told or one.occurred_at  # older bridges did not write down when they were told
        if at is not None and (at is told or at >= earliest):
            yield at
        return
    dated = Dated(told, date, earliest)
    possible = _zones(one, dated, ruled_out_of(facts.zones_ruled_out, one.transfer.key, date))
    if not possible:
        yield told
    for ahead in possible:
        yield _came_at(dated, earliest, ahead)


def _zones(one: Booked, dated: Dated, ruled_out: Collection[timedelta] = ()) -> Collection[timedelta]:
    """The zones that its date may be in: the one that the gateway's dates were read in, and those by which it would
    have been told as soon as it is usual, since the gateway may have changed its zone; but for those that are ruled
    out."""
    zones = {timedelta(seconds=one.dates_ahead_seconds), *dated.prompt}
    possible = [ahead for ahead in zones if dated.is_possible(ahead)]
    return [ahead for ahead in possible if ahead not in ruled_out] or possible


def _came_at(dated: Dated, earliest: datetime, ahead: timedelta) -> datetime:
    came_at = dated.date - ahead
    return min(came_at, dated.told_at) if came_at >= earliest else dated.told_at


def has_passed(passed: datetime | None, deadline: datetime | None) -> bool:
    """Whether a deadline is known to have passed; `passed` is the last that is."""
    return passed is not None and deadline is not None and passed >= deadline
