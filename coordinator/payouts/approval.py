"""Approval of payouts: which of them wait for a second person, who that may be, and what the decision makes of
one.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from coordinator.addresses import is_among, resembled
from coordinator.errors import BridgeError
from coordinator.money import ZERO, excess_over, format_amount, total
from coordinator.names import may_be_one
from coordinator.payments.parts.seller_shares import going_back_of
from coordinator.payments.payments import Payment
from coordinator.payments.problems.contradictions import is_called_refunded
from coordinator.payments.problems.doubts import doubts_about_payment
from coordinator.payouts.comparisons import ForgottenPayout
from coordinator.payouts.decisions import contradiction
from coordinator.payouts.earnings import not_there, paid_out_to
from coordinator.payouts.facts import SecondWord
from coordinator.payouts.limits import Outflow, PayoutLimits, over_limits, paid_out
from coordinator.payouts.observations import PayoutApproved, PayoutFailed, PayoutRejected, Stated
from coordinator.payouts.payouts import Payout
from coordinator.payouts.statuses import PayoutStatus

__all__ = [
    "ApprovalContext",
    "Approver",
    "DestinationRemovedError",
    "NotTheirOwnError",
    "NothingToApproveError",
    "PayoutRules",
    "SamePersonError",
    "approval",
    "doubts_about",
    "forgotten_doubts",
    "is_revocable",
    "is_withdrawable",
    "may_have_gone_to",
    "new_reasons_to_wait",
    "reasons_to_wait",
    "rejection",
    "whose_word",
    "withdrawal",
]

HOUR = timedelta(hours=1)


class NothingToApproveError(BridgeError):
    """The payout does not await approval, or no longer does."""


class SamePersonError(BridgeError):
    """The requester of a payout cannot decide about it as well."""


class NotTheirOwnError(BridgeError):
    """Only the requester of a payout can withdraw it."""


class DestinationRemovedError(BridgeError):
    """A destination was taken off its seller's list since the request that put it there."""

    def __init__(self, seller_id: str, destination: str) -> None:
        super().__init__(
            f"{destination} was taken off the list of {seller_id} since this request put it there, and a repeat does"
            " not undo that; send it with another Idempotency-Key to put it there again"
        )


@dataclass(frozen=True, slots=True)
class PayoutRules:
    """What may leave without a second person."""

    limits: Mapping[str, PayoutLimits]
    """By the currency of the payment."""
    destination_wait: timedelta | None = None
    """How long a destination has to be on its seller's list; None where it need not be on any."""
    network_fee_percent: Decimal = Decimal(10)
    """How much of the amount the network may get on top of it, where the sender sets that."""


@dataclass(frozen=True, slots=True)
class Approver:
    """Who decides about a payout."""

    name: str
    """The person."""
    service: str | None = None
    """The service that tells of it; None where they say so themselves."""
    services: Collection[str] = ()
    """The names of all services there are: none of them is a person's."""
    seen: Collection[str] | None = None
    """The reasons to wait that they have looked at; None if they do not say, which is enough for the first time."""


@dataclass(frozen=True, slots=True)
class ApprovalContext:
    """What a payout is held against, to see whether it may leave by itself."""

    rules: PayoutRules
    now: datetime
    outflows: Collection[Outflow] = ()
    """What others take of the limits."""
    allowed_since: datetime | None = None
    """Since when its destination is on its seller's list."""
    known_destinations: Collection[str] = ()
    """Where its payee was paid before, or may be."""


def reasons_to_wait(payout: Payout, context: ApprovalContext) -> tuple[str, ...]:
    """Why a payout has to be approved, for a person to read; nothing if it may leave by itself."""
    return (
        *_over_limits(payout, context.outflows, context.now, context.rules),
        *_resembling(payout, context.known_destinations),
        *_not_allowed(payout, context),
    )


