"""Payments: what is known of one, the status that follows from it, and the events that tell of a change.

What is known (`Facts`) is merged from observations so that the order in which they arrive, and how often, makes
no difference: every part only grows. The status is read off the facts by one table, `STATUS_RULES`; the moves it
may make are another, `TRANSITIONS`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from pydantic import AwareDatetime

from coordinator.errors import BridgeError
from coordinator.events import Event
from coordinator.models import FrozenModel
from coordinator.money import ZERO, Amount, PositiveAmount, excess_over
from coordinator.observations import (
    DeadlinePassed,
    Ending,
    EscrowReleased,
    InvoiceEnded,
    InvoiceSnapshot,
    Observation,
    Release,
    Standing,
    Transfer,
    TransferSeen,
)
from coordinator.payment_events import (
    PaymentCreated,
    PaymentReceived,
    PaymentUpdate,
    PurchaseRequestUpdate,
    SellerOfferUpdate,
    SellerOfferUpdateData,
)

__all__ = [
    "ESCROW_RULES",
    "OPEN_STATUSES",
    "STATUS_RULES",
    "TRANSITIONS",
    "UNPAID_STATUSES",
    "Decision",
    "Effect",
    "EscrowState",
    "Facts",
    "IllegalTransitionError",
    "Payment",
    "PaymentStatus",
    "created",
    "decide",
]


class PaymentStatus(StrEnum):
    """Where a payment stands, as `payment-update` says it."""

    PENDING = "pending"
    CONFIRMING = "confirming"
    PARTIALLY_PAID = "partially_paid"
    COMPLETED = "completed"
    EXPIRED = "expired"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


OPEN_STATUSES = (PaymentStatus.PENDING, PaymentStatus.CONFIRMING, PaymentStatus.PARTIALLY_PAID)
"""Of payments that wait for money."""
UNPAID_STATUSES = (PaymentStatus.EXPIRED, PaymentStatus.CANCELLED, PaymentStatus.FAILED)
"""Of payments that are over without their money, which may still come."""


class EscrowState(StrEnum):
    """Where the marketplace's hold on the money stands."""

    NONE = "none"
    FUNDED = "funded"
    RELEASING = "releasing"
    RELEASED = "released"
    REFUNDED = "refunded"


class Effect(StrEnum):
    """What an observation did to its payment."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    """It said nothing that shows: a duplicate, or older than what is known."""
    OTHER_CURRENCY = "other-currency"
    """It counts in another currency than the payment, so it is about another invoice and was not counted."""


class IllegalTransitionError(BridgeError):
    """The facts ask for a move that `TRANSITIONS` does not allow: a defect of this module, never of the input."""


class Facts(FrozenModel):
    """All that was seen of one payment. Every part only grows, so merging is free of order and repetition."""

    standing: Standing = Standing.NOTHING
    received: Amount = ZERO
    excess: Amount = ZERO
    confirmed: tuple[Transfer, ...] = ()
    """The transfers of the snapshot that knows most, each with the most that any snapshot said of it."""
    told: tuple[Transfer, ...] = ()
    """Every transfer that ever was in a snapshot, in order of its id."""
    seen: tuple[Transfer, ...] = ()
    """Every transfer that was ever announced as unconfirmed, in order of its id."""
    deadline_passed: bool = False
    endings: frozenset[Ending] = frozenset()
    releases: Mapping[str, Release] = {}
    """How far each payout has released the escrow, by the payout's id."""


