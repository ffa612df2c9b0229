"""Range rereads: all blocks that were followed are read once more when they are deep, many at once. A backend that
was behind, or an index of logs, answered with what it had, without a word about the rest."""

from dataclasses import dataclass

from providers.onchain.chains import Chain
from providers.onchain.confirming.backfill import Backfill
from providers.onchain.matching.following import read_in_rereading
from providers.onchain.matching.position import Finality, Following
from providers.onchain.reading.ranges import due_for_rereading
from providers.onchain.steps import Step

__all__ = ["RangeRereads"]


@dataclass(slots=True)
class RangeRereads:
    """Reads them, a stretch in each round."""

    _chain: Chain
    _backfill: Backfill
    waiting: str | None = None
    """What cannot be read, for a person to read."""

    async def read(self, following: Following, finality: Finality) -> Step | None:
        """Reads on; None if nothing is due, or can be read now."""
        self.waiting = None
        followed = following.next_number - 1
        if following.in_ranges is None:
            return None
        first, last = following.in_ranges
        due = due_for_rereading(first, last, followed, self._chain.block_seconds)
        if due is None:
            return None
        tokens = [token for token in self._chain.tokens if not token.is_native]
        blocks = self._backfill.next(first, due, followed, tokens)
        step = Step(following)
        reason = await self._backfill.read(step, blocks, tokens, finality)
        if reason is not None:
            self.waiting = f"blocks {first} to {due}, which were followed, are to be read once more: {reason}"
            return step if step.has_news else None
        step.following = read_in_rereading(step.following, blocks[-1])
        return step
