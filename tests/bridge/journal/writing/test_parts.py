"""The parts of a batch: whatever is staged in one counts, so that a request that fails and leaves it is found out."""

from functools import cached_property

from bridge.journal import Journal
from bridge.journal.writing.batch import Batch
from bridge.journal.writing.staged.parts import _PARTS, StagedParts

MADE = {name for name, member in vars(StagedParts).items() if isinstance(member, cached_property)}


async def test_every_part_counts_once_it_was_asked_for(journal: Journal) -> None:
    def uncounted(batch: Batch) -> set[str]:
        parts = {name: getattr(batch, name) for name in MADE}
        return {name for name, part in parts.items() if not any(part is one for one in batch._made)}

    assert set(_PARTS) < MADE
    assert await journal._writer.submit(uncounted) == set()


async def test_what_is_noted_of_a_price_is_a_change(journal: Journal) -> None:
    def staged(batch: Batch) -> tuple[int, int]:
        batch.prices.note("shkeeper", "BTC", "USD", "contradictory", "its price is twice what its rate comes to")
        noted = batch.writes
        batch.prices.settle("shkeeper", "BTC", "USD")
        return noted, batch.writes

    assert await journal._writer.submit(staged) == (1, 1)
