"""Returned transfers: what the destination of a payout gave back within the transaction that paid it: what it is left
with is paid."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from providers.onchain.blocks.transfers import MalformedError
from providers.onchain.chains import Chain, Token, token_amount
from providers.onchain.confirming.claims import OneEndpoint, examine_claim
from providers.onchain.matching.following import Sighted
from providers.onchain.nodes.rpc import ChainRpc, FaultyError, RefusedByNodeError
from providers.onchain.watchlist import Watchlist

__all__ = ["ReturnedTransfers", "returned_transfers"]

logger = logging.getLogger("bridge.onchain")

UNREAD = "what its destination gave back in its transaction cannot be read yet"
DIFFERENT = "two endpoints say different things of what its destination gave back in its transaction"


@dataclass(frozen=True, slots=True)
class ReturnedTransfers:
    """What is known of it before payouts count as paid."""

    held: dict[str, str] = field(default_factory=dict)
    """Transfers of which it is not known yet, by their ids, and why."""
    undone: dict[str, str] = field(default_factory=dict)
    """Those that left less at their destination than they were to, and how much."""


async def returned_transfers(
    rpc: ChainRpc, chain: Chain, watchlist: Watchlist, due: Sequence[Sighted]
) -> ReturnedTransfers:
    """Asks about the transactions of the payouts among what is about to be final: of two endpoints, where two are
    well. What contracts send on of the chain's own coin is known only where a node shows it."""
    found = ReturnedTransfers()
    groups: dict[tuple[str, str, str], list[Sighted]] = defaultdict(list)
    for one in due:
        watched = watchlist.get(one.subject)
        if one.subject.kind == "payout" and watched is not None:
            groups[one.sighting.transfer.tx_hash, watched.recipient, watched.symbol].append(one)
    for (tx_hash, recipient, symbol), some in groups.items():
        ids = [one.sighting.transfer.transfer_id for one in some]
        said = [await _moved(rpc, chain, place, tx_hash, recipient, symbol) for place in rpc.well()[:2]]
        known, token = [one for one in said if one is not None], chain.token(symbol)
        subjects = {one.subject: watchlist.get(one.subject) for one in some}
        asked_for = sum(one.units for one in subjects.values() if one is not None)
        if token is None or len(known) < max(1, len(said)):
            found.held.update(dict.fromkeys(ids, UNREAD))
        elif len(set(known)) > 1:
            found.held.update(dict.fromkeys(ids, DIFFERENT))
        elif known[0].back and known[0].came - known[0].back < asked_for:
            # Whoever learns that it was not paid may pay again, so that two have to say so.
            is_by_two = len(known) >= min(2, len(rpc.endpoints))
            undone = dict.fromkeys(ids, _said(token, known[0]))
            found.undone.update(undone if is_by_two else {})
            found.held.update({} if is_by_two else dict.fromkeys(ids, UNREAD))
    return found


@dataclass(frozen=True, slots=True)
class _Moved:
    """What moved in a transaction, in base units."""

    came: int
    back: int


async def _moved(rpc: ChainRpc, chain: Chain, place: int, tx_hash: str, recipient: str, symbol: str) -> _Moved | None:
    """By this endpoint, to the recipient and from there; None if it cannot be read."""
    try:
        lookup = await examine_claim(OneEndpoint(rpc, place), chain, tx_hash, symbol=symbol)
    except FaultyError as error:
        rpc.suspend(place, error)
        return None
    except (RefusedByNodeError, MalformedError) as error:
        logger.warning("%s: %s cannot be looked into: %s", chain.name, tx_hash, error)
        return None
    if lookup.block is None:
        return None
    of_token = [one for one in lookup.transfers if one.token.symbol == symbol]
    came = sum(one.units for one in of_token if one.recipient == recipient)
    return _Moved(came, sum(one.units for one in of_token if one.sender == recipient))


def _said(token: Token, moved: _Moved) -> str:
    left = token_amount(token, max(moved.came - moved.back, 0))
    return (
        f"its destination gave back {token_amount(token, moved.back):f} of {token_amount(token, moved.came):f}"
        f" {token.symbol} in the same transaction, which leaves {left:f}"
    )
