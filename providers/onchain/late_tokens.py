"""Late tokens: those that came into the configuration after their chain was followed, or back into it, are read apart
from the others, a stretch in each round, until they have caught up.
"""

from dataclasses import dataclass, replace

from providers.onchain.chains import Chain
from providers.onchain.confirming.backfill import UNREAD_BY_TWO, Backfill
from providers.onchain.confirming.start_block import StartBlock
from providers.onchain.matching.followed_tokens import FollowedToken
from providers.onchain.matching.position import Finality, Following
from providers.onchain.nodes.rpc import ChainUnavailableError
from providers.onchain.steps import Step
from providers.onchain.watchlist import Watchlist

__all__ = ["LateTokens"]


@dataclass(slots=True)
class LateTokens:
    """Reads them, each block by two endpoints where there are two."""

    _chain: Chain
    _backfill: Backfill
    _watchlist: Watchlist
    _beginning: StartBlock
    waiting: str | None = None
    """What is still to be read, for a person to read."""

    async def read(self, following: Following, finality: Finality) -> Step | None:
        """Reads on for one that is late; None if none is. It is read only as far as two endpoints have read the
        chain."""
        late = next((one for one in following.tokens if one.is_late), None)
        self.waiting = None
        if late is None:
            return None
        try:
            first = await self._first(late)
        except ChainUnavailableError as error:
            self._wait(late, str(error))
            return Step(_with(following, late))
        until = min(late.until_number or 0, following.next_number)
        if first >= until:
            return Step(_with(following, replace(late, next_number=None, until_number=None)))
        step = Step(_with(following, replace(late, next_number=first)))
        tokens = [token for token in self._chain.tokens if late.is_of(token)]
        last = min(until - 1, following.checked_number)
        blocks = self._backfill.next(first, last, following.next_number - 1, tokens)
        reason = await self._backfill.read(step, blocks, tokens, finality) if blocks else UNREAD_BY_TWO
        self._wait(late, reason or "it is being read again")
        if reason is None:
            step.following = _with(step.following, replace(late, next_number=blocks[-1] + 1))
        return step

    async def _first(self, late: FollowedToken) -> int:
        """From where it is to be read: where it was left, or from when it was first waited for."""
        if late.next_number is not None:
            return late.next_number
        since = self._watchlist.open_since(late.symbol)
        if since is None or late.until_number is None:
            return late.until_number or 0
        return (await self._beginning.find(since)).next_number

    def _wait(self, late: FollowedToken, why: str) -> None:
        since = "the first that was waited for" if late.next_number is None else f"block {late.next_number}"
        self.waiting = f"{late.symbol} came into the configuration later, and is read from {since} on: {why}"


def _with(following: Following, token: FollowedToken) -> Following:
    """With this one last, so that one that cannot be read keeps no other waiting."""
    others = [one for one in following.tokens if (one.symbol, one.address) != (token.symbol, token.address)]
    return replace(following, tokens=(*others, token))
