"""Problems: what is wrong with a payment that a person has to decide about. Pure, derived from the facts."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from operator import attrgetter

from coordinator.money import ZERO, excess_over, product, total
from coordinator.payments.counting.sums import is_unanswered, is_unread
from coordinator.payments.facts.facts import MisfitKind
from coordinator.payments.facts.refunded import going_back, gone_back
from coordinator.payments.observed.observations import Ending, RefundOf, Release, Stage, Standing
from coordinator.payments.payments import OPEN_STATUSES, Payment, PaymentStatus
from coordinator.payments.problems.coin_prices import way_in_doubt
from coordinator.payments.problems.contradictions import (
    contradictions,
    hashes_of,
    is_anothers,
    is_called_refunded,
    is_overrated,
)
from coordinator.payments.problems.disputes import open_disputes
from coordinator.payments.problems.double_refunds import double_refunds
from coordinator.payments.problems.fee_doubts import fee_out_of_proportion, has_striking_fee, short_by_unknown_fee
from coordinator.payments.problems.figures import money, of_amount
from coordinator.payments.problems.foreign import foreign, in_other_coins
from coordinator.payments.problems.going_back import goes_back
from coordinator.payments.problems.late_money import lateness_doubted
from coordinator.payments.problems.overdrawn import overdrawn, too_much_gone
from coordinator.payments.problems.withheld import awaiting_a_person, cancelled_since_accepted, left_for_requests

__all__ = [
    "PaymentProblem",
    "ProblemKind",
    "hold_on_payouts",
    "is_forgotten",
    "is_news",
    "may_have_gone_back",
    "problems_of",
]

# In the payment's currency: to send less back costs more than it is, however much the payment is over.
BEARABLE_EXCESS = Decimal(1)


class ProblemKind(StrEnum):
    """What is wrong. In this order they are looked at: first where money may go out twice, or is owed to somebody."""

    OVERDRAWN = "payment-overdrawn"
    REFUNDED_WHILE_PAID_OUT = "payment-refunded-while-paid-out"
    REFUND_TOLD_TWICE = "payment-refund-told-twice"
    CALLED_REFUNDED = "payment-called-refunded"
    DISPUTED = "payment-disputed"
    TWICE_PAID = "payment-twice-paid"
    CONTRADICTING_BOOKS = "payment-contradicting-books"
    UNREADABLE_BOOKS = "payment-unreadable-books"
    FOREIGN = "payment-foreign"
    FORGOTTEN = "payment-forgotten"
    PRICE_DOUBTED = "payment-price-doubted"
    FEE_TOO_HIGH = "payment-fee-too-high"
    OTHER_CURRENCY = "payment-other-currency"
    PAID_AFTER_CANCELLATION = "payment-paid-after-cancellation"
    SHORT = "payment-short"
    PARTLY_PAID_EXPIRED = "payment-partly-paid-expired"
    UNCONFIRMED_TOO_LONG = "payment-unconfirmed-too-long"
    LATENESS_DOUBTED = "payment-lateness-doubted"
    OVER = "payment-over"


@dataclass(frozen=True, slots=True)
class PaymentProblem:
    """One thing that is wrong with a payment."""

    kind: ProblemKind
    detail: str
    """What happened, with its figures."""


def problems_of(payment: Payment) -> tuple[PaymentProblem, ...]:
    """All that is wrong with a payment, the most urgent first."""
    if _is_plain(payment):
        return ()
    return tuple(PaymentProblem(kind, said) for kind, look in _LOOKS if (said := look(payment)) is not None)


def is_news(before: Payment, after: Payment) -> bool:
    """Whether a person who took a payment's problems off the list would decide anew: something else is wrong, or
    the money or the payment's status has changed. A repeated report is no news."""
    wrong = problems_of(after)
    return problems_of(before) != wrong or (bool(wrong) and _decided_on(before) != _decided_on(after))


def _decided_on(payment: Payment) -> tuple[object, ...]:
    """What a person sees of a payment that something is wrong with."""
    facts = payment.facts
    reported = [(one.transfer.key, one.transfer.amount, one.transfer.value, one.spread) for one in facts.booked]
    seen = [(one.transfer.key, one.transfer.amount) for one in facts.seen]
    on_chain = [(one.transfer.key, one.transfer.amount, one.stage) for one in facts.sightings]
    sums = (facts.books.balance, None if facts.asked is None else facts.asked.books.balance)
    standing = (payment.status, facts.standing, payment.paid, payment.received)
    return standing, sums, reported, seen, on_chain, facts.misfits


