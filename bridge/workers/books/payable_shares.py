"""Payable shares: who may have been paid out of a provider's payments without the journal's knowing."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bridge.journal import Journal
from bridge.workers.payouts.books import LONG_SETTLED
from coordinator.money import ZERO, product, total
from coordinator.payments.payments import OPEN_STATUSES, Payment, PaymentStatus
from coordinator.payments.problems.withheld import withheld_from
from coordinator.payouts.earnings import earned, left_to_pay_out, refundable
from coordinator.payouts.payouts import Payout
from coordinator.payouts.provider_names import Installation, NamedShare
from coordinator.payouts.statuses import PayoutStatus

__all__ = ["PayableShare", "payable_shares"]

PAGE = 200
# A price, a fee or a fraction leaves about this much of what came, and nobody pays that out.
REST_SHARE = Decimal("0.05")

PAYABLE = (
    *OPEN_STATUSES,
    PaymentStatus.COMPLETED,
    PaymentStatus.EXPIRED,
    PaymentStatus.CANCELLED,
    PaymentStatus.FAILED,
)


@dataclass(frozen=True, slots=True)
class PayableShare:
    """Who may have been paid out of a payment, and which of those payouts the journal has."""

    names: NamedShare
    payouts: Sequence[Payout]
    left: Decimal
    """How much of the payment's currency they may have been paid besides."""

    @property
    def payment(self) -> Payment:
        return self.names.payment

    @property
    def payee_id(self) -> str:
        return self.names.payee_id


async def payable_shares(journal: Journal, provider: str) -> AsyncIterator[PayableShare]:
    """The newest payments of each status first, each once. Payments move on meanwhile: one that went back to a status
    that was already read is found in the second round."""
    now = journal.clock()
    found: set[str] = set()
    for status in PAYABLE * 2:
        before = None
        while page := await journal.history.payable_payments(
            provider, status, before=before, since=now - LONG_SETTLED, limit=PAGE
        ):
            payouts = defaultdict(list)
            for payout in await journal.history.payouts_of([one.payment_id for one in page]):
                payouts[payout.payment_id].append(payout)
            for payment in page:
                if payment.payment_id in found:
                    continue
                found.add(payment.payment_id)
                for share in _payable(payment, payouts[payment.payment_id], now, journal.history.installation):
                    yield share
            before = page[-1].payment_id


def _payable(
    payment: Payment, payouts: Sequence[Payout], now: datetime, installation: Installation
) -> Iterable[PayableShare]:
    """Who may have received payouts of a payment, besides those that the journal has. More than is left is never
    paid out; but what is left of a payment that is not completed, or waits for a person, may be more by now than
    the journal knows, and a payout that no provider has in its books may have come to nothing."""
    is_completed = payment.status is PaymentStatus.COMPLETED
    certain = [one for one in payouts if one.has_arrived or one.facts.booked]
    to_sellers = [one for one in payouts if one.refund_id is None]
    for seller_id in payment.seller_ids:
        of_seller = [one for one in to_sellers if one.seller_id == seller_id]
        left = max(left_to_pay_out(payment, seller_id, certain), withheld_from(payment, seller_id))
        if is_completed and left <= _rest(earned(payment, seller_id), of_seller, now):
            continue
        yield PayableShare(NamedShare(payment, seller_id, installation), of_seller, left)
    left = total(pool.amount for pool in refundable(payment, certain))
    if is_completed and left <= _rest(payment.paid, to_sellers, now):
        return
    refunds = [one for one in payouts if one.refund_id is not None]
    yield PayableShare(NamedShare(payment, None, installation), refunds, left)


def _rest(came: Decimal, payouts: Iterable[Payout], now: datetime) -> Decimal:
    """How much of what came is too little to be paid out: nothing, until one of some payouts that were asked for
    long ago has arrived, and a small amount from then on."""
    long_ago = now - LONG_SETTLED
    is_over = any(one.status is PayoutStatus.COMPLETED and one.created_at < long_ago for one in payouts)
    return product(came, REST_SHARE) if is_over else ZERO
