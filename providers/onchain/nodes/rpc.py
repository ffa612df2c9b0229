"""Asks the nodes of one chain for its heads, its blocks and their logs. A number of a block is believed as far as
somebody shows the block.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from providers.onchain.blocks.canonical import BlockId
from providers.onchain.blocks.log_filters import contents, may_hold, transfer_filter
from providers.onchain.nodes.endpoints import (
    Fault,
    after_head,
    fault_of_head,
    is_too_fast,
    lag_blocks,
    slow,
)
from providers.onchain.nodes.headers import Header, header_of
from providers.onchain.nodes.log_ranges import logs_in, logs_of
from providers.onchain.nodes.node import FaultyError, NotItsBlockError, RefusedByNodeError
from providers.onchain.nodes.pool import ChainUnavailableError, EndpointPool

__all__ = [
    "COMPARISONS_WITHOUT_SLOW",
    "ChainRpc",
    "ChainUnavailableError",
    "FaultyError",
    "NotItsBlockError",
    "RefusedByNodeError",
    "SourcedAnswer",
    "sole",
]


# A slow endpoint is asked how far it is, and may be found to be quick again, once in so many times.
COMPARISONS_WITHOUT_SLOW = 8


@dataclass(frozen=True, slots=True)
class SourcedAnswer:
    """What an endpoint answered."""

    place: int
    """Which one."""
    answer: Any
    seconded_by: tuple[int, ...] = ()
    """Who else said the same."""


def sole(*places: int | None) -> int | None:
    """The endpoint that told all parts of something; None if several did: then each part has the word of one alone,
    who is not asked to confirm it."""
    return places[0] if len(set(places)) == 1 else None


class ChainRpc(EndpointPool):
    """The nodes of one chain, and what they are asked."""

    _newest: Header | None = None
    """The highest block that anybody has shown."""
    _comparisons = 0

    async def head(self, *, with_transactions: bool = False) -> Header:
        """The newest block, by the endpoint that is asked first. Raises ChainUnavailableError."""

        async def newest(place: int) -> Header:
            header = await self._shown_head(place, with_transactions=with_transactions)
            self._believe(place, header)
            fault = fault_of_head(self.endpoints, place, self._clock(), self._chain.block_seconds)
            if fault is not None:
                raise FaultyError(fault, f"it is at {header.number}")
            return header

        return await self.first_good(newest)

    async def read_heads(self) -> int:
        """Asks all endpoints in good standing for their chain and their heads, so that one that lags or has changed
        sides is noticed; a slow one only now and then, since all wait for it. Returns the best head."""
        now = self._clock()
        left_out = slow(self.endpoints, now) if self._comparisons % COMPARISONS_WITHOUT_SLOW else set()
        self._comparisons += 1
        places = [place for place in self.well() if place not in left_out]
        for place in places:
            self._nodes[place].doubt()

        async def shown(place: int) -> Header | None:
            began_at = self._clock()
            try:
                header = await self._shown_head(place)
                self._took(place, began_at)
                return header
            except (FaultyError, RefusedByNodeError) as error:
                self._suspend(place, getattr(error, "fault", Fault.UNREACHABLE), str(error))
                return None

        reported = dict(zip(places, await asyncio.gather(*map(shown, places)), strict=True))
        found = {place: header for place, header in reported.items() if header is not None}
        lowest = min(found.values(), key=lambda header: header.number, default=None)
        for place, header in found.items():
            if lowest is not None and self._is_too_far(header, lowest):
                self._suspend(place, Fault.INCONSISTENT, f"its block {header.number} cannot have been made by then")
            else:
                self._believe(place, header)
        for place, header in found.items():
            if (fault := fault_of_head(self.endpoints, place, now, self._chain.block_seconds)) is not None:
                self._suspend(place, fault, f"it is at {header.number}")
        return max((self.endpoints[place].head for place in found), default=0)

    async def _shown_head(self, place: int, *, with_transactions: bool = False) -> Header:
        """The newest block of an endpoint. One that is far beyond what is known has to be shown once more, by its
        number: whoever makes numbers up does not have it. Raises FaultyError, and RefusedByNodeError."""
        latest = header_of(await self._nodes[place].ask("eth_getBlockByNumber", "latest", with_transactions))
        header = replace(latest, shown_by=place)
        newest = self._newest
        if newest is None or header.number > newest.number + lag_blocks(self._chain.block_seconds):
            await self._show(place, header)
        if newest is not None and self._is_too_far(header, newest):
            raise FaultyError(Fault.INCONSISTENT, f"its block {header.number} cannot have been made by then")
        return header

    def _is_too_far(self, header: Header, known: Header) -> bool:
        blocks, seconds = header.number - known.number, (header.made_at - known.made_at).total_seconds()
        return is_too_fast(blocks, seconds, self._chain.block_seconds)

    def _believe(self, place: int, header: Header) -> None:
        if self._newest is None or header.number > self._newest.number:
            self._newest = header
        now, block_seconds = self._clock(), self._chain.block_seconds
        self._replace(place, after_head(self.endpoints, place, header.number, now, block_seconds))

    async def _show(self, place: int, header: Header) -> None:
        if await self._nodes[place].ask("eth_getBlockByNumber", hex(header.number), False) is None:
            raise FaultyError(Fault.INCONSISTENT, f"it names block {header.number}, and does not show it")

    async def finalized(self, head: int, besides: Collection[int] = ()) -> tuple[int, Header]:
        """The newest block that the chain calls finalized, by an endpoint that is none of `besides`, and which one
        said so. What lies above the head is not believed. Raises ChainUnavailableError, and RefusedByNodeError also
        where none calls any so."""

        async def said(place: int) -> tuple[int, Header]:
            if place in besides:
                raise RefusedByNodeError(0, "it was asked before")
            block = await self._nodes[place].ask("eth_getBlockByNumber", "finalized", False)
            if block is None:  # as some say it whose node was started just now
                raise RefusedByNodeError(0, f"{self.endpoints[place].host} calls no block finalized")
            header = header_of(block)
            if header.number > head:
                raise FaultyError(Fault.INCONSISTENT, f"it calls block {header.number} finalized, above {head}")
            return place, header

        return await self.first_good(said)

    async def block(self, number: int, *, with_transactions: bool = False) -> Mapping[str, Any]:
        """The block of that number, which must be there. Raises ChainUnavailableError."""
        block: Mapping[str, Any] = (await self.block_with_source(number, with_transactions=with_transactions)).answer
        return block

    async def block_if_there(self, number: int) -> Header | None:
        """The block of that number, as far as it is there yet, with who shows it. Raises ChainUnavailableError."""

        async def shown(place: int) -> Header | None:
            block = await self._nodes[place].ask("eth_getBlockByNumber", hex(number), False)
            return None if block is None else replace(header_of(block), shown_by=place)

        return await self.first_good(shown)

    async def header_at(self, place: int, number: int) -> Header:
        """The block of that number, as just this endpoint shows it. Raises ChainUnavailableError, and
        RefusedByNodeError."""
        try:
            return header_of(await self.ask_at(place, "eth_getBlockByNumber", hex(number), False))
        except FaultyError as error:
            self.suspend(place, error)
            raise ChainUnavailableError(f"{self._chain.name}: {self.endpoints[place].host}: {error}") from None

    async def block_with_source(self, number: int, *, with_transactions: bool = False) -> SourcedAnswer:
        """As `block`, with who shows it."""

        async def there(place: int) -> SourcedAnswer:
            block = await self._nodes[place].ask("eth_getBlockByNumber", hex(number), with_transactions)
            if block is None:
                raise FaultyError(Fault.LAGGING, f"it has no block {number}")
            return SourcedAnswer(place, header_of(block).content)

        return await self.first_good(there)

    async def logs(
        self,
        block: BlockId,
        bloom: str,
        addresses: Sequence[str],
        recipients: Sequence[str] | None,
        *,
        shown_by: int | None = None,
    ) -> SourcedAnswer:
        """The Transfer logs of one block, all of its own, which an endpoint has shown. An empty answer is asked of
        another endpoint, if the bloom filter of the block allows for logs and there is one. Raises
        ChainUnavailableError."""

        async def consistent(place: int) -> SourcedAnswer:
            return await self.block_logs_at(place, block, addresses, recipients, is_own=place == shown_by)

        first = await self.told_of(block, shown_by, consistent)
        if first.answer or not may_hold(bloom, addresses, recipients):
            return first
        other = next((place for place in self.well() if place != first.place), None)
        if other is None:
            return first
        try:
            second = await consistent(other)
        except (FaultyError, NotItsBlockError):  # it may not have the block yet, or another one in its place
            return first
        if second.answer:
            self._suspend(first.place, Fault.INCONSISTENT, f"it left out logs of block {block.number}")
        return second

    async def block_logs_at(
        self, place: int, block: BlockId, addresses: Sequence[str], recipients: Sequence[str] | None, *, is_own: bool
    ) -> SourcedAnswer:
        """The Transfer logs of one block, by this endpoint; `is_own` if it showed the block. Raises FaultyError, and
        NotItsBlockError."""
        question = {"blockHash": block.hash, **transfer_filter(addresses, recipients)}
        try:
            return SourcedAnswer(place, logs_of(await self._nodes[place].ask("eth_getLogs", question), block))
        except RefusedByNodeError as error:  # the logs of one block are not too many: it does not have the block
            raise (FaultyError(Fault.INCONSISTENT, str(error)) if is_own else NotItsBlockError(str(error))) from None

    async def told_of(
        self, block: BlockId, shown_by: int | None, ask: Callable[[int], Awaitable[SourcedAnswer]]
    ) -> SourcedAnswer:
        """The first good answer about a block that an endpoint has shown. Where that one cannot tell of it and nobody
        else has it, it is set aside, and the block is read from the others next. Raises ChainUnavailableError, and
        RefusedByNodeError if that is all there is."""
        is_unknown = False

        async def asked(place: int) -> SourcedAnswer:
            nonlocal is_unknown
            try:
                return await ask(place)
            except NotItsBlockError:
                is_unknown = True
                raise

        try:
            return await self.first_good(asked)
        except ChainUnavailableError:
            if is_unknown and shown_by is not None:
                self.distrust(f"it shows block {block.number}, cannot tell of it, and no other has it", shown_by)
            raise

    async def logs_between(
        self,
        first: int,
        last: int,
        addresses: Sequence[str],
        recipients: Sequence[str] | None,
        senders: Sequence[str] | None = None,
    ) -> SourcedAnswer:
        """The Transfer logs of a range of blocks, of which two endpoints say the same, if there are two. Raises
        ChainUnavailableError, and RefusedByNodeError if the range is too large for the node, or they disagree."""
        parties = recipients, senders
        reported = await self.first_good(lambda place: self.logs_at(place, first, last, addresses, *parties))
        other = next((place for place in self.well() if place != reported.place), None)
        if other is None:
            return reported
        try:
            others = await self.logs_at(other, first, last, addresses, *parties)
        except FaultyError as error:
            self._suspend(other, error.fault, str(error))
        except RefusedByNodeError:
            pass  # its limits are narrower
        else:
            if contents(reported.answer) != contents(others.answer):
                raise RefusedByNodeError(0, f"two endpoints report different logs of blocks {first} to {last}")
            return replace(reported, seconded_by=(other,))
        return reported

    async def logs_at(
        self,
        place: int,
        first: int,
        last: int,
        addresses: Sequence[str],
        recipients: Sequence[str] | None,
        senders: Sequence[str] | None = None,
    ) -> SourcedAnswer:
        """The Transfer logs of a range of blocks, by this endpoint. Raises FaultyError, and RefusedByNodeError also
        for an answer that looks cut off."""
        wanted = transfer_filter(addresses, recipients, senders)
        question = {"fromBlock": hex(first), "toBlock": hex(last), **wanted}
        return SourcedAnswer(place, logs_in(await self._nodes[place].ask("eth_getLogs", question), first, last))

    async def call(self, method: str, *parameters: Any) -> Any:
        """What a method answers. Raises ChainUnavailableError, and RefusedByNodeError."""
        return (await self.call_with_source(method, *parameters)).answer

    async def call_with_source(self, method: str, *parameters: Any) -> SourcedAnswer:
        """As `call`, with who answers."""

        async def asked(place: int) -> SourcedAnswer:
            return SourcedAnswer(place, await self._nodes[place].ask(method, *parameters))

        return await self.first_good(asked)

    async def subscribed(self, wake: Callable[[], None]) -> None:
        """Calls `wake` at each new block that an endpoint with a WebSocket tells of; returns if there is none, or
        when its connection ends."""
        for place, node in enumerate(self._nodes):
            if node.is_websocket and not self.endpoints[place].is_suspended(self._clock()):
                await node.heads(wake)
