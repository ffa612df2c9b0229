"""Contradictions: what a provider says of a payment that cannot all be true, by its sums, verdicts and
times. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from coordinator.money import format_amount
from coordinator.payments.counting.sums import DisputeKind, SumContradiction, disputes
from coordinator.payments.facts.booked import AnnouncedTransfer, Booked, Spread, latest
from coordinator.payments.observed.observations import Ending, Standing, Transfer
from coordinator.payments.payments import Payment, PaymentStatus
from coordinator.payments.problems.figures import figure, money, of_amount

__all__ = ["contradictions", "hashes_of", "is_anothers", "is_called_refunded", "is_overrated"]


def contradictions(payment: Payment) -> Iterator[str]:
    yield from _contradicting_sums(payment)
    yield from _contradicting_verdicts(payment)
    yield from _contradicting_times(payment)


def _contradicting_sums(payment: Payment) -> Iterator[str]:
    books, booked = payment.facts.books, payment.facts.booked
    who = payment.provider
    if books.balance and books.is_whole and not books.transfer_ids:
        yield f"{who} says that {money(payment, books.balance)} came, and lists no transfer"
    for one in booked:
        if one.spread is not None and one.is_disputed:
            yield _two_amounts(payment, one.transfer, one.spread)
    yield from (_disputed(payment, dispute) for dispute in disputes(payment.facts))


def _contradicting_verdicts(payment: Payment) -> Iterator[str]:
    facts, who = payment.facts, payment.provider
    if payment.direct is None and not payment.in_flight and not is_anothers(payment):
        if is_overrated(payment):
            yield f"{who} calls it overpaid with {of_amount(payment)}"
        if facts.standing < Standing.PAID and payment.has_enough:
            word = "unpaid" if facts.standing is Standing.NOTHING else "partly paid"
            yield f"{who} calls it {word} with {of_amount(payment)}"


def _contradicting_times(payment: Payment) -> Iterator[str]:
    facts, who = payment.facts, payment.provider
    if taken_back := [one for one in facts.booked if one.is_own and one.is_taken_back]:
        yield f"{who} calls unconfirmed what it had told to be confirmed: {hashes_of(taken_back)}"
    if emptied_at := facts.emptied_at:
        before = [one for one in facts.booked if one.counts and one.first_told_at and one.first_told_at < emptied_at]
        if before and not any(_was_reported_after(one, emptied_at) for one in facts.booked):
            yield f"{who} says that nothing came, after it had told of {hashes_of(before)}"


def is_called_refunded(payment: Payment) -> bool:
    """Whether its provider says that the money went back, although the bridge has not seen it go; a later answer
    to a look-up takes that back."""
    facts = payment.facts
    if Ending.REFUNDED not in facts.endings or payment.status is PaymentStatus.REFUNDED:
        return False
    said_otherwise = latest(facts.found_at, None if facts.asked is None else facts.asked.at)
    return facts.refunded_at is None or said_otherwise is None or said_otherwise <= facts.refunded_at


def is_anothers(payment: Payment) -> bool:
    """Whether all that was ever booked is known to be another's, so that the verdict was on that."""
    booked = payment.facts.booked
    return bool(booked) and not any(one.is_own for one in booked)


def _two_amounts(payment: Payment, transfer: Transfer, spread: Spread) -> str:
    least, most = spread.least_value, spread.most_value
    if least is not None and most is not None and least != most:
        return f"two amounts were told of {transfer.tx_hash}: {figure(payment, least)} and {money(payment, most)}"
    amounts = f"{format_amount(spread.least_amount)} and {format_amount(spread.most_amount)}"
    return f"two amounts were told of {transfer.tx_hash}: {amounts} {transfer.asset}"


def _was_reported_after(booked: Booked, moment: datetime) -> bool:
    return any(at is not None and at > moment for at in (booked.first_told_at, booked.last_told_at))


def hashes_of(said: Sequence[Booked | AnnouncedTransfer]) -> str:
    return ", ".join(sorted({one.transfer.tx_hash for one in said}))[:300]


def is_overrated(payment: Payment) -> bool:
    """Whether the provider calls it overpaid though too little has come even with its fee, by which it measures."""
    return payment.facts.standing is Standing.OVERPAID and payment.paid < payment.least


def _disputed(payment: Payment, dispute: SumContradiction) -> str:
    """A contradiction about how much came, with its figures."""
    said, otherwise = money(payment, dispute.said), money(payment, dispute.otherwise)
    match dispute.kind:
        case DisputeKind.SANK:
            return f"{payment.provider} said that {otherwise} came, and says {said} now, with the same transfers"
        case DisputeKind.OVERVALUED:
            return f"{payment.provider} calls {dispute.tx_hash} worth {said}, and by its prices it is {otherwise}"
    come_to = "at the prices asked for its transfers come to" if dispute.is_by_prices else "its transfers add up to"
    return f"{payment.provider} says that {said} came, and {come_to} {otherwise}"
