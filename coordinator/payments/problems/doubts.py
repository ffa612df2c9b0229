"""Doubts about a payment: problems that do not hold its money, but for which none of it leaves without a second
person, even if they become known after the order. Pure.
"""

from collections.abc import Iterator

from coordinator.payments.facts.facts import MisfitKind
from coordinator.payments.observed.observations import Ending
from coordinator.payments.payments import Payment

__all__ = ["doubts_about_payment"]

_GIVEN_UP = (Ending.CANCELLED, Ending.FAILED)


def doubts_about_payment(payment: Payment, seller_id: str | None) -> Iterator[str]:
    """Why a second person has to look at a payment before its money leaves, for them to read: for one seller, or,
    where that is None, back to its buyer. Each thing by itself, so that what was approved stays so until there is
    news."""
    yield from _about_its_owner(payment)
    if seller_id is None:
        return
    yield from _about_cancellation(payment, seller_id)
    for other in sorted(payment.facts.completed_siblings - payment.facts.refunded_siblings):
        yield (
            f"payment {payment.payment_id} shares a purchase request with {other}, which is completed too; see"
            " whether its buyer has paid twice"
        )


def _about_its_owner(payment: Payment) -> Iterator[str]:
    """Whether the money may be another payment's, whichever of them was told of it first."""
    facts, own = payment.facts, f"payment {payment.payment_id}"
    is_dismissed = any(misfit.kind is MisfitKind.DISMISSED for misfit in facts.misfits)
    before = "was told of as another payment's, or dismissed," if is_dismissed else "was told of as another payment's"
    for taken in sorted(facts.taken):
        yield f"{taken[:120]} {before} before {own} was told of it; see whose the money is"
    for borrowed in sorted(facts.borrowed):
        yield f"{borrowed[:120]} was another payment's before it was given to {own}; see whose the money is"
    for other in sorted(facts.contested_by):
        yield f"{other} was given an address of {own} or told of its money too; see whose the money is"
    for misfit in facts.misfits:
        if misfit.kind is MisfitKind.CONTESTED:
            yield f"of {own}, {misfit.detail}; see whose it is"


def _about_cancellation(payment: Payment, seller_id: str) -> Iterator[str]:
    """Whether what it is for was cancelled, and it was completed before that, or is at a person's word. What was
    cancelled before it was completed is nobody's until somebody accepts it."""
    facts = payment.facts
    own = {share.request_id for share in payment.shares if share.seller_id == seller_id}
    cancelled = own & (facts.cancelled_requests if facts.accepted else facts.cancelled_requests - facts.withheld)
    how = "and taken as paid all the same by " + (", ".join(sorted(facts.accepted_by)) or "a person")
    when = how if facts.accepted else "after it was paid"
    for request_id in sorted(cancelled):
        yield f"{request_id} was cancelled {when}; see whether {seller_id} is to be paid"
    for ending in _GIVEN_UP:
        if ending in facts.endings and not facts.accepted:
            yield f"{payment.provider} called payment {payment.payment_id} {ending}; see whether its money is there"
