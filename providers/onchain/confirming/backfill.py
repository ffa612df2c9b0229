"""Backfill: stretches of blocks that were followed, and are read once more for some tokens: by two endpoints where
there are two, as many blocks at once as they allow."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from providers.onchain.blocks.transfers import MalformedError
from providers.onchain.chains import Chain, Token
from providers.onchain.confirming.payees import Payees
from providers.onchain.matching.position import Finality
from providers.onchain.nodes.rpc import ChainRpc, ChainUnavailableError, FaultyError, RefusedByNodeError
from providers.onchain.reading.ranges import BlockRange, shallow_blocks
from providers.onchain.reading.scanning import require_shown, see_again
from providers.onchain.reading.traces import Traces
from providers.onchain.steps import Step
from providers.onchain.watchlist import Watchlist

__all__ = ["UNREAD_BY_TWO", "Backfill"]

UNREAD_BY_TWO = "a second endpoint has to have them too"

# What is read block by block costs a question or more for each, beside what the chain itself costs in a round.
BLOCKS_AT_ONCE = 16


@dataclass(slots=True)
class Backfill:
    """Reads them, and takes up what was not told of before."""

    _chain: Chain
    _rpc: ChainRpc
    _traces: Traces
    _watchlist: Watchlist
    _payees: Payees
    _span: BlockRange = field(default_factory=BlockRange)

    def next(self, first: int, last: int, followed: int, tokens: Sequence[Token]) -> range:
        """What to read at once of these blocks, where the newest that was followed is this one. Empty if there are
        none."""
        deep = followed - shallow_blocks(self._chain.block_seconds)
        if any(token.is_native for token in tokens) or deep - first < BLOCKS_AT_ONCE:
            return range(first, min(last, first + BLOCKS_AT_ONCE - 1) + 1)
        return range(first, min(last, first + self._span.size - 1, deep) + 1)

    async def read(self, step: Step, blocks: range, tokens: Sequence[Token], finality: Finality) -> str | None:
        """Takes up what is told of these blocks, for these tokens alone. Returns why not all of it was told, None if
        it was."""
        if not tokens or not len(self._watchlist):
            return None  # there is nothing to ask for
        places = self._rpc.well()[:2]
        if len(places) < min(2, len(self._rpc.endpoints)):
            return UNREAD_BY_TWO
        alone = self._chain.model_copy(update={"tokens": tuple(tokens)})
        for place in places:
            reason = await self._read_by(place, step, alone, blocks, finality)
            if reason is not None:
                return reason
        self._span = self._span.succeeded(len(step.transfers))
        return None

    async def _read_by(self, place: int, step: Step, alone: Chain, blocks: range, finality: Finality) -> str | None:
        followed = step.following.next_number - 1
        is_one_by_one = len(blocks) == 1 or blocks[-1] > followed - shallow_blocks(alone.block_seconds)
        host = self._rpc.endpoints[place].host
        try:
            seen = await see_again(
                self._rpc, self._traces, alone, blocks, self._watchlist, place=place, one_by_one=is_one_by_one
            )
            missed = await self._payees.missed(step, seen)
            if len(self._rpc.endpoints) == 1 and not is_one_by_one:
                await require_shown(self._rpc, place, missed)
            await self._payees.take_up(step, missed, finality)
        except RefusedByNodeError as error:
            self._span = self._span.failed()
            return f"{host}: {error}"
        except FaultyError as error:
            self._rpc.suspend(place, error)
            return f"{host}: {error}"
        except MalformedError as error:
            self._rpc.distrust(str(error), place)
            return f"{host}: {error}"
        except ChainUnavailableError as error:
            return str(error)
        return None
