"""Withholding of payouts: which of those that were ordered and not asked for yet have to wait for a second person."""

from collections.abc import Collection, Sequence

from bridge.journal.requests.forgotten_payouts import still_forgotten
from bridge.journal.requests.payouts.recording import record_payout_observation
from bridge.journal.writing.batch import Batch
from coordinator.payouts.approval import (
    ApprovalContext,
    PayoutRules,
    doubts_about,
    forgotten_doubts,
    is_revocable,
    may_have_gone_to,
    new_reasons_to_wait,
    reasons_to_wait,
)
from coordinator.payouts.observations import PayoutWithheld
from coordinator.payouts.payouts import Payout
from coordinator.payouts.provider_names import share_of, taken_over
from coordinator.payouts.statuses import PayoutStatus

__all__ = ["withhold", "withhold_beside_forgotten", "withhold_for_news", "withhold_from"]

_UNHEARD = (PayoutStatus.CREATED, PayoutStatus.AMBIGUOUS)
"""Of payouts whose provider had not said by then what it did."""


def withhold(batch: Batch, payout: Payout, rules: PayoutRules, *, doubts: Sequence[str] = ()) -> None:
    """Has a payout that was just added wait for somebody's approval, if it may not leave by itself, or where there
    are doubts about it. What takes over a forgotten one leaves no more."""
    reasons: Sequence[str] = reasons_to_wait(payout, _context(batch, payout, rules))
    payment = batch.payments.get(payout.payment_id)
    if payment is not None:
        payouts = batch.payouts.of_payment(payment.payment_id)
        forgotten = still_forgotten(batch, payment.payment_id)
        share = share_of(payment, payout, batch.histories.installation)
        if taken_over(payout, share.of(payouts), forgotten) is not None:
            withhold_beside_forgotten(batch, payment.payment_id)
            return
        others = [one for one in payouts if one.payout_id != payout.payout_id]
        doubts = (
            *doubts_about(payout, payment, others),
            *forgotten_doubts(forgotten),
            *may_have_gone_to(payout, _unheard_when_restored(batch, others)),
            *doubts,
        )
    if reasons := (*reasons, *doubts):
        withheld = PayoutWithheld(reasons=reasons)
        record_payout_observation(batch, payout.payout_id, "registered:withheld", withheld)


def withhold_for_news(batch: Batch, payout: Payout, rules: PayoutRules | None) -> Payout:
    """Has a payout that is about to be asked for wait for somebody's approval, if something was told since it was
    ordered, or approved, that nobody who decides about it has seen, or if it would have to wait by now."""
    payment = batch.payments.get(payout.payment_id)
    if payment is None:
        return payout
    others = [one for one in batch.payouts.of_payment(payment.payment_id) if one.payout_id != payout.payout_id]
    news = tuple(doubt for doubt in doubts_about(payout, payment, others) if doubt not in payout.facts.withheld)
    return _withheld_for(batch, payout, (*news, *_new_reasons(batch, payout, rules)))


def withhold_from(batch: Batch, seller_id: str, destination: str, rules: PayoutRules) -> list[str]:
    """Has what was ordered for a seller to a destination, and was not asked for yet, wait for somebody's approval
    where the destination is not on the seller's list any more. Returns which of it waits."""
    waiting = [one for one in batch.payouts.going_to(seller_id, destination) if is_revocable(one)]
    withheld = [_withheld_for(batch, one, _new_reasons(batch, one, rules)) for one in waiting]
    return [one.payout_id for one in withheld]


def _new_reasons(batch: Batch, payout: Payout, rules: PayoutRules | None) -> tuple[str, ...]:
    return () if rules is None else new_reasons_to_wait(payout, _context(batch, payout, rules))


def _context(batch: Batch, payout: Payout, rules: PayoutRules) -> ApprovalContext:
    allowed = batch.destinations.get(payout.seller_id, payout.destination)
    listed = batch.destinations.of(payout.seller_id) if payout.refund_id is None else []
    return ApprovalContext(
        rules,
        batch.now,
        outflows=[] if payout.worth_currency is None else batch.payouts.outflows(payout.worth_currency),
        allowed_since=None if allowed is None else allowed.added_at,
        known_destinations={*batch.payouts.destinations_of(payout), *listed},
    )


def _withheld_for(batch: Batch, payout: Payout, news: tuple[str, ...]) -> Payout:
    if not news:
        return payout
    key = f"withheld:{batch.payouts.steps(payout.payout_id)}"
    return record_payout_observation(batch, payout.payout_id, key, PayoutWithheld(reasons=news)).payout


def withhold_beside_forgotten(batch: Batch, payment_id: str) -> None:
    """Has what was ordered of a payment, and was not asked for yet, wait for somebody's approval where its provider
    has payouts of it that the journal has forgotten. What takes one of them over does not."""
    payment = batch.payments.get(payment_id)
    forgotten = still_forgotten(batch, payment_id)
    if payment is None or not forgotten:
        return
    payouts = batch.payouts.of_payment(payment_id)
    for payout in payouts:
        share = share_of(payment, payout, batch.histories.installation)
        if payout.is_unasked and taken_over(payout, share.of(payouts), forgotten) is None:
            for one in forgotten:
                withheld = PayoutWithheld(reasons=tuple(forgotten_doubts([one])))
                record_payout_observation(
                    batch, payout.payout_id, f"forgotten:{one.external_id}:{one.coin}", withheld
                )


def _unheard_when_restored(batch: Batch, payouts: Collection[Payout]) -> list[Payout]:
    """Those of some payouts that were asked for before the journal was restored, and of which it knew no more than
    that: what their providers have by their names since may be another's, which the journal has forgotten."""
    at = batch.histories.last_forgetting()
    if at is None:
        return []
    return [
        one
        for one in payouts
        if one.facts.asked_at is not None
        and one.facts.asked_at <= at
        and (one.facts.unclear or one.facts.doubts)
        and batch.payouts.status_at(one.payout_id, at) in _UNHEARD
    ]
