"""Problems: what is wrong with a payment that a person has to decide about. Pure, and read off the facts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from coordinator.facts import Booked, MisfitKind, Seen
from coordinator.money import ZERO, decimals_of, excess_over, format_amount, product, to_cents, total
from coordinator.observations import Ending, Stage, Standing
from coordinator.payments import Payment, PaymentStatus
from coordinator.worths import CENT, worth_of

__all__ = ["Problem", "ProblemKind", "problems_of"]

# By how much of it a sum may differ from what the transfers were worth in the prices asked for: rates move.
RATES_MOVE_BY = Decimal("0.01")
# In the payment's currency: to send less back costs more than it is, however much the payment is over.
BEARABLE_EXCESS = Decimal(1)


class ProblemKind(StrEnum):
    """What is wrong. In this order they are looked at: first where money may go out twice, or is owed to somebody."""

    REFUNDED_WHILE_PAID_OUT = "payment-refunded-while-paid-out"
    TWICE_PAID = "payment-twice-paid"
    CONTRADICTING_BOOKS = "payment-contradicting-books"
    FOREIGN = "payment-foreign"
    OTHER_CURRENCY = "payment-other-currency"
    PAID_AFTER_CANCELLATION = "payment-paid-after-cancellation"
    SHORT = "payment-short"
    PARTLY_PAID_EXPIRED = "payment-partly-paid-expired"
    UNCONFIRMED_TOO_LONG = "payment-unconfirmed-too-long"
    OVER = "payment-over"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a payment."""

    kind: ProblemKind
    detail: str
    """What happened, with its figures."""


def problems_of(payment: Payment) -> tuple[Problem, ...]:
    """All that is wrong with a payment, the most urgent first."""
    if _is_plain(payment):
        return ()
    return tuple(Problem(kind, detail) for kind, look in _LOOKS for detail in [look(payment)] if detail is not None)


def _is_plain(payment: Payment) -> bool:
    """Whether nothing can be wrong: so it is with most payments, and they are many."""
    facts = payment.facts
    if facts.misfits or facts.completed_siblings or facts.endings or facts.cancelled_requests or facts.withdrawn:
        return False
    if not facts.booked and not facts.seen and not facts.sightings:
        return not facts.books.balance
    if payment.status is not PaymentStatus.COMPLETED or payment.excess or len(facts.booked) != 1:
        return False
    if payment.received < payment.least:
        return False
    return facts.booked[0].transfer.value == facts.books.balance and facts.standing is Standing.PAID


def _money(payment: Payment, amount: Decimal) -> str:
    return f"{_figure(payment, amount)} {payment.currency}"


def _of_amount(payment: Payment) -> str:
    return f"{_figure(payment, payment.received)} of {_money(payment, payment.amount)}"


def _figure(payment: Payment, amount: Decimal) -> str:
    """As a person reads it: what coins are worth has many decimals."""
    return format_amount(amount if payment.direct is not None else to_cents(amount, decimals_of(payment.amount)))


def _refunded_while_paid_out(payment: Payment) -> str | None:
    if payment.status is not PaymentStatus.REFUNDED or not payment.releases:
        return None
    return "it was refunded, and a payout to its seller is under way or has arrived"


def _twice_paid(payment: Payment) -> str | None:
    others = payment.facts.completed_siblings
    if payment.status is not PaymentStatus.COMPLETED or not others:
        return None
    return f"it shares a purchase request with {', '.join(sorted(others))}, which is completed too"


def _contradicting_books(payment: Payment) -> str | None:
    return "; ".join(_contradictions(payment)) or None


def _contradictions(payment: Payment) -> Iterator[str]:
    facts, books = payment.facts, payment.facts.books
    who = payment.provider
    if books.balance and not books.transfer_ids:
        yield f"{who} says that {_money(payment, books.balance)} came, and lists no transfer"
    yield from _sums(payment)
    if payment.direct is None and not payment.in_flight:
        if _is_overrated(payment):
            yield f"{who} calls it overpaid with {_of_amount(payment)}"
        if facts.standing < Standing.PAID and payment.received >= payment.least:
            word = "unpaid" if facts.standing is Standing.NOTHING else "partly paid"
            yield f"{who} calls it {word} with {_of_amount(payment)}"
    if Ending.REFUNDED in facts.endings and payment.excess:
        yield f"it was refunded, and {_money(payment, payment.excess)} more than was agreed has come"
    if refunded_at := facts.refunded_at:
        told: tuple[Booked | Seen, ...] = (*facts.booked, *facts.seen)
        later = [one.transfer.tx_hash for one in told if one.first_told_at and one.first_told_at > refunded_at]
        if later:
            yield f"it was refunded, and after that told of {', '.join(sorted(set(later)))[:300]}"


def _is_overrated(payment: Payment) -> bool:
    """Whether the provider calls it overpaid though too little has come even with its fee, by which it measures."""
    return payment.facts.standing is Standing.OVERPAID and payment.paid < payment.least


