"""Deciding payments: what an observation makes of one, and the events that tell of it.

Observations are merged so that the order in which they arrive, and how often, makes no difference.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from coordinator.checkout_events import CheckoutPaymentConfirmed, CheckoutPaymentFailed, CheckoutPaymentPending
from coordinator.events import Event
from coordinator.observations import (
    SETBACKS,
    DeadlinePassed,
    EscrowReleased,
    InvoiceEnded,
    InvoiceSnapshot,
    Observation,
    Standing,
    TransactionHinted,
    Transfer,
    TransferSeen,
    TransferSighted,
    with_sighting,
)
from coordinator.payment_events import (
    PaymentCreated,
    PaymentProgress,
    PaymentReceived,
    PaymentUpdate,
    PurchaseRequestUpdate,
    SellerOfferUpdate,
    SellerOfferUpdateData,
)
from coordinator.payments import (
    TRANSITIONS,
    Effect,
    Facts,
    IllegalTransitionError,
    Payment,
    PaymentStatus,
    Share,
)

__all__ = ["CHECKOUT_FAILURES", "Decision", "created", "decide"]


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


def decide(payment: Payment, observation: Observation) -> Decision:
    """Merges one observation into a payment.

    An observation that says nothing new changes nothing and emits nothing. Raises IllegalTransitionError only if
    this module contradicts itself.
    """
    if _counts_in_another_currency(payment, observation):
        return Decision(payment, Effect.OTHER_CURRENCY)
    facts = _merge(payment.facts, observation)
    if facts == payment.facts:
        return Decision(payment, Effect.UNCHANGED)
    moved = payment.with_facts(facts)
    if moved.status != payment.status and moved.status not in TRANSITIONS[payment.status]:
        raise IllegalTransitionError(f"a payment cannot go from {payment.status} to {moved.status}")
    events: list[Event] = []
    if _outward(moved) != _outward(payment):
        events += _events(payment, moved, observation)
    if _progress(moved) != _progress(payment):
        events.append(_progress_event(moved, observation))
    return Decision(moved, Effect.APPLIED if events else Effect.UNCHANGED, tuple(events))


def _counts_in_another_currency(payment: Payment, observation: Observation) -> bool:
    return isinstance(observation, InvoiceSnapshot) and observation.currency.casefold() != payment.currency.casefold()


def _merge(facts: Facts, observation: Observation) -> Facts:
    match observation:
        case InvoiceSnapshot():
            return _merge_snapshot(facts, observation)
        case TransferSeen():
            return facts.model_copy(update={"seen": _with_transfers(facts.seen, [observation.transfer])})
        case InvoiceEnded():
            return facts.model_copy(update={"endings": facts.endings | {observation.ending}})
        case EscrowReleased(payout_id=payout_id, seller_id=seller_id, release=release):
            of_seller = facts.releases.get(seller_id, {})
            release = max(release, of_seller.get(payout_id, release))
            releases = {**facts.releases, seller_id: {**of_seller, payout_id: release}}
            return facts.model_copy(update={"releases": releases})
        case DeadlinePassed():
            return facts.model_copy(update={"deadline_passed": True})
        case TransferSighted():
            return facts.model_copy(update={"sightings": with_sighting(facts.sightings, observation.sighting)})
        case TransactionHinted(hinted=tx_hash):
            return facts.model_copy(update={"hints": facts.hints | {tx_hash}})


def _merge_snapshot(facts: Facts, snapshot: InvoiceSnapshot) -> Facts:
    some = Standing.PARTIAL if snapshot.received else Standing.NOTHING
    counts = _rank(snapshot.transfers, snapshot.received) > _rank(facts.confirmed, facts.received)
    # What one snapshot leaves out of a transfer, such as its date, another may have said, earlier or later.
    told = _with_transfers(facts.told or facts.confirmed, snapshot.transfers)
    ids = {transfer.transfer_id for transfer in (snapshot.transfers if counts else facts.confirmed)}
    return facts.model_copy(
        update={
            "standing": max(facts.standing, snapshot.standing, some),
            "received": snapshot.received if counts else facts.received,
            "confirmed": tuple(transfer for transfer in told if transfer.transfer_id in ids),
            "told": told,
        }
    )


def _rank(transfers: Sequence[Transfer], received: Decimal) -> tuple[int, Decimal, list[str]]:
    """Orders snapshots by how much they know. The ids at the end only make the order total, so that even snapshots
    no provider would send have one that counts, whichever came first."""
    ids = sorted({transfer.transfer_id for transfer in transfers})
    return len(ids), received, ids


def _with_transfers(known: Sequence[Transfer], more: Sequence[Transfer]) -> tuple[Transfer, ...]:
    """All of them, in order of their ids; of two with one id the one that says more."""
    by_id: dict[str, Transfer] = {}
    for transfer in (*known, *more):
        other = by_id.get(transfer.transfer_id)
        by_id[transfer.transfer_id] = transfer if other is None else max(other, transfer, key=_says)
    return tuple(by_id[transfer_id] for transfer_id in sorted(by_id))


def _says(transfer: Transfer) -> tuple[bool, bool, str]:
    return transfer.value is not None, transfer.occurred_at is not None, transfer.model_dump_json()


def _outward(payment: Payment) -> tuple[object, ...]:
    """What somebody outside can see of a payment; a change of it is worth an event."""
    return (
        payment.status,
        payment.escrow_state,
        payment.received,
        len(payment.confirmed),
        tuple(transfer.transfer_id for transfer in payment.in_flight),
        tuple((sighting.transfer.transfer_id, sighting.stage) for sighting in payment.facts.sightings),
    )


def _progress(payment: Payment) -> tuple[object, ...]:
    """How far a payment has come; a change of it is worth telling those whom it concerns."""
    return payment.received, payment.missing, payment.late, payment.awaited, payment.sighted(*SETBACKS)


def _progress_event(payment: Payment, observation: Observation) -> Event:
    awaited = payment.awaited
    return PaymentProgress(
        payment_id=payment.payment_id,
        status=payment.status,
        received=payment.received,
        missing=payment.missing,
        currency=payment.currency,
        late=payment.late,
        confirmations=awaited and awaited.confirmations,
        required_confirmations=awaited and awaited.required_confirmations,
        tx_hash=observation.tx_hash,
        reason=observation.sighting.reason if isinstance(observation, TransferSighted) else None,
    ).to(
        **({"checkoutId": payment.checkout.checkout_id} if payment.checkout else {"requestId": payment.request_id}),
        buyerId=payment.buyer_id,
        sellerId=payment.seller_ids,
    )


def _events(before: Payment, after: Payment, observation: Observation) -> list[Event]:
    tx_hash = observation.tx_hash
    update = PaymentUpdate(
        payment_id=after.payment_id, status=after.status, escrow_state=after.escrow_state, tx_hash=tx_hash
    ).to(
        requestId=[share.request_id for share in after.shares] if after.checkout else after.request_id,
        buyerId=after.buyer_id,
        sellerId=after.seller_ids,
    )
    if after.status == before.status:
        return [update]
    happened = f"payment-{_setback(observation) or after.status.replace('_', '-')}"
    of_shares = [event for share in after.shares for event in _share_events(after, share, happened, tx_hash)]
    return [update, *of_shares, *_checkout_events(after)]


def _setback(observation: Observation) -> str | None:
    """What took something back that was seen before, if it did."""
    if isinstance(observation, TransferSighted) and observation.sighting.stage in SETBACKS:
        return observation.sighting.stage
    return None


def _share_events(payment: Payment, share: Share, happened: str, tx_hash: str | None) -> Iterator[Event]:
    """What a new status of a payment changes for one of the purchase requests that it pays for."""
    completed = payment.status is PaymentStatus.COMPLETED
    if completed:
        yield PaymentReceived(
            purchase_request_id=share.request_id,
            amount=share.amount,
            currency=payment.currency,
            buyer_id=payment.buyer_id,
        ).to(sellerId=share.seller_id)
    yield PurchaseRequestUpdate(
        type=happened,
        request_id=share.request_id,
        status=payment.status,
        payment_id=payment.payment_id,
        tx_hash=tx_hash,
        provider=payment.provider,
    ).to()
    if completed:
        yield SellerOfferUpdate(
            seller_id=share.seller_id,
            request_id=share.request_id,
            event_type="payment-completed",
            data=SellerOfferUpdateData(
                offer_id=share.offer_id,
                is_selected=True,
                payment_id=payment.payment_id,
                transaction_hash=tx_hash,
            ),
        ).to()


def _checkout_events(payment: Payment) -> Iterator[Event]:
    """What a new status of a payment means for its template checkout, if it has one."""
    if payment.checkout is None:
        return
    checkout_id = payment.checkout.checkout_id
    if payment.status is PaymentStatus.COMPLETED:
        yield CheckoutPaymentConfirmed(
            checkout_id=checkout_id,
            request_ids=[share.request_id for share in payment.shares],
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