def new_reasons_to_wait(payout: Payout, context: ApprovalContext) -> tuple[str, ...]:
    """Those of the reasons that have come up since a payout was ordered, or approved: its destination was taken off
    its seller's list, another one like it became known, or the limits were lowered. An amount that somebody has
    approved is not asked about again."""
    withheld = payout.facts.withheld
    reasons = [*_resembling(payout, context.known_destinations)]
    # To somewhere on no list somebody has let it go before: that it is on one by now is no worse.
    if _off_the_list(payout) not in withheld:
        reasons += _not_allowed(payout, context)
    at = payout.cleared_at
    if payout.facts.approved is None and at is not None:
        # As when it was ordered: what was let go after that was looked at beside it.
        before = [one for one in context.outflows if one.cleared_at <= at]
        reasons += _over_limits(payout, before, at, context.rules)
    return tuple(reason for reason in reasons if reason not in withheld)


def _over_limits(payout: Payout, outflows: Collection[Outflow], at: datetime, rules: PayoutRules) -> tuple[str, ...]:
    return over_limits(payout, paid_out(outflows, payout, at), rules.limits.get(payout.worth_currency or ""))


def _resembling(payout: Payout, known_destinations: Collection[str]) -> Iterator[str]:
    destination = payout.destination
    other = None if is_among(destination, known_destinations) else resembled(destination, known_destinations)
    if other is not None:
        yield f"{destination} begins and ends like {other}, where {payout.payee_id} is paid, and is another"


def _not_allowed(payout: Payout, context: ApprovalContext) -> Iterator[str]:
    wait, allowed_since = context.rules.destination_wait, context.allowed_since
    # Where a refund goes its buyer has said, who has no list.
    if wait is None or payout.refund_id is not None:
        return
    if allowed_since is None:
        yield _off_the_list(payout)
    elif context.now < allowed_since + wait:
        yield (
            f"{payout.destination} is among the destinations of {payout.seller_id} only since"
            f" {allowed_since:%Y-%m-%d %H:%M} UTC, and {wait / HOUR:g} hours are waited for"
        )


def _off_the_list(payout: Payout) -> str:
    return f"{payout.destination} is not among the destinations of {payout.seller_id}"


def doubts_about(payout: Payout, payment: Payment, others: Collection[Payout]) -> Iterator[str]:
    """What a second person has to look at in a payout, for them to read: what is wrong with its payment, and what
    depends on one person's word. `others` are those of its payment."""
    for other in _taken_back(payout, others):
        if other.said_to_have_failed:
            failed = ", ".join(other.said_to_have_failed)
            yield f"{other.payout_id}, which was completed, is said to have failed on the chain: see {failed}"
        elif other.status is PayoutStatus.RETURNED:
            carried = ", ".join(other.facts.returns)
            yield f"{other.payout_id}, which arrived, is said to have come back by {carried}; see whether it did"
        else:
            finders = ", ".join(sorted(other.facts.found_by))
            yield f"{other.payout_id} was not sent at the word of {finders}; see whether it was"
    yield from doubts_about_payment(payment, payout.seller_id if payout.refund_id is None else None)
    for other in others:
        if other.facts.rejected is not None and other.destination.casefold() == payout.destination.casefold():
            yield f"{other.payout_id}, to the same destination, was rejected by {other.facts.rejected.by}"
    refunded = None if payout.refund_id is None else payment.facts.refunds.get(payout.refund_id)
    gone = None if refunded is None else not_there(payment, refunded.of)
    if gone is not None:
        yield gone
    if payout.refund_id is not None and is_called_refunded(payment):
        yield f"{payment.provider} calls payment {payment.payment_id} refunded; see whether it went back already"
    if payout.refund_id is None and payout.worth is not None:
        back = going_back_of(payment, payout.seller_id)
        came = excess_over(payment.came_for(payout.seller_id), back)
        leaving = total([paid_out_to(payment, payout.seller_id, others), payout.worth])
        if leaving > came:
            yield (
                f"with it more leaves for {payout.seller_id} than the {format_amount(came)} {payment.currency} that"
                f" came{' and does not go back' if back else ''}:"
                f" {' and '.join(_why_more_leaves(payout, payment, others, excess_over(leaving, came)))}"
            )


def _why_more_leaves(payout: Payout, payment: Payment, others: Collection[Payout], more: Decimal) -> Iterator[str]:
    after_all = [
        one
        for one in others
        if one.was_sent_after_all and one.refund_id is None and one.seller_id == payout.seller_id
    ]
    for one in after_all:
        yield f"{one.payout_id} was found to have failed, and was sent after all"
    if excess_over(more, total(one.worth or ZERO for one in after_all)):
        yield "a person took the payment as paid" if payment.facts.accepted else "it was more when this was ordered"


