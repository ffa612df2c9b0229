"""What can be asked of the journal's writer about its history. Each is committed with what follows from it."""

from collections.abc import Sequence
from datetime import datetime

from bridge.journal.requests.payouts.withholding import withhold_beside_forgotten
from bridge.journal.writing.batch import Batch
from coordinator.histories import Beginning, Ground, Judgement
from coordinator.payouts.comparisons import Comparison, ForgottenPayout
from coordinator.payouts.holds import reason_to_go_on_holding

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


def record_comparison(batch: Batch, *, epoch: str, comparison: Comparison) -> None:
    """Writes down how the books were found to stand. Once they are compared to the end, the hold of the bridge stays
    for a person, with what was found."""
    add_forgotten(batch, forgotten=comparison.forgotten)
    batch.histories.save(epoch, comparison)
    own = next((hold for hold in batch.holds.current if hold.epoch == epoch), None)
    if own is not None and comparison.is_complete:
        reason = reason_to_go_on_holding(
            batch.histories.beginning(epoch), own.missing_decisions, agrees=comparison.agrees
        )
        batch.holds.hold_on(own, reason)


def prove(batch: Batch) -> datetime:
    """Writes down that the journal can be written to. Returns when."""
    batch.histories.prove()
    return batch.now
