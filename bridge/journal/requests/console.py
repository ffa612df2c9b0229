"""What finance ops can have the journal's writer do. Each is committed with the record of who did it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bridge.journal.requests.payments import record_observation
from bridge.journal.requests.payouts.recording import (
    KeyedObservation,
    observation_key,
    record_payout_observation,
    record_payout_observations,
    wake_for,
)
from bridge.journal.writing.batch import Batch
from bridge.journal.writing.outcomes import Outcome, Recorded
from bridge.journal.writing.staged.actions import Action
from coordinator.payments.observed.observations import Observation
from coordinator.payments.payments import Payment
from coordinator.payouts.payouts import Payout
from coordinator.payouts.resolution import ResolutionOutcome, resolve

__all__ = [
    "Replayed",
    "add_action",
    "record_recheck",
    "record_resolution",
    "replay_payment_webhook",
    "replay_payout_webhook",
]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of a webhook that was read again."""

    outcome: Outcome
    action: Action


def add_action(
    batch: Batch, action: str, subject: str, outcome: str, *, by: str, concerns: str | None = None
) -> Action:
    """Writes down what somebody did that changed nothing."""
    return batch.actions.add(action, subject, outcome, by=by, concerns=concerns)


def replay_payment_webhook(
    batch: Batch,
    webhook_id: int,
    *,
    name: str,
    by: str,
    provider: str,
    external_id: str,
    key: str,
    observation: Observation,
) -> Replayed:
    """Takes a stored webhook as if it came now: the key that it has in common with its repeats lets it count once."""
    recorded: Recorded = record_observation(
        batch, provider=provider, external_id=external_id, key=key, observation=observation
    )
    batch.actions.webhook_was_read(webhook_id)
    payment_id = None if recorded.payment is None else recorded.payment.payment_id
    return _replayed(batch, name, recorded.outcome, by, payment_id)


def replay_payout_webhook(
    batch: Batch, webhook_id: int, *, name: str, by: str, payout_id: str, observations: Sequence[KeyedObservation]
) -> Replayed:
    """As `replay_payment_webhook`, for one that tells of a payout."""
    is_known = [batch.payouts.is_recorded(payout_id, key) for key, _ in observations]
    moved = record_payout_observations(batch, payout_id, observations).moved
    batch.actions.webhook_was_read(webhook_id)
    outcome = Outcome.DUPLICATE if all(is_known) else Outcome.APPLIED if moved else Outcome.UNCHANGED
    return _replayed(batch, name, outcome, by, payout_id)


def _replayed(batch: Batch, name: str, outcome: Outcome, by: str, concerns: str | None) -> Replayed:
    return Replayed(outcome, batch.actions.add("replay", name, outcome, by=by, concerns=concerns))


def record_recheck(
    batch: Batch,
    payout_id: str,
    *,
    by: str,
    observations: Sequence[KeyedObservation],
    before: Payout,
    problems: Sequence[str],
) -> tuple[Payout, Action]:
    """Writes down what the provider said when somebody had it asked, and that somebody did; `before` is how the
    payout stood then, `problems` what kept others from answering."""
    payout = record_payout_observations(batch, payout_id, observations).payout
    wake_for(batch, payout)
    # That it stands in the provider's books says nothing of what became of it, unless it was paid once more.
    of_books = {"booked": before.facts.booked, "records": before.facts.records}
    is_other = payout.facts.model_copy(update=of_books) != before.facts
    is_news = is_other or payout.payments_reported > max(before.payments_reported, 1)
    news = f"it is {payout.status} now" if is_news else f"nothing new; it is {payout.status}"
    outcome = "; ".join((news, *problems))
    return payout, batch.actions.add("recheck", payout_id, outcome, by=by, concerns=payout_id)


def record_resolution(
    batch: Batch,
    payout_id: str,
    outcome: ResolutionOutcome,
    tx_hash: str | None,
    *,
    by: str,
    through: str | None,
    note: str | None,
    provider_knows: bool,
    for_several: bool,
    named: Collection[str] = (),
) -> tuple[Payout, Action]:
    """Writes down what somebody found out about a payout, with who it was, in one; `through` is the service that
    tells of it, `for_several` whether the transaction is said to be for others too, and `named` are the payments that
    are known by it.

    Raises NothingToResolveError, TransactionWrongError and TransactionTakenError if, as things stand by now, that
    cannot be.
    """
    payout = _payout(batch, payout_id)
    known: list[Payout] = []
    paid: list[Payment] = []
    if tx_hash is not None and not for_several:
        known, paid = batch.payouts.known_by(tx_hash), batch.payments.others(named, payout.payment_id)
    findings = resolve(
        payout,
        outcome,
        tx_hash,
        found_by=by,
        found_through=through,
        note=note,
        now=batch.now,
        provider_knows=provider_knows,
        payment=batch.payments.get(payout.payment_id),
        taken=[one for one in known if one.payout_id != payout_id],
        paid=paid,
    )
    for finding in findings:
        payout = record_payout_observation(batch, payout_id, observation_key(finding), finding).payout
    found = outcome if tx_hash is None else f"{outcome} by {tx_hash}"
    said = f"{found}; it is {payout.status}" if note is None else f"{found}: {note}; it is {payout.status}"
    return payout, batch.actions.add("resolution", payout_id, said, by=by, concerns=payout_id)


def _payout(batch: Batch, payout_id: str) -> Payout:
    payout = batch.payouts.get(payout_id)
    if payout is None:
        raise LookupError(f"there is no payout {payout_id}")
    return payout
