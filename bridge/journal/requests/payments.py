"""What can be asked of the journal's writer. Each function decides inside a batch and stages what follows."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from pydantic import TypeAdapter

from bridge.journal.errors import IdempotencyKeyReusedError, PaymentConflictError
from bridge.journal.requests.access import follow_participants
from bridge.journal.requests.invoices import forget_invoice, record_invoice, refuse_invoice, want_invoice
from bridge.journal.requests.recording import (
    SIBLINGS_LIMIT,
    link_siblings,
    move,
    record_misfit,
    record_observation,
    record_report,
    siblings_of,
    with_claims,
)
from bridge.journal.wakeups import following_chain
from bridge.journal.writing.batch import Batch, StoredObservation
from bridge.journal.writing.outcomes import Recorded
from coordinator.events import Event
from coordinator.histories import Place
from coordinator.payments.agreed.invoices import InvoiceOpened, InvoiceWanted
from coordinator.payments.deciding.decisions import Decision, created, decide, decide_stored, not_counted
from coordinator.payments.deciding.evidence import keys_in
from coordinator.payments.deciding.siblings import Sibling, known_siblings
from coordinator.payments.events.payments import REQUEST_CANCELLED
from coordinator.payments.facts.facts import Misfit, MisfitKind
from coordinator.payments.observed.observations import (
    DeadlinePassed,
    PurchaseCancelled,
    RegistrationContested,
    SiblingRegistered,
)
from coordinator.payments.payments import Payment

__all__ = [
    "ONE_ID",
    "SOME_IDS",
    "IdempotencyKey",
    "Registered",
    "apply_deadlines",
    "forget_invoice",
    "known_payment",
    "made_before",
    "made_payment",
    "publish_events",
    "record_contest",
    "record_invoice",
    "record_misfit",
    "record_observation",
    "record_report",
    "refuse_conflict",
    "refuse_invoice",
    "refuse_reuse",
    "register_payment",
    "remember",
    "store_unreadable_webhook",
    "want_invoice",
]

T = TypeVar("T")

CANCELLED_TOGETHER_LIMIT = 200

# What requests with an idempotency key made: a payment or refund, payouts, events.
ONE_ID = TypeAdapter(str)
SOME_IDS = TypeAdapter(list[str])
OFFSETS = TypeAdapter(list[int])


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A caller's promise that two requests with one key are the same request."""

    scope: str
    """Whose key it is and for what; one key in two scopes is two keys."""
    key: str
    request_digest: str
    former_digest: str | None = None
    """As earlier versions made it, whose keys are still kept: a request that fits either is the same."""


@dataclass(frozen=True, slots=True)
class Registered:
    payment: Payment
    is_new: bool


def _with_siblings(batch: Batch, payment: Payment) -> Payment:
    """A new payment that knows whether its purchase requests have others, which know of it then."""
    others = batch.payments.of_requests({share.request_id for share in payment.shares}, limit=SIBLINGS_LIMIT)
    alone = [other for other in known_siblings(others) if not other.facts.shares_request]
    for other in alone:
        batch.payments.move(decide(other, SiblingRegistered(payment_id=payment.payment_id), batch.now).payment)
    if not others:
        return payment
    return decide(payment, SiblingRegistered(payment_id=others[0].payment_id), batch.now).payment


def register_payment(
    batch: Batch,
    payment: Payment,
    idempotency: IdempotencyKey | None,
    invoice: InvoiceWanted | None = None,
    opened: InvoiceOpened | None = None,
) -> Registered:
    """Registers a payment once, with the invoice that is open or to be opened for it, and applies what was observed
    before.

    Raises IdempotencyKeyReusedError when the key belongs to a request that differs, and PaymentConflictError when
    the provider's id belongs to a payment that differs.
    """
    made = made_payment(batch, idempotency)
    if made is not None:
        return Registered(made, is_new=False)
    existing = known_payment(batch, payment)
    registered = existing or payment
    if existing is None:
        stored = batch.stored_observations(payment.provider, payment.external_id)
        registered = _with_siblings(batch, payment)
        batch.add_payment(registered, has_past=bool(stored))
        if payment.direct is not None:
            batch.wakeups.add(following_chain(payment.direct.chain))
        batch.add_events([created(payment)], payment_id=payment.payment_id)
        if invoice is not None:
            want_invoice(batch, payment.payment_id, invoice, opened)
        registered = batch.payments.get(payment.payment_id) or registered
        for request_id in batch.cancelled_requests({share.request_id for share in payment.shares}):
            registered = _cancel(batch, registered, request_id).payment or registered
        # What was told again since it was dismissed was on the list again, and is registered all the same.
        repeated = {key for one in stored if not one.is_dismissed for key in keys_in(one.observation)}
        for one in stored:
            siblings = siblings_of(batch, registered)
            registered = registered if one.is_dismissed else with_claims(batch, registered, one.observation)
            decision = _decide_stored(registered, one, siblings, repeated)
            batch.claim_observation(one.observation_id, decision)
            registered = move(batch, decision, siblings)
    remember(batch, idempotency, registered.payment_id)
    return Registered(registered, is_new=existing is None)


