"""What can be asked of the journal's writer about payouts. As elsewhere, one decides first and writes last."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bridge.journal.batch import Batch
from bridge.journal.errors import PayoutRefusedError
from bridge.journal.requests import IdempotencyKey, made_before, record_observation, remember
from coordinator.earnings import left_to_pay_out
from coordinator.money import format_amount
from coordinator.observations import EscrowReleased, Release
from coordinator.payment_problems import hold_on_payouts
from coordinator.payments import PaymentStatus
from coordinator.payout_decisions import decide_payout
from coordinator.payout_observations import PayoutAsked, PayoutObservation
from coordinator.payouts import Payout, PayoutStatus

__all__ = [
    "KeyedObservation",
    "RecordedPayout",
    "RegisteredPayouts",
    "begin_attempt",
    "observation_key",
    "record_payout_observation",
    "record_payout_observations",
    "register_payouts",
]

KeyedObservation = tuple[str, PayoutObservation]
"""What was observed of a payout, after the key that is equal for two observations of the same."""

_RELEASES = {
    PayoutStatus.FAILED: Release.FAILED,
    PayoutStatus.RETURNED: Release.FAILED,
    PayoutStatus.COMPLETED: Release.DONE,
}


@dataclass(frozen=True, slots=True)
class RegisteredPayouts:
    payout_ids: tuple[str, ...]
    is_new: bool


@dataclass(frozen=True, slots=True)
class RecordedPayout:
    """The payout as it stands after an observation, and whether that moved it."""

    payout: Payout
    moved: bool


def register_payouts(
    batch: Batch,
    payouts: Sequence[Payout],
    idempotency: IdempotencyKey | None,
    *,
    another: bool,
    known: Mapping[str, Sequence[PayoutObservation]],
) -> RegisteredPayouts:
    """Registers payouts, all of them or none, and marks the escrow of their payments as being released. `known` is
    what is known already of those that are sent elsewhere, by their ids.

    A payment is paid out once unless `another` says otherwise. Raises PayoutRefusedError, which says which payment
    may not be paid out and why, and IdempotencyKeyReusedError.
    """
    earlier = made_before(batch, idempotency)
    if earlier is not None:
        return RegisteredPayouts(tuple(earlier), is_new=False)
    _require_funded(batch, payouts, another=another)
    _require_earned(batch, payouts, sent_elsewhere=known.keys())
    for payout in payouts:
        batch.payouts.add(payout)
        _release(batch, payout)
        for number, observation in enumerate(known.get(payout.payout_id, ())):
            record_payout_observation(batch, payout.payout_id, f"registered:{number}", observation)
    payout_ids = tuple(payout.payout_id for payout in payouts)
    remember(batch, idempotency, payout_ids)
    return RegisteredPayouts(payout_ids, is_new=True)


def _require_funded(batch: Batch, payouts: Sequence[Payout], *, another: bool) -> None:
    paid_out: set[tuple[str, str]] = set()
    for number, payout in enumerate(payouts):
        payment = batch.payments.get(payout.payment_id)
        if payment is None:
            raise PayoutRefusedError(number, f"there is no payment {payout.payment_id!r}")
        if payment.status is not PaymentStatus.COMPLETED:
            raise PayoutRefusedError(number, f"payment {payment.payment_id} is {payment.status}, not completed")
        reason = hold_on_payouts(payment)
        if reason is not None:
            raise PayoutRefusedError(
                number, f"payment {payment.payment_id} has to be cleared, or accepted by a person, first: {reason}"
            )
        if batch.payouts.get(payout.payout_id) is not None:
            raise PayoutRefusedError(
                number,
                f"another payout for payment {payment.payment_id} was asked for in the same moment; look it up",
            )
        if payout.seller_id not in payment.seller_ids:
            raise PayoutRefusedError(number, f"payment {payment.payment_id} is not for the seller {payout.seller_id}")
        share = (payment.payment_id, payout.seller_id)
        is_first = payment.release_of(payout.seller_id) is None and share not in paid_out
        if not is_first and not another:
            raise PayoutRefusedError(
                number, f"payment {payment.payment_id} is paid out already; say `another` if it is to be once more"
            )
        paid_out.add(share)


def _require_earned(batch: Batch, payouts: Sequence[Payout], *, sent_elsewhere: Collection[str]) -> None:
    """Raises PayoutRefusedError if a payout is more than its seller has left to be paid. One that the marketplace's
    own wallet sends has left, whatever it is."""
    for number, payout in enumerate(payouts):
        payment = batch.payments.get(payout.payment_id)
        if payment is None or payout.payout_id in sent_elsewhere:
            continue
        before = [one for one in payouts[:number] if one.payment_id == payment.payment_id]
        others = [*batch.payouts.of_payment(payment.payment_id), *before]
        left = left_to_pay_out(payment, payout.seller_id, others)
        if payout.worth is None or payout.worth > left:
            worth = "an amount that nobody knows" if payout.worth is None else format_amount(payout.worth)
            raise PayoutRefusedError(
                number,
                f"of payment {payment.payment_id} {format_amount(left)} {payment.currency} are left to be paid out to"
                f" {payout.seller_id}, and this is worth {worth}",
            )


def begin_attempt(batch: Batch, payout_id: str) -> int | None:
    """Writes down that the provider is about to be asked to send a payout. Returns the number of the attempt; None if
    an earlier one may have reached the provider, if somebody else has written this one down, for only who did asks,
    or while payouts are held, all of them or those of this payment."""
    attempt = _payout(batch, payout_id).next_attempt
    if attempt is None or batch.holds.current is not None:
        return None
    payment = batch.payments.get(_payout(batch, payout_id).payment_id)
    if payment is not None and hold_on_payouts(payment) is not None:
        return None
    key = f"asked:{attempt}"
    if batch.payouts.is_recorded(payout_id, key):
        return None
    record_payout_observation(batch, payout_id, key, PayoutAsked(attempt=attempt, at=batch.now))
    return attempt


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
    payout = _payout(batch, payout_id)
    if only_if is not None and payout.status not in only_if:
        return RecordedPayout(payout, moved=False)
    decision = decide_payout(payout, observation)
    if batch.payouts.is_recorded(payout_id, key):
        return RecordedPayout(payout, moved=False)
    batch.payouts.record(key, observation, decision)
    batch.add_events(decision.events, payment_id=payout.payment_id)
    if decision.payout.status is not payout.status:
        _release(batch, decision.payout)
    return RecordedPayout(decision.payout, moved=decision.payout.status is not payout.status)


def record_payout_observations(
    batch: Batch, payout_id: str, observations: Sequence[KeyedObservation]
) -> RecordedPayout:
    """Writes down what was heard of a payout in one go; gives the payout as it stands then."""
    moved = [record_payout_observation(batch, payout_id, key, one).moved for key, one in observations]
    return RecordedPayout(_payout(batch, payout_id), moved=any(moved))


def observation_key(observation: PayoutObservation) -> str:
    """Equal for two looks that say the same."""
    return f"look:{hashlib.sha256(observation.model_dump_json().encode()).hexdigest()}"


def _release(batch: Batch, payout: Payout) -> None:
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
            payout_id=payout.payout_id, seller_id=payout.seller_id, release=release, step=step
        ),
    )


def _payout(batch: Batch, payout_id: str) -> Payout:
    payout = batch.payouts.get(payout_id)
    if payout is None:
        raise LookupError(f"there is no payout {payout_id}")
    return payout
