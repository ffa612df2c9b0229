"""Double refunds: refunds of the bridge's that may be the same money as what the provider gave back by itself. Pure.

What both tell of by one transaction is known to be one, as `counting/money_back.py` counts it. Otherwise both count,
so that nothing leaves twice, until a person has looked.
"""

from collections.abc import Iterator

from coordinator.payments.facts.refunded import counted_twice_in, given_back_there, reversals_in
from coordinator.payments.observed.observations import Release
from coordinator.payments.payments import Payment
from coordinator.payments.problems.figures import money

__all__ = ["double_refunds"]


def double_refunds(payment: Payment) -> str | None:
    """Which refunds are for just as much as something that its provider gave back by itself, under another name; None
    if there are none."""
    return "; ".join(_counted_twice(payment)) or None


def _counted_twice(payment: Payment) -> Iterator[str]:
    refunds = payment.facts.refunds
    there = dict(given_back_there(refunds))
    if not there:
        return
    one_and_the_same = {name: counted_twice_in(name, refunds) for name in there}
    known = {*reversals_in(refunds), *(refund_id for same in one_and_the_same.values() for refund_id in same)}
    there = {name: one for name, one in there.items() if not one_and_the_same[name]}
    for refund_id, one in sorted(refunds.items()):
        if refund_id in known or one.release is Release.FAILED:
            continue
        same = next((name for name in sorted(there) if there[name].amount == one.amount), None)
        if same is not None:
            del there[same]
            by = "" if one.carried_by is None else f" by {one.carried_by}"
            yield (
                f"{payment.provider} gave {money(payment, one.amount)} back by itself ({same.partition(':')[2]}), and"
                f" {refund_id} sends as much back{by}"
            )
