"""The books of the demonstration's past: what finance does in the evening of each day. Money goes back, payouts come
back or are not what was asked for, somebody takes a payment as paid, the network takes its fees, and wallets are
compared, so that the books have a row of every kind."""

import asyncio
import secrets
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from bridge.journal import Journal
from coordinator.books.wallets import Held, Tolerances, Unknown, WalletCoin, WalletComparison, compared
from coordinator.money import difference
from coordinator.payments.observed.observations import RefundOf
from coordinator.payments.payments import Payment
from coordinator.payments.problems.rulings import acceptance
from coordinator.payouts.approval import PayoutRules
from coordinator.payouts.facts import NetworkFee
from coordinator.payouts.limits import DEFAULT_LIMITS
from coordinator.payouts.observations import (
    PayoutAccepted,
    PayoutConfirmed,
    PayoutObservation,
    PayoutReturned,
    PayoutSent,
    PayoutUnclear,
    Stated,
)
from coordinator.payouts.payouts import Payout
from coordinator.refunds.refunds import RefundOrder, Sending
from providers.shkeeper.simulator.terms.daemons import FIRST_BALANCE

__all__ = [
    "CENT",
    "COIN",
    "PROVIDER",
    "Evening",
    "PlayedClock",
    "PlayedPayouts",
    "close_books",
    "send_otherwise",
    "together",
]

PROVIDER = "shkeeper"
COIN, FEE_COIN = "ETH-USDT", "ETH"
CENT = Decimal("0.01")
WHO = "ada"
CHARGED_A_DAY = 4
EXACT = Tolerances(Decimal(0), {})
NOBODY_SAYS = "SHKeeper does not say what the network took"


