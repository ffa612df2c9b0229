"""Start block: from where a chain is followed that never was. Where two endpoints are named, both show that block,
and nothing that is waited for can have come before it.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from providers.onchain.blocks.canonical import BlockId, Canonical
from providers.onchain.chains import Chain
from providers.onchain.matching.matching import CLOCK_TOLERANCE
from providers.onchain.matching.position import Finality, Following
from providers.onchain.nodes.headers import Header, header_of
from providers.onchain.nodes.node import FaultyError, RefusedByNodeError
from providers.onchain.nodes.pool import EndpointsDisagreeError
from providers.onchain.nodes.rpc import ChainRpc, ChainUnavailableError
from providers.onchain.quantities import hash_in

__all__ = ["StartBlock"]

logger = logging.getLogger("bridge.onchain")

# Of two endpoints that are further apart one is not of the chain's present. Which one, a person knows.
FARTHEST_APART_BLOCKS = 1_000


@dataclass(frozen=True, slots=True)
class StartBlock:
    """Looks for it, and asks all endpoints, also those that were set aside: whoever boasts has others seem to lag."""

    _chain: Chain
    _rpc: ChainRpc

    async def find(self, since: datetime | None) -> Following:
        """Where to begin so that nothing is missed that came `since` then. Raises ChainUnavailableError."""
        header = await self.header(since)
        logger.info("%s: followed from block %d on", self._chain.name, header.number)
        return _from(header)

    async def header(self, since: datetime | None) -> Header:
        """A block that nothing can have come before that came `since` then; the newest where nothing did. Raises
        ChainUnavailableError."""
        heads = [head for place in self._rpc.everybody() if (head := await self._shown(place, "latest")) is not None]
        needed = min(2, len(self._rpc.endpoints))
        if len(heads) < needed:
            away = "; ".join(f"{one.host}: {one.last_reason}" for one in self._rpc.endpoints if one.last_reason)
            raise ChainUnavailableError(f"{self._chain.name}: it begins once a second endpoint answers ({away})")
        numbers = sorted((head.number for head in heads), reverse=True)
        # With three endpoints, who boasts and who lags are both outvoted.
        if numbers[0] - numbers[needed - 1] > FARTHEST_APART_BLOCKS and len(heads) == needed:
            shown = ", and ".join(f"{self._host(one)} is at block {one.number}" for one in heads)
            raise EndpointsDisagreeError(
                f"{self._chain.name}: it cannot be followed from anywhere, since {shown}; take the one that is wrong"
                " out of the configuration"
            )
        header = await self._settled(numbers[needed - 1], needed)
        return await self._before(header, since)

    async def _settled(self, newest: int, needed: int) -> Header:
        """The newest block that so many show alike: at the very top they may differ for a moment."""
        depth, shown = Finality(self._chain.required_confirmations).depth, list[Header]()
        for number in (newest, max(newest - depth, 0)):
            shown = await self._shown_by_all(number)
            alike = _alike(shown, needed)
            if alike is not None:
                return alike
        raise self._disunited(shown)

    async def _before(self, header: Header, since: datetime | None) -> Header:
        """A block that nothing can have come before that was made since then: further and further below, as far as
        blocks take their time. One that is too low costs some reading."""
        top, needed = header, min(2, len(self._rpc.endpoints))
        while since is not None and header.made_at > since - CLOCK_TOLERANCE and header.number > 0:
            seconds = (header.made_at - (since - CLOCK_TOLERANCE)).total_seconds()
            below = max(int(seconds / self._chain.block_seconds), 2 * (top.number - header.number), 1)
            shown = await self._shown_by_all(max(header.number - below, 0))
            alike = _alike(shown, needed)
            if alike is None:
                raise self._disunited(shown)
            header = alike
        return header

    async def _shown_by_all(self, number: int) -> list[Header]:
        found = [await self._shown(place, hex(number)) for place in self._rpc.everybody()]
        return [header for header in found if header is not None]

    async def _shown(self, place: int, block: str) -> Header | None:
        try:
            shown = await self._rpc.ask_at(place, "eth_getBlockByNumber", block, False)
            return None if shown is None else replace(header_of(shown), shown_by=place)
        except FaultyError as error:
            self._rpc.suspend(place, error)
        except RefusedByNodeError as error:
            logger.info("%s: %s: %s", self._chain.name, self._rpc.endpoints[place].host, error)
        return None

    def _disunited(self, shown: Sequence[Header]) -> ChainUnavailableError:
        """What to say where no two show the same."""
        blocks = ", and ".join(
            f"{self._host(one)} shows block {one.number} as {one.hash}, made at {one.made_at.isoformat()}"
            for one in shown
        )
        if len(shown) > 1:
            return EndpointsDisagreeError(f"{self._chain.name}: it cannot be followed from anywhere, since {blocks}")
        return ChainUnavailableError(
            f"{self._chain.name}: it begins once a second endpoint shows the same"
            f" ({blocks or 'none shows a block far enough below'})"
        )

    def _host(self, header: Header) -> str:
        return "one" if header.shown_by is None else self._rpc.endpoints[header.shown_by].host


def _alike(shown: Sequence[Header], needed: int) -> Header | None:
    """A block that so many show as the same, made at the same time."""
    said = Counter((one.hash, one.made_at) for one in shown)
    return next((one for one in shown if said[one.hash, one.made_at] >= needed), None)


def _from(header: Header) -> Following:
    """Followed from this block on, which has to be the child of the one before that was shown with it."""
    try:
        before = BlockId(number=header.number - 1, hash=hash_in(header.content["parentHash"]))
    except (KeyError, ValueError):
        before = None
    known = Canonical() if before is None or header.number == 0 else Canonical(blocks=(before,))
    return Following(header.number, canonical=known, checked_number=header.number - 1)
