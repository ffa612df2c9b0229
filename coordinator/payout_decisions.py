"""What an observation makes of a payout, and the events that tell of it."""

from dataclasses import dataclass

from coordinator.events import Event
from coordinator.observations import SETBACKS, Stage, with_sighting
from coordinator.payments import Effect, IllegalTransitionError
from coordinator.payout_events import PayoutCompleted, PayoutCreated, PayoutProgress, PayoutUpdated
from coordinator.payout_observations import (
    PayoutAccepted,
    PayoutAsked,
    PayoutConfirmed,
    PayoutFailed,
    PayoutNotAsked,
    PayoutObservation,
    PayoutSent,
    PayoutSettled,
    PayoutSighted,
    PayoutUnclear,
)
from coordinator.payouts import PAYOUT_TRANSITIONS, Payout, PayoutFacts, PayoutStatus

__all__ = ["PayoutDecision", "decide_payout"]


@dataclass(frozen=True, slots=True)
class PayoutDecision:
    """What an observation makes of a payout."""

    payout: Payout
    effect: Effect
    events: tuple[Event, ...] = ()


def decide_payout(payout: Payout, observation: PayoutObservation) -> PayoutDecision:
    """Merges one observation into a payout.

    An observation that says nothing new changes nothing and emits nothing. Raises IllegalTransitionError only if
    this module contradicts itself.
    """
    facts = _merge(payout.facts, observation)
    if facts == payout.facts:
        return PayoutDecision(payout, Effect.UNCHANGED)
    moved = payout.model_copy(update={"facts": facts})
    if moved.status != payout.status and moved.status not in PAYOUT_TRANSITIONS[payout.status]:
        raise IllegalTransitionError(f"a payout cannot go from {payout.status} to {moved.status}")
    return PayoutDecision(moved, Effect.APPLIED, tuple(_events(payout, moved, observation)))


def _merge(facts: PayoutFacts, observation: PayoutObservation) -> PayoutFacts:
    return facts.model_copy(update=_asking(facts, observation) or _known(facts, observation))


def _asking(facts: PayoutFacts, observation: PayoutObservation) -> dict[str, object] | None:
    """What asking the provider changes; None if the observation is of something else."""
    match observation:
        case PayoutAsked(attempt=attempt):
            return {"attempts": max(facts.attempts, attempt)}
        case PayoutNotAsked(attempt=attempt):
            void_attempts = facts.void_attempts | {attempt}
            return {"attempts": max(facts.attempts, attempt), "void_attempts": void_attempts}
        case PayoutUnclear(reason=reason):
            return {"unclear": facts.unclear | {reason}}
        case PayoutFailed(reason=reason):
            return {"failures": facts.failures | {reason}}
    return None


def _known(facts: PayoutFacts, observation: PayoutObservation) -> dict[str, object]:
    """What changes where the provider, the chain or a person knows the payout."""
    changes: dict[str, object] = {"known": True}
    match observation:
        case PayoutAccepted(task_id=task_id):
            known = task_id if facts.task_id is None else min(facts.task_id, task_id)
            changes |= {"task_id": known}
        case PayoutSent(tx_hashes=tx_hashes):
            changes |= {"tx_hashes": _with_hashes(facts, *tx_hashes)}
        case PayoutConfirmed():
            changes |= {"confirmed": True}
        case PayoutSighted(sighting=sighting):
            changes |= {
                "tx_hashes": _with_hashes(facts, sighting.transfer.tx_hash),
                "sightings": with_sighting(facts.sightings, sighting),
            }
        case PayoutSettled(reason=reason):
            changes |= {"settled": facts.settled | {reason}}
    return changes


def _with_hashes(facts: PayoutFacts, *tx_hashes: str) -> tuple[str, ...]:
    return tuple(sorted({*facts.tx_hashes, *tx_hashes}))


def _progress(payout: Payout) -> tuple[object, ...]:
    """How far a payout has come on its chain; a change of it is worth telling those whom it concerns."""
    return payout.verification, payout.awaited, payout.excess, payout.sighted(*SETBACKS)


def _events(before: Payout, after: Payout, observation: PayoutObservation) -> list[Event]:
    parties = {"sellerId": after.seller_id}
    events: list[Event] = []
    if after.facts.known and not before.facts.known:
        events.append(
            PayoutCreated(
                payout_id=after.payout_id,
                task_id=after.task_id,
                seller_id=after.seller_id,
                amount=after.amount,
                currency=after.coin,
            ).to(**parties)
        )
    if after.status != before.status:
        events.append(PayoutUpdated(payout_id=after.payout_id, status=after.status).to(**parties))
    if _progress(after) != _progress(before):
        events.append(_progress_event(after, observation).to(**parties))
    if after.status is PayoutStatus.COMPLETED is not before.status:
        events.append(
            PayoutCompleted(
                payout_id=after.payout_id, task_id=after.task_id, tx_hash=after.tx_hash or after.payout_id
            ).to(**parties)
        )
    return events


def _progress_event(payout: Payout, observation: PayoutObservation) -> PayoutProgress:
    awaited, sighting = payout.awaited, None
    if isinstance(observation, PayoutSighted):
        sighting = observation.sighting
    is_setback = sighting is not None and sighting.stage in (Stage.REORGANISED, Stage.DROPPED)
    reasons = [sighting.reason] if is_setback and sighting and sighting.reason else payout.reasons
    return PayoutProgress(
        payout_id=payout.payout_id,
        status=payout.status,
        verification=payout.verification,
        confirmations=awaited and awaited.confirmations,
        required_confirmations=awaited and awaited.required_confirmations,
        tx_hash=sighting and sighting.transfer.tx_hash,
        reason="; ".join(reasons) or None,
    )
