"""Money back: which part of a payment's money that is which goes back to its buyer, or has gone. Pure.

A refund that is ordered here says so itself. What the provider gives back by itself, or the buyer's bank takes, is of
the goods as long as some of that is left, and then of what came too much: so neither is sent back, or paid out, once
more. What both tell of by one transaction is one refund, and counts once.
"""

from decimal import Decimal

from coordinator.money import ZERO, excess_over, total
from coordinator.payments.facts.facts import Facts
from coordinator.payments.facts.refunded import Refunded, Refunds, counted_twice_in, going_back, reversals_in
from coordinator.payments.observed.observations import RefundOf, Release

__all__ = ["money_back"]


def money_back(facts: Facts, goods: Decimal, excess: Decimal) -> Refunds:
    """All that goes back of a payment for which so much came, each part of one kind."""
    reversals = reversals_in(facts.refunds)
    if not reversals:
        return facts.refunds
    known = {name: one for name, one in facts.refunds.items() if name not in reversals}
    of_sellers = (one for payouts in facts.releases.values() for one in payouts.values())
    paid_out = total(one.worth or ZERO for one in of_sellers if one.release is not Release.FAILED)
    goods_left = excess_over(goods, total([paid_out, going_back(known, RefundOf.GOODS)]))
    excess_left = excess_over(excess, going_back(known, RefundOf.EXCESS))
    # What has gone counts before what may go.
    for name, one in sorted(reversals.items(), key=lambda item: (-item[1].release, item[0])):
        if one.release is Release.FAILED:
            continue
        amount = excess_over(one.amount, total(own.amount for own in counted_twice_in(name, facts.refunds).values()))
        of_excess = min(excess_over(amount, goods_left), excess_left)
        of_goods = excess_over(amount, of_excess)
        goods_left, excess_left = excess_over(goods_left, of_goods), excess_over(excess_left, of_excess)
        known[name] = one.model_copy(update={"amount": of_goods})
        known[f"{name}:excess"] = Refunded(of=RefundOf.EXCESS, amount=of_excess, release=one.release, step=one.step)
    return known