def whose_word(payout: Payout, payment: Payment, others: Collection[Payout]) -> frozenset[str]:
    """On whose word the money of a payout is there, persons and the services that reported it: they took its
    payment as paid, or said that other money of it has not left, or is back."""
    finders = (other.facts.found_by | other.facts.found_through for other in _taken_back(payout, others))
    return payment.facts.accepted_by.union(*finders)


def _taken_back(payout: Payout, others: Iterable[Payout]) -> Iterator[Payout]:
    """Those of other payouts whose money is there again on a person's word, and may be what this one takes. The
    money of a refund, to which the buyer and the seller both have a claim, may be anybody's."""
    for other in others:
        is_at_a_word = other.status is PayoutStatus.RETURNED or (
            other.status is PayoutStatus.FAILED and bool(other.facts.found_by)
        )
        is_refund = payout.refund_id is not None or other.refund_id is not None
        if is_at_a_word and (is_refund or other.seller_id == payout.seller_id):
            yield other


def forgotten_doubts(forgotten: Iterable[ForgottenPayout]) -> Iterator[str]:
    """Why a payout may already have been paid: its provider has others of its payment that the journal had
    forgotten when it was restored, and that no payout has taken over."""
    for one in forgotten:
        yield f"{one.described}, {one.why_unknown}: this may have been paid"


def may_have_gone_to(payout: Payout, unheard: Iterable[Payout]) -> Iterator[str]:
    """Why a payout may already have been paid by what is taken for another's. `unheard` are those of its payment
    that were asked for before the journal was restored, and whose outcome it does not know: somebody may have
    found since that one of them had arrived, and the next one may have got its name."""
    for other in unheard:
        same = Stated(coin=other.coin, amount=other.amount, destination=other.destination)
        is_taken_for_it = other.external_id in other.facts.booked and _is_of_same_share(payout, other)
        if is_taken_for_it and contradiction(payout, same) is None:
            by = f" ({', '.join(other.facts.tx_hashes)})" if other.facts.tx_hashes else ""
            yield (
                f"{other.provider} has {other.external_id}{by}, which is taken for {other.payout_id}'s: that one was"
                " asked for before the journal was restored, and nobody had heard whether it was sent. If it had been"
                f" sent otherwise, that is this one's; see whether one transfer arrived at {other.destination} or two"
            )


def _is_of_same_share(one: Payout, other: Payout) -> bool:
    return (one.payee_id, one.refund_id is None) == (other.payee_id, other.refund_id is None)


def approval(
    payout: Payout,
    by: Approver,
    note: str | None,
    now: datetime,
    *,
    involved: Collection[str] = (),
    whose_word: Collection[str] = (),
) -> PayoutApproved:
    """What somebody's approval adds to a payout. `involved` are people other than the requester who have had a
    hand in it, such as who gave its destination, or put it on its seller's list; `whose_word` are those on whose word
    its money is there. Raises NothingToApproveError and SamePersonError."""
    if payout.status is not PayoutStatus.AWAITING_APPROVAL:
        raise NothingToApproveError(_decided(payout))
    word = _second_word(payout, by, now)
    if by.seen is None and payout.facts.approved is not None:
        # A repeat of what approved it then says nothing of what has come since.
        raise NothingToApproveError(
            f"{payout.facts.approved.by} approved this payout, and it waits for something else by now:"
            f" {'; '.join(payout.approval_reasons)}. Look at it, and approve it with these as `reasons`."
        )
    unseen = [reason for reason in payout.approval_reasons if by.seen is not None and reason not in by.seen]
    if unseen:
        raise NothingToApproveError(f"It waits for something else as well by now: {'; '.join(unseen)}. Look again.")
    if any(may_be_one(by.name, service) for service in by.services):
        raise SamePersonError(
            f"{by.name} is what a service is called; name the person who approves this payout, who has to be called"
            " otherwise."
        )
    names = [by.name, by.service or by.name]
    if any(may_be_one(name, other) for other in whose_word for name in names):
        raise SamePersonError(
            "That the money of this payout is there hangs on what they said of its payment, or of another payout of"
            " it; somebody else has to approve it."
        )
    if any(may_be_one(name, other) for other in involved for name in names):
        raise SamePersonError("Who said where this payout goes cannot approve it; somebody else has to.")
    if may_be_one(by.name, payout.payee_id):
        raise SamePersonError(f"This payout is {payout.payee_id}'s own; somebody else has to approve it.")
    return PayoutApproved(word=word, note=note, reasons=payout.facts.withheld)


