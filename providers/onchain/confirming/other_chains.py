"""Other chains: a transaction that is named for a payment, and that its own chain does not have, is looked for on the
other ones that are followed. An address is the same on all of them, and wallets pay over the wrong one.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from providers.onchain.blocks.transfers import ChainTransfer, MalformedError
from providers.onchain.chains import Chain, token_amount
from providers.onchain.confirming.claims import Lookup, OneEndpoint, examine_claim
from providers.onchain.matching.matching import Watched, is_older
from providers.onchain.nodes.rpc import ChainRpc, ChainUnavailableError, FaultyError, RefusedByNodeError
from providers.onchain.reading.balances import final_block

__all__ = ["FoundElsewhere", "found_elsewhere"]

logger = logging.getLogger("bridge.onchain")


@dataclass(frozen=True, slots=True)
class FoundElsewhere:
    """What a transaction moves on another chain to the address of a payment."""

    chain: Chain
    transfers: tuple[ChainTransfer, ...]
    made_at: datetime

    @property
    def said(self) -> str:
        """For a person to read."""
        sums = ", ".join(f"{token_amount(one.token, one.units):f} {one.token.symbol}" for one in self.transfers)
        return f"it pays {sums} to this address over {self.chain.name}"


async def found_elsewhere(
    others: Sequence[tuple[Chain, ChainRpc]], watched: Watched, tx_hash: str
) -> FoundElsewhere | None:
    """Where it is final, by the word of two endpoints where two are configured; None where it is nowhere."""
    for chain, rpc in others:
        lookup = await _agreed(chain, rpc, watched, tx_hash)
        if lookup is None or lookup.block is None or lookup.mined_at is None or is_older(lookup.mined_at, watched):
            continue
        paying = tuple(one for one in lookup.transfers if one.recipient == watched.recipient)
        if paying and await _is_final(chain, rpc, lookup.block.number):
            return FoundElsewhere(chain, paying, lookup.mined_at)
    return None


async def _agreed(chain: Chain, rpc: ChainRpc, watched: Watched, tx_hash: str) -> Lookup | None:
    """What two endpoints say alike of it, or the only one that there is; None if none is known to have it mined."""
    said: list[Lookup] = []
    needed = min(2, len(rpc.endpoints))
    for place in rpc.well():
        try:
            lookup = await examine_claim(OneEndpoint(rpc, place), chain, tx_hash, symbol=watched.symbol)
        except FaultyError as error:
            rpc.suspend(place, error)
            continue
        except (RefusedByNodeError, MalformedError) as error:
            logger.info("%s: %s: %s", chain.name, rpc.endpoints[place].host, error)
            continue
        if lookup.block is None:
            return None
        said.append(lookup)
        if len(said) == needed:
            break
    facts = {(one.block, one.mined_at, one.transfers) for one in said}
    return said[0] if len(said) == needed and len(facts) == 1 else None


async def _is_final(chain: Chain, rpc: ChainRpc, number: int) -> bool:
    try:
        return number <= await final_block(chain, rpc)
    except ChainUnavailableError:
        return False