@dataclass(slots=True)
class PlayedClock:
    """What time it is in the past."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


@dataclass(slots=True)
class Evening:
    """What a day has left to do."""

    number: int
    """Of days that were before it."""
    is_last_of_its_kind: bool = False
    """Whether what needs a person is left to whoever looks."""
    unpaid_out: list[Payment] = field(default_factory=list)
    """What was sold, and nothing paid out of it."""
    overpaid: list[tuple[Payment, Decimal]] = field(default_factory=list)
    """With how much came too much."""
    partly_paid: list[Payment] = field(default_factory=list)
    arrived: list[Payout] = field(default_factory=list)
    """Payouts to sellers."""


class PlayedPayouts:
    """Has payouts sent, and says what became of them."""

    def __init__(self, journal: Journal, clock: PlayedClock) -> None:
        self._journal = journal
        self._clock = clock

    async def ask_for(self, payouts: Sequence[Payout]) -> None:
        named = await self._journal.payouts.name([payout.payout_id for payout in payouts])
        asked_by = {one: naming.external_id for one, naming in named.items()}
        await self._journal.payouts.begin_attempts(asked_by, rules=None)

    async def arrive(self, payouts: Sequence[Payout]) -> None:
        """Each is asked for, and arrives."""
        await self.ask_for(payouts)
        self._clock.now += timedelta(seconds=4)
        await together(self.observe(payout, [PayoutAccepted(task_id=secrets.token_hex(16))]) for payout in payouts)
        self._clock.now += timedelta(seconds=70)
        await together(
            self.observe(payout, [PayoutSent(tx_hashes=(transaction(payout),)), PayoutConfirmed()])
            for payout in payouts
        )

    async def observe(self, payout: Payout, observations: Sequence[PayoutObservation]) -> None:
        """Takes what the provider answers: first to the order, then to look-ups."""
        for observation in observations:
            is_answer = isinstance(observation, PayoutAccepted | PayoutUnclear)
            key = f"{'outcome' if is_answer else 'look'}:{secrets.token_hex(8)}"
            await self._journal.payouts.record_observation(payout.payout_id, key, observation)


def transaction(payout: Payout) -> str:
    """The hash of what carries a payout."""
    return f"0x{payout.payout_id.encode().hex():0>64.64}"


async def close_books(journal: Journal, clock: PlayedClock, evening: Evening) -> int:
    """Does what a day has left to do. Returns how many payouts carry what goes back."""
    payouts = PlayedPayouts(journal, clock)
    clock.now += timedelta(minutes=5)
    is_even = evening.number % 2 == 0
    back = [
        _order(payment, RefundOf.GOODS, payment.amount if is_even else (payment.amount / 3).quantize(CENT))
        for payment in evening.unpaid_out[:1]
    ]
    back += [_order(one, RefundOf.EXCESS, excess) for one, excess in evening.overpaid[:1] if evening.number % 3 == 0]
    carried = await asyncio.gather(*(_refund(journal, payment_id, order) for payment_id, order in back))
    await payouts.arrive(carried)
    if is_even:
        await together(_accept(journal, one) for one in evening.partly_paid[:1])
    clock.now += timedelta(minutes=5)
    if evening.number % 3 == 0 or evening.is_last_of_its_kind:
        await _come_back(journal, payouts, evening)
    # Of all others the bridge finds out for itself.
    charged = [*carried, *evening.arrived][:CHARGED_A_DAY]
    await together(_charge(journal, payout, number) for number, payout in enumerate(charged))
    coins = [WalletCoin(PROVIDER, coin) for coin in (COIN, FEE_COIN)]
    proceeds = [await _beyond_first(journal, clock, of) for of in coins]
    await together(_compare(journal, clock, of, more, evening) for of, more in zip(coins, proceeds, strict=True))
    return len(carried)


def _order(payment: Payment, of: RefundOf, amount: Decimal) -> tuple[str, RefundOrder]:
    seller_id = payment.seller_id if of is RefundOf.GOODS else None
    return payment.payment_id, RefundOrder(of, seller_id, amount, COIN, "the buyer sent it back", WHO)


async def _refund(journal: Journal, payment_id: str, order: RefundOrder) -> Payout:
    opened = await journal.refunds.open(payment_id, order)
    sending = Sending(f"0x{secrets.token_hex(20)}", order.amount)
    rules = PayoutRules(DEFAULT_LIMITS)
    refund = await journal.refunds.give_address(opened.refund_id, sending, rules=rules, by="the buyer")
    [record] = await journal.payouts.records([str(refund.payout_id)])
    return record.payout


async def _accept(journal: Journal, payment: Payment) -> None:
    await journal.rulings.record(
        payment.payment_id,
        by=WHO,
        action="acceptance",
        said="accepted as paid: the buyer is known",
        key=f"accepted:{payment.payment_id}",
        rule=acceptance(WHO, "the buyer is known"),
    )


async def _come_back(journal: Journal, payouts: PlayedPayouts, evening: Evening) -> None:
    """One payout comes back, for which its seller has closed the address."""
    for payout in evening.arrived[:1]:
        came_back = PayoutReturned(tx_hash=f"0x{secrets.token_hex(32)}", reason="the exchange sent it back")
        await payouts.observe(payout, [came_back])
        if not evening.is_last_of_its_kind:
            await journal.console.dismiss(f"payout-returned:{payout.payout_id}", by=WHO, note="paid elsewhere")


async def _charge(journal: Journal, payout: Payout, number: int) -> None:
    """What the network took: of every second payout somebody knows it."""
    fee = NetworkFee(wallet=PROVIDER, coin=FEE_COIN, amount=Decimal(1_000_000 + 7_919 * number).scaleb(-9))
    told = {transaction(payout): fee} if number % 2 else NOBODY_SAYS
    await journal.payouts.record_network_fees(payout.payout_id, told)


async def send_otherwise(payouts: PlayedPayouts, payout: Payout) -> None:
    """The provider sends something else than was asked for."""
    stated = Stated(coin=payout.coin, amount=payout.amount * 10, destination=payout.destination)
    await payouts.observe(
        payout,
        [PayoutAccepted(task_id=secrets.token_hex(16)), PayoutSent(tx_hashes=(transaction(payout),), stated=stated)],
    )


async def _compare(journal: Journal, clock: PlayedClock, of: WalletCoin, proceeds: Decimal, evening: Evening) -> None:
    """What came is moved to the cold wallet, so that the wallet holds what it held at first. Every fourth day that is
    noted only the day after, and every fifth the wallet does not answer."""
    is_forgotten = evening.number % 4 == 1 and not evening.is_last_of_its_kind
    is_first = not evening.number
    if not is_forgotten and not is_first:
        await _note(journal, of, proceeds)
    held = Held(FIRST_BALANCE + proceeds if is_first else FIRST_BALANCE)
    answer = Unknown("its node is not up to date: Offline") if evening.number % 5 == 4 else held
    await _record(journal, clock, of, answer)
    if is_first:
        await _note(journal, of, proceeds)


async def _beyond_first(journal: Journal, clock: PlayedClock, of: WalletCoin) -> Decimal:
    should = (await journal.wallets.should(clock.now)).get(of)
    if should is None:
        return Decimal(0)
    return difference(
        should.booked + should.noted, FIRST_BALANCE if of in await journal.wallets.last() else Decimal(0)
    )


async def _note(journal: Journal, of: WalletCoin, proceeds: Decimal) -> None:
    reason = "to the cold wallet" if proceeds > 0 else "put in, for fees of the network"
    if proceeds:
        await journal.wallets.note(of, -proceeds, reason, by=WHO)


async def _record(journal: Journal, clock: PlayedClock, of: WalletCoin, held: Held | Unknown) -> None:
    should = (await journal.wallets.should(clock.now)).get(of)
    if should is not None:
        before: WalletComparison | None = (await journal.wallets.last()).get(of)
        found = compared(of, before, [should], held, EXACT, clock.now)
        await journal.wallets.record(f"{clock.now:%F}", [found])


async def together(doing: Iterable[Awaitable[object]]) -> None:
    """All at once, as what happens in the same minutes is told."""
    await asyncio.gather(*doing)
