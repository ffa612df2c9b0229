"""Standing chains: those that have a problem and were followed no further for minutes, whatever the cause, or have
not begun to be followed."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bridge.workers.chains.chain_status import ChainStatus

__all__ = ["STANDS_AFTER", "StandingChains"]

# Problems that end within it are no matter for a person.
STANDS_AFTER = timedelta(minutes=5)
# No chain makes its blocks that irregularly.
STANDS_AFTER_BLOCKS = 10


@dataclass(frozen=True, slots=True)
class _Seen:
    """A chain that has a problem."""

    followed: int | None
    since: datetime
    said: str | None = None
    """What was said of it first; later words would be the same, with other ages and blocks."""


@dataclass(slots=True)
class StandingChains:
    """Remembers up to where each chain that has a problem was followed, and since when."""

    _seen: dict[str, _Seen] = field(default_factory=dict)

    def look(self, statuses: Iterable[ChainStatus], begun: Collection[str], now: datetime) -> dict[str, str]:
        """What to say of each chain that stands; `begun` are those that were followed at any time."""
        before, self._seen = self._seen, {}
        said: dict[str, str] = {}
        for one in statuses:
            name = one.chain.name
            if one.problem is None:
                continue
            if name not in begun:
                said[name] = f"it has not begun to be followed, and nothing that comes is seen: {one.problem}"
                continue
            seen = before.get(name)
            if seen is None or seen.followed != one.followed:
                seen = _Seen(one.followed, now)
            patience = max(STANDS_AFTER, timedelta(seconds=STANDS_AFTER_BLOCKS * one.chain.block_seconds))
            if seen.said is None and now >= seen.since + patience:
                far = "" if one.followed is None else f" beyond block {one.followed}"
                seen = replace(seen, said=f"it is not followed{far}, and nothing that comes is seen: {one.problem}")
            if seen.said is not None:
                said[name] = seen.said
            self._seen[name] = seen
        return said
