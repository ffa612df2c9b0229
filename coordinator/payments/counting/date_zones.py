"""Date zones: in which zones a gateway may have written the dates of its notices. A gateway dates a transfer when it
books it, in a zone that it does not name, and tells of it soon after, or late. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from coordinator.payments.observed.dates import CLOCKS_APART, can_be_right

__all__ = ["AGREEING", "LOOKED_AT", "SOON", "TOLD_APART", "UTC_ITSELF", "DateZones", "Dated", "date_zones"]

SOON = timedelta(minutes=10)
"""Within this a gateway tells of a transfer that has its confirmations, unless the bridge could not be reached."""
LOOKED_AT = 12
"""Of how many notices, the newest, it is looked at what they show."""
UTC_ITSELF = timedelta(0)
AGREEING = 3
# What could not be told for a while comes all at once, however long ago it was: it is no zone.
TOLD_APART = timedelta(minutes=15)
_MINUTES_AHEAD = (
    *(-720, -660, -600, -570, -540, -480, -420, -360, -300, -240, -210, -180, -150, -120, -60, 0, 60, 120, 180, 210),
    *(240, 270, 300, 330, 345, 360, 390, 420, 480, 525, 540, 570, 600, 630, 660, 720, 765, 780, 825, 840),
)
_ZONES = tuple(timedelta(minutes=minutes) for minutes in _MINUTES_AHEAD)
"""How far ahead of UTC the zones of the world are, in summer or in winter."""


class Dated(NamedTuple):
    """The first notice of a transfer."""

    told_at: datetime
    date: datetime
    """As the gateway wrote it, read as UTC."""
    could_come_at: datetime | None = None
    """Before this the transfer cannot have come, if that is known."""
    held_for: timedelta = timedelta(0)
    """How long the gateway may wait for its confirmations."""

    @property
    def can_be_right(self) -> bool:
        """Whether it can be dated so in any zone, whatever it is about."""
        return can_be_right(self.date, self.told_at)

    def delay(self, ahead: timedelta) -> timedelta:
        """From its date until it was told, were it dated so far ahead of UTC."""
        return self.told_at - self.date + ahead

    def is_possible(self, ahead: timedelta) -> bool:
        """Whether it can be dated in that zone: nothing is told of before it came, nor comes before it can."""
        # First, since what cannot be right may lie so near the end of the calendar that no zone can be taken off it.
        if not self.can_be_right or self.delay(ahead) < -CLOCKS_APART:
            return False
        return self.could_come_at is None or self.date - ahead >= self.could_come_at - CLOCKS_APART

    def is_prompt(self, ahead: timedelta) -> bool:
        """Whether it was told as soon as it is usual, were it dated in that zone."""
        return self.is_possible(ahead) and self.delay(ahead) <= self.held_for + SOON

    @property
    def possible(self) -> tuple[timedelta, ...]:
        return tuple(ahead for ahead in _ZONES if self.is_possible(ahead))

    @property
    def prompt(self) -> tuple[timedelta, ...]:
        """The zones by which it was told as soon as it is usual."""
        return tuple(ahead for ahead in _ZONES if self.is_prompt(ahead))


class DateZones(NamedTuple):
    """The zones in which a gateway may write its dates."""

    ahead: tuple[timedelta, ...]
    """How far each is ahead of UTC, less than nothing where it is behind; in order. One, where it is known."""
    since: datetime
    """When the first of the notices came that show it."""

    @property
    def is_known(self) -> bool:
        return len(self.ahead) == 1

    @property
    def read_in(self) -> timedelta:
        """The zone that dates are read in meanwhile: UTC if it may be that, or else the furthest ahead. In which
        others a date may be, its own delay says."""
        return UTC_ITSELF if UTC_ITSELF in self.ahead else self.ahead[-1]


def date_zones(newest_first: Sequence[Dated]) -> DateZones | None:
    """What the newest notices show; None where they show nothing.

    Two things are proof: that nothing is told of before it came, and that nothing comes before somebody was told
    where to pay. A delay is none, however steady: what comes an hour late each time looks like an hour's zone. So it
    counts where the zone cannot be UTC, and is a doubt where it can.
    """
    those = [one for one in newest_first if one.possible][:LOOKED_AT]
    if not those:
        return None
    left, run = _left_by_proof(those)
    known = _by_proof(left, run)
    doubts = _by_delay(known, those)
    return DateZones(tuple(sorted({*known, *doubts})), min(one.told_at for one in run))


def _left_by_proof(those: Sequence[Dated]) -> tuple[tuple[timedelta, ...], Sequence[Dated]]:
    """The zones that proof leaves, and the newest notices that agree on them: what was dated before the gateway's
    zone was another one says nothing of this."""
    left = those[0].possible
    for number, one in enumerate(those):
        fewer = tuple(ahead for ahead in left if one.is_possible(ahead))
        if not fewer:
            return left, those[:number]
        left = fewer
    return left, those


def _by_proof(left: tuple[timedelta, ...], run: Sequence[Dated]) -> tuple[timedelta, ...]:
    if UTC_ITSELF in left:
        return (UTC_ITSELF,)  # as it should be, and as dates are read where nothing else is known
    agreed = tuple(ahead for ahead in left if sum(one.is_prompt(ahead) for one in run) >= AGREEING)
    if agreed:
        return agreed
    prompt = tuple(ahead for ahead in left if any(one.is_prompt(ahead) for one in run))
    if left[0] > UTC_ITSELF and prompt:
        return prompt  # a date that is ahead of its arrival is proof, and one is enough
    if left[0] > UTC_ITSELF:
        return (UTC_ITSELF, left[0])  # by a few minutes, a clock that is wrong explains as well
    if len(run) >= AGREEING:
        return prompt or left
    # One or two may be about an invoice that was paid before the bridge knew of it.
    return (*(prompt or left), UTC_ITSELF)


def _by_delay(known: Sequence[timedelta], those: Sequence[Dated]) -> tuple[timedelta, ...]:
    """The zones by which the newest notices would be prompt where they are by none that is known."""
    delayed: list[Dated] = []
    for one in those:
        if any(map(one.is_prompt, known)):
            break
        delayed.append(one)
    return tuple(ahead for ahead in _ZONES if _is_steady(ahead, delayed))


def _is_steady(ahead: timedelta, delayed: Sequence[Dated]) -> bool:
    told_at = [one.told_at for one in delayed if one.is_prompt(ahead)]
    return len(told_at) >= AGREEING and max(told_at) - min(told_at) >= TOLD_APART