class Payment(FrozenModel):
    """One payment: what was agreed, and what has been seen of it so far."""

    payment_id: str
    provider: str
    external_id: str
    request_id: str
    buyer_id: str
    seller_id: str
    offer_id: str | None = None
    amount: PositiveAmount
    currency: str
    created_at: AwareDatetime
    expires_at: AwareDatetime | None = None
    facts: Facts = Facts()

    @property
    def status(self) -> PaymentStatus:
        return next(status for status, applies in STATUS_RULES if applies(self))

    @property
    def escrow_state(self) -> EscrowState:
        releases = self.facts.releases.values()
        return next(state for state, applies in ESCROW_RULES if applies(self.status, releases))

    @property
    def in_flight(self) -> tuple[Transfer, ...]:
        """Transfers that were seen and are not yet confirmed."""
        confirmed = {transfer.transfer_id for transfer in self.facts.confirmed}
        return tuple(transfer for transfer in self.facts.seen if transfer.transfer_id not in confirmed)

    @property
    def missing(self) -> Decimal:
        """What is still to be paid; nothing once the provider calls the invoice paid."""
        if self.facts.standing >= Standing.PAID:
            return ZERO
        return excess_over(self.amount, self.facts.received)

    @property
    def late(self) -> bool:
        """Whether some of the money came after the deadline."""
        deadline = self.expires_at
        return deadline is not None and any(
            transfer.occurred_at is not None and transfer.occurred_at > deadline for transfer in self.facts.confirmed
        )


def _timed_out(payment: Payment) -> bool:
    return payment.facts.deadline_passed and not payment.in_flight and not payment.late


# The first rule that applies gives the status. Money that is there outranks an ending that came too late for it;
# only a refund outranks money. Time runs out on a payment that lacks money, unless more is under way or came late.
STATUS_RULES: tuple[tuple[PaymentStatus, Callable[[Payment], bool]], ...] = (
    (PaymentStatus.REFUNDED, lambda payment: Ending.REFUNDED in payment.facts.endings),
    (PaymentStatus.COMPLETED, lambda payment: payment.facts.standing >= Standing.PAID),
    (PaymentStatus.FAILED, lambda payment: Ending.FAILED in payment.facts.endings),
    (PaymentStatus.CANCELLED, lambda payment: Ending.CANCELLED in payment.facts.endings),
    (PaymentStatus.EXPIRED, _timed_out),
    (PaymentStatus.PARTIALLY_PAID, lambda payment: payment.facts.standing == Standing.PARTIAL),
    (PaymentStatus.CONFIRMING, lambda payment: bool(payment.facts.seen or payment.facts.confirmed)),
    (PaymentStatus.PENDING, lambda payment: True),
)

_ENDED = {PaymentStatus.COMPLETED, PaymentStatus.FAILED, PaymentStatus.CANCELLED, PaymentStatus.REFUNDED}

# From each status, the statuses that one observation can lead to. Nothing leaves `refunded`, nothing but a refund
# leaves `completed`, and a payment that ended unpaid still completes when the money comes after all.
TRANSITIONS: Mapping[PaymentStatus, frozenset[PaymentStatus]] = {
    PaymentStatus.PENDING: frozenset(
        {PaymentStatus.CONFIRMING, PaymentStatus.PARTIALLY_PAID, PaymentStatus.EXPIRED} | _ENDED
    ),
    PaymentStatus.CONFIRMING: frozenset({PaymentStatus.PARTIALLY_PAID, PaymentStatus.EXPIRED} | _ENDED),
    PaymentStatus.PARTIALLY_PAID: frozenset({PaymentStatus.EXPIRED} | _ENDED),
    PaymentStatus.EXPIRED: frozenset({PaymentStatus.CONFIRMING, PaymentStatus.PARTIALLY_PAID} | _ENDED),
    PaymentStatus.CANCELLED: frozenset({PaymentStatus.FAILED, PaymentStatus.COMPLETED, PaymentStatus.REFUNDED}),
    PaymentStatus.FAILED: frozenset({PaymentStatus.COMPLETED, PaymentStatus.REFUNDED}),
    PaymentStatus.COMPLETED: frozenset({PaymentStatus.REFUNDED}),
    PaymentStatus.REFUNDED: frozenset(),
}

# The first rule that applies gives the state. Escrow is released exactly when a payout arrives.
ESCROW_RULES: tuple[tuple[EscrowState, Callable[[PaymentStatus, Collection[Release]], bool]], ...] = (
    (EscrowState.REFUNDED, lambda status, releases: status is PaymentStatus.REFUNDED),
    (EscrowState.RELEASED, lambda status, releases: Release.DONE in releases),
    (EscrowState.RELEASING, lambda status, releases: Release.UNDER_WAY in releases),
    (EscrowState.FUNDED, lambda status, releases: status is PaymentStatus.COMPLETED),
    (EscrowState.NONE, lambda status, releases: True),
)


