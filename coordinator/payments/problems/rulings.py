"""Rulings: what a person, or the marketplace, may decide about a payment, and when that makes no sense. Pure."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from coordinator.errors import BridgeError
from coordinator.payments.facts.refunded import going_back
from coordinator.payments.observed.observations import (
    Observation,
    PaymentAccepted,
    PaymentWithdrawn,
    RefundOf,
    TransactionHinted,
    WaitingProlonged,
)
from coordinator.payments.payments import OPEN_STATUSES, UNPAID_STATUSES, Payment, PaymentStatus
from coordinator.payments.problems.disputes import open_disputes
from coordinator.payments.problems.problems import ProblemKind, hold_on_payouts

__all__ = [
    "LONGEST_WAIT",
    "Rule",
    "Ruling",
    "RulingRefusedError",
    "TimeWrongError",
    "acceptance",
    "cancellation",
    "closes_when_settled",
    "open_rulings",
    "require_nameable",
    "transaction_found",
    "waiting",
]

LONGEST_WAIT = timedelta(days=366)
"""No price in coins holds for longer, and a slip in a year would have it wait for ever."""

# Whoever may name transactions may be mistaken now and then.
NAMED_LIMIT = 20

Ruling = Literal["accept", "cancel", "wait"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a person decided."""

    decide: Callable[[Payment, datetime], Observation]
    """What it comes to, by how the payment stands at that moment. Raises RulingRefusedError if it makes no sense by
    then, and TimeWrongError."""
    holds: Callable[[Payment], bool]
    """Whether a payment stands as it was decided, so that who decides the same again is told so."""
    answers: Collection[ProblemKind] = ()
    """What may be wrong with a payment that is decided with it."""


class RulingRefusedError(BridgeError):
    """As the payment stands there is nothing of that kind to decide."""


class TimeWrongError(BridgeError):
    """The time until which a payment is to wait is none that it can wait until."""


# Whoever accepts has checked what came and whose it is.
_ANSWERED_BY_ACCEPTANCE = (
    ProblemKind.CALLED_REFUNDED,
    ProblemKind.CONTRADICTING_BOOKS,
    ProblemKind.UNREADABLE_BOOKS,
    ProblemKind.FOREIGN,
    ProblemKind.FORGOTTEN,
    ProblemKind.OTHER_CURRENCY,
)


def acceptance(by: str, note: str) -> Rule:
    """Takes it as paid, whatever has come."""

    def decide(payment: Payment, _now: datetime) -> Observation:
        _require(_not_accepted(payment))
        return PaymentAccepted(by=by, note=note)

    return Rule(
        decide,
        lambda payment: (
            payment.facts.accepted and payment.status is PaymentStatus.COMPLETED and hold_on_payouts(payment) is None
        ),
        answers=_ANSWERED_BY_ACCEPTANCE,
    )


def cancellation(by: str, note: str) -> Rule:
    """Cancels it for good: money that comes from now on does not complete it. So one that its provider has given up,
    or whose time ran out, can be cancelled too."""

    def decide(payment: Payment, _now: datetime) -> Observation:
        _require(_not_cancelled(payment))
        return PaymentWithdrawn(by=by, note=note)

    return Rule(decide, lambda payment: payment.facts.withdrawn and payment.status in UNPAID_STATUSES)


def waiting(until: datetime) -> Rule:
    """Has it wait for its money until then."""

    def decide(payment: Payment, now: datetime) -> Observation:
        _require(_not_prolonged(payment))
        if until <= now:
            raise TimeWrongError("expected a time to come")
        if until > now + LONGEST_WAIT:
            raise TimeWrongError(f"expected a time within {LONGEST_WAIT.days} days")
        if payment.deadline is not None and until <= payment.deadline:
            raise TimeWrongError(f"it waits until {payment.deadline:%Y-%m-%d %H:%M:%S} UTC already")
        return WaitingProlonged(until=until)

    return Rule(decide, lambda payment: payment.deadline == until and payment.status in OPEN_STATUSES)


def transaction_found(by: str, tx_hash: str, place: str | None) -> Rule:
    """Gives it a transaction that somebody has looked at, or just the transfer at this place in it."""

    def decide(payment: Payment, _now: datetime) -> Observation:
        require_nameable(payment, tx_hash)
        return TransactionHinted(hinted=tx_hash, found_by=by, place=place)

    found = tx_hash if place is None else f"{tx_hash}#{place}"
    return Rule(decide, lambda payment: found in payment.facts.found_hints)


def require_nameable(payment: Payment, tx_hash: str) -> None:
    """Raises RulingRefusedError if this transaction cannot be named for a payment."""
    if payment.direct is None:
        raise RulingRefusedError("This payment goes over no chain; its provider tells what pays it.")
    named = payment.facts.hints | payment.facts.found_hints
    if tx_hash not in payment.facts.hints and len(named) >= NAMED_LIMIT:
        raise RulingRefusedError(f"{NAMED_LIMIT} transactions were named for this payment already.")


# What is settled by sending back money that was counted.
_SETTLED_BY_SENDING_BACK = (
    ProblemKind.FORGOTTEN,
    ProblemKind.SHORT,
    ProblemKind.PARTLY_PAID_EXPIRED,
    ProblemKind.UNCONFIRMED_TOO_LONG,
)


def closes_when_settled(payment: Payment, kinds: Iterable[ProblemKind]) -> bool:
    """Whether settling some of what is wrong with a payment cancels it for good: money of it was sent back then, so
    that what has come is not there any more, and what comes later must not complete it."""
    if _not_cancelled(payment) is not None or not (payment.paid or payment.in_flight):
        return False
    return any(kind in _SETTLED_BY_SENDING_BACK for kind in kinds)


def open_rulings(payment: Payment) -> tuple[Ruling, ...]:
    """What can be decided about a payment in its present status."""
    return tuple(_open(payment))


def _open(payment: Payment) -> Iterator[Ruling]:
    if _not_accepted(payment) is None:
        yield "accept"
    if _not_prolonged(payment) is None:
        yield "wait"
    if _not_cancelled(payment) is None:
        yield "cancel"


def _require(reason: str | None) -> None:
    if reason is not None:
        raise RulingRefusedError(reason)


def _not_accepted(payment: Payment) -> str | None:
    """Why it cannot be accepted; None if it can."""
    if payment.status is PaymentStatus.REFUNDED:
        return "This payment was refunded: its money has gone back."
    if payment.status is PaymentStatus.COMPLETED and hold_on_payouts(payment) is None and not payment.unpaid_requests:
        return "This payment is completed already."
    if open_disputes(payment) is not None:
        return "The buyer's bank disputes it, and decides whether its money stays."
    if going_back(payment.money_back, RefundOf.GOODS):
        return "Its money is being sent back, or was: withdraw that refund first, if nobody gave an address yet."
    return None


def _not_cancelled(payment: Payment) -> str | None:
    if payment.status is PaymentStatus.REFUNDED:
        return "This payment was refunded; there is nothing to cancel any more."
    if payment.status is PaymentStatus.COMPLETED:
        return "This payment is completed; it cannot be cancelled any more."
    if payment.facts.withdrawn:
        return "This payment is cancelled already."
    return None


def _not_prolonged(payment: Payment) -> str | None:
    if payment.status not in (*OPEN_STATUSES, PaymentStatus.EXPIRED):
        return f"This payment is {payment.status}; nothing is waited for any more."
    if payment.deadline is None:
        return "This payment has no deadline; it waits however long it takes."
    return None
