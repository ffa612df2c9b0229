"""Names of payouts under everything that can come of an order, with the journal restored from a backup at any moment:
no money leaves twice, and all that the provider has in its books is found. The provider is a model of one."""

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.journal import Journal
from bridge.journal.maintenance import declare_restored
from bridge.workers.books.chain_search import ChainSearch
from bridge.workers.books.comparison import BooksComparison
from bridge.workers.chains.followers import ChainFollowers
from bridge.workers.payouts.sender import PayoutSender
from bridge.workers.wallets.comparing import WalletComparisons
from bridge.workers.wallets.settings import WalletSettings
from coordinator.attention.histories import forgotten_payout_key
from coordinator.books.days import zone_named
from coordinator.payouts.facts import SecondWord
from coordinator.payouts.observations import (
    PayoutAccepted,
    PayoutApproved,
    PayoutBooked,
    PayoutConfirmed,
    PayoutFailed,
    PayoutObservation,
    PayoutRejected,
    PayoutSent,
    PayoutSettled,
    PayoutUnclear,
    PayoutWithheld,
    Stated,
)
from coordinator.payouts.payouts import Payout
from coordinator.payouts.provider_names import NAMES_BEYOND, NamedShare
from coordinator.payouts.statuses import PayoutStatus
from providers.contract import BookedPayout, PayoutOrder
from providers.errors import ProviderUnavailableError, RefusedTogetherError
from tests.bridge.conftest import INSTALLATION
from tests.bridge.workers.conftest import START, paid, payment
from tests.clock import Clock
from tests.matrices import every_pair
from tests.resuming import resumed

SHARE = NamedShare(payment(), "s1", INSTALLATION)
COINS = ("ETH-USDT", "BTC")
EPOCHS = count()


class Fate(Enum):
    """What comes of a question."""

    SENT = "it is sent and written down"
    IN_PROGRESS = "it is written down, and sent later"
    REFUSED = "it is refused and not written down"
    REFUSED_AND_BOOKED = "it is refused and written down"
    AWAY = "it does not arrive"
    UNHEARD = "nobody hears that it did not arrive"
    UNHEARD_AND_SENT = "it is sent and written down, and nobody hears of it"
    UNHEARD_AND_SENT_LATE = "the same, and it is written down later"
    NEVER_BOOKED = "it is sent, and nobody hears of it, and it is never written down"


@dataclass
class Record:
    """A payout in the provider's books."""

    amount: Decimal
    destination: str
    txid: str | None = None


