"""Two transactions: where an endpoint tells of one place in a block as of several transactions, their receipts say
which of them there are. An index of logs that holds one log twice would count it twice.
"""

import logging

from providers.onchain.blocks.transfers import ChainTransfer, MalformedError, from_log, of_one_place
from providers.onchain.chains import Chain
from providers.onchain.nodes.rpc import ChainRpc, FaultyError, RefusedByNodeError

__all__ = ["told_once"]

logger = logging.getLogger("bridge.onchain")


async def told_once(rpc: ChainRpc, chain: Chain, place: int, transfers: list[ChainTransfer]) -> list[ChainTransfer]:
    """These transfers, as this endpoint tells of them, without those that are no transaction's own. Where no receipt
    says so, one counts of each place."""
    for some in of_one_place(transfers):
        there = [one for one in some if await _is_in_receipt(rpc, chain, place, one)]
        there = there or [min(some, key=lambda one: one.tx_hash)]
        left_out = [one for one in some if one not in there]
        transfers = [one for one in transfers if one not in left_out]
        for one in left_out:
            logger.error(
                "%s: %s tells of log %s in block %d as of %s too, which has no such log: it does not count",
                chain.name,
                rpc.endpoints[place].host,
                one.log_index,
                one.block.number,
                one.tx_hash,
            )
    return transfers


async def _is_in_receipt(rpc: ChainRpc, chain: Chain, place: int, transfer: ChainTransfer) -> bool:
    """Whether the receipt of its transaction has such a transfer, at whatever place."""
    try:
        receipt = await rpc.ask_at(place, "eth_getTransactionReceipt", transfer.tx_hash)
        own = [from_log(chain, log) for log in receipt["logs"]]
    except FaultyError as error:
        rpc.suspend(place, error)
        return False
    except (RefusedByNodeError, MalformedError, TypeError, KeyError, AttributeError):
        return False
    return any(one is not None and one.what == transfer.what for one in own)
