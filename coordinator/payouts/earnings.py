"""Earnings: where a payment's money is, in the payment's currency: what its sellers may be paid out, and what may go
back to its buyer.

No payout is more than what came for the goods, without the gateway's fee and without what came too much, less what
was paid out of it, went back, or is under way. No refund is more than what came, less the same.
"""

from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import NamedTuple

from coordinator.money import excess_over, format_amount, total
from coordinator.payments.facts.refunded import going_back, gone_back
from coordinator.payments.observed.observations import RefundOf, Release
from coordinator.payments.parts.seller_shares import going_back_of
from coordinator.payments.payments import Payment, PaymentStatus
from coordinator.payments.problems.withheld import withheld_from
from coordinator.payouts.payouts import Payout
from coordinator.payouts.statuses import PayoutStatus

__all__ = [
    "Escrow",
    "Pool",
    "earned",
    "escrow_of",
    "left_to_pay_out",
    "left_to_refund",
    "not_there",
    "paid_out_to",
    "refundable",
]

# The money of these has not left, or is back.
_WITHOUT_MONEY = (PayoutStatus.FAILED, PayoutStatus.RETURNED)


class Pool(NamedTuple):
    """Money of a payment that is of one kind, such as one seller's share."""

    of: RefundOf
    seller_id: str | None
    """Whose share it is; None where it is nobody's."""
    amount: Decimal


def earned(payment: Payment, seller_id: str) -> Decimal:
    """What a seller's part of the payment is. Where a person took the payment as paid, that is all that was
    agreed."""
    if payment.facts.accepted:
        return total(share.amount for share in payment.shares if share.seller_id == seller_id)
    return payment.came_for(seller_id)


def left_to_pay_out(payment: Payment, seller_id: str, payouts: Collection[Payout]) -> Decimal:
    """How much more a seller may be paid out, given the present payouts. One whose worth was not stored counts for
    all that the seller has earned. What goes back is taken first from what was withheld."""
    kept = max(withheld_from(payment, seller_id), going_back_of(payment, seller_id))
    taken = [_paid_out(payment, [seller_id], payouts), kept]
    left = excess_over(earned(payment, seller_id), total(taken))
    refunds = payment.money_back
    if not going_back(refunds, RefundOf.GOODS, [None]):
        return left
    # What goes back out of nobody's share may be more than what others have left.
    came = payment.amount if payment.facts.accepted else payment.goods
    taken = [_paid_out(payment, payment.seller_ids, payouts), going_back(refunds, RefundOf.GOODS)]
    return min(left, excess_over(came, total(taken)))


def left_to_refund(payment: Payment, of: RefundOf, seller_id: str | None, payouts: Collection[Payout]) -> Decimal:
    """How much more of what came may go back to the buyer, given the present payouts: out of a seller's share, or
    out of nobody's."""
    if of is RefundOf.EXCESS:
        return excess_over(payment.excess, going_back(payment.money_back, RefundOf.EXCESS))
    sellers = payment.seller_ids
    taken = [_paid_out(payment, sellers, payouts), going_back(payment.money_back, RefundOf.GOODS)]
    left = excess_over(payment.goods, total(taken))
    if seller_id is None:
        return left
    taken = [_paid_out(payment, [seller_id], payouts), going_back_of(payment, seller_id)]
    # What others were paid beyond their shares is not there either.
    return min(left, excess_over(payment.came_for(seller_id), total(taken)))


def refundable(payment: Payment, payouts: Collection[Payout]) -> tuple[Pool, ...]:
    """All that may go back to the buyer now. Of a payment that is not completed no seller has earned anything."""
    of_goods: tuple[str | None, ...] = payment.seller_ids
    if payment.status is not PaymentStatus.COMPLETED and len(of_goods) > 1:
        of_goods = (None,)
    pools = [(RefundOf.GOODS, seller_id) for seller_id in of_goods] + [(RefundOf.EXCESS, None)]
    left = (Pool(of, seller_id, left_to_refund(payment, of, seller_id, payouts)) for of, seller_id in pools)
    return tuple(pool for pool in left if pool.amount)


class Escrow(NamedTuple):
    """Where all the money of a payment is: `received + overdrawn` is the sum of all others but `under_way`."""

    received: Decimal
    """All that came, the gateway's fee included."""
    held: Decimal
    """What came for the goods, and has arrived at nobody else."""
    under_way: Decimal
    """What of `held` and `excess` is to be paid out or to go back."""
    released: Decimal
    """What arrived at sellers."""
    refunded: Decimal
    """What arrived at the buyer."""
    fee: Decimal
    """What came for the gateway's fee."""
    excess: Decimal
    """What came too much, and has not gone back."""
    overdrawn: Decimal
    """What went out beyond what came: of a payment that was accepted with less, or by a payout that was sent after it
    was found to have failed."""


def escrow_of(payment: Payment, payouts: Collection[Payout]) -> Escrow:
    """Where the money of a payment is, with the payouts that there are."""
    sellers = payment.seller_ids
    released = _paid_out(payment, sellers, [one for one in payouts if one.status is PayoutStatus.COMPLETED])
    gone = {of: gone_back(payment.money_back, of) for of in RefundOf}
    goods = excess_over(payment.received, payment.excess)
    out = {RefundOf.GOODS: total([released, gone[RefundOf.GOODS]]), RefundOf.EXCESS: gone[RefundOf.EXCESS]}
    going = total(one.amount for one in payment.money_back.values() if one.release is Release.UNDER_WAY)
    leaving = excess_over(_paid_out(payment, sellers, payouts), released)
    return Escrow(
        received=payment.paid,
        held=excess_over(goods, out[RefundOf.GOODS]),
        under_way=total([going, leaving]),
        released=released,
        refunded=total(gone.values()),
        fee=payment.fee,
        excess=excess_over(payment.excess, out[RefundOf.EXCESS]),
        overdrawn=total([excess_over(out[RefundOf.GOODS], goods), excess_over(out[RefundOf.EXCESS], payment.excess)]),
    )


def paid_out_to(payment: Payment, seller_id: str, payouts: Iterable[Payout]) -> Decimal:
    """What was paid out to a seller, or is under way."""
    return _paid_out(payment, [seller_id], payouts)


def _paid_out(payment: Payment, seller_ids: Collection[str], payouts: Iterable[Payout]) -> Decimal:
    """What was paid out to sellers, or is under way."""
    return total(
        earned(payment, payout.seller_id) if payout.worth is None else payout.worth
        for payout in payouts
        if payout.refund_id is None and payout.seller_id in seller_ids and payout.status not in _WITHOUT_MONEY
    )


def not_there(payment: Payment, of: RefundOf) -> str | None:
    """Why the money that is to go back from a payment is no longer all there; None if it is."""
    came, back = payment.goods if of is RefundOf.GOODS else payment.excess, going_back(payment.money_back, of)
    if back <= came:
        return None
    gone = gone_back(payment.money_back, of)
    return (
        f"of payment {payment.payment_id} {format_amount(excess_over(back, gone))} {payment.currency} are to go back,"
        f" and only {format_amount(excess_over(came, gone))} are there"
    )
