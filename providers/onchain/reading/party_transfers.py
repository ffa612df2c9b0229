"""Party transfers: what left some wallets, or came to some addresses, in a range of blocks, whoever waits for it:
tokens by their logs, the chain's own coin by its transactions, but not what contracts sent on of it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from coordinator.batched import batched
from providers.onchain.blocks.transfers import ChainTransfer, MalformedError, UnreadableLog, distinct, readable
from providers.onchain.chains import Chain
from providers.onchain.nodes.rpc import ChainRpc, ChainUnavailableError, RefusedByNodeError, SourcedAnswer
from providers.onchain.reading.ranges import BlockRange
from providers.onchain.reading.scanning import Seen, contracts_of, dated, is_done, mined_at, sent_in

__all__ = ["OwnCoinTransfers", "Parties", "TokenTransfers", "UnreadLog", "own_coin_transfers", "token_transfers"]

# As many topics as nodes take in one question.
NAMED_AT_ONCE = 200
# A node that refuses more single blocks than this refuses them all, and one question each would take for ever.
REFUSED_BLOCKS_LIMIT = 10

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


class UnreadLog(NamedTuple):
    """A log of such a transfer, maybe, that cannot be read, and the blocks that were asked for with it."""

    first: int
    last: int
    log: UnreadableLog


@dataclass(slots=True)
class TokenTransfers:
    """The tokens that moved, as far as that can be told."""

    seen: Sequence[Seen] = ()
    unread: dict[UnreadLog, None] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)
    """Blocks of which no endpoint tells, or two tell different things, and what was said to that."""


@dataclass(slots=True)
class OwnCoinTransfers:
    """What moved of the chain's own coin, as far as that can be told."""

    seen: Sequence[Seen] = ()
    refused: dict[tuple[int, int], str] = field(default_factory=dict)
    """The first and the last of blocks that cannot be had, and why."""


async def token_transfers(rpc: ChainRpc, chain: Chain, first: int, last: int, parties: Parties) -> TokenTransfers:
    """The tokens that moved, in as large pieces as the endpoints take. One log that cannot be read, and one block
    that cannot be had, hide no others. Raises ChainUnavailableError, MalformedError, and RefusedByNodeError if too
    many blocks cannot be had, or none at all."""
    contracts = contracts_of(chain)
    told, found = TokenTransfers(), list[Seen]()
    for recipients, senders in parties.parts() if contracts else ():

        async def ask(start: int, end: int, to: _Names = recipients, of: _Names = senders) -> SourcedAnswer:
            return await rpc.logs_between(start, end, contracts, to, of)

        async for start, end, reported in _in_pieces(first, last, ask, told.refused):
            moved, wrong = readable(chain, reported.answer)
            found += await dated(rpc, chain, reported, moved)
            told.unread |= {UnreadLog(start, end, one): None for one in wrong}
    told.seen = _each_once(found)
    return told


async def _in_pieces(
    first: int, last: int, ask: Callable[[int, int], Awaitable[SourcedAnswer]], refused: dict[int, str]
) -> AsyncIterator[tuple[int, int, SourcedAnswer]]:
    """What is answered, each with its first and last block; `refused` takes the blocks of which nothing is."""
    span, is_answered = BlockRange(), False
    while first <= last:
        end = min(first + span.size - 1, last)
        try:
            reported = await ask(first, end)
        except RefusedByNodeError as error:
            if end > first:
                span = span.failed()
                continue
            refused[first] = str(error)
            if len(refused) > REFUSED_BLOCKS_LIMIT or (first == last and not is_answered):
                raise
            first += 1
            continue
        is_answered = True
        yield first, end, reported
        span = span.succeeded(len(reported.answer))
        first = end + 1


async def own_coin_transfers(
    rpc: ChainRpc, chain: Chain, first: int, last: int, parties: Parties
) -> OwnCoinTransfers:
    """What transactions sent of the chain's own coin themselves, block by block. One block that cannot be had hides
    no others; after several, or where nobody answers, the rest is left out in one."""
    told, found = OwnCoinTransfers(), list[Seen]()
    for number in range(first, last + 1):
        try:
            shown = await rpc.block_with_source(number, with_transactions=True)
            moved = sent_in(chain, shown.answer, parties.have)
            done = [transfer for transfer in moved if (await is_done(rpc, transfer)).answer]
            found += _each_once([Seen(transfer, mined_at(shown.answer), shown.place) for transfer in done])
        except (RefusedByNodeError, MalformedError) as error:
            if len(told.refused) == REFUSED_BLOCKS_LIMIT:
                told.refused[number, last] = str(error)
                break
            told.refused[number, number] = str(error)
        except ChainUnavailableError as error:
            told.refused[number, last] = str(error)
            break
    told.seen = found
    return told


def _each_once(found: Sequence[Seen]) -> Sequence[Seen]:
    """By block and place there. Raises MalformedError."""
    seen = {one.transfer.transfer_id: one for one in found}
    return [seen[transfer.transfer_id] for transfer in distinct(one.transfer for one in found)]


def _parts(names: Collection[str]) -> Iterator[Sequence[str]]:
    return batched(sorted(names), NAMED_AT_ONCE)
