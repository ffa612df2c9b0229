"""Recording of what is observed of payouts: each observation once, with the payout, the escrow and the refund that it
moves, and the events that follow."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bridge.journal.requests.recording import record_observation
from bridge.journal.requests.refund_steps import follow_refund
from bridge.journal.wakeups import NETWORK_FEES, SENDING_PAYOUTS, following_chain
from bridge.journal.writing.batch import Batch
from coordinator.payments.observed.observations import EscrowReleased, Release
from coordinator.payouts.decisions import decide_payout
from coordinator.payouts.fees_taken import network_fee_is_due
from coordinator.payouts.named_transactions import misnamed
from coordinator.payouts.observations import PayoutContradicted, PayoutObservation, PayoutSent
from coordinator.payouts.payouts import Payout
from coordinator.payouts.statuses import PayoutStatus

__all__ = [
    "KeyedObservation",
    "RecordedPayout",
    "believed",
    "observation_key",
    "payout_of",
    "record_payout_observation",
    "record_payout_observations",
    "release_escrow",
    "wake_for",
]

KeyedObservation = tuple[str, PayoutObservation]
"""What was observed of a payout, after the key that is equal for two observations of the same."""

_RELEASES = {
    PayoutStatus.FAILED: Release.FAILED,
    PayoutStatus.RETURNED: Release.FAILED,
    PayoutStatus.COMPLETED: Release.DONE,
}


@dataclass(frozen=True, slots=True)
class RecordedPayout:
    """The payout as it stands after an observation, and whether that moved it."""

    payout: Payout
    moved: bool


def record_payout_observation(
    batch: Batch,
    payout_id: str,
    key: str,
    observation: PayoutObservation,
    *,
    only_if: Collection[PayoutStatus] | None = None,
) -> RecordedPayout:
    """Writes an observation down and moves its payout, and the escrow of its payment, with the events that follow;
    nothing of it unless the payout has one of the statuses `only_if`, where they are given."""
    payout = payout_of(batch, payout_id)
    batch.payments.get(payout.payment_id)  # raises before anything is staged, if nobody can read it
    if only_if is not None and payout.status not in only_if:
        return RecordedPayout(payout, moved=False)
    decision = decide_payout(payout, observation)
    if batch.payouts.is_recorded(payout_id, key):
        return RecordedPayout(payout, moved=False)
    batch.payouts.record(key, observation, decision)
    batch.add_events(decision.events, payment_id=payout.payment_id)
    wake_for(batch, decision.payout, before=payout)
    if decision.payout.refund_id is not None:
        follow_refund(batch, decision.payout)
    elif decision.payout.status is not payout.status:
        release_escrow(batch, decision.payout)
    return RecordedPayout(decision.payout, moved=decision.payout.status is not payout.status)


def wake_for(batch: Batch, payout: Payout, *, before: Payout | None = None) -> None:
    """Wakes whoever is to send a payout that is new, or may be sent by now, whoever follows its chain where it has a
    new transaction, and whoever finds out what it has cost."""
    if payout.next_attempt is not None and (before is None or before.next_attempt is None):
        batch.wakeups.add(SENDING_PAYOUTS)
    if payout.chain is not None and (before is None or before.facts.tx_hashes != payout.facts.tx_hashes):
        batch.wakeups.add(following_chain(payout.chain))
    if network_fee_is_due(payout) and (before is None or not network_fee_is_due(before)):
        batch.wakeups.add(NETWORK_FEES)


def record_payout_observations(
    batch: Batch, payout_id: str, observations: Sequence[KeyedObservation]
) -> RecordedPayout:
    """Writes down what was reported of a payout in one go; gives the payout as it stands then."""
    moved = [
        record_payout_observation(batch, payout_id, key, believed(batch, payout_id, one)).moved
        for key, one in observations
    ]
    return RecordedPayout(payout_of(batch, payout_id), moved=any(moved))


def believed(batch: Batch, payout_id: str, reported: PayoutObservation) -> PayoutObservation:
    """What a provider's report of a payout counts for: nothing is proven by a transaction that did something else."""
    if not isinstance(reported, PayoutSent):
        return reported
    payout = payout_of(batch, payout_id)
    payment = batch.payments.get(payout.payment_id)
    wrong = (misnamed(payout, one, payment, batch.payouts.known_by(one)) for one in reported.tx_hashes)
    reason = next((one for one in wrong if one is not None), None)
    return reported if reason is None else PayoutContradicted(reason=reason)


def observation_key(observation: PayoutObservation) -> str:
    """Equal for two looks that say the same."""
    return f"look:{hashlib.sha256(observation.model_dump_json().encode()).hexdigest()}"


def release_escrow(batch: Batch, payout: Payout) -> None:
    """Has the payment of a payout know how far it has left the escrow."""
    payment = batch.payments.get(payout.payment_id)
    if payment is None:
        raise LookupError(f"payment {payout.payment_id} of payout {payout.payout_id} is gone")
    release = _RELEASES.get(payout.status, Release.UNDER_WAY)
    step = batch.payouts.steps(payout.payout_id)
    record_observation(
        batch,
        provider=payment.provider,
        external_id=payment.external_id,
        key=f"escrow:{payout.payout_id}:{step}",
        observation=EscrowReleased(
            payout_id=payout.payout_id, seller_id=payout.seller_id, release=release, worth=payout.worth, step=step
        ),
    )


def payout_of(batch: Batch, payout_id: str) -> Payout:
    payout = batch.payouts.get(payout_id)
    if payout is None:
        raise LookupError(f"there is no payout {payout_id}")
    return payout
