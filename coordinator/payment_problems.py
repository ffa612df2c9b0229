"""Problems: what is wrong with a payment that a person has to decide about. Pure, and read off the facts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from coordinator.booked import Booked, Seen, Spread
from coordinator.facts import Misfit, MisfitKind
from coordinator.money import ZERO, decimals_of, excess_over, format_amount, product, to_cents, total
from coordinator.observations import Ending, RefundOf, Stage, Standing, Transfer
from coordinator.overdrawn import overdrawn
from coordinator.payments import OPEN_STATUSES, Payment, PaymentStatus
from coordinator.refunded import going_back
from coordinator.sums import Dispute, DisputeKind, disputes, is_unread
from coordinator.withheld import awaiting_a_person

__all__ = ["Problem", "ProblemKind", "hold_on_payouts", "is_forgotten", "is_news", "problems_of"]

# In the payment's currency: to send less back costs more than it is, however much the payment is over.
BEARABLE_EXCESS = Decimal(1)


class ProblemKind(StrEnum):
    """What is wrong. In this order they are looked at: first where money may go out twice, or is owed to somebody."""

    OVERDRAWN = "payment-overdrawn"
    REFUNDED_WHILE_PAID_OUT = "payment-refunded-while-paid-out"
    TWICE_PAID = "payment-twice-paid"
    CONTRADICTING_BOOKS = "payment-contradicting-books"
    UNREADABLE_BOOKS = "payment-unreadable-books"
    FOREIGN = "payment-foreign"
    FORGOTTEN = "payment-forgotten"
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


def is_news(before: Payment, after: Payment) -> bool:
    """Whether whoever took what is wrong with a payment off the list would decide anew: it is wrong otherwise, or the
    money or where the payment stands is another. That the same is told again is none."""
    wrong = problems_of(after)
    return problems_of(before) != wrong or (bool(wrong) and _decided_on(before) != _decided_on(after))


def _decided_on(payment: Payment) -> tuple[object, ...]:
    """What a person sees of a payment that something is wrong with."""
    facts = payment.facts
    told = [(one.transfer.key, one.transfer.amount, one.transfer.value, one.spread) for one in facts.booked]
    seen = [(one.transfer.key, one.transfer.amount) for one in facts.seen]
    on_chain = [(one.transfer.key, one.transfer.amount, one.stage) for one in facts.sightings]
    sums = (facts.books.balance, None if facts.asked is None else facts.asked.books.balance)
    standing = (payment.status, facts.standing, payment.paid, payment.received)
    return standing, sums, told, seen, on_chain, facts.misfits


def hold_on_payouts(payment: Payment) -> str | None:
    """Why nothing may be paid out of a payment until a person has accepted it, or its provider's books agree; None if
    nothing speaks against it."""
    if payment.facts.accepted:
        return None
    reasons = [_forgotten(payment)]
    if payment.is_held:
        reasons += [_contradicting_books(payment), _unreadable_books(payment), _borrowed(payment)]
    return "; ".join(reason for reason in reasons if reason is not None) or None


def _borrowed(payment: Payment) -> str | None:
    borrowed = payment.facts.borrowed
    return f"{', '.join(sorted(borrowed))} was another payment's before" if borrowed else None


def _is_plain(payment: Payment) -> bool:
    """Whether nothing can be wrong: so it is with most payments, and they are many."""
    facts = payment.facts
    if facts.misfits or facts.completed_siblings or facts.endings or facts.cancelled_requests or facts.withdrawn:
        return False
    if facts.forgotten_at is not None or facts.emptied_at is not None:
        return False
    if facts.unreadable is not None or facts.refunds or (facts.releases and overdrawn(payment)):
        return False
    if not facts.booked and not facts.seen and not facts.sightings:
        return not facts.books.balance
    if payment.status is not PaymentStatus.COMPLETED or payment.excess or len(facts.booked) != 1:
        return False
    if payment.received < payment.least or facts.booked[0].is_disputed or facts.asked is not None or facts.rates:
        return False
    return facts.booked[0].transfer.value == facts.books.balance and facts.standing is Standing.PAID


def _money(payment: Payment, amount: Decimal) -> str:
    return f"{_figure(payment, amount)} {payment.currency}"


def _of_amount(payment: Payment) -> str:
    came = _figure(payment, payment.received)
    if payment.missing and came == _figure(payment, payment.amount):
        came = format_amount(payment.received)  # rounded it would be all
    return f"{came} of {_money(payment, payment.amount)}"


def _figure(payment: Payment, amount: Decimal) -> str:
    """As a person reads it: what coins are worth has many decimals."""
    return format_amount(amount if payment.direct is not None else to_cents(amount, decimals_of(payment.amount)))


def _goes_back(payment: Payment) -> bool:
    """Whether all that came for the goods goes back to the buyer, or has gone: so there is nothing left to decide."""
    back = going_back(payment.facts.refunds, RefundOf.GOODS) if payment.facts.refunds else ZERO
    return bool(back) and back >= payment.goods


def _overdrawn(payment: Payment) -> str | None:
    # One that its gateway has sent back is wrong by another name.
    beyond = ZERO if Ending.REFUNDED in payment.facts.endings else overdrawn(payment)
    if not beyond:
        return None
    return f"{_money(payment, beyond)} more went out than came: {_of_amount(payment)} has come"


def _refunded_while_paid_out(payment: Payment) -> str | None:
    if payment.status is not PaymentStatus.REFUNDED or not payment.releases:
        return None
    return "it was refunded, and a payout to its seller is under way or has arrived"


def _twice_paid(payment: Payment) -> str | None:
    others = payment.facts.completed_siblings - payment.facts.refunded_siblings
    if payment.status is not PaymentStatus.COMPLETED or not others or _goes_back(payment):
        return None
    return f"it shares a purchase request with {', '.join(sorted(others))}, which is completed too"


def _contradicting_books(payment: Payment) -> str | None:
    return "; ".join(_contradictions(payment)) or None


def _unreadable_books(payment: Payment) -> str | None:
    unreadable = payment.facts.unreadable
    if unreadable is None or not is_unread(payment.facts):
        return None
    return f"{payment.provider} was asked, and answered what cannot be read: {'; '.join(unreadable.what)[:300]}"


def _contradictions(payment: Payment) -> Iterator[str]:
    yield from _contradicting_sums(payment)
    yield from _contradicting_verdicts(payment)
    yield from _contradicting_times(payment)


def _contradicting_sums(payment: Payment) -> Iterator[str]:
    books, booked = payment.facts.books, payment.facts.booked
    who = payment.provider
    if books.balance and books.is_whole and not books.transfer_ids:
        yield f"{who} says that {_money(payment, books.balance)} came, and lists no transfer"
    for one in booked:
        if one.spread is not None and one.is_disputed:
            yield _two_amounts(payment, one.transfer, one.spread)
    yield from (_disputed(payment, dispute) for dispute in disputes(payment.facts))


def _contradicting_verdicts(payment: Payment) -> Iterator[str]:
    facts, who = payment.facts, payment.provider
    if payment.direct is None and not payment.in_flight and not _is_anothers(payment):
        if _is_overrated(payment):
            yield f"{who} calls it overpaid with {_of_amount(payment)}"
        if facts.standing < Standing.PAID and payment.received >= payment.least:
            word = "unpaid" if facts.standing is Standing.NOTHING else "partly paid"
            yield f"{who} calls it {word} with {_of_amount(payment)}"
    if Ending.REFUNDED in facts.endings and payment.excess:
        yield f"it was refunded, and {_money(payment, payment.excess)} more than was agreed has come"


def _contradicting_times(payment: Payment) -> Iterator[str]:
    facts, who = payment.facts, payment.provider
    if emptied_at := facts.emptied_at:
        before = [one for one in facts.booked if one.counts and one.first_told_at and one.first_told_at < emptied_at]
        if before and not any(_was_told_after(one, emptied_at) for one in facts.booked):
            yield f"{who} says that nothing came, after it had told of {_hashes(before)}"
    if refunded_at := facts.refunded_at:
        told: tuple[Booked | Seen, ...] = (*facts.booked, *facts.seen)
        later = [one for one in told if one.first_told_at and one.first_told_at > refunded_at]
        if later:
            yield f"it was refunded, and after that told of {_hashes(later)}"


def _is_anothers(payment: Payment) -> bool:
    """Whether all that was ever booked is known to be another's, so that the verdict was on that."""
    booked = payment.facts.booked
    return bool(booked) and not any(one.is_own for one in booked)


