"""Deciding payments: what an observation changes in one, and the events that report it.

Observations are merged so that the order in which they arrive, and how often, makes no difference.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from coordinator.events import Event
from coordinator.payments.agreements import Share
from coordinator.payments.checkout_events import (
    CheckoutPaymentConfirmed,
    CheckoutPaymentFailed,
    CheckoutPaymentPending,
)
from coordinator.payments.events import (
    PaymentCreated,
    PaymentProgress,
    PaymentReceived,
    PaymentUpdate,
    PurchaseRequestUpdate,
    SellerOfferUpdate,
    SellerOfferUpdateData,
)
from coordinator.payments.evidence import misfit_of
from coordinator.payments.facts import Facts, Misfit, MisfitKind
from coordinator.payments.merging import merged, with_unfit
from coordinator.payments.observations import SETBACKS, Observation, TransferSighted
from coordinator.payments.payments import TRANSITIONS, Effect, IllegalTransitionError, Payment, PaymentStatus
from coordinator.payments.reversals import PaymentDisputed

__all__ = ["CHECKOUT_FAILURES", "Decision", "created", "decide", "not_counted", "progress_event", "standing_of"]


@dataclass(frozen=True, slots=True)
class Decision:
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


def decide(payment: Payment, observation: Observation, at: datetime, siblings: Sequence[Payment] = ()) -> Decision:
    """Merges one observation, which was told at that moment, into a payment. `siblings` are the other payments for
    the same purchase request.

    An observation that says nothing new changes nothing and emits nothing; one that does not fit the payment is only
    noted. Raises IllegalTransitionError only if this module contradicts itself.
    """
    misfit = misfit_of(payment, observation, at)
    if misfit is not None:
        return not_counted(payment, misfit, observation, at, siblings)
    return _moved(payment, merged(payment.facts, observation, at), observation, siblings)


def not_counted(
    payment: Payment, misfit: Misfit, observation: Observation, at: datetime, siblings: Sequence[Payment] = ()
) -> Decision:
    """Notes what does not fit a payment. It moves one only where it shows that something was counted that is not its
    own."""
    effect = Effect.OTHER_CURRENCY if misfit.kind is MisfitKind.OTHER_CURRENCY else Effect.NOT_COUNTED
    decision = _moved(payment, with_unfit(payment.facts, misfit, observation, at), observation, siblings)
    return Decision(decision.payment, effect, decision.events)


def _moved(payment: Payment, facts: Facts, observation: Observation, siblings: Sequence[Payment]) -> Decision:
    if facts == payment.facts:
        return Decision(payment, Effect.UNCHANGED)
    moved = payment.with_facts(facts)
    if moved.status is PaymentStatus.COMPLETED and not facts.completed:
        moved.keep_completed()
    if moved.status != payment.status and moved.status not in TRANSITIONS[payment.status]:
        raise IllegalTransitionError(f"a payment cannot go from {payment.status} to {moved.status}")
    events: list[Event] = []
    # The first of each pair is cheap, and decides most.
    if moved.status is not payment.status or _outward(moved) != _outward(payment):
        events += _events(payment, moved, observation, siblings)
    if moved.paid != payment.paid or _progress(moved) != _progress(payment):
        events.append(progress_event(moved, observation))
    return Decision(moved, Effect.APPLIED if events else Effect.UNCHANGED, tuple(events))


def _outward(payment: Payment) -> tuple[object, ...]:
    """What somebody outside can see of a payment; a change of it is worth an event."""
    return (
        payment.status,
        payment.escrow_state,
        payment.paid,
        payment.refunded,
        payment.withheld,
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
    )


def progress_event(payment: Payment, observation: Observation | None = None) -> Event:
    """How far a payment has come, and what was seen last."""
    awaited = payment.awaited
    has_fee = payment.has_fee
    about = {"checkoutId": payment.checkout.checkout_id} if payment.checkout else {"requestId": payment.request_id}
    return PaymentProgress.event_of(
        {**about, "buyerId": payment.buyer_id, "sellerId": payment.seller_ids},
        payment_id=payment.payment_id,
        status=payment.status,
        received=payment.received,
        missing=payment.missing,
        fee=payment.fee if has_fee else None,
        missing_fee=payment.missing_fee if has_fee else None,
        currency=payment.currency,
        late=payment.late,
        confirmations=awaited and awaited.confirmations,
        required_confirmations=awaited and awaited.required_confirmations,
        tx_hash=observation and observation.tx_hash,
        reason=_reason(observation),
    )


def _reason(observation: Observation | None) -> str | None:
    """What the parties are to know of an observation beside the figures."""
    match observation:
        case TransferSighted(sighting=sighting):
            return sighting.reason
        case PaymentDisputed(outcome=outcome):
            return outcome
    return None


def _events(before: Payment, after: Payment, observation: Observation, siblings: Sequence[Payment]) -> list[Event]:
    tx_hash = observation.tx_hash
    requests = [share.request_id for share in after.shares] if after.checkout else after.request_id
    update = PaymentUpdate.event_of(
        {"requestId": requests, "buyerId": after.buyer_id, "sellerId": after.seller_ids},
        payment_id=after.payment_id,
        status=after.status,
        escrow_state=after.escrow_state,
        tx_hash=tx_hash,
    )
    happened = f"payment-{_setback(observation) or after.status.replace('_', '-')}"
    if after.status == before.status:
        # A person took it as paid for the others too.
        told_now = before.withheld - after.withheld if after.status is PaymentStatus.COMPLETED else frozenset()
        of_others = [
            event
            for share in after.shares
            if share.request_id in told_now
            for event in _share_events(after, share, happened, tx_hash, siblings, completes=True)
        ]
        return [update, *of_others]
    # That it was paid was told before its money went back, and is told once.
    completes = after.status is PaymentStatus.COMPLETED and not before.facts.completed
    of_shares = [
        event
        for share in after.shares
        if share.request_id not in after.withheld
        for event in _share_events(after, share, happened, tx_hash, siblings, completes=completes)
    ]
    return [update, *of_shares, *_checkout_events(after, completes=completes)]


def _setback(observation: Observation) -> str | None:
    """What took something back that was seen before, if it did."""
    if isinstance(observation, TransferSighted) and observation.sighting.stage in SETBACKS:
        return observation.sighting.stage
    return None


def _share_events(
    payment: Payment,
    share: Share,
    happened: str,
    tx_hash: str | None,
    siblings: Sequence[Payment],
    *,
    completes: bool,
) -> Iterator[Event]:
    """What a new status of a payment changes for one of the purchase requests that it pays for."""
    if completes:
        yield PaymentReceived.event_of(
            {"sellerId": share.seller_id},
            purchase_request_id=share.request_id,
            amount=share.amount,
            currency=payment.currency,
            buyer_id=payment.buyer_id,
        )
    if standing_of(share.request_id, (payment, *siblings)) is not payment:
        return  # the request has the status of its best payment
    yield PurchaseRequestUpdate.event_of(
        type=happened,
        request_id=share.request_id,
        status=payment.status,
        payment_id=payment.payment_id,
        tx_hash=tx_hash,
        provider=payment.provider,
    )
    if completes:
        yield SellerOfferUpdate.event_of(
            seller_id=share.seller_id,
            request_id=share.request_id,
            event_type="payment-completed",
            data=SellerOfferUpdateData.of_checked(
                offer_id=share.offer_id,
                is_selected=True,
                payment_id=payment.payment_id,
                transaction_hash=tx_hash,
            ),
        )


def _checkout_events(payment: Payment, *, completes: bool) -> Iterator[Event]:
    """What a new status of a payment means for its template checkout, if it has one."""
    if payment.checkout is None:
        return
    checkout_id = payment.checkout.checkout_id
    if completes:
        yield CheckoutPaymentConfirmed(
            checkout_id=checkout_id,
            request_ids=[share.request_id for share in payment.shares if share.request_id not in payment.withheld],
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


# Which of its payments a purchase request stands by: the first of these that one of them has.
_BEST_FIRST = (
    PaymentStatus.COMPLETED,
    PaymentStatus.REFUNDED,
    PaymentStatus.PARTIALLY_PAID,
    PaymentStatus.CONFIRMING,
    PaymentStatus.PENDING,
    PaymentStatus.EXPIRED,
    PaymentStatus.CANCELLED,
    PaymentStatus.FAILED,
)


def standing_of(request_id: str, payments: Iterable[Payment]) -> Payment | None:
    """The payment that decides a purchase request's status: the best of them, and of equally good ones the first."""
    of_request = (payment for payment in payments if any(share.request_id == request_id for share in payment.shares))
    return min(of_request, key=lambda payment: _BEST_FIRST.index(payment.status), default=None)
