"""The days before the demonstration: sales that a played clock lets happen in the past, written down by the same line
that takes those of the present. What a provider would have said is read from real-format, signed webhooks."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_UP, Decimal
from random import Random

from bridge.cli.demo.books import (
    CENT,
    COIN,
    PROVIDER,
    Evening,
    PlayedClock,
    PlayedPayouts,
    close_books,
    send_otherwise,
    together,
)
from bridge.journal import Journal
from coordinator.ids import new_id
from coordinator.payments.payments import Payment
from coordinator.payouts.approval import PayoutRules
from coordinator.payouts.limits import DEFAULT_LIMITS
from coordinator.payouts.observations import (
    PayoutAccepted,
    PayoutFailed,
    PayoutObservation,
    PayoutUnclear,
)
from coordinator.payouts.payouts import Payout
from providers.contract import Reading
from providers.shkeeper.simulator.notices import signed_headers
from providers.shkeeper.simulator.scenarios import NO_FEES, Invoice
from providers.shkeeper.simulator.terms.terms import FeePolicy, Fees
from providers.shkeeper.webhooks.webhooks import ShkeeperWebhooks

__all__ = ["Played", "play_past"]

SELLERS = tuple(f"seller-{number}" for number in range(1, 9))
BUYERS = tuple(f"buyer-{number}" for number in range(1, 41))
# Of some buyers the gateway takes this on top.
FEES = Fees(FeePolicy.PERCENT_FEE, percent=Decimal(2))

OPENS, CLOSES = 12, 18
"""The hours of an afternoon, in UTC."""
SALES_AN_HOUR = (3, 9)
EXPIRY = timedelta(hours=4)
# Long enough ago for what is stuck since then to be overdue, whatever the hour is now.
TROUBLE_DAYS_AGO = 2
# Of what is asked for in the end, so that one waits for a second person.
KNOWN_DESTINATIONS_ONLY = PayoutRules(DEFAULT_LIMITS, timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Played:
    """What there is now."""

    payments: int
    payouts: int


@dataclass(frozen=True, slots=True)
class _Sale:
    payment: Payment
    invoice: Invoice
    parts: tuple[Decimal, ...]
    """What the buyer pays, one after the other."""

    @property
    def is_paid(self) -> bool:
        return self.invoice.balance >= self.invoice.amount


async def play_past(database_url: str, key: str, *, days: int, random: Random) -> Played:
    """Plays the afternoons of the days before today into a journal that is new."""
    today = datetime.now(UTC)
    clock = PlayedClock(today - timedelta(days=days + 1))
    journal = await Journal.open(database_url, clock=clock)
    try:
        past = _Past(journal, clock, ShkeeperWebhooks(api_keys=[key]), key, random)
        for before in range(days, 0, -1):
            day = (today - timedelta(days=before)).replace(minute=0, second=0, microsecond=0)
            evening = Evening(days - before, is_last_of_its_kind=before == TROUBLE_DAYS_AGO)
            for hour in range(OPENS, CLOSES):
                await past.play_hour(day.replace(hour=hour), evening)
            await past.close_day(day.replace(hour=CLOSES) + EXPIRY)
            past.payouts += await close_books(journal, clock, evening)
            if before == TROUBLE_DAYS_AGO:
                await past.leave_trouble()
    finally:
        await journal.close()
    return Played(past.payments, past.payouts)


class _Past:
    def __init__(
        self, journal: Journal, clock: PlayedClock, reader: ShkeeperWebhooks, key: str, random: Random
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._reader = reader
        self._key = key
        self._random = random
        self._sent = PlayedPayouts(journal, clock)
        self.payments = 0
        self.payouts = 0

    async def play_hour(self, begin: datetime, evening: Evening) -> None:
        """The sales of one hour; what happens in the same minutes is told together."""
        sales = [self._sale(begin) for _ in range(self._random.randint(*SALES_AN_HOUR))]
        self._clock.now = begin + timedelta(minutes=20)
        await self._register(sales)
        for number in range(max(len(sale.parts) for sale in sales)):
            paying = [sale for sale in sales if number < len(sale.parts)]
            self._clock.now += timedelta(minutes=2)
            await together(self._deliver(sale.invoice.unconfirmed(sale.parts[number])) for sale in paying)
            for place, sale in enumerate(sales):
                if number < len(sale.parts):
                    sales[place] = replace(sale, invoice=sale.invoice.pay(sale.parts[number]))
            self._clock.now += timedelta(minutes=3)
            paid = [sale for sale in sales if number < len(sale.parts)]
            await together(self._deliver(sale.invoice.notice()) for sale in paid)
        to_be_paid_out = [sale.payment for sale in sales if sale.is_paid and self._random.random() < 0.9]
        payouts = [self._payout(payment) for payment in to_be_paid_out]
        await self._pay_out(payouts)
        evening.arrived += payouts
        paid_out = {payment.payment_id for payment in to_be_paid_out}
        for sale in sales:
            payment, came = sale.payment, sale.invoice.balance
            if sale.is_paid and payment.payment_id not in paid_out:
                evening.unpaid_out.append(payment)
            elif came > sale.invoice.amount:
                evening.overpaid.append((payment, came - sale.invoice.amount))
            elif came and not sale.is_paid:
                evening.partly_paid.append(payment)

    async def close_day(self, at: datetime) -> None:
        """Time runs out for whoever did not pay."""
        self._clock.now = at
        while due := await self._journal.deadlines.due_at_once(at, but=()):
            await self._journal.deadlines.apply(due)

    async def leave_trouble(self) -> None:
        """What does not go on by itself: one of each kind that needs no chain of its own."""
        self._clock.now += timedelta(minutes=30)
        sales = [self._sale(self._clock.now - timedelta(minutes=25)) for _ in range(7)]
        await self._register(sales)
        paid = [replace(sale, invoice=sale.invoice.pay(sale.invoice.amount)) for sale in sales]
        await together(self._deliver(sale.invoice.notice()) for sale in paid)
        payouts = [takes_too_long, unclear, failed, other] = [
            self._payout(sales[number].payment) for number in (0, 1, 2, 6)
        ]
        self.payouts += len(payouts)
        await together(self._journal.payouts.register([payout], rules=None) for payout in payouts)
        await self._sent.ask_for(payouts)
        self._clock.now += timedelta(minutes=1)
        became: list[tuple[Payout, list[PayoutObservation]]] = [
            (takes_too_long, [PayoutAccepted(task_id=secrets.token_hex(16))]),
            (unclear, [PayoutUnclear(reason="no whole answer came from SHKeeper (ReadTimeout)")]),
            (failed, [PayoutFailed(reason="SHKeeper's task failed: Have not enough tokens on fee account")]),
        ]
        for payout, observations in became:
            await self._sent.observe(payout, observations)
        await send_otherwise(self._sent, other)
        waiting = self._payout(paid[5].payment)
        self.payouts += 1
        await self._journal.payouts.register([waiting], rules=KNOWN_DESTINATIONS_ONLY)
        await self._store_webhooks(paid[3].invoice, paid[4].invoice)

    async def _store_webhooks(self, held: Invoice, overpaid: Invoice) -> None:
        nobodys = self._sale(self._clock.now)
        await self._deliver(nobodys.invoice.pay(nobodys.payment.amount).notice())
        for body, reason in (
            (held.notice().replace(b'"PAID"', b'"ON_HOLD"'), "status: it is none that the bridge knows"),
            # As it would have been kept by a bridge that did not know yet that too much can be paid.
            (overpaid.pay(Decimal(5)).notice(), "status: it was none that the bridge knew at that time"),
        ):
            await self._journal.store_unreadable_webhook(provider=PROVIDER, body=body, reason=reason)

    def _sale(self, begin: datetime) -> _Sale:
        amount = (Decimal(self._random.lognormvariate(3.8, 0.8)) + 5).quantize(CENT)
        at = begin + timedelta(seconds=self._random.randrange(1200))
        external_id = f"order-{secrets.token_hex(4)}"
        payment = Payment(
            payment_id=new_id("pay", at),
            provider=PROVIDER,
            external_id=external_id,
            request_id=f"request-{secrets.token_hex(4)}",
            buyer_id=self._random.choice(BUYERS),
            seller_id=self._random.choice(SELLERS),
            amount=amount,
            currency="USD",
            created_at=at,
            expires_at=at + EXPIRY,
        )
        fees = FEES if self._random.random() < 0.1 else NO_FEES
        asked = amount + fees.on_top_of(amount).quantize(CENT, ROUND_UP)
        return _Sale(payment, Invoice(external_id, asked, "USD", at, fees=fees), self._parts(asked))

    def _parts(self, amount: Decimal) -> tuple[Decimal, ...]:
        chance = self._random.random()
        some = (amount * 2 / 5).quantize(CENT)
        if chance < 0.78:
            return (amount,)
        if chance < 0.86:
            return (some, amount - some)
        if chance < 0.90:
            return (amount + 5,)
        return (some,) if chance < 0.94 else ()

    def _payout(self, payment: Payment) -> Payout:
        amount = (payment.amount * Decimal("0.98")).quantize(CENT)
        return Payout(
            payout_id=new_id("out", self._clock.now),
            provider=PROVIDER,
            payment_id=payment.payment_id,
            seller_id=payment.seller_id,
            destination=f"0x{secrets.token_hex(20)}",
            coin=COIN,
            amount=amount,
            worth=amount,
            worth_currency=payment.currency,
            asked_by="shop",
            created_at=self._clock.now,
        )

    async def _register(self, sales: Sequence[_Sale]) -> None:
        self.payments += len(sales)
        await together(self._journal.register_payment(sale.payment) for sale in sales)

    async def _deliver(self, body: bytes) -> None:
        """Takes a webhook as `/webhooks/shkeeper` does."""
        now = self._clock.now
        reading = self._reader.read(_headers(self._key, body, now), body, now)
        if isinstance(reading, Reading):
            await self._journal.record_observation(
                provider=PROVIDER,
                external_id=reading.external_id,
                key=reading.key,
                observation=reading.observation,
            )

    async def _pay_out(self, payouts: Sequence[Payout]) -> None:
        self.payouts += len(payouts)
        await together(self._journal.payouts.register([payout], rules=None) for payout in payouts)
        await self._sent.arrive(payouts)


def _headers(key: str, body: bytes, now: datetime) -> dict[str, str]:
    return {name.lower(): value for name, value in signed_headers(key, body, now).items()}
