"""Doubts about a payout that is about to be written down, for which somebody has to look at it whatever the limits
say: the price that it counts at, that at which its payment was paid, and what its sender sets for the network."""

from collections.abc import AsyncIterator, Iterator
from decimal import Decimal

from bridge.journal import Journal
from bridge.workers.payouts.sender import PayoutSender
from coordinator.money import format_amount, total
from coordinator.payments.payments import Payment
from coordinator.payments.problems.coin_prices import paid_at, price_doubt, way_in_doubt
from coordinator.payouts.network_fees import NetworkFeeTooHighError, network_fee_doubt
from providers.contract import PayoutOrder
from providers.errors import NotPayableError

__all__ = ["UsualPrices", "doubts_about_order"]


class UsualPrices:
    """What coins were usually worth, as far as one request needs to know."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._known: dict[tuple[str, str, str], Decimal | None] = {}

    async def of(self, provider: str, coin: str, currency: str) -> Decimal | None:
        """None if nobody can tell."""
        key = provider, coin, currency
        if key not in self._known:
            self._known[key] = await self._journal.approvals.usual_price(*key, self._journal.clock())
        return self._known[key]


async def doubts_about_order(
    prices: UsualPrices,
    sender: PayoutSender,
    payment: Payment,
    order: PayoutOrder,
    worth: Decimal,
    network_fee_percent: Decimal,
) -> tuple[str, ...]:
    """Why somebody has to approve an order that counts for so much of a payment's money. Raises NotPayableError for a
    fee that cannot be meant."""
    doubts = list(_about_fee(sender, payment.provider, order, network_fee_percent))
    doubts += [doubt async for doubt in _about_way_in(prices, sender, payment, order.coin)]
    if not sender.is_worth_itself(payment.provider, order.coin, payment.currency):
        paid = paid_at(payment, order.coin)
        usual = await prices.of(payment.provider, order.coin, payment.currency) if paid is None else None
        doubt = price_doubt(order.amount, order.coin, worth, payment.currency, paid=paid, usual=usual)
        doubts += [] if doubt is None else [doubt]
    return tuple(doubts)


async def _about_way_in(prices: UsualPrices, sender: PayoutSender, payment: Payment, coin: str) -> AsyncIterator[str]:
    """Whether what came for the payment may be worth less than it counts for, so that more is to leave than came."""
    usual: dict[str, Decimal | None] = {}
    for came in {transfer.asset for transfer in payment.counted}:
        usual[came] = payment.facts.usual_rates.get(came)
        if sender.is_worth_itself(payment.provider, came, payment.currency):
            usual[came] = Decimal(1)
        elif usual[came] is None:
            usual[came] = await prices.of(payment.provider, came, payment.currency)
    doubt = way_in_doubt(payment, usual)
    if doubt is not None:
        yield doubt
    # In the coin that came no more of it leaves than came.
    without_rate = sorted(came for came, rate in usual.items() if rate is None and came != coin)
    if without_rate:
        values = [transfer.value for transfer in payment.counted if transfer.asset in without_rate]
        known = [value for value in values if value is not None]
        # Where it is not said what each is worth, it is no more than all that came.
        worth = total(known) if len(known) == len(values) else payment.paid
        yield (
            f"too few were asked to pay with {', '.join(without_rate)} on other days to tell whether what came in"
            f" {'it' if len(without_rate) == 1 else 'them'} is worth {format_amount(min(worth, payment.paid))}"
            f" {payment.currency}"
        )


def _about_fee(sender: PayoutSender, provider: str, order: PayoutOrder, percent: Decimal) -> Iterator[str]:
    fee = sender.network_fee(provider, order)
    if fee is None:
        return
    try:
        doubt = network_fee_doubt(order.amount, order.coin, fee, percent)
    except NetworkFeeTooHighError as error:
        raise NotPayableError("fee", str(error)) from None
    if doubt is not None:
        yield doubt
