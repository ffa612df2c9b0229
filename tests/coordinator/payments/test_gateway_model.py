"""A model of a gateway, played in any order.

A payment is completed only if what was agreed has come and is confirmed, and never later than the stated bound once
that is so, however prices move; every other end of the story is on somebody's list, also after they took it off.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from coordinator.payments.agreed.fees import NO_FEE, Fee, FeePolicy
from coordinator.payments.deciding.decisions import decide, not_counted
from coordinator.payments.deciding.evidence import LookedUpInvoice, invoice_of
from coordinator.payments.observed.observations import (
    DeadlinePassed,
    InvoiceForgotten,
    InvoicePriced,
    InvoiceSnapshot,
    Observation,
    Standing,
    Transfer,
    TransferSeen,
)
from coordinator.payments.payments import Payment, PaymentStatus
from coordinator.payments.problems.problems import hold_on_payouts, is_news, problems_of
from tests.coordinator.agreed import DEADLINE, NOW, PAYMENT, judged, transfer

CONFIRMATIONS, BLOCK_SECONDS = 12, 12
# As the provider's adapter has it: the confirmations after the first, at twice the average time of a block.
SETTLING_SECONDS = (CONFIRMATIONS - 1) * BLOCK_SECONDS * 2
# What the buyer may pay with, and where; each address stays theirs.
ADDRESSES = {"ETH-USDT": "0xours", "LTC": "ltc1ours"}
FIRST = "ETH-USDT"


@dataclass
class Paid:
    """A buyer's transfer: when a block holds it, and how long each further block takes."""

    name: str
    coins: Decimal
    mined_at: datetime
    block_seconds: float
    coin: str = FIRST
    is_lost: bool = False
    """Whether no block ever holds it: it was replaced, or paid too little for the network."""

    def confirmations(self, at: datetime) -> int:
        if self.is_lost or at < self.mined_at:
            return 0
        further = (
            CONFIRMATIONS if not self.block_seconds else (at - self.mined_at).total_seconds() / self.block_seconds
        )
        return 1 + int(further)


@dataclass
class Gateway:
    """Books at the first confirmation, holds each notice until the last, and may lose what comes at one moment."""

    fee: Fee = NO_FEE
    loses_updates: bool = False
    transfers: list[Paid] = field(default_factory=list)
    prices: dict[str, list[tuple[datetime, Decimal]]] = field(
        default_factory=lambda: {FIRST: [(NOW, Decimal(1))], "LTC": [(NOW, Decimal(80))]}
    )
    """Since when a coin is worth what."""
    coin: str = FIRST
    """What it was asked for last: the invoice is to be paid in it, and what comes in another counts too."""

    def value(self, one: Paid) -> Decimal:
        """What it is called worth: at the price of the moment at which it is booked."""
        return one.coins * [price for since, price in self.prices[one.coin] if since <= one.mined_at][-1]

    def booked(self, at: datetime) -> list[Paid]:
        return [one for one in self.transfers if one.confirmations(at) >= 1]

    def confirmed(self, at: datetime) -> list[Paid]:
        return [one for one in self.transfers if one.confirmations(at) >= CONFIRMATIONS]

    def balance(self, at: datetime) -> Decimal:
        booked = self.booked(at)
        if not self.loses_updates:
            return sum((self.value(one) for one in booked), Decimal(0))
        return sum(
            {one.mined_at: self.value(one) for one in booked}.values(), Decimal(0)
        )  # of one moment only the last

    def standing(self, at: datetime) -> Standing:
        return judged(self.balance(at))

    def notice(self, trigger: Paid, at: datetime) -> InvoiceSnapshot:
        return self._snapshot(at, frozenset({trigger.name}), with_values=True)

    def looked_up(self, at: datetime) -> LookedUpInvoice:
        booked = self.booked(at)
        told = (self._snapshot(at, frozenset(), with_values=False),) if booked else ()
        return LookedUpInvoice("USD", PAYMENT.amount, {one.name: ADDRESSES[one.coin] for one in booked}, told)

    def above_limit(self, at: datetime) -> Decimal:
        return max(self.balance(at) - PAYMENT.amount * Decimal("1.05"), Decimal(0))

    def _snapshot(self, at: datetime, proven: frozenset[str], *, with_values: bool) -> InvoiceSnapshot:
        listed = [transfer(one.name, self.value(one), amount=one.coins, asset=one.coin) for one in self.booked(at)]
        if not with_values:
            listed = [one.model_copy(update={"value": None, "occurred_at": None}) for one in listed]
        return InvoiceSnapshot(
            standing=self.standing(at),
            currency="USD",
            received=self.balance(at),
            transfers=tuple(listed),
            proven=proven,
            settling_seconds=dict.fromkeys(ADDRESSES, SETTLING_SECONDS),
            agreed=None if with_values else PAYMENT.amount,
            address=ADDRESSES[self.coin] if with_values else None,
            coin=self.coin if with_values else None,
            above_limit=self.above_limit(at) if with_values else None,
            fee=self.fee if with_values else None,
        )


