"""Party transfers: what left some wallets, or came to some addresses, in a range of blocks, whoever waits for it:
tokens by their logs, the chain's own coin by its transactions, but not what contracts sent on of it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from typing import NamedTuple

from coordinator.batched import batched
from providers.onchain.blocks.transfers import ChainTransfer, MalformedError, distinct, readable
from providers.onchain.chains import Chain
from providers.onchain.nodes.rpc import ChainRpc, RefusedByNodeError, SourcedAnswer
from providers.onchain.reading.ranges import BlockRange
from providers.onchain.reading.scanning import Seen, contracts_of, dated, is_done, mined_at, sent_in

__all__ = ["Parties", "own_coin_transfers", "token_transfers"]

# As many topics as nodes take in one question.
NAMED_AT_ONCE = 200

_Names = Sequence[str] | None


class Parties(NamedTuple):
    """Whose transfers are looked for: of either kind."""

    senders: Collection[str] = ()
    recipients: Collection[str] = ()

    def have(self, transfer: ChainTransfer) -> bool:
        return transfer.sender in self.senders or transfer.recipient in self.recipients

    def parts(self) -> list[tuple[_Names, _Names]]:
        """The recipients and senders of each question: nobody is asked for both at once, since a log has to fit
        both."""
        to = [(part, None) for part in _parts(self.recipients)]
        return [*((None, part) for part in _parts(self.senders)), *to]


async def token_transfers(rpc: ChainRpc, chain: Chain, first: int, last: int, parties: Parties) -> Sequence[Seen]:
    """The tokens that moved, in as large pieces as the endpoints take. Raises ChainUnavailableError, MalformedError,
    and RefusedByNodeError if not even one block can be had."""
    contracts = contracts_of(chain)
    found: list[Seen] = []
    for recipients, senders in parties.parts() if contracts else ():

        async def ask(start: int, end: int, to: _Names = recipients, of: _Names = senders) -> SourcedAnswer:
            return await rpc.logs_between(start, end, contracts, to, of)

        async for reported in _in_pieces(first, last, ask):
            found += await dated(rpc, chain, reported, _of_tokens(chain, reported))
    return _each_once(found)


def _of_tokens(chain: Chain, reported: SourcedAnswer) -> list[ChainTransfer]:
    told, wrong = readable(chain, reported.answer)
    if wrong:  # what is left out could be what is looked for
        raise MalformedError(str(wrong[0]), reported_by=reported.place)
    return told


async def _in_pieces(
    first: int, last: int, ask: Callable[[int, int], Awaitable[SourcedAnswer]]
) -> AsyncIterator[SourcedAnswer]:
    span = BlockRange()
    while first <= last:
        end = min(first + span.size - 1, last)
        try:
            reported = await ask(first, end)
        except RefusedByNodeError:
            if end == first:
                raise
            span = span.failed()
            continue
        yield reported
        span = span.succeeded(len(reported.answer))
        first = end + 1


async def own_coin_transfers(rpc: ChainRpc, chain: Chain, first: int, last: int, parties: Parties) -> Sequence[Seen]:
    """What transactions sent of the chain's own coin themselves, block by block. Raises ChainUnavailableError, and
    MalformedError."""
    found = []
    for number in range(first, last + 1):
        shown = await rpc.block_with_source(number, with_transactions=True)
        moved = sent_in(chain, shown.answer, parties.have)
        done = [transfer for transfer in moved if (await is_done(rpc, transfer)).answer]
        found += [Seen(transfer, mined_at(shown.answer), shown.place) for transfer in done]
    return _each_once(found)


def _each_once(found: Sequence[Seen]) -> Sequence[Seen]:
    """By block and place there. Raises MalformedError."""
    seen = {one.transfer.transfer_id: one for one in found}
    return [seen[transfer.transfer_id] for transfer in distinct(one.transfer for one in found)]


def _parts(names: Collection[str]) -> Iterator[Sequence[str]]:
    return batched(sorted(names), NAMED_AT_ONCE)
