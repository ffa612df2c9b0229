"""Deciding payments: what an observation changes in one, and the events that report it.

Observations are merged so that the order in which they arrive, and how often, makes no difference.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from coordinator.events import Event
from coordinator.payments.agreed.agreements import Checkout, Share
from coordinator.payments.deciding.evidence import misfit_of, unfit_without_time
from coordinator.payments.deciding.merging import merged, with_unfit
from coordinator.payments.deciding.siblings import Sibling, deciding_payment
from coordinator.payments.events.checkouts import (
    CheckoutPaymentConfirmed,
    CheckoutPaymentFailed,
    CheckoutPaymentPending,
)
from coordinator.payments.events.payments import PaymentCreated
from coordinator.payments.events.texts import EventTexts
from coordinator.payments.facts.facts import Facts, Misfit, MisfitKind
from coordinator.payments.observed.dates import CLOCKS_APART
from coordinator.payments.observed.observations import SETBACKS, Observation, PurchaseCancelled, TransferSighted
from coordinator.payments.parts.part_statuses import cancelled_apart
from coordinator.payments.payments import TRANSITIONS, Effect, IllegalTransitionError, Payment, PaymentStatus

__all__ = ["CHECKOUT_FAILURES", "Decision", "created", "decide", "decide_stored", "not_counted", "progress_events"]


class Decision(NamedTuple):
    """What an observation makes of a payment: its new state, the events to send, and what it amounted to."""

    payment: Payment
    effect: Effect
    events: tuple[Event, ...] = ()


def created(payment: Payment) -> Event:
    """The event that announces a newly registered payment."""
    if payment.checkout is not None:
        return CheckoutPaymentPending(checkout_id=payment.checkout.checkout_id).to()
    return PaymentCreated(
        payment_id=payment.payment_id,
        provider=payment.provider,
        request_id=payment.request_id,
        buyer_id=payment.buyer_id,
        seller_id=payment.seller_id,
        amount=payment.amount,
        currency=payment.currency,
    ).to()


def decide(payment: Payment, observation: Observation, at: datetime, siblings: Sequence[Sibling] = ()) -> Decision:
    """Merges one observation, which was told at that moment, into a payment. `siblings` are the other payments for
    the same purchase request.

    An observation that says nothing new changes nothing and emits nothing; one that does not fit the payment is only
    noted. Raises IllegalTransitionError only if this module contradicts itself.
    """
    misfit = misfit_of(payment, observation, at)
    if misfit is not None:
        return not_counted(payment, misfit, observation, at, siblings)
    return _moved(payment, merged(payment.facts, observation, at), observation, siblings)


def decide_stored(
    payment: Payment, observation: Observation, at: datetime, siblings: Sequence[Sibling] = ()
) -> Decision:
    """The same of one that was told before the payment was registered, at a moment that the clock may have had
    wrong."""
    if at <= payment.created_at + CLOCKS_APART:
        return decide(payment, observation, at, siblings)
    unfit = misfit_of(payment, observation, payment.created_at) or unfit_without_time(payment, observation, at)
    if unfit is not None:
        return not_counted(payment, unfit, observation, payment.created_at, siblings)
    return decide(payment, observation, payment.created_at, siblings)


def not_counted(
    payment: Payment, misfit: Misfit, observation: Observation, at: datetime, siblings: Sequence[Sibling] = ()
) -> Decision:
    """Notes what does not fit a payment. It moves one only where it shows that something was counted that is not its
    own."""
    effect = Effect.OTHER_CURRENCY if misfit.kind is MisfitKind.OTHER_CURRENCY else Effect.NOT_COUNTED
    decision = _moved(payment, with_unfit(payment.facts, misfit, observation, at), observation, siblings)
    return Decision(decision.payment, effect, decision.events)


def _moved(payment: Payment, facts: Facts, observation: Observation, siblings: Sequence[Sibling]) -> Decision:
    if facts == payment.facts:
        return Decision(payment, Effect.UNCHANGED)
    moved = payment.with_facts(facts)
    if moved.status is PaymentStatus.COMPLETED and not facts.completed:
        moved.keep_completed()
    if moved.status != payment.status and moved.status not in TRANSITIONS[payment.status]:
        raise IllegalTransitionError(f"a payment cannot go from {payment.status} to {moved.status}")
    events: list[Event] = []
    texts = EventTexts(moved, observation.tx_hash)
    if isinstance(observation, PurchaseCancelled):
        events += _cancelled_events(payment, moved, siblings, texts)
    # The first of each pair is cheap, and decides most.
    if moved.status is not payment.status or _outward(moved) != _outward(payment):
        events += _events(payment, moved, observation, siblings, texts)
    if moved.paid != payment.paid or _progress(moved) != _progress(payment):
        events += texts.progress(observation)
    return Decision(moved, Effect.APPLIED if events else Effect.UNCHANGED, tuple(events))


def _outward(payment: Payment) -> tuple[object, ...]:
    """What somebody outside can see of a payment; a change of it is worth an event."""
    return (
        payment.status,
        payment.escrow_state,
        payment.paid,
        payment.refunded,
        payment.unpaid_requests,
        len(payment.confirmed),
        tuple(transfer.transfer_id for transfer in payment.in_flight),
        tuple((sighting.transfer.transfer_id, sighting.stage) for sighting in payment.facts.sightings),
    )


def _progress(payment: Payment) -> tuple[object, ...]:
    """How far a payment has come; a change of it is reported to the parties."""
    return (
        payment.paid,
        payment.missing,
        payment.late,
        payment.awaited,
        payment.sighted(*SETBACKS),
        payment.deadline,
        payment.facts.disputes,
        payment.facts.cancelled_requests and cancelled_apart(payment),
    )


def progress_events(payment: Payment) -> tuple[Event, ...]:
    """How far a payment has come, where nothing was seen that is new."""
    return tuple(EventTexts(payment, None).progress(None))


def _events(
    before: Payment, after: Payment, observation: Observation, siblings: Sequence[Sibling], texts: EventTexts
) -> Iterator[Event]:
    yield texts.update()
    happened = f"payment-{_setback(observation) or after.status.replace('_', '-')}"
    if after.status is before.status:
        # A person took it as paid for the others too.
        released = (
            before.unpaid_requests - after.unpaid_requests if after.status is PaymentStatus.COMPLETED else frozenset()
        )
        for share in after.shares:
            if share.request_id in released:
                yield from _share_events(after, share, happened, siblings, texts, completes=True)
        return
    # That it was paid was told before its money went back, and is told once.
    completes = after.status is PaymentStatus.COMPLETED and not before.facts.completed
    cancelled = after.facts.cancelled_requests and cancelled_apart(after)
    for share in after.shares:
        if share.request_id not in cancelled:
            yield from _share_events(after, share, happened, siblings, texts, completes=completes)
    if after.checkout is not None:
        yield from _checkout_events(after, after.checkout, completes=completes)


def _cancelled_events(
    before: Payment, after: Payment, siblings: Sequence[Sibling], texts: EventTexts
) -> Iterator[Event]:
    """That of several purchase requests one is not paid any more."""
    for share in after.shares:
        is_new = share.request_id in cancelled_apart(after) - cancelled_apart(before)
        if is_new and (not siblings or deciding_payment(share.request_id, (after, *siblings)) is after):
            yield texts.request_update(share, "payment-cancelled", PaymentStatus.CANCELLED)


def _setback(observation: Observation) -> str | None:
    """What took something back that was seen before, if it did."""
    if isinstance(observation, TransferSighted) and observation.sighting.stage in SETBACKS:
        return observation.sighting.stage
    return None


def _share_events(
    payment: Payment,
    share: Share,
    happened: str,
    siblings: Sequence[Sibling],
    texts: EventTexts,
    *,
    completes: bool,
) -> Iterator[Event]:
    """What a new status of a payment changes for one of the purchase requests that it pays for."""
    if completes:
        yield texts.received(share)
    if siblings and deciding_payment(share.request_id, (payment, *siblings)) is not payment:
        return  # the request has the status of its best payment
    yield texts.request_update(share, happened)
    if completes:
        yield texts.offer_update(share)


def _checkout_events(payment: Payment, checkout: Checkout, *, completes: bool) -> Iterator[Event]:
    """What a new status of a payment means for its template checkout."""
    checkout_id = checkout.checkout_id
    if completes:
        yield CheckoutPaymentConfirmed(
            checkout_id=checkout_id,
            request_ids=[
                share.request_id for share in payment.shares if share.request_id not in payment.unpaid_requests
            ],
            payment_id=payment.payment_id,
        ).to()
    elif payment.status in CHECKOUT_FAILURES:
        yield CheckoutPaymentFailed(checkout_id=checkout_id, reason=CHECKOUT_FAILURES[payment.status]).to()


# For the buyer to read.
CHECKOUT_FAILURES: Mapping[PaymentStatus, str] = {
    PaymentStatus.EXPIRED: "The time to pay ran out before the whole amount had arrived.",
    PaymentStatus.CANCELLED: "The payment was cancelled.",
    PaymentStatus.FAILED: "The payment failed.",
    PaymentStatus.REFUNDED: "The payment was sent back.",
}
