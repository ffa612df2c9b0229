"""What can be asked of the journal's writer about holding payouts, each with the record of who did it: hold them, and
resume them. `coordinator/payouts/holds.py` decides which holds end."""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.journal.requests.payments import SOME_IDS, IdempotencyKey, made_before, remember
from bridge.journal.wakeups import SENDING_PAYOUTS
from bridge.journal.writing.batch import Batch
from bridge.journal.writing.staged.actions import Action
from coordinator.payouts.holds import (
    EndedHolds,
    PayoutHold,
    Resumption,
    is_said_already,
    require_room,
    which_end,
)

__all__ = ["ResumedPayouts", "hold_payouts", "resume_payouts"]

PAYOUTS = "payouts"
"""What is held, as the record calls it."""


@dataclass(frozen=True, slots=True)
class ResumedPayouts:
    """What became of a resumption."""

    ended: Sequence[str]
    """The ids of the holds that it ended."""
    holds: Sequence[PayoutHold]
    """All that hold payouts now."""
    action: Action | None
    """None if nothing was held, or for a repeat, which ends nothing."""
    is_repeat: bool = False


def hold_payouts(
    batch: Batch, *, by: str, note: str | None, service: str | None = None
) -> tuple[Sequence[PayoutHold], Action | None]:
    """Has no payout sent from this moment on, also where others hold them already: each has their reason. Where the
    same person has said the same before, nothing changes, and nothing is recorded. Returns all that hold them. Raises
    HoldsExhaustedError."""
    held = batch.holds.current
    if is_said_already(held, by, service, note):
        return held, None
    require_room(held, by, service)
    said = "no payout is sent" if note is None else f"no payout is sent: {note}"
    batch.holds.hold(by, note, service=service)
    return batch.holds.current, batch.actions.add("hold", PAYOUTS, said, by=by, concerns=None)


def resume_payouts(batch: Batch, resumption: Resumption, idempotency: IdempotencyKey | None = None) -> ResumedPayouts:
    """Ends holds, after which what waits is sent if no other is left. Raises HoldsUnseenError, HeldByOthersError,
    ComparisonOpenError and IdempotencyKeyReusedError, whereupon nothing has changed."""
    held = batch.holds.current
    earlier = made_before(batch, idempotency, SOME_IDS)
    if earlier is not None:
        return ResumedPayouts(earlier, held, None, is_repeat=True)
    ending = which_end(held, resumption)
    ended = [hold.hold_id for hold in ending.ended]
    remember(batch, idempotency, ended)
    if not ended:
        return ResumedPayouts(ended, (), None)
    return ResumedPayouts(ended, ending.kept, _end(batch, ending, resumption))


def _end(batch: Batch, ending: EndedHolds, resumption: Resumption) -> Action:
    batch.holds.end(ending.ended)
    batch.wakeups.add(SENDING_PAYOUTS)
    said = "payouts are sent again" if not ending.kept else "holds were ended, and others hold payouts"
    if any(hold.is_comparing for hold in ending.ended) and resumption.without_comparison:
        said = f"{said}, without the comparison of the books"
    if resumption.note is not None:
        said = f"{said}: {resumption.note}"
    others = list(dict.fromkeys(hold.held_by for hold in ending.ended if hold.held_by != resumption.by))
    if others:
        said = f"{said} (they were held by {', '.join(others)})"
    if ending.kept:
        said = f"{said} (still held by {', '.join(dict.fromkeys(hold.held_by for hold in ending.kept))})"
    return batch.actions.add("resume", PAYOUTS, said, by=resumption.by, concerns=None)