@dataclass(frozen=True, slots=True)
class Decision:
    """What an observation makes of a payment: its new state, the events to send, and what it amounted to."""

    payment: Payment
    effect: Effect
    events: tuple[Event, ...] = ()


def created(payment: Payment) -> Event:
    """The event that announces a newly registered payment."""
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
    moved = payment.model_copy(update={"facts": facts})
    if moved.status != payment.status and moved.status not in TRANSITIONS[payment.status]:
        raise IllegalTransitionError(f"a payment cannot go from {payment.status} to {moved.status}")
    if _outward(moved) == _outward(payment):
        return Decision(moved, Effect.UNCHANGED)
    return Decision(moved, Effect.APPLIED, tuple(_events(payment, moved, observation.tx_hash)))


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
        case EscrowReleased(payout_id=payout_id, release=release):
            known = facts.releases.get(payout_id, release)
            return facts.model_copy(update={"releases": {**facts.releases, payout_id: max(known, release)}})
        case DeadlinePassed():
            return facts.model_copy(update={"deadline_passed": True})


def _merge_snapshot(facts: Facts, snapshot: InvoiceSnapshot) -> Facts:
    some = Standing.PARTIAL if snapshot.received else Standing.NOTHING
    counts = _rank(snapshot.transfers, snapshot.received, snapshot.excess) > _rank(
        facts.confirmed, facts.received, facts.excess
    )
    # What one snapshot leaves out of a transfer, such as its date, another may have said, earlier or later.
    told = _with_transfers(facts.told or facts.confirmed, snapshot.transfers)
    ids = {transfer.transfer_id for transfer in (snapshot.transfers if counts else facts.confirmed)}
    return facts.model_copy(
        update={
            "standing": max(facts.standing, snapshot.standing, some),
            "received": snapshot.received if counts else facts.received,
            "excess": snapshot.excess if counts else facts.excess,
            "confirmed": tuple(transfer for transfer in told if transfer.transfer_id in ids),
            "told": told,
        }
    )


def _rank(
    transfers: Sequence[Transfer], received: Decimal, excess: Decimal
) -> tuple[int, Decimal, Decimal, list[str]]:
    """Orders snapshots by how much they know. The ids at the end only make the order total, so that even snapshots
    no provider would send have one that counts, whichever came first."""
    ids = sorted({transfer.transfer_id for transfer in transfers})
    return len(ids), received, excess, ids


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
    facts = payment.facts
    return (
        payment.status,
        payment.escrow_state,
        facts.received,
        len(facts.confirmed),
        tuple(transfer.transfer_id for transfer in payment.in_flight),
    )


def _events(before: Payment, after: Payment, tx_hash: str | None) -> list[Event]:
    parties = {"requestId": after.request_id, "buyerId": after.buyer_id, "sellerId": after.seller_id}
    events = [
        PaymentUpdate(
            payment_id=after.payment_id,
            status=after.status,
            escrow_state=after.escrow_state,
            tx_hash=tx_hash,
        ).to(**parties)
    ]
    if after.status == before.status:
        return events
    completed = after.status == PaymentStatus.COMPLETED
    if completed:
        events.append(
            PaymentReceived(
                purchase_request_id=after.request_id,
                amount=after.amount,
                currency=after.currency,
                buyer_id=after.buyer_id,
            ).to(**parties)
        )
    events.append(
        PurchaseRequestUpdate(
            type=f"payment-{after.status.replace('_', '-')}",
            request_id=after.request_id,
            status=after.status,
            payment_id=after.payment_id,
            tx_hash=tx_hash,
            provider=after.provider,
        ).to()
    )
    if completed:
        events.append(
            SellerOfferUpdate(
                seller_id=after.seller_id,
                request_id=after.request_id,
                event_type="payment-completed",
                data=SellerOfferUpdateData(
                    offer_id=after.offer_id,
                    is_selected=True,
                    payment_id=after.payment_id,
                    transaction_hash=tx_hash,
                ),
            ).to()
        )
    return events
