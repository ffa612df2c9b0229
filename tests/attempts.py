"""Attempts to have payouts sent, begun in the journal as the sender begins them."""

from bridge.journal import Journal

__all__ = ["begin_attempts"]


async def begin_attempts(journal: Journal, *payout_ids: str) -> dict[str, int]:
    """The number of the attempt of each payout that may be asked for."""
    named = await journal.payouts.name(payout_ids)
    begun = await journal.payouts.begin_attempts({one: naming.external_id for one, naming in named.items()})
    return {payout_id: payout.facts.attempts for payout_id, payout in begun.items()}