def _decide_stored(
    payment: Payment, stored: StoredObservation, siblings: Sequence[Sibling], repeated: Collection[str]
) -> Decision:
    """What was reported before the payment was registered, unless a person took it off the list."""
    if stored.is_dismissed:
        keys = tuple(sorted({*keys_in(stored.observation)}.difference(repeated)))
        detail = f"told at {stored.at:%Y-%m-%d %H:%M}"
        dismissed = Misfit(kind=MisfitKind.DISMISSED, detail=detail, transfer_keys=keys)
        return not_counted(payment, dismissed, stored.observation, stored.at)
    return decide_stored(payment, stored.observation, stored.at, siblings)


def made_payment(batch: Batch, idempotency: IdempotencyKey | None) -> Payment | None:
    """The payment that an earlier request with this key made. Raises IdempotencyKeyReusedError."""
    payment_id = made_before(batch, idempotency, ONE_ID)
    if payment_id is None:
        return None
    earlier = batch.payments.get(payment_id)
    if earlier is None:
        raise LookupError(f"payment {payment_id} of an idempotency key is gone")
    return earlier


def known_payment(batch: Batch, payment: Payment) -> Payment | None:
    """The payment that the provider, or a checkout, knows by the same name. Raises PaymentConflictError."""
    existing = None if payment.checkout is None else batch.payments.of_checkout(payment.checkout.checkout_id)
    existing = existing or batch.payments.named(payment.provider, payment.external_id)
    if existing is not None:
        refuse_conflict(existing, payment)
    return existing


def made_before(batch: Batch, idempotency: IdempotencyKey | None, made: TypeAdapter[T]) -> T | None:
    """What an earlier request with this key made, which is such a thing; None if there was none. Raises
    IdempotencyKeyReusedError."""
    used = None if idempotency is None else batch.idempotency_key(idempotency.scope, idempotency.key)
    if idempotency is None or used is None:
        return None
    request_digest, result = used
    refuse_reuse(idempotency, request_digest)
    return made.validate_json(result)


def refuse_reuse(idempotency: IdempotencyKey, request_digest: str) -> None:
    """Raises IdempotencyKeyReusedError unless the request that used the key before was the same."""
    if request_digest not in (idempotency.request_digest, idempotency.former_digest):
        raise IdempotencyKeyReusedError(
            "this Idempotency-Key was used for another request; send a new key with a new request"
        )


def remember(batch: Batch, idempotency: IdempotencyKey | None, result: object) -> None:
    """Stores what a request with this key made, for its repeats."""
    if idempotency is not None:
        batch.add_idempotency_key(
            scope=idempotency.scope,
            key=idempotency.key,
            request_digest=idempotency.request_digest,
            result=json.dumps(result),
        )


def publish_events(batch: Batch, events: Sequence[Event], idempotency: IdempotencyKey | None) -> list[Place]:
    """Appends what a service publishes; returns the places. Raises IdempotencyKeyReusedError."""
    earlier = made_before(batch, idempotency, OFFSETS)
    if earlier is not None:
        at = batch.committed_at(earlier[0]) if earlier else None
        return [Place(offset, at) for offset in earlier]
    first = batch.next_offset
    batch.add_events(events, payment_id=None)
    offsets = list(range(first, batch.next_offset))
    cancelled = {event.subject for event in events if event.name == REQUEST_CANCELLED and event.subject}
    for request_id in sorted(cancelled):
        _cancel_request(batch, request_id)
    follow_participants(batch, events, first)
    remember(batch, idempotency, offsets)
    return [Place(offset, batch.now) for offset in offsets]


def _cancel_request(batch: Batch, request_id: str) -> None:
    """Has the payments for a purchase request know that its sale is off. One that cannot be read hears of it when it
    can be."""
    for payment in known_siblings(batch.payments.of_requests({request_id}, limit=CANCELLED_TOGETHER_LIMIT)):
        _cancel(batch, payment, request_id)