@dataclass
class Provider:
    """A gateway to a provider, and that provider, which takes each name once in a coin."""

    provider: str = "shkeeper"
    pays_buyers: bool = True
    fate: Fate = Fate.SENT
    books: dict[tuple[str, str], Record] = field(default_factory=dict)
    late: list[tuple[tuple[str, str], Record]] = field(default_factory=list)
    sent: list[tuple[str, str]] = field(default_factory=list)
    """The name and the destination of each transfer."""
    unbooked: Counter[str] = field(default_factory=Counter)
    """How much was sent to each destination of which the books will never tell."""

    async def check(self, coin: str) -> None: ...

    async def read_order(self, order: PayoutOrder, now: datetime) -> PayoutOrder:
        return order

    def spellings(self, order: PayoutOrder) -> Collection[str]:
        return (order.destination,)

    def is_worth_itself(self, coin: str, currency: str) -> bool:
        return True

    def network_fee(self, order: PayoutOrder) -> Decimal | None:
        return None

    def payment_hash(self, order: PayoutOrder) -> str | None:
        return None

    async def worth(self, order: PayoutOrder, currency: str) -> Decimal:
        return order.amount

    async def coins_for(self, amount: Decimal, currency: str, coin: str) -> Decimal:
        return amount

    async def read_sent(self, order: PayoutOrder) -> PayoutOrder:
        return order

    def transaction_expected(self, coin: str, name: str) -> str | None:
        return None

    def sends_together(self, coin: str) -> bool:
        return True

    def wallet_in_turn(self, coin: str) -> str | None:
        return None

    async def coins(self) -> Sequence[str]:
        return COINS

    @property
    def coins_ever(self) -> Collection[str]:
        return COINS

    async def knows_payout(self, external_id: str, coin: str) -> bool:
        return (external_id, coin) in self.books

    async def find_payout(self, external_id: str, coin: str) -> BookedPayout | None:
        record = self.books.get((external_id, coin))
        if record is None:
            return None
        return BookedPayout("?", record.amount, record.destination, () if record.txid is None else (record.txid,))

    async def send_payouts(self, payouts: Sequence[Payout]) -> Sequence[PayoutObservation]:
        if len(payouts) > 1 and self.fate in (Fate.REFUSED, Fate.REFUSED_AND_BOOKED):
            for payout in payouts:
                self._do(payout)
            raise RefusedTogetherError("one of them is wrong")
        return [self._do(payout) for payout in payouts]

    def _do(self, payout: Payout) -> PayoutObservation:
        assert payout.external_id is not None
        key = (payout.external_id, payout.coin)
        if key in self.books:
            return PayoutUnclear(reason="it has it already")
        record = Record(payout.amount, payout.destination)
        match self.fate:
            case Fate.AWAY:
                raise ProviderUnavailableError("it is away")
            case Fate.REFUSED:
                return PayoutFailed(reason="it was refused")
            case Fate.REFUSED_AND_BOOKED:
                self.books[key] = record
                return PayoutFailed(reason="it was refused")
            case Fate.IN_PROGRESS:
                self.books[key] = record
                self.late.append((key, record))
                return PayoutAccepted(task_id=f"task of {payout.payout_id}")
            case Fate.UNHEARD:
                return PayoutUnclear(reason="nobody answered")
        record.txid = f"0x{len(self.sent)}"
        self.sent.append((payout.external_id, payout.destination))
        if self.fate is Fate.NEVER_BOOKED:
            self.unbooked[payout.destination] += 1
        elif self.fate is Fate.UNHEARD_AND_SENT_LATE:
            self.late.append((key, record))
        else:
            self.books[key] = record
        return PayoutAccepted(task_id="t") if self.fate is Fate.SENT else PayoutUnclear(reason="nobody answered")

    def write_down(self) -> None:
        """What it has sent and not written down yet."""
        self.books |= dict(self.late)

    def time_passes(self) -> None:
        """Whatever is under way is done, and written down."""
        for key, record in self.late:
            if record.txid is None:
                record.txid = f"0x{len(self.sent)}"
                self.sent.append((key[0], record.destination))
            self.books[key] = record
        self.late.clear()

    async def look_up_payout(self, payout: Payout, now: datetime) -> Sequence[PayoutObservation]:
        name = payout.external_id
        record = None if name is None else self.books.get((name, payout.coin))
        if name is None or record is None:
            return []
        stated = Stated(coin=payout.coin, amount=record.amount, destination=record.destination)
        told: list[PayoutObservation] = []
        if name not in payout.facts.booked and not payout.facts.failures:
            told.append(PayoutBooked(external_id=name, stated=stated))
        if record.txid is not None:
            told += [PayoutSent(tx_hashes=(record.txid,), stated=stated), PayoutConfirmed(stated=stated)]
        return told

    def gaps(self) -> Iterator[int]:
        """How many names that it does not know stand before each that it knows."""
        known = {name for name, _ in self.books}
        unknown, left = 0, len(known)
        for number in count():
            if not left:
                return
            if SHARE.name(number) in known:
                yield unknown
                unknown, left = 0, left - 1
            else:
                unknown += 1


@dataclass
class Wanted:
    """An order of the marketplace."""

    destination: str
    coin: str
    worth: int
    batch_id: str | None
    is_given_up: bool = False

    @property
    def content(self) -> tuple[str, str, int]:
        return self.destination, self.coin, self.worth


