"""Shares of sellers in what goes back to a payment's buyer. Pure."""

from collections.abc import Collection
from decimal import Decimal
from typing import Protocol

from coordinator.money import ZERO, excess_over, total
from coordinator.payments.agreed.agreements import part_of
from coordinator.payments.facts.refunded import Refunds, going_back, gone_back
from coordinator.payments.observed.observations import RefundOf
from coordinator.payments.payments import Payment

__all__ = ["going_back_of", "gone_back_of", "part_of_nobodys"]


class _SumOf(Protocol):
    def __call__(
        self, refunds: Refunds, of: RefundOf, seller_ids: Collection[str | None] | None = None, /
    ) -> Decimal: ...


def going_back_of(payment: Payment, seller_id: str) -> Decimal:
    """What goes back out of a seller's share, or has gone, and their part of what does out of nobody's."""
    return _back(payment, seller_id, going_back)


def gone_back_of(payment: Payment, seller_id: str) -> Decimal:
    """What of that has arrived at the buyer."""
    return _back(payment, seller_id, gone_back)


def part_of_nobodys(payment: Payment, seller_id: str, amount: Decimal) -> Decimal:
    """A seller's part of what is taken out of nobody's share."""
    came = payment.amount if payment.facts.accepted else payment.goods
    before, after = (part_of(payment.shares, seller_id, one) for one in (came, excess_over(came, amount)))
    return excess_over(before, after)


def _back(payment: Payment, seller_id: str, sum_of: _SumOf) -> Decimal:
    refunds = payment.money_back
    if not refunds:
        return ZERO
    own, of_nobody = (sum_of(refunds, RefundOf.GOODS, [one]) for one in (seller_id, None))
    return total([own, part_of_nobodys(payment, seller_id, of_nobody)])
