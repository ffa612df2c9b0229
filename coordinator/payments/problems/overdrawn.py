"""Overdrawn: what of a payment's money went out beyond what came, as its facts alone know it. Pure.

`Escrow.overdrawn` of `earnings.py` is the same, of all payouts and refunds that there are.
"""

from decimal import Decimal

from coordinator.money import ZERO, excess_over, total
from coordinator.payments.facts.refunded import gone_back
from coordinator.payments.observed.observations import RefundOf, Release
from coordinator.payments.payments import Payment
from coordinator.payments.problems.figures import money, of_amount

__all__ = ["overdrawn", "too_much_gone"]


def overdrawn(payment: Payment) -> Decimal:
    """What went out to sellers and to the buyer beyond what came, as far as it was written down what it was worth."""
    facts = payment.facts
    if not facts.releases and not facts.refunds:
        return ZERO
    all_releases = (one for of_seller in facts.releases.values() for one in of_seller.values())
    done = [one.worth or ZERO for one in all_releases if one.release is Release.DONE]
    gone = {of: gone_back(payment.money_back, of) for of in RefundOf}
    of_goods = excess_over(total([*done, gone[RefundOf.GOODS]]), payment.goods)
    return total([of_goods, excess_over(gone[RefundOf.EXCESS], payment.excess)])


def too_much_gone(payment: Payment) -> str | None:
    """The same in words; None if nothing is beyond what came."""
    beyond = overdrawn(payment)
    if not beyond:
        return None
    return f"{money(payment, beyond)} more went out than came: {of_amount(payment)} has come"
