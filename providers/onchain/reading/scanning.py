"""Reads the transfers to those who wait out of blocks: token transfers from logs, the chain's own coin from
transactions and traces.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from providers.onchain.blocks.canonical import BlockId
from providers.onchain.blocks.transfers import (
    FAILED_STATUS,
    ChainTransfer,
    MalformedError,
    distinct,
    from_transaction,
    readable,
)
from providers.onchain.chains import Chain
from providers.onchain.nodes.endpoints import Fault
from providers.onchain.nodes.headers import Header, header_of
from providers.onchain.nodes.rpc import (
    ChainRpc,
    FaultyError,
    NotItsBlockError,
    RefusedByNodeError,
    SourcedAnswer,
    sole,
)
from providers.onchain.quantities import hash_in, quantity
from providers.onchain.reading.traces import Traces
from providers.onchain.reading.two_transactions import told_once
from providers.onchain.watchlist import Watchlist

__all__ = [
    "BlockSeen",
    "RangeSeen",
    "Seen",
    "contracts_of",
    "dated",
    "is_done",
    "mined_at",
    "require_shown",
    "see_again",
    "see_block",
    "see_range",
    "sent_in",
    "times_in",
    "transactions_of",
]


logger = logging.getLogger("bridge.onchain")

SHOWN_CHARACTERS = 66


@dataclass(frozen=True, slots=True)
class Seen:
    """A transfer to somebody who waits, and when its block was made."""

    transfer: ChainTransfer
    mined_at: datetime
    reported_by: int | None
    """The endpoint that told all of it, by its place; None if several told parts of it."""


@dataclass(frozen=True, slots=True)
class RangeSeen:
    """What was found in many blocks."""

    logs: int
    """How many were told of in all."""
    transfers: tuple[Seen, ...] = ()
    reported_by: tuple[int, ...] = ()
    """The endpoints that say the same of it, by their places."""


@dataclass(frozen=True, slots=True)
class BlockSeen:
    """A block, and the transfers in it to those who wait."""

    block: BlockId
    parent_hash: str
    transfers: tuple[Seen, ...]
    header: Mapping[str, Any]
    reported_by: int | None = None
    """The endpoint that told of all that is in it, by its place; None if nothing was asked, or several told."""
    is_untraced: bool = False
    """Whether no endpoint showed what contracts send in it, and somebody waits for that."""


async def see_block(
    rpc: ChainRpc, traces: Traces, chain: Chain, number: int, watchlist: Watchlist, *, shown: Header | None = None
) -> BlockSeen:
    """Reads one block; `shown` is its header, if that is known. Raises ChainUnavailableError, and MalformedError."""
    wants_own_coin = chain.own_coin is not None and watchlist.wants_own_coin
    shown_by: int | None
    if shown is None or (wants_own_coin and not shown.has_transactions):
        reported = await rpc.block_with_source(number, with_transactions=wants_own_coin)
        content, shown_by = reported.answer, reported.place
    else:
        content, shown_by = shown.content, shown.shown_by
    block, parent_hash = _place(number, content)
    made_at = mined_at(content)
    found: list[Seen] = []
    contracts = contracts_of(chain)
    tellers = [shown_by] if wants_own_coin else []
    if contracts and len(watchlist):
        bloom = content.get("logsBloom")
        logs = await rpc.logs(block, bloom, contracts, watchlist.asked_for, shown_by=shown_by)
        tellers.append(logs.place)
        logs, told = await _readable(rpc, chain, block, logs, watchlist, shown_by)
        told = await told_once(rpc, chain, logs.place, _waited_for(watchlist, told))
        found += (Seen(transfer, made_at, sole(shown_by, logs.place)) for transfer in told)
    is_untraced = False
    if wants_own_coin:
        own_coin, is_untraced = await _own_coin(rpc, traces, chain, block, content, watchlist, shown_by=shown_by)
        found += (Seen(transfer, made_at, sole(shown_by, place)) for transfer, place in own_coin)
    reported_by = sole(*tellers) if tellers else None
    waited_for = tuple(seen for seen in found if seen.transfer.recipient in watchlist)
    return BlockSeen(block, parent_hash, waited_for, content, reported_by, is_untraced)


async def see_range(rpc: ChainRpc, chain: Chain, first: int, last: int, watchlist: Watchlist) -> RangeSeen:
    """Reads the token transfers of many blocks. Raises ChainUnavailableError, RefusedByNodeError if they are too many
    for the node, and MalformedError."""
    contracts = contracts_of(chain)
    if not contracts or not len(watchlist):
        return RangeSeen(0)
    reported = await rpc.logs_between(first, last, contracts, watchlist.asked_for)
    told, wrong = readable(chain, reported.answer)
    if wrong:  # it is seen which, and whose, where the blocks are read one by one
        raise RefusedByNodeError(0, f"its logs of blocks {first} to {last} cannot be read ({wrong[0]})")
    seen = await dated(rpc, chain, reported, _waited_for(watchlist, told))
    if not reported.seconded_by:
        await require_shown(rpc, reported.place, seen)
    return RangeSeen(len(reported.answer), seen, (reported.place, *reported.seconded_by))


async def require_shown(rpc: ChainRpc, place: int, seen: Sequence[Seen]) -> None:
    """Raises RefusedByNodeError where an endpoint tells of money in other blocks than it shows: its index of logs is
    out of step with its chain, which does not matter where it is asked for the logs of one block by its hash."""
    for block in {one.transfer.block: None for one in seen}:
        if (await rpc.header_at(place, block.number)).id != block:
            raise RefusedByNodeError(0, f"its logs of block {block.number} are of another one than it shows")


async def see_again(
    rpc: ChainRpc,
    traces: Traces,
    chain: Chain,
    blocks: range,
    watchlist: Watchlist,
    *,
    place: int,
    one_by_one: bool = False,
    already_seen: Mapping[str, str | None] = MappingProxyType({}),
    shown: Header | None = None,
) -> Sequence[Seen]:
    """Reads blocks that were read before once more, by just this endpoint; `one_by_one` those that no range may reach
    into. `already_seen` are transfers of which it has told itself, by their ids, and in which block; `shown` is a
    block that it has shown. Raises FaultyError, ChainUnavailableError, RefusedByNodeError, and MalformedError."""
    contracts = contracts_of(chain)
    found: list[Seen] = []
    if contracts and len(watchlist) and one_by_one:
        for number in blocks:
            block = header_of(await rpc.ask_at(place, "eth_getBlockByNumber", hex(number), False)).id
            logs = await rpc.block_logs_at(place, block, contracts, watchlist.asked_for, is_own=True)
            told = _as_far_as_readable(rpc, chain, range(number, number + 1), logs)
            found += await dated(rpc, chain, logs, _waited_for(watchlist, told))
    elif contracts and len(watchlist):
        reported = await rpc.logs_at(place, blocks[0], blocks[-1], contracts, watchlist.asked_for)
        told = _as_far_as_readable(rpc, chain, blocks, reported)
        found += await dated(rpc, chain, reported, _waited_for(watchlist, told))
    if chain.own_coin is not None and watchlist.wants_own_coin:
        for number in blocks:
            found += await _own_coin_again(
                rpc, traces, chain, number, watchlist, place=place, already_seen=already_seen, shown=shown
            )
    return found


async def _own_coin_again(
    rpc: ChainRpc,
    traces: Traces,
    chain: Chain,
    number: int,
    watchlist: Watchlist,
    *,
    place: int,
    already_seen: Mapping[str, str | None],
    shown: Header | None,
) -> list[Seen]:
    if shown is not None and shown.number == number and shown.has_transactions:
        header = shown
    else:
        header = header_of(await rpc.ask_at(place, "eth_getBlockByNumber", hex(number), True))
    content = header.content
    found: list[ChainTransfer] = []
    try:
        found += await traces.shown_by(place, header.id, transactions_of(content))
    except RefusedByNodeError as error:  # no reason to leave out all else
        logger.warning("%s: what contracts send in block %d is not read again: %s", chain.name, number, error)
    for transfer in sent_in(chain, content, lambda one: one.recipient in watchlist):
        if already_seen.get(transfer.transfer_id) == header.hash:  # that it succeeded is known
            found.append(transfer)
            continue
        receipt = await rpc.ask_at(place, "eth_getTransactionReceipt", transfer.tx_hash)
        if not _is_failure(receipt, transfer):
            found.append(transfer)
    return [Seen(one, header.made_at, place) for one in distinct(found) if one.recipient in watchlist]


def contracts_of(chain: Chain) -> list[str]:
    """The contracts of its tokens."""
    return [token.address for token in chain.tokens if token.address is not None]


def _waited_for(watchlist: Watchlist, transfers: Sequence[ChainTransfer]) -> list[ChainTransfer]:
    return [transfer for transfer in transfers if transfer.recipient in watchlist]


def _as_far_as_readable(rpc: ChainRpc, chain: Chain, blocks: range, reported: SourcedAnswer) -> list[ChainTransfer]:
    """What logs tell of that are read again. Whoever tells some that cannot be read, and could be when they were read
    first, is set aside for a while, where there is another one."""
    told, wrong = readable(chain, reported.answer)
    news = [one for one in wrong if not rpc.unreadable_logs.knows(one)]
    if news and len(rpc.endpoints) > 1:
        rpc.distrust(news[0].why, reported.place)
    elif wrong:
        rpc.unreadable_logs.note(rpc.endpoints[reported.place].host, blocks, wrong)
    return told


async def _readable(
    rpc: ChainRpc, chain: Chain, block: BlockId, reported: SourcedAnswer, watchlist: Watchlist, shown_by: int | None
) -> tuple[SourcedAnswer, list[ChainTransfer]]:
    """What the logs of a block tell of, and who told them: another endpoint, where one tells all of it and the first
    does not. Where none does, what cannot be read is left out alone."""
    told, wrong = readable(chain, reported.answer)
    if not wrong:
        return reported, told
    for place in [one for one in rpc.well() if one != reported.place]:
        try:
            other = await rpc.block_logs_at(
                place, block, contracts_of(chain), watchlist.asked_for, is_own=place == shown_by
            )
        except FaultyError as error:
            rpc.suspend(place, error)
            continue
        except NotItsBlockError:
            continue
        others, others_wrong = readable(chain, other.answer)
        if not others_wrong:
            rpc.distrust(wrong[0].why, reported.place)
            return other, others
    rpc.unreadable_logs.note(rpc.endpoints[reported.place].host, range(block.number, block.number + 1), wrong)
    return reported, told


async def dated(
    rpc: ChainRpc, chain: Chain, reported: SourcedAnswer, transfers: list[ChainTransfer]
) -> tuple[Seen, ...]:
    """Transfers that logs tell of, with the times of their blocks, which not every node says in a log. Raises
    ChainUnavailableError, and RefusedByNodeError."""
    transfers = await told_once(rpc, chain, reported.place, transfers)
    times = times_in(reported.answer)
    for transfer in transfers:
        if transfer.block.hash not in times:
            times[transfer.block.hash] = (await rpc.header_at(reported.place, transfer.block.number)).made_at
    return tuple(Seen(transfer, times[transfer.block.hash], reported.place) for transfer in transfers)


def times_in(logs: Sequence[Any]) -> dict[str, datetime]:
    """When the blocks of logs were made, by their hashes, as far as the logs say so. Many an endpoint leaves it out,
    or says 0, or says it in another form: then the block itself has to be asked for."""
    said = ((str(log.get("blockHash")), _time_of(log)) for log in logs if isinstance(log, Mapping))
    return {block_hash: made_at for block_hash, made_at in said if made_at is not None}


def _time_of(log: Mapping[str, Any]) -> datetime | None:
    try:
        seconds = quantity(log.get("blockTimestamp"))
        return datetime.fromtimestamp(seconds, UTC) if seconds else None
    except (ValueError, OverflowError, OSError):
        return None


def mined_at(block: Mapping[str, Any]) -> datetime:
    """When a block was made. Raises MalformedError."""
    return _moment(block.get("timestamp"))


def _moment(seconds: Any) -> datetime:
    try:
        return datetime.fromtimestamp(quantity(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        raise MalformedError("a time is malformed") from None


def _place(number: int, block: Mapping[str, Any]) -> tuple[BlockId, str]:
    """Which block it is, and the hash of the one before it. Raises MalformedError."""
    try:
        return BlockId(number=number, hash=hash_in(block["hash"])), hash_in(block["parentHash"])
    except (KeyError, ValueError):
        raise MalformedError("a block is malformed") from None


async def _own_coin(
    rpc: ChainRpc,
    traces: Traces,
    chain: Chain,
    block: BlockId,
    content: Mapping[str, Any],
    watchlist: Watchlist,
    *,
    shown_by: int | None,
) -> tuple[list[tuple[ChainTransfer, int]], bool]:
    """What moved of the chain's own coin, each with who told that it did, and whether nobody shows what contracts
    send."""
    moved = [
        (transfer, await is_done(rpc, transfer, shown_by))
        for transfer in sent_in(chain, content, lambda one: one.recipient in watchlist)
    ]
    reported = [(transfer, success.place) for transfer, success in moved if success.answer]
    sent_on = await traces.sent_on(block, transactions_of(content))
    reported += sent_on or ()
    tellers = {transfer.transfer_id: place for transfer, place in reported}
    moved_once = distinct(transfer for transfer, _ in reported)
    return [(one, tellers[one.transfer_id]) for one in moved_once], sent_on is None


def sent_in(
    chain: Chain, content: Mapping[str, Any], is_wanted: Callable[[ChainTransfer], bool]
) -> list[ChainTransfer]:
    """What the transactions of a block were to send themselves, as far as it is wanted. One that cannot be read, as
    of a kind that is not known here, is no reason to leave out the others. Raises MalformedError."""
    found = []
    for one in transactions_of(content):
        try:
            transfer = from_transaction(chain, one)
        except MalformedError as error:
            logger.warning("%s: %s: %s", chain.name, str(one.get("hash"))[:SHOWN_CHARACTERS], error)
            continue
        if transfer is not None and is_wanted(transfer):
            found.append(transfer)
    return found


def transactions_of(content: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The transactions of a block, each placed in it. Raises MalformedError."""
    transactions = content.get("transactions")
    if not isinstance(transactions, list) or not all(isinstance(one, dict) for one in transactions):
        raise MalformedError("a block is malformed")
    placed = content.get("hash"), content.get("number")
    if any((one.get("blockHash"), one.get("blockNumber")) != placed for one in transactions):
        raise MalformedError("a block has a transaction of another")
    return transactions


async def is_done(rpc: ChainRpc, transfer: ChainTransfer, shown_by: int | None = None) -> SourcedAnswer:
    """Whether a transaction of a block succeeded, and who says so. Of several backends behind one endpoint, one may
    have the block before another has the receipts: then it lags. Raises ChainUnavailableError."""

    async def there(place: int) -> SourcedAnswer:
        receipt = await rpc.ask_at(place, "eth_getTransactionReceipt", transfer.tx_hash)
        try:
            return SourcedAnswer(place, not _is_failure(receipt, transfer))
        except FaultyError as error:
            raise (error if place == shown_by else NotItsBlockError(str(error))) from None

    return await rpc.told_of(transfer.block, shown_by, there)


def _is_failure(receipt: Any, transfer: ChainTransfer) -> bool:
    """What the receipt of a transaction in its block says. Raises FaultyError."""
    if not isinstance(receipt, dict) or receipt.get("blockHash") != transfer.block.hash:
        raise FaultyError(Fault.LAGGING, f"it has no receipt of a transaction in block {transfer.block.number}")
    return bool(receipt.get("status") == FAILED_STATUS)
