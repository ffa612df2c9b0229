"""Payable shares: who may have been paid out of a provider's payments without the journal's knowing, and what each is
due."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bridge.journal import Journal
from bridge.workers.payouts.books import LONG_SETTLED
from coordinator.histories import Reach
from coordinator.money import ZERO, product, total
from coordinator.payments.observed.dates import CLOCKS_APART
from coordinator.payments.payments import OPEN_STATUSES, Payment, PaymentStatus
from coordinator.payments.problems.withheld import withheld_from
from coordinator.payouts.earnings import earned, left_to_pay_out, refundable
from coordinator.payouts.payouts import Payout
from coordinator.payouts.provider_names import Installation, NamedShare
from coordinator.payouts.statuses import PayoutStatus
from coordinator.payouts.unknown_transfers import Due

__all__ = ["KnownDues", "PayableShare", "payable_shares"]

PAGE = 200
# A price, a fee or a fraction leaves about this much of what came, and nobody pays that out.
REST_SHARE = Decimal("0.05")

# Of these anything may be paid out, however long ago something was heard of them.
NEAR = (*OPEN_STATUSES, PaymentStatus.COMPLETED)
PAYABLE = (
    *NEAR,
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


class KnownDues:
    """What is due out of all payments, read again only once the journal has moved on: whoever searches chains asks
    for each of them, and again every few seconds while somebody does not answer."""

    def __init__(self, journal: Journal, providers: Iterable[str]) -> None:
        self._journal = journal
        self._providers = tuple(providers)
        self._read_at: Reach | None = None
        self._dues: Sequence[Due] = ()

    async def all(self) -> Sequence[Due]:
        # That commits are counted on says nothing: leases are renewed all the time.
        reach = (await self._journal.history.reach()).model_copy(update={"commits": 0})
        if reach != self._read_at:
            self._dues = [due for provider in self._providers async for due in self._of(provider)]
            self._read_at = reach
        return self._dues

    async def _of(self, provider: str) -> AsyncIterator[Due]:
        async for share in payable_shares(self._journal, provider):
            payment, is_refund = share.payment, share.names.seller_id is None
            yield Due(payment.payment_id, share.payee_id, share.left, payment.currency, is_refund)


async def payable_shares(journal: Journal, provider: str) -> AsyncIterator[PayableShare]:
    """The newest payments of each status first, each once, page by page. Payments move on meanwhile: one that went
    back to a status that was already read is found in the second round, in which only what moved is read."""
    now = journal.clock()
    found: set[str] = set()
    every = [(status, None if status in NEAR else now - LONG_SETTLED) for status in PAYABLE]
    moved = [(status, now - CLOCKS_APART) for status in PAYABLE]
    for status, since in (*every, *moved):
        before = None
        while page := await journal.history.payable_payments(
            provider, status, before=before, since=since, limit=PAGE
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