def _two_amounts(payment: Payment, transfer: Transfer, spread: Spread) -> str:
    least, most = spread.least_value, spread.most_value
    if least is not None and most is not None and least != most:
        return f"two amounts were told of {transfer.tx_hash}: {_figure(payment, least)} and {_money(payment, most)}"
    amounts = f"{format_amount(spread.least_amount)} and {format_amount(spread.most_amount)}"
    return f"two amounts were told of {transfer.tx_hash}: {amounts} {transfer.asset}"


def _was_told_after(booked: Booked, moment: datetime) -> bool:
    return any(at is not None and at > moment for at in (booked.first_told_at, booked.last_told_at))


def _hashes(told: Sequence[Booked | Seen]) -> str:
    return ", ".join(sorted({one.transfer.tx_hash for one in told}))[:300]


def _is_overrated(payment: Payment) -> bool:
    """Whether the provider calls it overpaid though too little has come even with its fee, by which it measures."""
    return payment.facts.standing is Standing.OVERPAID and payment.paid < payment.least


def _disputed(payment: Payment, dispute: Dispute) -> str:
    """A contradiction about how much came, with its figures."""
    told, otherwise = _money(payment, dispute.told), _money(payment, dispute.otherwise)
    match dispute.kind:
        case DisputeKind.SANK:
            return f"{payment.provider} said that {otherwise} came, and says {told} now, with the same transfers"
        case DisputeKind.OVERVALUED:
            return f"{payment.provider} calls {dispute.tx_hash} worth {told}, and by its prices it is {otherwise}"
    come_to = "at the prices asked for its transfers come to" if dispute.is_by_prices else "its transfers add up to"
    return f"{payment.provider} says that {told} came, and {come_to} {otherwise}"