class World:
    """A marketplace, a bridge and a provider, and whoever restores the bridge's journal."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / "journal.db"
        self.clock = Clock(START)
        self.provider = Provider()
        self.wanted: list[Wanted] = []
        self.ids = count()
        self.journal: Journal
        self.sender: PayoutSender

    async def open(self) -> None:
        self.journal = await Journal.open(f"sqlite:///{self.file}", self.clock, mark_file=self.folder / "mark")
        self.sender = PayoutSender(self.journal, {"shkeeper": self.provider}, rules=None)

    async def payouts(self) -> list[Payout]:
        return sorted(await self.journal.history.payouts_of(["pay_1"]), key=lambda one: int(one.payout_id[4:]))

    async def register(self, orders: Sequence[Wanted], *, is_withheld: bool) -> None:
        payouts = [
            Payout(
                payout_id=f"out_{next(self.ids)}",
                provider="shkeeper",
                payment_id="pay_1",
                seller_id="s1",
                destination=order.destination,
                coin=order.coin,
                amount=Decimal(order.worth),
                worth=Decimal(1),
                created_at=self.clock(),
                batch_id=order.batch_id,
            )
            for order in orders
        ]
        await self.journal.payouts.register(payouts, rules=None, another=True)
        for payout in payouts if is_withheld else ():
            withheld = PayoutWithheld(reasons=("it is new",))
            await self.journal.payouts.record_observation(payout.payout_id, "withheld", withheld)

    async def observe(self, payout: Payout, *observations: PayoutObservation) -> None:
        for one in observations:
            await self.journal.payouts.record_observation(payout.payout_id, f"{one.kind}:{next(self.ids)}", one)

    # Steps

    async def order(self, number: int, coin: str, is_new: bool, is_withheld: bool) -> None:
        batch_id = f"batch-{next(self.ids)}" if number > 1 else None
        orders = [
            Wanted(f"0x{next(self.ids)}" if is_new or number > 1 else "0xAb", coin, 1, batch_id)
            for _ in range(number)
        ]
        self.wanted += orders
        await self.register(orders, is_withheld=is_withheld)

    async def decide(self, choice: int, is_approved: bool) -> None:
        waiting = [one for one in await self.payouts() if one.status is PayoutStatus.AWAITING_APPROVAL]
        if waiting:
            payout, word = waiting[choice % len(waiting)], SecondWord(by="Bo", at=self.clock())
            approved = PayoutApproved(word=word, reasons=payout.facts.withheld)
            await self.observe(payout, approved if is_approved else PayoutRejected(word=word, reason="no"))
            await self.note()

    async def give(self, fate: Fate) -> None:
        self.provider.fate = fate
        self.clock.move(minutes=2)
        await self.sender.round()
        await self.note()

    async def sell(self, coin: str, is_new: bool, fate: Fate) -> None:
        await self.order(1, coin, is_new, False)
        await self.give(fate)

    async def come_to_rest(self) -> None:
        """Whatever is wanted is sent, and nobody waits for ever."""
        for _ in range(len(self.wanted) + 2):
            await self.give(Fate.SENT)
            await self.pass_time()
        at_rest = {PayoutStatus.COMPLETED, PayoutStatus.FAILED, PayoutStatus.AWAITING_APPROVAL}
        assert {one.status for one in await self.payouts()} <= at_rest

    async def pass_time(self) -> None:
        """Everything ends, and what is not clear a person finds out."""
        self.provider.time_passes()
        self.clock.move(hours=1)
        await self.sender.round()
        self.clock.move(hours=1)
        await self.sender.round()
        for payout in await self.payouts():
            if payout.status not in (PayoutStatus.AMBIGUOUS, PayoutStatus.MISMATCH):
                continue
            was_sent = (payout.external_id, payout.destination) in self.provider.sent
            if was_sent:
                settled = PayoutSettled(reason="it is there")
                await self.observe(payout, PayoutSent(tx_hashes=(f"0x{payout.payout_id}",)), settled)
            else:
                await self.observe(payout, PayoutFailed(reason="it is not there", disowned_hashes=payout.live_hashes))
        await self.note()

    async def note(self) -> None:
        """The marketplace hears what failed, and gives it up."""
        live = Counter(
            (one.destination, one.coin, int(one.amount))
            for one in await self.payouts()
            if one.status is not PayoutStatus.FAILED
        )
        for order in self.wanted:
            if not order.is_given_up and not live[order.content]:
                order.is_given_up = True
            elif not order.is_given_up:
                live[order.content] -= 1

    def back_up(self) -> None:
        shutil.copy(self.file, self.folder / "backup.db")
        for beside in ("-wal", "-shm"):
            path = Path(f"{self.file}{beside}")
            target = self.folder / f"backup.db{beside}"
            target.unlink(missing_ok=True)
            if path.exists():
                shutil.copy(path, target)

    def put_back(self) -> None:
        for beside in ("", "-wal", "-shm"):
            copied = self.folder / f"backup.db{beside}"
            Path(f"{self.file}{beside}").unlink(missing_ok=True)
            if copied.exists():
                shutil.copy(copied, f"{self.file}{beside}")

    async def restore(self) -> None:
        await self.journal.close()
        self.provider.write_down()  # nobody restores a journal as fast
        self.put_back()
        declare_restored(f"sqlite:///{self.file}", self.folder / "mark", "so it was", self.clock())
        await self.open()
        await self.compare()
        await self.ask_again()

    async def compare(self) -> None:
        chains = ChainFollowers(self.journal, {}, days=7)
        rules = WalletSettings().rules(zone_named("UTC"), {})
        comparison = BooksComparison(
            self.journal,
            self.sender,
            {},
            chains,
            ChainSearch(self.journal, chains, {}),
            WalletComparisons(self.journal, {}, chains, rules).examine,
            per_second=1_000_000,
        )
        found = await comparison.compare((await self.journal.history.all())[0])
        assert found.is_complete
        payouts = await self.payouts()
        forgotten = await self.journal.history.forgotten_payouts()
        told = {(one.payout.external_id, one.payout.coin) for one in forgotten}
        for name, coin in self.provider.books:
            is_here = any(one.coin == coin and one.holds(name) for one in payouts)
            assert is_here or (name, coin) in told, f"{name} in {coin} was not found"
        for one in forgotten:
            await self.journal.console.dismiss(forgotten_payout_key(one.payout), by="Ada")
        await resumed(self.journal, by="Ada", note=None)

    async def ask_again(self) -> None:
        """The marketplace orders again what it wants and the bridge does not know."""
        live = Counter(
            (one.destination, one.coin, int(one.amount))
            for one in await self.payouts()
            if one.status is not PayoutStatus.FAILED
        )
        for order in sorted(self.wanted, key=lambda one: one.is_given_up):
            if live[order.content]:
                # The journal may have forgotten that it came to nothing.
                live[order.content] -= 1
                order.is_given_up = False
            elif not order.is_given_up:
                self.clock.move(seconds=1)
                await self.register([order], is_withheld=False)

    def check(self) -> None:
        assert all(gap < NAMES_BEYOND for gap in self.provider.gaps())
        wanted = Counter(order.destination for order in self.wanted if not order.is_given_up)
        for place, times in Counter(place for _, place in self.provider.sent).items():
            assert times <= wanted[place] + self.provider.unbooked[place], f"{place} was paid {times} times"


Step = tuple[str, tuple[Any, ...]]
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.tuples(
        st.just("order"),
        st.tuples(st.integers(1, 2), st.sampled_from(COINS), st.booleans(), st.booleans()),
    ),
    st.tuples(st.just("decide"), st.tuples(st.integers(0, 3), st.booleans())),
    st.tuples(st.just("give"), st.tuples(st.sampled_from(Fate))),
    st.tuples(st.just("sell"), st.tuples(st.sampled_from(COINS), st.booleans(), st.sampled_from(Fate))),
    st.tuples(st.just("pass_time"), st.just(())),
    st.tuples(st.just("back_up"), st.just(())),
    st.tuples(st.just("restore"), st.just(())),
)


async def play(folder: Path, steps: Sequence[Step]) -> World:
    world = World(folder)
    await world.open()
    try:
        await paid(world.journal)
        world.back_up()
        for name, arguments in steps:
            done = getattr(world, name)(*arguments)
            if done is not None:
                await done
            world.check()
        await world.come_to_rest()
        world.check()
    finally:
        await world.journal.close()
    return world


@settings(max_examples=30, deadline=None)
@given(st.lists(STEPS, max_size=25))
def test_whatever_comes_of_orders_and_whenever_the_journal_is_restored_no_money_leaves_twice_and_all_is_found(
    steps: list[Step],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder), steps))


TIME, REST, BACKUP, RESTORE = (cast(Step, (name, ())) for name in ("pass_time", "come_to_rest", "back_up", "restore"))
IN_VAIN = (Fate.REFUSED, Fate.REFUSED_AND_BOOKED, Fate.AWAY, Fate.UNHEARD, Fate.NEVER_BOOKED)


def sale(fate: Fate, coin: str = "ETH-USDT") -> Step:
    """One to a destination of its own."""
    return "sell", (coin, True, fate)


def paid_once(world: World) -> bool:
    """But for what was never written down."""
    times = Counter(place for _, place in world.provider.sent)
    return all(number <= 1 + world.provider.unbooked[place] for place, number in times.items())


@pytest.mark.parametrize(("fate", "number", "is_at_once"), every_pair(Fate, [1, 3], [True, False]))
def test_what_is_sent_after_so_many_orders_of_any_fate_is_found(
    tmp_path: Path, fate: Fate, number: int, is_at_once: bool
) -> None:
    before = [sale(fate), *([] if is_at_once else [TIME])] * number
    assert paid_once(asyncio.run(play(tmp_path, [*before, sale(Fate.SENT), RESTORE])))


@pytest.mark.parametrize("fate", IN_VAIN)
@pytest.mark.parametrize("coins", [("ETH-USDT", "ETH-USDT"), ("ETH-USDT", "BTC"), ("BTC", "ETH-USDT")])
def test_after_any_number_of_orders_in_vain_the_next_is_sent(
    tmp_path: Path, fate: Fate, coins: tuple[str, str]
) -> None:
    before = [sale(fate, coins[0]), sale(fate, coins[1]), TIME] * 2
    world = asyncio.run(play(tmp_path, [*before, sale(Fate.SENT), REST, RESTORE]))
    assert paid_once(world)


@pytest.mark.parametrize("fate", IN_VAIN)
@pytest.mark.parametrize("coin", COINS)
def test_a_name_that_was_passed_on_after_the_backup_is_whose_the_provider_says(
    tmp_path: Path, fate: Fate, coin: str
) -> None:
    steps = [sale(fate, coin), BACKUP, TIME, sale(Fate.IN_PROGRESS), RESTORE, TIME, REST, RESTORE]
    assert paid_once(asyncio.run(play(tmp_path, steps)))