def hold_on_payouts(payment: Payment, seller_id: str | None = None) -> str | None:
    """Why nothing may be paid out of a payment, to one seller or to any, until a person has accepted it, or its
    provider's books agree; None if nothing speaks against it. Later reports hold even what a person accepted."""
    facts = payment.facts
    reasons = [_cancelled_since(payment, seller_id), may_have_gone_back(payment)]
    if not facts.accepted:
        reasons.append(_forgotten(payment))
    if payment.is_held:
        reasons += [_contradicting_books(payment), in_other_coins(payment)]
        reasons += [_unreadable_books(payment), _borrowed(payment)]
    return "; ".join(reason for reason in reasons if reason is not None) or None


def may_have_gone_back(payment: Payment) -> str | None:
    """Why no money of a payment may leave in any direction: its buyer's bank has to decide, or its provider calls it
    refunded and no person has accepted it since. None if that is not so."""
    facts = payment.facts
    if facts.disputes and (disputed := open_disputes(payment)) is not None:
        return disputed
    if facts.accepted and not _is_after(facts.refunded_at, facts.accepted_at):
        return None
    return _called_refunded(payment)


def _is_after(moment: datetime | None, other: datetime | None) -> bool:
    return moment is not None and other is not None and moment > other


def _cancelled_since(payment: Payment, seller_id: str | None = None) -> str | None:
    since = cancelled_since_accepted(payment, seller_id)
    return f"{', '.join(sorted(since))} was cancelled after the payment was taken as paid" if since else None


def _borrowed(payment: Payment) -> str | None:
    borrowed = payment.facts.borrowed
    return f"{', '.join(sorted(borrowed))} was another payment's before" if borrowed else None


_doubtful = attrgetter(
    *("misfits", "completed_siblings", "endings", "cancelled_requests", "withdrawn"),
    *("forgotten_at", "emptied_at", "unreadable", "unanswered", "refunds", "disputes"),
)


def _is_plain(payment: Payment) -> bool:
    """Whether nothing can be wrong, which is the case for most payments: there are no facts that are `_doubtful`."""
    facts = payment.facts
    if any(_doubtful(facts)) or payment.late or (facts.releases and overdrawn(payment)):
        return False
    if not payment.is_free_of_fees and has_striking_fee(payment):
        return False
    if not facts.booked and not facts.seen and not facts.sightings:
        return not facts.books.balance
    if payment.status is not PaymentStatus.COMPLETED or payment.excess or len(facts.booked) != 1:
        return False
    if (
        not payment.has_enough
        or payment.received < payment.amount
        or facts.booked[0].is_disputed
        or facts.asked is not None
        or facts.rates
        or facts.usual_rates
    ):
        return False
    return facts.booked[0].transfer.value == facts.books.balance and facts.standing is Standing.PAID


def _refunded_while_paid_out(payment: Payment) -> str | None:
    if payment.status is not PaymentStatus.REFUNDED or not payment.releases_begun:
        return None
    return "it was refunded, and a payout to its seller is under way or has arrived"


def _called_refunded(payment: Payment) -> str | None:
    if not is_called_refunded(payment):
        return None
    what = "all of its money" if payment.refunded else "its money"
    said = f"{payment.provider} calls it refunded, and the bridge knows of no refund that sent {what} back"
    if going := excess_over(total(going_back(payment.money_back, of) for of in RefundOf), payment.refunded):
        said = f"{said}, but {money(payment, going)} are on their way"
    releases = [one.release for of_seller in payment.facts.releases.values() for one in of_seller.values()]
    if any(release in (Release.UNDER_WAY, Release.DONE) for release in releases):
        return f"{said}; {of_amount(payment)} has come, and a payout to its seller is under way or has arrived"
    return f"{said}; {of_amount(payment)} has come"


def _twice_paid(payment: Payment) -> str | None:
    others = payment.facts.completed_siblings - payment.facts.refunded_siblings
    if payment.status is not PaymentStatus.COMPLETED or not others or goes_back(payment):
        return None
    return f"it shares a purchase request with {', '.join(sorted(others))}, which is completed too"


def _contradicting_books(payment: Payment) -> str | None:
    return "; ".join(contradictions(payment)) or None


def _unreadable_books(payment: Payment) -> str | None:
    unreadable = payment.facts.unreadable
    if unreadable is None or not is_unread(payment.facts):
        return None
    return f"{payment.provider} was asked, and answered what cannot be read: {'; '.join(unreadable.what)[:300]}"