def rejection(payout: Payout, by: Approver, note: str, now: datetime) -> PayoutRejected:
    """What somebody's rejection adds to a payout, even if it was approved, or is held back by its payment: nothing
    of it was sent. Raises NothingToApproveError and SamePersonError."""
    _require_revocable(payout)
    return PayoutRejected(word=_second_word(payout, by, now), reason=f"{by.name} rejected it: {note}")


def withdrawal(payout: Payout, by: Approver, note: str | None) -> PayoutFailed:
    """What it adds to a payout that its requester no longer wants it sent. Raises NothingToApproveError and
    NotTheirOwnError."""
    # A name that only looks like theirs is not theirs here: that would let somebody in.
    is_theirs = by.name == payout.asked_by if by.service is None else by.service == payout.asked_through
    if not is_theirs:
        raise NotTheirOwnError(
            f"{payout.asked_by or 'Nobody knows who'} asked for this payout; who did not, and may approve payouts,"
            " can reject it."
        )
    if not is_withdrawable(payout):
        raise NothingToApproveError(_decided(payout))
    # That a wallet which nobody here asks does not send it is their word.
    word = {"found_by": by.name, "found_through": by.service} if payout.is_only_expected else {}
    return PayoutFailed(reason=f"{by.name} withdrew it" + ("" if note is None else f": {note}"), **word)


def is_withdrawable(payout: Payout) -> bool:
    """Whether its requester can withdraw it: nothing of it was sent, as far as anybody can tell."""
    return is_revocable(payout) or payout.is_only_expected


def is_revocable(payout: Payout) -> bool:
    """Whether it is certain that nothing of it was sent, or is being sent, so that it can be rejected or
    withdrawn, whatever holds it back."""
    return payout.is_unasked and payout.status in (PayoutStatus.AWAITING_APPROVAL, PayoutStatus.CREATED)


def _require_revocable(payout: Payout) -> None:
    """Raises NothingToApproveError."""
    if not is_revocable(payout):
        raise NothingToApproveError(_decided(payout))


def _second_word(payout: Payout, by: Approver, now: datetime) -> SecondWord:
    if payout.asked_by is not None and may_be_one(by.name, payout.asked_by):
        raise SamePersonError(f"{payout.asked_by} asked for this payout; somebody else has to decide about it.")
    # Where a person is called as the service is, nobody can tell them apart.
    if by.service is None and payout.asked_through is not None and may_be_one(by.name, payout.asked_through):
        raise SamePersonError(
            f"The service {payout.asked_through} asked for this payout, and {by.name} may be whoever runs it;"
            " somebody called otherwise has to decide about it."
        )
    if by.service is not None and by.service == payout.asked_through:
        raise SamePersonError(
            f"The service {by.service} asked for this payout; a person in the console, or another service, has to"
            " decide about it."
        )
    return SecondWord(by=by.name, through=by.service, at=now)


def _decided(payout: Payout) -> str:
    facts = payout.facts
    for word, done in ((facts.rejected, "rejected"), (facts.approved, "approved")):
        if word is not None:
            return f"{word.by} {done} this payout at {word.at:%Y-%m-%d %H:%M} UTC; it is {payout.status}."
    if payout.is_settled:
        return f"This payout is {payout.status}; there is nothing to decide about it any more."
    if is_revocable(payout):
        return f"This payout is {payout.status}; it awaits no approval."
    if payout.facts.sightings:
        return f"This payout is {payout.status}: it was seen on its chain."
    return f"This payout is {payout.status}: {payout.provider} was asked to send it."
