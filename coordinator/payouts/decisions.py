"""What an observation changes in a payout, and the events that report it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from coordinator.events import Event
from coordinator.money import excess_over, format_amount, product
from coordinator.payments.observed.observations import SETBACKS, Stage, with_sighting
from coordinator.payments.observed.transfers import transfer_key
from coordinator.payments.payments import Effect, IllegalTransitionError
from coordinator.payouts.events import PayoutCompleted, PayoutCreated, PayoutProgress, PayoutUpdated
from coordinator.payouts.facts import PayoutFacts, PutOff, SecondWord
from coordinator.payouts.observations import (
    PayoutAccepted,
    PayoutApproved,
    PayoutAsked,
    PayoutBooked,
    PayoutConfirmed,
    PayoutContradicted,
    PayoutFailed,
    PayoutInDoubt,
    PayoutNamePassedOn,
    PayoutNetworkFee,
    PayoutNetworkFeeUnknown,
    PayoutNotAsked,
    PayoutObservation,
    PayoutPutOff,
    PayoutRejected,
    PayoutReturned,
    PayoutReverted,
    PayoutSent,
    PayoutSettled,
    PayoutSighted,
    PayoutUnclear,
    PayoutWithheld,
    Stated,
)
from coordinator.payouts.payouts import Payout
from coordinator.payouts.statuses import PAYOUT_TRANSITIONS, PayoutStatus

__all__ = ["PayoutDecision", "contradiction", "decide_payout"]

# A provider may keep fewer decimals than were asked for (SHKeeper: ten), or count in floating point numbers.
LEAST_DIFFERENCE = Decimal("1e-10")
LEAST_SHARE = Decimal("1e-12")


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
    facts = _merge(payout, observation)
    if facts == payout.facts:
        return PayoutDecision(payout, Effect.UNCHANGED)
    moved = payout.model_copy(update={"facts": facts})
    if moved.status != payout.status and moved.status not in PAYOUT_TRANSITIONS[payout.status]:
        raise IllegalTransitionError(f"a payout cannot go from {payout.status} to {moved.status}")
    return PayoutDecision(moved, Effect.APPLIED, tuple(_events(payout, moved, observation)))


def _merge(payout: Payout, observation: PayoutObservation) -> PayoutFacts:
    facts = payout.facts
    if isinstance(observation, PayoutSent | PayoutConfirmed | PayoutBooked):
        differs = contradiction(payout, observation.stated)
        if differs is not None:
            # Whatever it tells of, it is not this payout, so nothing else of it counts.
            return facts.model_copy(update={"contradictions": facts.contradictions | {differs}})
    changes = (
        _asking(facts, observation)
        or _named(facts, observation)
        or _allowing(facts, observation)
        or _costing(facts, observation)
        or _known(facts, observation)
    )
    return facts.model_copy(update=changes)


def contradiction(payout: Payout, stated: Stated | None) -> str | None:
    """How what a provider says it sent differs from what was asked for; None if it does not."""
    if stated is None:
        return None
    differs = (
        (stated.coin is not None and stated.coin != payout.coin)
        or (stated.amount is not None and not _is_same(stated.amount, payout.amount))
        or (stated.destination is not None and stated.destination.casefold() != payout.destination.casefold())
    )
    if not differs:
        return None
    amount = payout.amount if stated.amount is None else stated.amount
    to = "" if stated.destination is None else f" to {stated.destination}"
    return (
        f"{payout.provider} tells of {format_amount(amount)} {stated.coin or payout.coin}{to} where"
        f" {format_amount(payout.amount)} {payout.coin} to {payout.destination} was asked for"
    )


def _is_same(one: Decimal, other: Decimal) -> bool:
    difference = excess_over(max(one, other), min(one, other))
    return difference <= max(LEAST_DIFFERENCE, product(other, LEAST_SHARE))


def _asking(facts: PayoutFacts, observation: PayoutObservation) -> dict[str, object] | None:
    """What asking the provider changes, and what it takes back; None if the observation is of something else."""
    match observation:
        case PayoutAsked(attempt=attempt, at=at, external_id=external_id):
            known = [moment for moment in (facts.asked_at, at) if moment is not None]
            named = {} if external_id is None else {attempt: external_id}
            return {
                "attempts": max(facts.attempts, attempt),
                "asked_at": max(known, default=None),
                "external_ids": {**facts.external_ids, **named},
            }
        case PayoutNotAsked(attempt=attempt, alone_next=alone_next):
            refused = {attempt} if alone_next else set[int]()
            return {
                "attempts": max(facts.attempts, attempt),
                "void_attempts": facts.void_attempts | {attempt},
                "refused_attempts": facts.refused_attempts | refused,
            }
        case PayoutPutOff(at=at, reason=reason):
            put_offs = [one for one in (facts.put_off, PutOff(at=at, reason=reason)) if one is not None]
            return {"put_off": max(put_offs, key=lambda one: (one.at, one.reason))}
        case PayoutContradicted(reason=reason):
            return {"contradictions": facts.contradictions | {reason}}
        case PayoutUnclear(reason=reason):
            return {"unclear": facts.unclear | {reason}}
        case PayoutInDoubt(reason=reason):
            return {"doubts": facts.doubts | {reason}}
        case PayoutFailed(reason=reason, disowned_hashes=disowned):
            return {
                "failures": facts.failures | {reason},
                "disowned_hashes": _united(facts.disowned_hashes, disowned),
            } | _finders(facts, observation)
    return None


def _finders(facts: PayoutFacts, finding: PayoutFailed | PayoutReturned) -> dict[str, object]:
    """With those at whose word its money is there again, if it is at anybody's."""
    return {
        "found_by": facts.found_by.union([finding.found_by] if finding.found_by else []),
        "found_through": facts.found_through.union([finding.found_through] if finding.found_through else []),
    }


