"""What can be asked of the journal's writer about its history. Each is committed with what follows from it."""

from collections.abc import Sequence
from datetime import datetime

from bridge.journal.requests.console import resume_payouts
from bridge.journal.requests.payouts.withholding import withhold_beside_forgotten
from bridge.journal.writing.batch import Batch
from bridge.journal.writing.staged.actions import Action
from bridge.journal.writing.staged.holds import THE_BRIDGE
from coordinator.histories import Beginning, Ground, Judgement
from coordinator.payouts.comparisons import Comparison, ForgottenPayout

__all__ = ["add_forgotten", "begin_after_rewind", "prove", "record_comparison"]


def begin_after_rewind(batch: Batch, *, evidence: str, ground: Ground) -> None:
    """Begins a new history, and holds payouts, because the journal was further than it is."""
    batch.histories.begin(Judgement(Beginning.REWOUND, (evidence,)), ground)


def add_forgotten(batch: Batch, *, forgotten: Sequence[ForgottenPayout]) -> None:
    """Stores payouts that a provider has in its books and the journal has not. What was ordered of their payments
    before, and is none of them, waits for a second person from then on."""
    for one in forgotten:
        batch.histories.add_forgotten(one)
    for payment_id in sorted({one.payment_id for one in forgotten}):
        withhold_beside_forgotten(batch, payment_id)


def record_comparison(batch: Batch, *, epoch: str, comparison: Comparison) -> Action | None:
    """Writes down how the books were found to stand, and has payouts sent again if they agree and are held for their
    sake alone."""
    add_forgotten(batch, forgotten=comparison.forgotten)
    batch.histories.save(epoch, comparison)
    held = batch.holds.current
    if not comparison.agrees or all(hold.epoch != epoch for hold in held):
        return None
    if any(hold.epoch is None for hold in held):
        batch.holds.end_own()
        return None  # somebody holds them too, and says when that is over
    return resume_payouts(batch, by=THE_BRIDGE, note="the books were compared, and nothing differs")


def prove(batch: Batch) -> datetime:
    """Writes down that the journal can be written to. Returns when."""
    batch.histories.prove()
    return batch.now