def _unread_books(payment: Payment) -> str | None:
    """The same, or that there is no answer, which holds nothing that was told otherwise."""
    unanswered, unreadable = payment.facts.unanswered, _unreadable_books(payment)
    if unreadable is not None or unanswered is None or not is_unanswered(payment.facts):
        return unreadable
    said = "; ".join(unanswered.what)[:300]
    return f"{payment.provider} does not answer about this payment, and does about others: {said}"


def is_forgotten(payment: Payment) -> bool:
    """Whether its provider no longer knows what it opened or reported."""
    forgotten_at, found_at = payment.facts.forgotten_at, payment.facts.found_at
    return forgotten_at is not None and (found_at is None or found_at < forgotten_at)


def _was_reported_before(payment: Payment, moment: datetime | None) -> bool:
    counting = (one.first_told_at for one in payment.facts.booked if one.counts)
    return any(at is None or moment is None or at <= moment for at in counting)


# What is over otherwise waits for nothing that its provider could tell.
_FORGETTABLE = (*OPEN_STATUSES, PaymentStatus.EXPIRED, PaymentStatus.COMPLETED)


def _forgotten(payment: Payment) -> str | None:
    if payment.facts.forgotten_at is None or not is_forgotten(payment) or payment.status not in _FORGETTABLE:
        return None
    if payment.status is PaymentStatus.COMPLETED and not _was_reported_before(payment, payment.facts.forgotten_at):
        return None  # it was paid since
    if payment.paid or payment.in_flight:
        reported = f"{of_amount(payment)} had come" if payment.paid else "its money had been seen"
        return f"{payment.provider} knows nothing any more of its invoice, or of what it had told of it; {reported}"
    given = ", ".join(sorted(payment.facts.given))[:300]
    where = f"; the buyer was asked to pay at {given}" if given else ""
    return f"{payment.provider} knew nothing any more of its invoice{where}"


def _price_doubted(payment: Payment) -> str | None:
    rates = payment.facts.usual_rates
    if not rates or payment.status is PaymentStatus.REFUNDED or goes_back(payment):
        return None
    return way_in_doubt(payment, rates)


def _other_currency(payment: Payment) -> str | None:
    misfits = [one for one in payment.facts.misfits if one.kind is MisfitKind.OTHER_CURRENCY]
    return "; ".join(one.detail for one in misfits) or None


def _paid_after_cancellation(payment: Payment) -> str | None:
    facts = payment.facts
    if payment.status is PaymentStatus.REFUNDED or goes_back(payment):
        return None
    if facts.accepted:
        since = _cancelled_since(payment)
        return None if since is None else f"{since}; {of_amount(payment)} has come"
    if not payment.paid:
        listed = [one for one in facts.booked if one.is_own]
        if not listed or facts.endings.isdisjoint((Ending.CANCELLED, Ending.FAILED)):
            return None
        return f"{payment.provider} cancelled it, and lists {hashes_of(listed)}"
    if facts.withdrawn:
        return f"it was cancelled, and {of_amount(payment)} has come"
    # What it called refunded, and takes back, is wrong as long as the money is not all there.
    given_up: tuple[Ending, ...] = (Ending.CANCELLED, Ending.FAILED)
    if payment.status is PaymentStatus.CANCELLED and not is_called_refunded(payment):
        given_up = (*given_up, Ending.REFUNDED)
    called = " and ".join(sorted(facts.endings.intersection(given_up)))
    if facts.cancelled_requests and (not called or payment.status is PaymentStatus.COMPLETED):
        return "; ".join(_for_cancelled_requests(payment)) or None
    return f"{payment.provider} called it {called}, and {of_amount(payment)} has come" if called else None


def _for_cancelled_requests(payment: Payment) -> Iterator[str]:
    left = awaiting_a_person(payment)
    if left:
        requests, came = _requests_of(payment, payment.unpaid_requests, left), total(left.values())
        yield f"{requests} was cancelled before it was paid; {money(payment, came)} of what came is for it"
    others = payment.facts.cancelled_requests - payment.unpaid_requests
    if others and payment.checkout is None:
        yield f"{', '.join(sorted(others))} was cancelled, and {of_amount(payment)} has come"
    elif others:
        left = left_for_requests(payment, others)
        requests, came = _requests_of(payment, others, left), total(left.values())
        if left:
            yield f"{requests} was cancelled; {money(payment, came)} of what came is for it"


