"""What the network took for a transaction, and from whom: by the word of two endpoints, or of the only one."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from coordinator.money import parse_amount, trimmed
from providers.onchain.addresses import with_checksum
from providers.onchain.chains import OWN_COIN_DECIMALS, Chain
from providers.onchain.nodes.rpc import ChainRpc, RefusedByNodeError
from providers.onchain.quantities import quantity
from providers.onchain.reading.agreeing import agreed

__all__ = ["PaidFee", "paid_fee"]

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
# More than there can be of any chain's own coin.
MOST_UNITS = 2**128


class PaidFee(NamedTuple):
    """What somebody paid for a transaction."""

    payer: str
    amount: Decimal
    """Of the chain's own coin."""


async def paid_fee(chain: Chain, rpc: ChainRpc, tx_hash: str) -> PaidFee:
    """What the network took for a transaction that is in a block. Raises ChainUnavailableError, also where nobody
    says."""

    async def ask(place: int) -> PaidFee:
        return _paid(await rpc.ask_at(place, "eth_getTransactionReceipt", tx_hash), tx_hash)

    return await agreed(chain, rpc, f"the fee of {tx_hash}", ask, lambda paid: f"{paid.amount} of {paid.payer}")


def _paid(receipt: Any, tx_hash: str) -> PaidFee:
    if not isinstance(receipt, Mapping):
        raise RefusedByNodeError(0, f"it has no receipt of {tx_hash}")
    payer = receipt.get("from")
    try:
        if receipt.get("transactionHash") != tx_hash or not isinstance(payer, str) or not _ADDRESS.fullmatch(payer):
            raise ValueError("it is another's")
        units = quantity(receipt.get("gasUsed")) * quantity(receipt.get("effectiveGasPrice"))
        # Chains that put what they hold onto another one take that besides, and say so: Optimism's kind.
        units += quantity(receipt.get("l1Fee", "0x0"))
        if units >= MOST_UNITS:
            raise ValueError("it is more than there is")
    except ValueError:
        raise RefusedByNodeError(0, f"its receipt of {tx_hash} says no fee") from None
    return PaidFee(with_checksum(payer), Decimal(trimmed(parse_amount(f"{units}e-{OWN_COIN_DECIMALS}"))))