OPENED = InvoicePriced(coin="ETH-USDT", rate=Decimal(1), addresses=("0xours",))
FOREIGN = LookedUpInvoice(
    "USD",
    Decimal(5),
    {"theirs": "0xtheirs"},
    (
        InvoiceSnapshot(
            standing=Standing.OVERPAID,
            currency="USD",
            received=Decimal(5000),
            transfers=(transfer("theirs", 5000),),
            agreed=Decimal(5),
        ),
    ),
)


FOREIGN_NOTICES = [
    InvoiceSnapshot(
        standing=standing,
        currency="USD",
        received=Decimal(came),
        transfers=(transfer("theirs", came),),
        above_limit=Decimal(above),
        address=address,
    )
    for standing, came, above, address in (
        # Over 1000, over 5, and over what was agreed here, but to be paid elsewhere.
        (Standing.PARTIAL, "102", "0", "0xours"),
        (Standing.PAID, "1020", "0", "0xours"),
        (Standing.PAID, "5.1", "0", "0xours"),
        (Standing.OVERPAID, "102", "96.75", "0xours"),
        (Standing.PAID, "102", "0", "0xtheirs"),
    )
]


class Story:
    """What is told to the bridge, and in which order."""

    def __init__(self, fee: Fee, *, loses_updates: bool) -> None:
        self.gateway = Gateway(fee, loses_updates=loses_updates)
        self.payment: Payment = decide(PAYMENT, OPENED, NOW).payment
        self.now = NOW
        self.lied = False
        self.lied_last = False
        self.lied_ever = False
        self.has_foreign = False
        self.completed_events = 0
        self.quoted = {FIRST: [Decimal(1)]}
        """The prices that the buyer was given of each coin."""
        self.is_on_list = False
        self.decided_on: tuple[object, ...] = ()
        """What whoever took it off the list last had seen."""
        self._held_back: list[tuple[Observation, datetime]] = []

    def pays(
        self, value: Decimal, seconds: int, block_seconds: float, *, in_first: bool = False, is_lost: bool = False
    ) -> None:
        """So much, at the price that the buyer was given last; in the coin that they chose last, or the first one."""
        coin = FIRST if in_first else self.gateway.coin
        name, coins = f"t{len(self.gateway.transfers)}", value / self.quoted[coin][-1]
        mined_at = self.now + timedelta(seconds=seconds)
        self.gateway.transfers.append(Paid(name, coins, mined_at, block_seconds, coin, is_lost))

    def announces(self, number: int) -> None:
        """The notice of a transfer that no block need hold yet, or ever."""
        if self.gateway.transfers:
            one = self.gateway.transfers[number % len(self.gateway.transfers)]
            seen = Transfer(transfer_id=one.name, asset=one.coin, amount=one.coins)
            self.told(TransferSeen(transfer=seen, address=ADDRESSES[one.coin]))

    @property
    def mined(self) -> list[Paid]:
        """What comes at all."""
        return [one for one in self.gateway.transfers if not one.is_lost]

    def price_moves(self, factor: Decimal, coin: str = FIRST) -> None:
        """To so many times what it was at first, for what is booked from then on."""
        self.now += timedelta.resolution
        self.gateway.prices[coin].append((self.now, factor * self.gateway.prices[coin][0][1]))

    def asks_for_a_new_price(self) -> None:
        coin = self.gateway.coin
        rate = self.gateway.prices[coin][-1][1]
        self.quoted.setdefault(coin, []).append(rate)
        self.told(InvoicePriced(coin=coin, rate=rate, addresses=(ADDRESSES[coin],)))

    def switches(self) -> None:
        """The buyer wants to pay with the other coin."""
        [self.gateway.coin] = ADDRESSES.keys() - {self.gateway.coin}
        self.asks_for_a_new_price()

    def is_dismissed(self) -> None:
        """A person takes all that is wrong with it off the list."""
        self.is_on_list, self.decided_on = False, self._seen_by_a_person()

    def _seen_by_a_person(self) -> tuple[object, ...]:
        payment = self.payment
        told = [(one.transfer.key, one.transfer.amount) for one in payment.facts.booked]
        return payment.status, payment.paid, payment.received, told, payment.in_flight, problems_of(payment)

    @property
    def given(self) -> tuple[str, ...]:
        """Where the buyer was asked to pay."""
        return tuple(ADDRESSES[coin] for coin in self.quoted)

    def waits(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    def notifies(self, number: int, fate: str) -> None:
        """The notice of a confirmed transfer, which may be lost, doubled, or held back until later."""
        confirmed = self.gateway.confirmed(self.now)
        if not confirmed or fate == "lost":
            return
        notice = self.gateway.notice(confirmed[number % len(confirmed)], self.now)
        if fate == "held back":
            self._held_back.append((notice, self.now))
            return
        for _ in range(2 if fate == "doubled" else 1):
            self.told(notice)

    def tells_late(self) -> None:
        if self._held_back:
            self.told(self._held_back.pop()[0])

    def is_asked(self, *, with_another: bool = False) -> None:
        found = [self.gateway.looked_up(self.now), *([FOREIGN] if with_another else [])]
        matched = invoice_of(self.payment, found, self.given)
        if matched.unfit is not None:
            misfit, observation = matched.unfit.misfit, matched.unfit.observation
            self._stands(not_counted(self.payment, misfit, observation, self.now).payment)
            return
        for observation in matched.observations:
            self.told(observation)
            self.lied_last = False

    def is_asked_and_lied_to(self, *, factor: Decimal, unreadable: bool) -> None:
        """The gateway's sum is another than that of its transfers, or not all of its answer can be read."""
        for one in self.gateway.looked_up(self.now).observations:
            assert isinstance(one, InvoiceSnapshot)
            lie = {"received": one.received * factor, "standing": judged(one.received * factor)}
            self.told(one.model_copy(update=lie | ({"unreadable": ("txs.9.amount",)} if unreadable else {})))
            self.lied_last = factor > Decimal("1.01") or unreadable
            self.lied_ever = True

    def gets_dust(self) -> None:
        """With the next look-up somebody's dust is there, which has not settled yet."""
        self.gateway.transfers.append(Paid(f"t{len(self.gateway.transfers)}", Decimal("0.001"), self.now, 12.0))

    def hears_of_another(self) -> None:
        """Another shop's invoice of the same name, and a notice in another currency."""
        self.told(FOREIGN.observations[0])
        self.told(FOREIGN.observations[0].model_copy(update={"currency": "EUR", "agreed": None}))

    def hears_foreign(self, number: int) -> None:
        """A notice about another invoice of the same name, or about this one re-opened elsewhere."""
        self.told(FOREIGN_NOTICES[number])
        self.has_foreign = True

    def hears_two_amounts(self) -> None:
        """Of a transfer more is told than has come, besides the truth."""
        confirmed = self.gateway.confirmed(self.now)
        if not confirmed:
            return
        notice = self.gateway.notice(confirmed[0], self.now)
        self.told(notice)
        more = [
            one.model_copy(update={"value": (one.value or Decimal(0)) * 3, "amount": one.amount * 3})
            if one.transfer_id == confirmed[0].name
            else one
            for one in notice.transfers
        ]
        self.told(notice.model_copy(update={"transfers": tuple(more)}))
        self.lied = True

    def is_told_otherwise(self) -> None:
        """The buyer's invoice is said to be to be paid elsewhere, as when a stranger asked for another coin."""
        confirmed = self.gateway.confirmed(self.now)
        if confirmed:
            notice = self.gateway.notice(confirmed[-1], self.now)
            self.told(notice.model_copy(update={"address": "0xstrangers"}))

    def restarts(self) -> None:
        self.payment = Payment.model_validate_json(self.payment.model_dump_json())

    def lets_time_run_out(self) -> None:
        due_at = self.payment.due_at
        if due_at is not None and due_at <= self.now:
            deadline = self.payment.deadline
            assert deadline is not None
            self.told(DeadlinePassed(deadline=deadline, for_unconfirmed=self.payment.is_out_of_time))

    def told(self, observation: Observation) -> None:
        decision = decide(self.payment, observation, self.now)
        self._stands(decision.payment)
        self.completed_events += [event.name for event in decision.events].count("payment-received")
        self.check()

    def _stands(self, payment: Payment) -> None:
        if is_news(self.payment, payment):
            self.is_on_list = bool(problems_of(payment))
        self.payment = payment

    def check(self) -> None:
        """Whatever has happened: it is completed only if what was agreed has come and is confirmed, and whoever took
        it off the list had seen all that there is to see."""
        if not self.is_on_list and problems_of(self.payment):
            assert self._seen_by_a_person() == self.decided_on
        if self.payment.status is not PaymentStatus.COMPLETED:
            assert self.completed_events == 0
            return
        if self.lied_last and self.payment.is_held:
            assert hold_on_payouts(self.payment)
        assert self.completed_events == 1
        assert self.came_at_most(self.gateway.confirmed(self.now)) >= self.payment.least

    def came(self, transfers: list[Paid]) -> Decimal:
        """What has certainly come for the goods, at whichever of the prices that the buyer was given."""
        return sum(
            (min(self.gateway.value(one), one.coins * min(self.quoted[one.coin])) for one in transfers), Decimal(0)
        )

    def came_at_most(self, transfers: list[Paid]) -> Decimal:
        """The same at the dearest of them, which are rounded."""
        high = {coin: max(rates) * Decimal("1.0001") for coin, rates in self.quoted.items()}
        return sum((one.coins * high[one.coin] + Decimal("0.01") for one in transfers), Decimal(0))


steps: st.SearchStrategy[Callable[[Story], None]] = st.one_of(
    st.tuples(
        st.sampled_from([Decimal(value) for value in ("1", "20", "50", "95", "100", "130")]),
        st.sampled_from([0, 0, 60, 4000]),
        st.sampled_from([0, 1, BLOCK_SECONDS, 2 * BLOCK_SECONDS]),
        st.booleans(),
        st.sampled_from([False, False, False, True]),
    ).map(lambda some: lambda story: story.pays(*some[:3], in_first=some[3], is_lost=some[4])),
    st.integers(0, 5).map(lambda number: lambda story: story.announces(number)),
    st.just(Story.switches),
    st.sampled_from([1, 100, SETTLING_SECONDS, 4000]).map(lambda seconds: lambda story: story.waits(seconds)),
    st.tuples(st.integers(0, 5), st.sampled_from(["told", "told", "doubled", "lost", "held back"])).map(
        lambda some: lambda story: story.notifies(*some)
    ),
    st.just(Story.tells_late),
    st.booleans().map(lambda with_another: lambda story: story.is_asked(with_another=with_another)),
    st.just(Story.hears_of_another),
    st.integers(0, len(FOREIGN_NOTICES) - 1).map(lambda number: lambda story: story.hears_foreign(number)),
    st.just(Story.hears_two_amounts),
    st.tuples(st.sampled_from([Decimal(one) for one in ("0.5", "1", "2", "200")]), st.booleans()).map(
        lambda some: lambda story: story.is_asked_and_lied_to(factor=some[0], unreadable=some[1])
    ),
    st.tuples(
        st.sampled_from([Decimal(one) for one in ("0.5", "0.98", "1", "1.005", "1.03", "1.5", "3")]),
        st.sampled_from(list(ADDRESSES)),
    ).map(lambda some: lambda story: story.price_moves(*some)),
    st.just(Story.asks_for_a_new_price),
    st.just(Story.is_dismissed),
    st.just(Story.gets_dust),
    st.just(Story.is_told_otherwise),
    st.just(Story.restarts),
    st.just(Story.lets_time_run_out),
)


@given(st.lists(steps, max_size=25), st.booleans())
def test_completed_only_if_what_was_agreed_has_come_and_is_confirmed(
    story_steps: list[Callable[[Story], None]], loses_updates: bool
) -> None:
    story = Story(NO_FEE, loses_updates=loses_updates)
    for step in story_steps:
        step(story)
        story.check()
    ends(story)


def ends(story: Story) -> None:
    """The gateway tells again what was not heard, or is asked, and time runs out."""
    story.waits(10_000)
    enough, fee = PAYMENT.amount * Decimal("0.95"), story.gateway.fee
    # Whoever pays in two coins may owe the fee of each; and what is paid above all of it bears none.
    fees = len(ADDRESSES) * fee.on(PAYMENT.amount)
    # What dust is worth is taken off the sum until it is settled too.
    has_come = story.came(story.mined) >= enough + fees + Decimal("0.01")
    may_have_come = story.came_at_most(story.mined) >= enough
    story.is_asked()
    story.waits(SETTLING_SECONDS)
    story.gets_dust()
    story.is_asked()
    if has_come and not story.gateway.loses_updates:
        # Every notice may have been lost: it is the stated bound after the gateway was asked first.
        assert story.payment.status is PaymentStatus.COMPLETED
    for number in range(len(story.gateway.transfers)):
        story.notifies(number, "told")
    is_completed = story.payment.status is PaymentStatus.COMPLETED
    assert is_completed if has_come else may_have_come or not is_completed
    # Of a sum that was wrong once, one that has lost something since shows no end.
    is_in_doubt = story.lied or story.lied_last or (story.lied_ever and story.gateway.loses_updates)
    if is_completed and not is_in_doubt and fee == NO_FEE:
        # It is paid out, whatever a price did.
        assert hold_on_payouts(story.payment) is None
    while story.payment.due_at is not None:
        story.now = max(story.now, story.payment.due_at)
        story.lets_time_run_out()
    if (story.payment.paid or story.payment.in_flight) and not is_completed:
        assert problems_of(story.payment)
    if story.lied or story.has_foreign:
        assert problems_of(story.payment)
    if story.payment.excess > PAYMENT.amount * Decimal("0.05"):
        assert problems_of(story.payment)
    assert story.now >= DEADLINE


honest_steps: st.SearchStrategy[Callable[[Story], None]] = st.one_of(
    st.sampled_from([Decimal(one) for one in ("0.98", "1", "1.03", "1.5", "3")]).map(
        lambda price: lambda story: story.price_moves(price)
    ),
    st.sampled_from([1, SETTLING_SECONDS]).map(lambda seconds: lambda story: story.waits(seconds)),
    st.integers(0, 3).map(lambda number: lambda story: story.notifies(number, "told")),
    st.sampled_from(
        [
            Story.is_asked,
            Story.gets_dust,
            Story.is_dismissed,
            Story.restarts,
            Story.asks_for_a_new_price,
            Story.switches,
        ]
    ),
)


@given(st.lists(honest_steps, max_size=6), st.lists(honest_steps, max_size=6))
def test_whoever_pays_what_they_were_asked_for_has_paid_however_prices_move(
    before: list[Callable[[Story], None]], after: list[Callable[[Story], None]]
) -> None:
    story = Story(NO_FEE, loses_updates=False)
    for step in before:
        step(story)
    coin = story.gateway.coin
    quoted, at_first = story.quoted[coin], story.gateway.prices[coin][0][1]
    # It has not fallen since they were asked.
    story.price_moves(max(story.gateway.prices[coin][-1][1], quoted[-1]) / at_first, coin)
    story.pays(PAYMENT.amount * max(quoted) / min(quoted), 0, 0)
    for step in after:
        step(story)
    ends(story)
    assert story.payment.status is PaymentStatus.COMPLETED
    assert hold_on_payouts(story.payment) is None


@given(st.lists(steps, max_size=15), st.sampled_from(FeePolicy))
def test_under_every_fee_policy_the_goods_are_paid_before_it_is_completed(
    story_steps: list[Callable[[Story], None]], policy: FeePolicy
) -> None:
    """A notice names the fee first."""
    fee = Fee(policy=policy, percent=Decimal(2), fixed=Decimal(5))
    story = Story(fee, loses_updates=False)
    story.told(
        InvoiceSnapshot(
            standing=Standing.NOTHING,
            currency="USD",
            received=Decimal(0),
            transfers=(),
            fee=fee,
            coin="ETH-USDT",
            address="0xours",
        )
    )
    for step in story_steps:
        step(story)
        if story.payment.status is PaymentStatus.COMPLETED:
            paid = story.came_at_most(story.gateway.confirmed(story.now))
            assert fee.taken_off(paid, PAYMENT.amount) >= PAYMENT.least
    ends(story)


@given(st.lists(steps, max_size=15), st.booleans())
def test_what_a_gateway_has_forgotten_is_on_the_list_and_nothing_of_it_is_lost(
    story_steps: list[Callable[[Story], None]], comes_back: bool
) -> None:
    story = Story(NO_FEE, loses_updates=False)
    for step in story_steps:
        step(story)
    before = story.payment
    known = [one for one in before.facts.booked if one.counts]
    missing = invoice_of(before, [], story.given).is_missing
    assert missing is bool(known)  # the bridge did not open this one: without money there need be no invoice
    if not missing:
        return
    story.waits(1)
    story.told(InvoiceForgotten())
    assert (story.payment.status, story.payment.paid) == (before.status, before.paid)
    if before.status in (PaymentStatus.PARTIALLY_PAID, PaymentStatus.CONFIRMING):
        assert problems_of(story.payment)
    if comes_back:
        assert not invoice_of(story.payment, [story.gateway.looked_up(story.now)], story.given).is_missing
