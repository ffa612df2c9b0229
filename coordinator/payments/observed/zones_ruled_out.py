"""Zones ruled out: in which zones a provider cannot have written the date of one transfer, as its notices before and
after show. It only grows, and is of no other date."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime

from coordinator.models import FrozenModel

__all__ = ["ZonesRuledOut", "ruled_out_of", "with_ruled_out"]


class ZonesRuledOut(FrozenModel):
    """What other notices show of the zone that one transfer is dated in."""

    kind: Literal["zones-ruled-out"] = "zones-ruled-out"
    transfer_key: str
    date: AwareDatetime
    """As the provider wrote it, read as UTC."""
    ahead_seconds: tuple[int, ...]
    """How far ahead of UTC the zones are that it is not in, in order."""

    @property
    def tx_hash(self) -> None:
        return None


def with_ruled_out(known: Sequence[ZonesRuledOut], more: ZonesRuledOut) -> tuple[ZonesRuledOut, ...]:
    """All of them, in order; what is known of one date is put together."""
    by_date = {_of(one): one for one in known}
    other = by_date.get(_of(more))
    if other is not None:
        zones = tuple(sorted({*other.ahead_seconds, *more.ahead_seconds}))
        more = more.model_copy(update={"ahead_seconds": zones})
    by_date[_of(more)] = more
    return tuple(by_date[of] for of in sorted(by_date))


def ruled_out_of(known: Sequence[ZonesRuledOut], key: str, date: datetime | None) -> frozenset[timedelta]:
    """The zones that the transfer of that key, dated so, is not dated in."""
    those = (one.ahead_seconds for one in known if (one.transfer_key, one.date) == (key, date))
    return frozenset(timedelta(seconds=ahead) for zones in those for ahead in zones)


def _of(ruled_out: ZonesRuledOut) -> tuple[str, datetime]:
    return ruled_out.transfer_key, ruled_out.date
