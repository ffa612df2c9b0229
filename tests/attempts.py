"""Attempts to have payouts sent, begun in the journal as the sender begins them."""

from bridge.journal import Journal
from coordinator.payouts.approval import PayoutRules

__all__ = ["begin_attempts"]


async def begin_attempts(journal: Journal, *payout_ids: str, rules: PayoutRules | None = None) -> dict[str, int]:
    """The number of the attempt of each payout that may be asked for."""
    named = await journal.payouts.name(payout_ids)
    names = {one: naming.external_id for one, naming in named.items()}
    begun = await journal.payouts.begin_attempts(names, rules=rules)
    return {payout_id: payout.facts.attempts for payout_id, payout in begun.items()}
