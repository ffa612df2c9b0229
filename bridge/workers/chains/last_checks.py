"""Last checks: what payments or payouts over a chain were when they were looked at last: only those that have moved
since are read anew, however many there are."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from coordinator.batched import batched
from providers.onchain.matching.matching import Watched

__all__ = ["PAGE", "LastChecks"]

PAGE = 500

Read = Callable[[Sequence[str]], Awaitable[Mapping[str, Watched | None]]]
"""Reads payments or payouts by their ids: who waits on the chain, and None for who does not."""


class LastChecks:
    """Payments, or payouts, as they were looked at last."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, Watched | None]] = {}
        """With the latest move of each."""

    async def again(self, moves: Mapping[str, str], read: Read) -> list[Watched]:
        """Looks at these, of which the latest moves are given, and forgets all others. Returns those that have moved
        since the last look."""
        before = self._seen
        moved = [one for one, move in moves.items() if one not in before or before[one][0] != move]
        found: dict[str, Watched | None] = {}
        for some in batched(moved, PAGE):
            found |= await read(some)
        anew = {one: (moves[one], found.get(one)) for one in moved}
        self._seen = {one: before[one] for one in moves.keys() - anew.keys()} | anew
        return [watched for _, watched in anew.values() if watched is not None]

    @property
    def all(self) -> list[Watched]:
        """Who waits of those that were looked at."""
        return [watched for _, watched in self._seen.values() if watched is not None]
