"""Deadlines that are applied at once, without a provider to be asked before."""

from bridge.journal import Journal

__all__ = ["apply_deadlines"]


async def apply_deadlines(journal: Journal) -> int:
    """Applies what is due. Returns how many payments that was."""
    due = await journal.deadlines.due_at_once(journal.clock(), but=())
    await journal.deadlines.apply(due)
    return len(due)