def _named(facts: PayoutFacts, observation: PayoutObservation) -> dict[str, object] | None:
    """What changes of whose its names are; None if the observation is of something else."""
    match observation:
        case PayoutBooked(external_id=name, provider_id=record):
            records = _united(facts.records.get(name, ()), [] if record is None else [record])
            return {
                "booked": facts.booked | {name},
                "records": {**facts.records, **({name: records} if records else {})},
            }
        case PayoutNamePassedOn(external_id=name):
            return {"passed_on": facts.passed_on | {name}}
    return None


def _allowing(facts: PayoutFacts, observation: PayoutObservation) -> dict[str, object] | None:
    """What changes where it is held back, and where somebody decides about that; None if the observation is of
    something else."""
    match observation:
        case PayoutWithheld(reasons=reasons):
            return {"withheld": _united(facts.withheld, reasons)}
        case PayoutApproved(word=word, reasons=reasons):
            return {
                "approved": _last(facts.approved, word),
                "approved_reasons": _united(facts.approved_reasons, reasons),
            }
        case PayoutRejected(word=word, reason=reason):
            return {"rejected": _first(facts.rejected, word), "failures": facts.failures | {reason}}
    return None


def _costing(facts: PayoutFacts, observation: PayoutObservation) -> dict[str, object] | None:
    """What changes where it is known, or known of nobody, what the network took; None if the observation is of
    something else."""
    match observation:
        case PayoutNetworkFee(tx_hash=tx_hash, fee=fee):
            key = transfer_key(tx_hash)
            known = facts.network_fees.get(key, fee)
            reported = max(known, fee, key=lambda one: (one.amount, one.wallet, one.coin))
            return {"network_fees": {**facts.network_fees, key: reported}}
        case PayoutNetworkFeeUnknown(reason=reason):
            return {"network_fee_unknown": min(facts.network_fee_unknown or reason, reason)}
    return None


def _first(known: SecondWord | None, word: SecondWord) -> SecondWord:
    return word if known is None else min(known, word, key=_place_of)


def _last(known: SecondWord | None, word: SecondWord) -> SecondWord:
    return word if known is None else max(known, word, key=_place_of)


def _place_of(word: SecondWord) -> tuple[datetime, str, str]:
    return word.at, word.by, word.through or ""


def _known(facts: PayoutFacts, observation: PayoutObservation) -> dict[str, object]:
    """What changes where the provider, the chain or a person knows the payout."""
    changes: dict[str, object] = {"known": True}
    match observation:
        case PayoutAccepted(task_id=task_id, parts=parts):
            changes |= _of_provider(facts, observation)
            first = facts.task_id is None or task_id < facts.task_id
            changes |= {"task_id": task_id, "parts": parts} if first else {}
            if task_id == facts.task_id:
                changes["parts"] = max(parts or 0, facts.parts or 0) or None
        case PayoutSent(tx_hashes=tx_hashes):
            changes |= {"tx_hashes": _united(facts.tx_hashes, tx_hashes)}
            if observation.stated is not None and observation.stated.amount is not None:
                reported = tuple(sorted(set(tx_hashes)))
                changes |= {"tellings": tuple(sorted({*facts.tellings, reported}))}
        case PayoutReverted(tx_hashes=tx_hashes, reason=reason, is_final=is_final):
            changes |= {
                "tx_hashes": _united(facts.tx_hashes, tx_hashes),
                "reverted_hashes": _united(facts.reverted_hashes, tx_hashes),
            }
            changes |= {"failures": facts.failures | {reason}} if is_final else {"doubts": facts.doubts | {reason}}
        case PayoutConfirmed(over_no_chain=over_no_chain):
            changes |= {"confirmed": True, "over_no_chain": facts.over_no_chain or over_no_chain}
        case PayoutSighted(sighting=sighting):
            changes |= {
                "tx_hashes": _united(facts.tx_hashes, [sighting.transfer.tx_hash]),
                "sightings": with_sighting(facts.sightings, sighting),
            }
        case PayoutSettled(reason=reason):
            changes |= {"settled": facts.settled | {reason}}
        case PayoutReturned(tx_hash=tx_hash):
            said = [] if observation.found_by is not None else [observation.reason]
            changes |= {
                "returns": _united(facts.returns, [tx_hash]),
                "return_reasons": _united(facts.return_reasons, said),
            } | _finders(facts, observation)
    return changes


def _of_provider(facts: PayoutFacts, accepted: PayoutAccepted) -> dict[str, object]:
    """What its provider needs for it, as far as it says so."""
    times = [one for one in (facts.expected_within_seconds, accepted.expected_within_seconds) if one is not None]
    return {
        "over_no_chain": facts.over_no_chain or accepted.over_no_chain,
        "expected_within_seconds": max(times, default=None),
    }


def _united(known: Iterable[str], more: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({*known, *more}))


def _progress(payout: Payout) -> tuple[object, ...]:
    """How far a payout has come on its chain; a change of it is reported to the parties."""
    return payout.verification, payout.awaited, payout.excess, payout.sighted(*SETBACKS)


def _events(before: Payout, after: Payout, observation: PayoutObservation) -> list[Event]:
    """What sellers are told about their payouts. A payout that carries a refund has its own events, for the buyer."""
    if after.refund_id is not None:
        return []
    parties = {"sellerId": after.seller_id}
    events: list[Event] = []
    if after.facts.known and not before.facts.known:
        events.append(
            PayoutCreated(
                payout_id=after.payout_id,
                task_id=after.shown_task_id,
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
                payout_id=after.payout_id, task_id=after.shown_task_id, tx_hash=after.tx_hash or after.payout_id
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
