"""Date offsets: how far the dates that a gateway writes are ahead of UTC, by what several of its notices agree on. A
gateway dates a transfer when it books it, in a zone that it does not name, and tells of it soon after. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from coordinator.payments.counting.lateness import CLOCKS_APART, ZONES

__all__ = ["LOOKED_AT", "SOON", "Dated", "DatesAhead", "dates_ahead"]

LOOKED_AT = 12
"""Of how many notices, the newest, it is looked at what they agree on."""
SOON = timedelta(minutes=10)
"""Within this a gateway tells of a transfer, unless the bridge could not be reached or it waits for confirmations."""
_AGREEING = 3
# No zone is off by a part of it.
_STEP = timedelta(minutes=15)
# No zone is behind UTC by less, and what waits for something is told of later than it is dated too.
_LEAST_BEHIND = timedelta(hours=1)


class Dated(NamedTuple):
    """The first notice of a transfer."""

    told_at: datetime
    date: datetime
    """As the gateway wrote it, read as UTC."""

    @property
    def lag(self) -> timedelta:
        """From the date until it was told."""
        return self.told_at - self.date


class DatesAhead(NamedTuple):
    """How far dates are ahead of UTC; less than nothing where they are behind."""

    ahead: timedelta
    since: datetime
    """When the first of the notices that agree on it came."""


def dates_ahead(newest_first: Sequence[Dated]) -> DatesAhead | None:
    """What the newest notices that agree show; None where none do. Whatever delays a notice makes it look as if its
    date was further behind, so that of those looked at the least delayed ones have to agree."""
    those = [one for one in newest_first if abs(one.lag) < ZONES + _STEP][:LOOKED_AT]
    for count in range(_AGREEING, len(those) + 1):
        least = min(one.lag for one in those[:count])
        agreeing = [one for one in those[:count] if one.lag < least + _STEP]
        ahead = -((least + CLOCKS_APART) // _STEP) * _STEP
        if len(agreeing) >= _AGREEING and _is_shown(ahead, agreeing):
            return DatesAhead(ahead, min(one.told_at for one in agreeing))
    return None


def _is_shown(ahead: timedelta, agreeing: Sequence[Dated]) -> bool:
    if ahead >= timedelta(0):
        return True  # nothing is told of before it came
    # What could not be told for a while comes all at once, however long ago it was.
    told_at = [one.told_at for one in agreeing]
    return -ahead >= _LEAST_BEHIND and max(told_at) - min(told_at) >= _STEP
