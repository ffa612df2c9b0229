"""What can be asked of the journal's writer about payouts. As elsewhere, one decides first and writes last."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bridge.journal.batch import Batch
from bridge.journal.errors import PayoutRefusedError
from bridge.journal.refund_steps import follow_refund
from bridge.journal.requests import IdempotencyKey, made_before, record_observation, remember
from coordinator.earnings import left_to_pay_out
from coordinator.money import format_amount
from coordinator.observations import EscrowReleased, Release
from coordinator.payment_problems import hold_on_payouts
from coordinator.payments import Payment, PaymentStatus
from coordinator.payout_approval import PayoutRules, doubts_about, reasons_to_wait
from coordinator.payout_decisions import decide_payout
from coordinator.payout_observations import PayoutAsked, PayoutObservation, PayoutUnclear, PayoutWithheld
from coordinator.payouts import Payout, PayoutStatus

__all__ = [
    "KeyedObservation",
    "RecordedPayout",
    "RegisteredPayouts",
    "begin_attempts",
    "beyond_earnings",
    "forgotten_of",
    "observation_key",
    "record_interruption",
    "record_outcomes",
    "record_payout_observation",
    "record_payout_observations",
    "register_payouts",
    "withhold",
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
    rules: PayoutRules | None,
    another: bool,
    known: Mapping[str, Sequence[PayoutObservation]],
) -> RegisteredPayouts:
    """Registers payouts, all of them or none, and marks the escrow of their payments as being released. `rules` say
    which of them have to be approved first; None, that none has. `known` is what is known already of those that are
    sent elsewhere, by their ids.

    A payment is paid out once unless `another` says otherwise. Raises PayoutRefusedError, which says which payment
    may not be paid out and why, and IdempotencyKeyReusedError.
    """
    earlier = made_before(batch, idempotency)
    if earlier is not None:
        return RegisteredPayouts(tuple(earlier), is_new=False)
    _require_funded(batch, payouts, another=another)
    _require_earned(batch, payouts, sent_elsewhere=known.keys())
    _require_none_forgotten(batch, payouts)
    for payout in payouts:
        batch.payouts.add(payout)
        _release(batch, payout)
        for number, observation in enumerate(known.get(payout.payout_id, ())):
            record_payout_observation(batch, payout.payout_id, f"registered:{number}", observation)
        # What the marketplace's own wallet sends cannot be held back here.
        if rules is not None and payout.payout_id not in known:
            withhold(batch, payout, rules)
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
        too_much = beyond_earnings(payment, payout, [*batch.payouts.of_payment(payment.payment_id), *before])
        if too_much is not None:
            raise PayoutRefusedError(number, too_much)


def beyond_earnings(payment: Payment, payout: Payout, others: Sequence[Payout]) -> str | None:
    """Why a payout is more than its seller has left to be paid; None if it is not."""
    left = left_to_pay_out(payment, payout.seller_id, others)
    if payout.worth is not None and payout.worth <= left:
        return None
    worth = "an amount that nobody knows" if payout.worth is None else format_amount(payout.worth)
    cancelled = [one.request_id for one in payment.shares if one.seller_id == payout.seller_id]
    cancelled = [request_id for request_id in cancelled if request_id in payment.withheld]
    why = f"; {', '.join(cancelled)} was cancelled before it was paid, and has to be accepted by a person first"
    return (
        f"of payment {payment.payment_id} {format_amount(left)} {payment.currency} are left to be paid out to"
        f" {payout.seller_id}, and this is worth {worth}{why if cancelled else ''}"
    )


def withhold(batch: Batch, payout: Payout, rules: PayoutRules, *, doubts: Sequence[str] = ()) -> None:
    """Has a payout that was just added wait for somebody's approval, if it may not leave by itself, or where there
    are doubts about it."""
    outflows = [] if payout.worth_currency is None else batch.payouts.outflows(payout.worth_currency)
    allowed = batch.destinations.get(payout.seller_id, payout.destination)
    allowed_since = None if allowed is None else allowed.added_at
    payment = batch.payments.get(payout.payment_id)
    if payment is not None:
        others = [one for one in batch.payouts.of_payment(payment.payment_id) if one.payout_id != payout.payout_id]
        doubts = (*doubts_about(payout, payment, others, batch.histories.forgotten(payment.payment_id)), *doubts)
    reasons = (*reasons_to_wait(payout, outflows, allowed_since, rules, batch.now), *doubts)
    if reasons:
        withheld = PayoutWithheld(reasons=reasons)
        record_payout_observation(batch, payout.payout_id, "registered:withheld", withheld)


def _require_none_forgotten(batch: Batch, payouts: Sequence[Payout]) -> None:
    """Raises PayoutRefusedError if something was forgotten of a payment that is to be paid out."""
    for number, payout in enumerate(payouts):
        reason = forgotten_of(batch, payout.payment_id)
        if reason is not None:
            raise PayoutRefusedError(number, reason)


def forgotten_of(batch: Batch, payment_id: str) -> str | None:
    """Why nothing may leave for a payment before a person has said what is to come of it: its provider has payouts or
    refunds of it of which this journal knows nothing. None if there are none."""
    forgotten = batch.histories.open_forgotten(payment_id)
    if not forgotten:
        return None
    return (
        f"payment {payment_id} may have been paid out or refunded already: the provider has {', '.join(forgotten)},"
        " which the journal forgot when it was restored; a person has to settle that first, on the list of what needs"
        " a person"
    )


def begin_attempts(batch: Batch, payout_ids: Sequence[str]) -> dict[str, int]:
    """Writes down, in one go, that the provider is about to be asked to send payouts in one order. Returns the number
    of the attempt of each that it may be asked for."""
    attempts = {payout_id: _begin_attempt(batch, payout_id) for payout_id in payout_ids}
    return {payout_id: attempt for payout_id, attempt in attempts.items() if attempt is not None}


def record_outcomes(batch: Batch, outcomes: Sequence[tuple[str, int, PayoutObservation]]) -> list[RecordedPayout]:
    """Writes down, in one go, what came of an order: of each of its payouts, by the number of the attempt."""
    return [
        record_payout_observation(batch, payout_id, f"outcome:{attempt}", outcome)
        for payout_id, attempt, outcome in outcomes
    ]


def record_interruption(batch: Batch, payout_id: str, attempt: int, reason: str) -> None:
    """Writes down that nobody will hear any more what came of an attempt, unless somebody has."""
    if _payout(batch, payout_id).unanswered_attempt == attempt:
        record_payout_observation(batch, payout_id, f"interrupted:{attempt}", PayoutUnclear(reason=reason))


def _begin_attempt(batch: Batch, payout_id: str) -> int | None:
    """The number of the attempt; None if an earlier one may have reached the provider, if somebody else has written
    this one down, for only who did asks, while it awaits approval, or while payouts are held, all of them or those
    of this payment."""
    payout = _payout(batch, payout_id)
    attempt = payout.next_attempt
    if attempt is None or batch.holds.current is not None:
        return None
    payment = batch.payments.get(payout.payment_id)
    # What goes back to the buyer is no more than what certainly came, however the books stand.
    if payment is not None and payout.refund_id is None and hold_on_payouts(payment) is not None:
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
    if decision.payout.refund_id is not None:
        follow_refund(batch, decision.payout)
    elif decision.payout.status is not payout.status:
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