def catch_up(batch: Batch, payment_id: str) -> None:
    """Tells a payment that could not be read for a while what happened to its purchase requests meanwhile."""
    payment = batch.payments.get(payment_id)
    if payment is None:
        return
    for request_id in batch.cancelled_requests({share.request_id for share in payment.shares}):
        _cancel(batch, payment, request_id)
    link_siblings(batch, payment_id)


def _cancel(batch: Batch, payment: Payment, request_id: str) -> Recorded:
    return record_observation(
        batch,
        provider=payment.provider,
        external_id=payment.external_id,
        key=f"cancelled:{payment.payment_id}:{request_id}",
        observation=PurchaseCancelled(request_id=request_id),
    )


def record_contest(batch: Batch, payment_id: str, *, by: str, differing: Sequence[str]) -> Recorded:
    """Notes that somebody wanted a payment's id of the provider's for another payment, once however often."""
    payment = batch.payments.get(payment_id)
    if payment is None:
        raise LookupError(f"there is no payment {payment_id}")
    digest = hashlib.sha256(json.dumps([by, *differing]).encode()).hexdigest()[:32]
    return record_observation(
        batch,
        provider=payment.provider,
        external_id=payment.external_id,
        key=f"contested:{payment_id}:{digest}",
        observation=RegistrationContested(by=by, differing=tuple(differing)),
    )


def refuse_conflict(existing: Payment, wanted: Payment) -> None:
    """Raises PaymentConflictError unless two payments agree in all but their ids and times."""
    agreed = ("request_id", "buyer_id", "seller_id", "offer_id", "amount", "currency", "checkout", "direct")
    differing = [name for name in agreed if getattr(existing, name) != getattr(wanted, name)]
    if not differing:
        return
    # A checkout's id is of the marketplace's own choice: whoever uses one twice harms nobody else.
    is_contested = (existing.provider, existing.external_id) == (wanted.provider, wanted.external_id)
    name = (
        f"checkout {existing.checkout.checkout_id}"
        if existing.checkout and wanted.checkout and existing.checkout.checkout_id == wanted.checkout.checkout_id
        else f"{existing.provider} payment {existing.external_id}"
    )
    raise PaymentConflictError(
        f"{name} is registered as {existing.payment_id} with another {', '.join(differing)}",
        existing.payment_id,
        differing if is_contested else (),
    )


def apply_deadlines(
    batch: Batch, payment_ids: Collection[str], asked_at: Mapping[str, datetime]
) -> tuple[int, list[Recorded]]:
    """Lets payments know that their time ran out, or also the time for what was seen and is not confirmed; and when
    their provider was asked about it, of those of which it was. Those that were given more time meanwhile stay as
    they are. Returns of how many that is certain, which leaves out those that
    cannot be read, and what was written down."""
    found = batch.payments.look_up(payment_ids)
    due = [payment for payment in found if _is_due(payment, batch.now)]
    observed = [(payment, *_passed(payment, asked_at.get(payment.payment_id))) for payment in due]
    batch.prefetch_keys([(payment.provider, key) for payment, key, _ in observed])
    return len(found), [
        record_observation(
            batch, provider=payment.provider, external_id=payment.external_id, key=key, observation=passed
        )
        for payment, key, passed in observed
    ]


def _is_due(payment: Payment, now: datetime) -> bool:
    return payment.due_at is not None and payment.due_at <= now


def _passed(payment: Payment, asked_at: datetime | None) -> tuple[str, DeadlinePassed]:
    """What is observed of a payment that is due, and the key of that."""
    deadline = payment.deadline
    if deadline is None:
        raise LookupError(f"payment {payment.payment_id} is due and has no deadline")
    for_unconfirmed = payment.is_out_of_time
    key = f"deadline:{payment.payment_id}:{deadline.isoformat()}" + (":unconfirmed" if for_unconfirmed else "")
    was_due = asked_at if asked_at is not None and asked_at >= deadline else None
    return key, DeadlinePassed(deadline=deadline, for_unconfirmed=for_unconfirmed, asked_at=was_due)


def store_unreadable_webhook(batch: Batch, *, provider: str, digest: str, body: bytes, reason: str) -> None:
    """Stores a signed webhook that makes no sense, once however often it is sent."""
    if not batch.has_webhook(provider, digest):
        batch.store_webhook(provider=provider, digest=digest, body=body, reason=reason)
