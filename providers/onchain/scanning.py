"""Reads the transfers to those who wait out of blocks: token transfers from logs, the chain's own coin from
transactions and traces.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from providers.onchain.canonical import BlockId
from providers.onchain.chains import Chain
from providers.onchain.rpc import ChainRpc
from providers.onchain.transfers import (
    ChainTransfer,
    MalformedError,
    from_log,
    from_trace,
    from_transaction,
    numbered,
)
from providers.onchain.watchlist import Watchlist

__all__ = ["BlockSeen", "Seen", "mined_at", "see_block", "see_range"]

FAILED_STATUS = "0x0"


@dataclass(frozen=True, slots=True)
class Seen:
    """A transfer to somebody who waits, and when its block was made."""

    transfer: ChainTransfer
    mined_at: datetime


@dataclass(frozen=True, slots=True)
class BlockSeen:
    """A block, and the transfers in it to those who wait."""

    block: BlockId
    parent_hash: str
    transfers: tuple[Seen, ...]


async def see_block(rpc: ChainRpc, chain: Chain, number: int, watchlist: Watchlist) -> BlockSeen:
    """Reads one block. Raises ChainUnavailableError, and MalformedError."""
    wants_own_coin = chain.own_coin is not None and watchlist.wants_own_coin
    content = await rpc.block(number, with_transactions=wants_own_coin)
    block = BlockId(number=number, hash=content["hash"])
    made_at = mined_at(content)
    found: list[ChainTransfer] = []
    contracts = [token.address for token in chain.tokens if token.address is not None]
    if contracts and len(watchlist):
        logs = await rpc.logs(block, content["logsBloom"], contracts, watchlist.asked_for)
        found += numbered(transfer for log in logs if (transfer := from_log(chain, log)) is not None)
    if wants_own_coin:
        found += await _own_coin(rpc, chain, block, content, watchlist)
    waited_for = tuple(Seen(transfer, made_at) for transfer in found if transfer.recipient in watchlist)
    return BlockSeen(block, content["parentHash"], waited_for)


async def see_range(
    rpc: ChainRpc, chain: Chain, first: int, last: int, watchlist: Watchlist
) -> tuple[int, list[Seen]]:
    """Reads the token transfers of many blocks. Returns the number of all logs too. Raises ChainUnavailableError,
    RefusedByNodeError if they are too many for the node, and MalformedError."""
    contracts = [token.address for token in chain.tokens if token.address is not None]
    if not contracts or not len(watchlist):
        return 0, []
    logs = await rpc.logs_between(first, last, contracts, watchlist.asked_for)
    times: dict[int, datetime] = {}
    by_block: dict[int, list[ChainTransfer]] = {}
    for log in logs:
        transfer = from_log(chain, log)
        if transfer is None:
            continue
        by_block.setdefault(transfer.block.number, []).append(transfer)
        if transfer.recipient in watchlist and "blockTimestamp" in log:
            times[transfer.block.number] = _moment(log["blockTimestamp"])
    found = []
    for number, transfers in sorted(by_block.items()):
        for transfer in numbered(transfers):
            if transfer.recipient in watchlist:
                if number not in times:  # not every node says it in a log
                    times[number] = mined_at(await rpc.block(number))
                found.append(Seen(transfer, times[number]))
    return len(logs), found


def mined_at(block: Mapping[str, Any]) -> datetime:
    """When a block was made. Raises MalformedError."""
    return _moment(block.get("timestamp"))


def _moment(seconds: Any) -> datetime:
    try:
        return datetime.fromtimestamp(int(seconds, 16), UTC)
    except (TypeError, ValueError, OverflowError):
        raise MalformedError("a time is malformed") from None


async def _own_coin(
    rpc: ChainRpc, chain: Chain, block: BlockId, content: Mapping[str, Any], watchlist: Watchlist
) -> list[ChainTransfer]:
    sent = [transfer for one in content["transactions"] if (transfer := from_transaction(chain, one)) is not None]
    sent = [transfer for transfer in sent if transfer.recipient in watchlist]
    succeeded = [transfer for transfer in sent if not await _has_failed(rpc, transfer.tx_hash)]
    traces = await rpc.traces(block) or ()
    sent_on = [transfer for tx_hash, call in traces for transfer in from_trace(chain, tx_hash, call, block)]
    return numbered([*succeeded, *sent_on])


async def _has_failed(rpc: ChainRpc, tx_hash: str) -> bool:
    receipt = await rpc.call("eth_getTransactionReceipt", tx_hash)
    if receipt is None:
        raise MalformedError("a transaction of a block has no receipt")
    return bool(receipt.get("status") == FAILED_STATUS)