def _foreign(payment: Payment) -> str | None:
    own = {one.transfer.key for one in payment.facts.booked if one.is_own}
    misfits = [one for one in payment.facts.misfits if one.kind is not MisfitKind.OTHER_CURRENCY]
    told = dict.fromkeys(f"{one.kind}: {one.detail}" for one in misfits if not _is_settled(one, own))
    return "; ".join(told) or None


def _is_settled(misfit: Misfit, own: set[str]) -> bool:
    """Whether what did not fit turned out to be this payment's all the same."""
    return bool(misfit.transfer_keys) and own.issuperset(misfit.transfer_keys)


def is_forgotten(payment: Payment) -> bool:
    """Whether its provider knows nothing any more of what it opened or told of."""
    forgotten_at, found_at = payment.facts.forgotten_at, payment.facts.found_at
    return forgotten_at is not None and (found_at is None or found_at < forgotten_at)


def _has_told_before(payment: Payment, moment: datetime | None) -> bool:
    counting = (one.first_told_at for one in payment.facts.booked if one.counts)
    return any(at is None or moment is None or at <= moment for at in counting)


# What is over otherwise waits for nothing that its provider could tell.
_FORGETTABLE = (*OPEN_STATUSES, PaymentStatus.EXPIRED, PaymentStatus.COMPLETED)


def _forgotten(payment: Payment) -> str | None:
    if payment.facts.forgotten_at is None or not is_forgotten(payment) or payment.status not in _FORGETTABLE:
        return None
    if payment.status is PaymentStatus.COMPLETED and not _has_told_before(payment, payment.facts.forgotten_at):
        return None  # it was paid since
    if payment.paid or payment.in_flight:
        told = f"{_of_amount(payment)} had come" if payment.paid else "its money had been seen"
        return f"{payment.provider} knows nothing any more of its invoice, or of what it had told of it; {told}"
    given = ", ".join(sorted(payment.facts.given))[:300]
    return f"{payment.provider} knew nothing any more of its invoice; the buyer was asked to pay at {given}"


