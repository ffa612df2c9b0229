"""Late tokens: those that came into the configuration after their chain was followed, or back into it, are read apart
from the others, a stretch in each round, until they have caught up.
"""

import logging
from dataclasses import dataclass, field, replace

from providers.onchain.blocks.transfers import MalformedError
from providers.onchain.chains import Chain
from providers.onchain.confirming.beginning import Beginning
from providers.onchain.confirming.payees import Payees
from providers.onchain.matching.followed_tokens import FollowedToken
from providers.onchain.matching.following import Finality, Following
from providers.onchain.nodes.rpc import ChainRpc, ChainUnavailableError, FaultyError, RefusedByNodeError
from providers.onchain.reading.ranges import BlockRange
from providers.onchain.reading.scanning import see_again
from providers.onchain.reading.traces import Traces
from providers.onchain.steps import Step
from providers.onchain.watchlist import Watchlist

__all__ = ["LateTokens"]

logger = logging.getLogger("bridge.onchain")

# What is read in whole blocks costs a question or more for each, beside what the chain itself costs in a round.
WHOLE_BLOCKS_AT_ONCE = 16


@dataclass(slots=True)
class LateTokens:
    """Reads them, each block by two endpoints where there are two."""

    _chain: Chain
    _rpc: ChainRpc
    _traces: Traces
    _watchlist: Watchlist
    _payees: Payees
    _beginning: Beginning
    _span: BlockRange = field(default_factory=BlockRange)
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
        last = min(first + self._stretch(late) - 1, until - 1, following.checked_number)
        places = self._rpc.well()[:2]
        if len(places) < min(2, len(self._rpc.endpoints)) or last < first:
            self._wait(late, "a second endpoint has to have them too")
            return step
        for place in places:
            if not await self._read_by(place, step, late, range(first, last + 1), finality):
                return step
        self._wait(late, "it is being read again")
        self._span = self._span.succeeded(len(step.transfers))
        step.following = _with(step.following, replace(late, next_number=last + 1))
        return step

    async def _first(self, late: FollowedToken) -> int:
        """From where it is to be read: where it was left, or from when it was first waited for."""
        if late.next_number is not None:
            return late.next_number
        since = self._watchlist.open_since(late.symbol)
        if since is None or late.until_number is None:
            return late.until_number or 0
        return (await self._beginning.find(since)).next_number

    def _stretch(self, late: FollowedToken) -> int:
        return WHOLE_BLOCKS_AT_ONCE if late.address is None else self._span.size

    async def _read_by(self, place: int, step: Step, late: FollowedToken, blocks: range, finality: Finality) -> bool:
        """Takes up what this endpoint tells of, for this token alone. Returns whether it told of all these blocks."""
        tokens = tuple(token for token in self._chain.tokens if late.is_of(token))
        alone = self._chain.model_copy(update={"tokens": tokens})
        try:
            seen = await see_again(self._rpc, self._traces, alone, blocks, self._watchlist, place=place)
            await self._payees.take_missed(step, seen, finality)
        except RefusedByNodeError as error:
            self._span = self._span.failed()
            self._wait(late, f"{self._rpc.endpoints[place].host}: {error}")
        except FaultyError as error:
            self._rpc.suspend(place, error)
            self._wait(late, f"{self._rpc.endpoints[place].host}: {error}")
        except MalformedError as error:
            self._rpc.distrust(str(error), place)
            self._wait(late, f"{self._rpc.endpoints[place].host}: {error}")
        except ChainUnavailableError as error:
            self._wait(late, str(error))
        else:
            return True
        return False

    def _wait(self, late: FollowedToken, why: str) -> None:
        since = "the first that was waited for" if late.next_number is None else f"block {late.next_number}"
        self.waiting = f"{late.symbol} came into the configuration later, and is read from {since} on: {why}"


def _with(following: Following, token: FollowedToken) -> Following:
    """With this one last, so that one that cannot be read keeps no other waiting."""
    others = [one for one in following.tokens if (one.symbol, one.address) != (token.symbol, token.address)]
    return replace(following, tokens=(*others, token))
