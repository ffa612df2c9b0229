"""Own addresses: nothing is sent to where money of the marketplace itself is received, or sent from. Whoever gives
such a destination has copied the wrong address, or wants it to look as if somebody had been paid."""

from collections.abc import Collection

from bridge.journal import Journal
from bridge.workers.chains.followers import ChainFollowers
from bridge.workers.payouts.sender import PayoutSender
from providers.contract import PayoutOrder
from providers.destination_faults import DestinationFault
from providers.errors import NotPayableError

__all__ = ["require_anothers", "require_orders_to_others"]


async def require_anothers(
    journal: Journal, chains: ChainFollowers, provider: str, spellings: Collection[str]
) -> None:
    """Raises NotPayableError if an address, however it is written, is our own."""
    own = await journal.approvals.own_address(provider, spellings, list(chains.chains))
    if own is not None:
        raise NotPayableError(
            "destination",
            f"this is an address of the marketplace itself: {own}; expected one of whoever is paid",
            DestinationFault.OWN_ADDRESS,
        )


async def require_orders_to_others(
    journal: Journal, chains: ChainFollowers, sender: PayoutSender, provider: str, order: PayoutOrder
) -> None:
    """Raises NotPayableError if an order that was read goes to an address of our own."""
    await require_anothers(journal, chains, provider, sender.spellings(provider, order))
