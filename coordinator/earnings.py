"""Earnings: how much of a payment a seller may be paid out, in the payment's currency.

No payout is more than what came for the goods, without the gateway's fee and without what came too much, less what
was paid out of it or is under way.
"""

from collections.abc import Iterable
from decimal import Decimal

from coordinator.money import excess_over, product, quotient, total
from coordinator.payments import Payment
from coordinator.payouts import Payout, PayoutStatus

__all__ = ["earned", "left_to_pay_out"]

# The money of these has not left, or is back.
_WITHOUT_MONEY = (PayoutStatus.FAILED, PayoutStatus.RETURNED)


def earned(payment: Payment, seller_id: str) -> Decimal:
    """What of the payment is a seller's. Where a person took the payment as paid, that is all that was agreed."""
    agreed = total(share.amount for share in payment.shares if share.seller_id == seller_id)
    if payment.facts.accepted or payment.received >= payment.amount:
        return agreed
    return product(agreed, quotient(payment.received, payment.amount))


def left_to_pay_out(payment: Payment, seller_id: str, payouts: Iterable[Payout]) -> Decimal:
    """How much more a seller may be paid out, with the payouts that there are. One whose worth was not written down
    counts for all that the seller has earned."""
    all_of_it = earned(payment, seller_id)
    taken = total(
        all_of_it if payout.worth is None else payout.worth
        for payout in payouts
        if payout.seller_id == seller_id and payout.status not in _WITHOUT_MONEY
    )
    return excess_over(all_of_it, taken)