def _sums(payment: Payment) -> Iterator[str]:
    """Whether the provider's sum is that of the transfers that it lists: by their values, and where it does not say
    those, by the prices that were asked for."""
    facts, books = payment.facts, payment.facts.books
    listed = [one.transfer for one in facts.booked if one.transfer.transfer_id in books.transfer_ids]
    worths = [worth for worth in (worth_of(transfer, facts.rates) for transfer in listed) if worth is not None]
    if not worths or len(worths) < len(listed):
        return
    least, most = (total(each) for each in zip(*worths, strict=True))
    balance = f"{payment.provider} says that {_money(payment, books.balance)} came"
    differs = max(excess_over(least, books.balance), excess_over(books.balance, most))
    if all(transfer.value is not None for transfer in listed):
        if differs >= CENT:
            yield f"{balance}, and its transfers add up to {_money(payment, least)}"
    elif payment.is_in_doubt or differs > max(CENT, product(most, RATES_MOVE_BY)):
        yield f"{balance}, and at the prices asked for its transfers come to {_money(payment, least)}"


def _foreign(payment: Payment) -> str | None:
    misfits = [one for one in payment.facts.misfits if one.kind is not MisfitKind.OTHER_CURRENCY]
    return "; ".join(f"{one.kind}: {one.detail}" for one in misfits) or None


def _other_currency(payment: Payment) -> str | None:
    misfits = [one for one in payment.facts.misfits if one.kind is MisfitKind.OTHER_CURRENCY]
    return "; ".join(one.detail for one in misfits) or None


def _paid_after_cancellation(payment: Payment) -> str | None:
    facts = payment.facts
    if not payment.paid or payment.status is PaymentStatus.REFUNDED or facts.accepted:
        return None
    if facts.cancelled_requests:
        requests = ", ".join(sorted(facts.cancelled_requests))
        return f"{requests} was cancelled, and {_of_amount(payment)} has come"
    if not facts.withdrawn and facts.endings.isdisjoint((Ending.CANCELLED, Ending.FAILED)):
        return None
    return f"it was cancelled, and {_of_amount(payment)} has come"


def _short(payment: Payment) -> str | None:
    if payment.status is PaymentStatus.REFUNDED or payment.facts.accepted or payment.received >= payment.least:
        return None
    if payment.status is PaymentStatus.COMPLETED:
        return f"it was completed before its fee was known, and {_of_amount(payment)} has come"
    if payment.facts.standing < Standing.PAID or _is_overrated(payment) or payment.in_flight:
        return None
    return f"{payment.provider} calls it paid with {_of_amount(payment)}"


def _partly_paid_expired(payment: Payment) -> str | None:
    is_open = payment.status in (PaymentStatus.PARTIALLY_PAID, PaymentStatus.EXPIRED)
    if not is_open or not payment.is_out_of_time or not payment.paid:
        return None
    return f"its time ran out with {_of_amount(payment)}"


def _unconfirmed_too_long(payment: Payment) -> str | None:
    if payment.status is not PaymentStatus.EXPIRED or not payment.in_flight:
        return None
    hashes = ", ".join(transfer.tx_hash for transfer in payment.in_flight)
    return f"a transfer was seen and not confirmed in time: {hashes[:300]}"


def _over(payment: Payment) -> str | None:
    if payment.status is not PaymentStatus.COMPLETED:
        return None
    # What a marketplace would not ask for if it were missing is not worth a person's time if it is too much.
    tolerance = product(payment.amount, payment.terms.tolerance_percent.scaleb(-2))
    bearable = min(tolerance, BEARABLE_EXCESS) if payment.direct is None else ZERO
    if payment.excess > bearable:
        return f"{_money(payment, payment.excess)} too much: {_of_amount(payment)}"
    if payment.received >= payment.least:
        return None
    later = _after_acceptance(payment)
    if not later or (None not in later and total(value for value in later if value is not None) <= bearable):
        return None
    # For whoever accepted less than was agreed nothing was to come any more, and this is no whole payment either.
    return f"more came after it was accepted: {_of_amount(payment)}"


def _after_acceptance(payment: Payment) -> list[Decimal | None]:
    """What the transfers are worth that nobody knew of when it was accepted."""
    facts = payment.facts
    if facts.accepted_at is None:
        return []
    seen = {one.transfer.transfer_id: one.first_told_at for one in facts.seen}
    found: list[Decimal | None] = []
    for one in facts.booked:
        moments = (one.first_told_at, seen.get(one.transfer.transfer_id))
        known = [at for at in moments if at is not None]
        if one.counts and known and min(known) > facts.accepted_at:
            found.append(one.transfer.value)
    final = (sighting.transfer for sighting in payment.sighted(Stage.FINAL))
    found += [one.amount for one in final if one.occurred_at is not None and one.occurred_at > facts.accepted_at]
    return found


_LOOKS: tuple[tuple[ProblemKind, Callable[[Payment], str | None]], ...] = (
    (ProblemKind.REFUNDED_WHILE_PAID_OUT, _refunded_while_paid_out),
    (ProblemKind.TWICE_PAID, _twice_paid),
    (ProblemKind.CONTRADICTING_BOOKS, _contradicting_books),
    (ProblemKind.FOREIGN, _foreign),
    (ProblemKind.OTHER_CURRENCY, _other_currency),
    (ProblemKind.PAID_AFTER_CANCELLATION, _paid_after_cancellation),
    (ProblemKind.SHORT, _short),
    (ProblemKind.PARTLY_PAID_EXPIRED, _partly_paid_expired),
    (ProblemKind.UNCONFIRMED_TOO_LONG, _unconfirmed_too_long),
    (ProblemKind.OVER, _over),
)