def _requests_of(payment: Payment, request_ids: Collection[str], seller_ids: Collection[str]) -> str:
    """Those of some requests that are of some sellers: what is for the others' goes back."""
    shares = (share for share in payment.shares if share.seller_id in seller_ids)
    return ", ".join(sorted(share.request_id for share in shares if share.request_id in request_ids))


def _short(payment: Payment) -> str | None:
    if payment.status is PaymentStatus.REFUNDED or payment.facts.accepted or goes_back(payment):
        return None
    if payment.has_enough:
        return short_by_unknown_fee(payment)
    if payment.status is PaymentStatus.COMPLETED:
        return f"it was completed before {_learnt_since(payment)} was known, and {of_amount(payment)} has come"
    if payment.facts.standing < Standing.PAID or is_overrated(payment) or payment.in_flight or is_anothers(payment):
        return None
    return f"{payment.provider} calls it paid with {of_amount(payment)}"


def _learnt_since(payment: Payment) -> str:
    """What it is of which too little is left of a payment that was completed."""
    if payment.paid >= payment.least:
        return "its fee"
    taken = payment.facts.taken
    is_anothers_too = any(not one.is_own or one.transfer.key in taken for one in payment.facts.booked)
    return "whose its money is" if is_anothers_too else "how much of it came"


def _partly_paid_expired(payment: Payment) -> str | None:
    is_open = payment.status in (PaymentStatus.PARTIALLY_PAID, PaymentStatus.EXPIRED)
    if not is_open or not payment.is_out_of_time or not payment.paid:
        return None
    return f"its time ran out with {of_amount(payment)}"


def _unconfirmed_too_long(payment: Payment) -> str | None:
    if payment.status is not PaymentStatus.EXPIRED or not payment.in_flight:
        return None
    hashes = ", ".join(transfer.tx_hash for transfer in payment.in_flight)
    return f"a transfer was seen and not confirmed in time: {hashes[:300]}"


def _over(payment: Payment) -> str | None:
    # Of one that is over otherwise it is asked about with the rest, as long as that goes nowhere.
    if payment.status not in (PaymentStatus.COMPLETED, PaymentStatus.REFUNDED) and not goes_back(payment):
        return None
    # What a marketplace would not ask for if it were missing is not worth a person's time if it is too much.
    tolerance = product(payment.amount, payment.terms.tolerance_percent.scaleb(-2))
    bearable = min(tolerance, BEARABLE_EXCESS) if payment.direct is None else ZERO
    refunds, goes = payment.money_back, ""
    excess = excess_over(payment.excess, going_back(refunds, RefundOf.EXCESS))
    if going := excess_over(going_back(refunds, RefundOf.EXCESS), gone_back(refunds, RefundOf.EXCESS)):
        goes = f", and {money(payment, going)} of it go back"
    if excess > bearable:
        return f"{money(payment, excess)} too much: {of_amount(payment)}{goes}"
    if payment.has_enough or goes_back(payment):
        return None
    later = _after_acceptance(payment)
    if not later or (None not in later and total(value for value in later if value is not None) <= bearable):
        return None
    # For whoever accepted less than was agreed nothing was to come any more, and this is no whole payment either.
    return f"more came after it was accepted: {of_amount(payment)}"


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
    (ProblemKind.OVERDRAWN, too_much_gone),
    (ProblemKind.REFUNDED_WHILE_PAID_OUT, _refunded_while_paid_out),
    (ProblemKind.REFUND_TOLD_TWICE, double_refunds),
    (ProblemKind.CALLED_REFUNDED, _called_refunded),
    (ProblemKind.DISPUTED, open_disputes),
    (ProblemKind.TWICE_PAID, _twice_paid),
    (ProblemKind.CONTRADICTING_BOOKS, _contradicting_books),
    (ProblemKind.UNREADABLE_BOOKS, _unread_books),
    (ProblemKind.FOREIGN, foreign),
    (ProblemKind.FORGOTTEN, _forgotten),
    (ProblemKind.PRICE_DOUBTED, _price_doubted),
    (ProblemKind.FEE_TOO_HIGH, fee_out_of_proportion),
    (ProblemKind.OTHER_CURRENCY, _other_currency),
    (ProblemKind.PAID_AFTER_CANCELLATION, _paid_after_cancellation),
    (ProblemKind.SHORT, _short),
    (ProblemKind.PARTLY_PAID_EXPIRED, _partly_paid_expired),
    (ProblemKind.UNCONFIRMED_TOO_LONG, _unconfirmed_too_long),
    (ProblemKind.LATENESS_DOUBTED, lateness_doubted),
    (ProblemKind.OVER, _over),
)