def _other_currency(payment: Payment) -> str | None:
    misfits = [one for one in payment.facts.misfits if one.kind is MisfitKind.OTHER_CURRENCY]
    return "; ".join(one.detail for one in misfits) or None


def _paid_after_cancellation(payment: Payment) -> str | None:
    facts = payment.facts
    if payment.status is PaymentStatus.REFUNDED or facts.accepted or _goes_back(payment):
        return None
    if not payment.paid:
        listed = [one for one in facts.booked if one.is_own]
        if not listed or facts.endings.isdisjoint((Ending.CANCELLED, Ending.FAILED)):
            return None
        return f"{payment.provider} cancelled it, and lists {_hashes(listed)}"
    if facts.cancelled_requests:
        return "; ".join(_for_cancelled_requests(payment)) or None
    if facts.withdrawn:
        return f"it was cancelled, and {_of_amount(payment)} has come"
    if facts.endings.isdisjoint((Ending.CANCELLED, Ending.FAILED)):
        return None
    return f"{payment.provider} called it cancelled or failed, and {_of_amount(payment)} has come"


def _for_cancelled_requests(payment: Payment) -> Iterator[str]:
    left = total(awaiting_a_person(payment).values())
    if left:
        requests = ", ".join(sorted(payment.withheld))
        yield f"{requests} was cancelled before it was paid; {_money(payment, left)} of what came is for it"
    others = payment.facts.cancelled_requests - payment.withheld
    if others:
        yield f"{', '.join(sorted(others))} was cancelled, and {_of_amount(payment)} has come"


def _short(payment: Payment) -> str | None:
    if payment.status is PaymentStatus.REFUNDED or payment.facts.accepted or payment.received >= payment.least:
        return None
    if _goes_back(payment):
        return None
    if payment.status is PaymentStatus.COMPLETED:
        known = "whose its money is" if any(not one.is_own for one in payment.facts.booked) else "its fee"
        return f"it was completed before {known} was known, and {_of_amount(payment)} has come"
    if payment.facts.standing < Standing.PAID or _is_overrated(payment) or payment.in_flight or _is_anothers(payment):
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
    if Ending.REFUNDED in payment.facts.endings:
        return None
    # Of one that is over otherwise it is asked about with the rest, as long as that goes nowhere.
    if payment.status not in (PaymentStatus.COMPLETED, PaymentStatus.REFUNDED) and not _goes_back(payment):
        return None
    # What a marketplace would not ask for if it were missing is not worth a person's time if it is too much.
    tolerance = product(payment.amount, payment.terms.tolerance_percent.scaleb(-2))
    bearable = min(tolerance, BEARABLE_EXCESS) if payment.direct is None else ZERO
    excess = payment.excess
    if excess and payment.facts.refunds:
        excess = excess_over(excess, going_back(payment.facts.refunds, RefundOf.EXCESS))
    if excess > bearable:
        return f"{_money(payment, excess)} too much: {_of_amount(payment)}"
    if payment.received >= payment.least or _goes_back(payment):
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
    (ProblemKind.OVERDRAWN, _overdrawn),
    (ProblemKind.REFUNDED_WHILE_PAID_OUT, _refunded_while_paid_out),
    (ProblemKind.TWICE_PAID, _twice_paid),
    (ProblemKind.CONTRADICTING_BOOKS, _contradicting_books),
    (ProblemKind.UNREADABLE_BOOKS, _unreadable_books),
    (ProblemKind.FOREIGN, _foreign),
    (ProblemKind.FORGOTTEN, _forgotten),
    (ProblemKind.OTHER_CURRENCY, _other_currency),
    (ProblemKind.PAID_AFTER_CANCELLATION, _paid_after_cancellation),
    (ProblemKind.SHORT, _short),
    (ProblemKind.PARTLY_PAID_EXPIRED, _partly_paid_expired),
    (ProblemKind.UNCONFIRMED_TOO_LONG, _unconfirmed_too_long),
    (ProblemKind.OVER, _over),
)
