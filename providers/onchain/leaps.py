"""Leaps: long ranges of blocks that are final already, followed at once while a chain is far behind its head."""

import logging
from dataclasses import dataclass, field

from providers.onchain.blocks.canonical import BlockId
from providers.onchain.chains import Chain
from providers.onchain.confirming.block_rereads import BlockRereads
from providers.onchain.confirming.corroboration import Corroboration
from providers.onchain.confirming.payees import Payees
from providers.onchain.confirming.votes import Votes
from providers.onchain.confirming.witnesses import Witnesses
from providers.onchain.matching.following import leapt
from providers.onchain.matching.position import Finality, Following
from providers.onchain.nodes.rpc import ChainRpc, ChainUnavailableError, RefusedByNodeError
from providers.onchain.reading.ranges import BlockRange
from providers.onchain.reading.scanning import RangeSeen, see_range
from providers.onchain.steps import Step
from providers.onchain.watchlist import Watchlist

__all__ = ["Leaps"]

logger = logging.getLogger("bridge.onchain")


@dataclass(slots=True)
class Leaps:
    """Follows them, as many blocks at once as the endpoints allow."""

    _chain: Chain
    _rpc: ChainRpc
    _watchlist: Watchlist
    _payees: Payees
    _words: Corroboration
    _votes: Votes
    _witnesses: Witnesses
    _readings: BlockRereads
    _span: BlockRange = field(default_factory=BlockRange)

    async def leap(self, step: Step, finality: Finality, safe: int, head: int) -> bool:
        """Follows a range of blocks that are all final, if it goes on where the followed ones end. Returns whether
        the chain may be leapt over on; if not, its next block is to be followed by itself."""
        first = step.following.next_number
        last = min(first + self._span.size - 1, safe)
        try:
            if not await self._goes_on(step.following):
                return False  # which finds out how far back it is another
            seen = await see_range(self._rpc, self._chain, first, last, self._watchlist)
        except (RefusedByNodeError, ChainUnavailableError) as error:
            logger.info("%s: blocks %d to %d cannot be had at once: %s", self._chain.name, first, last, error)
            self._span = self._span.failed()
            return last > first  # one block can be checked by its bloom filter
        end = BlockId(number=last, hash=(await self._rpc.block(last))["hash"])
        self._span = self._span.succeeded(seen.logs)
        paying = await self._payees.assign(step, seen.transfers)
        dated = await self._dated_by_two(seen)
        if paying and len(seen.reported_by) > 1 and await self._votes.are_deep(seen.reported_by, last):
            self._words.agree(one.transfer.transfer_id for one in paying if one.transfer.block in dated)
        confirmed = await self._words.before_final(step, paying, finality, head)
        is_checked = await self._is_read_by_two(seen, end) and all(
            one.transfer.block in dated for one in seen.transfers
        )
        if not is_checked and seen.reported_by:
            self._readings.note_source(range(first, last + 1), seen.reported_by[0])
        step.take(leapt(step.following, end, paying, confirmed, head, is_checked=is_checked))
        return True

    async def _is_read_by_two(self, seen: RangeSeen, end: BlockId) -> bool:
        """Whether two endpoints have read a range, if there are two, and have the block that it ends with: whoever
        does not have blocks tells of nothing in them."""
        if len(self._rpc.endpoints) < 2:
            return True
        places = seen.reported_by or self._rpc.well()[:2]
        return len(places) > 1 and await self._witnesses.have(places, end)

    async def _dated_by_two(self, seen: RangeSeen) -> set[BlockId]:
        """The blocks with money in a range that another endpoint says were made at the same time, if there is one:
        money may be too old, or late, by that."""
        times = {one.transfer.block: one.mined_at for one in seen.transfers}
        others = seen.reported_by[1:]
        return {block for block, made_at in times.items() if await self._witnesses.date(others, block, made_at)}

    async def _goes_on(self, following: Following) -> bool:
        head = following.canonical.head
        return head is None or (await self._rpc.block(head.number))["hash"] == head.hash
