"""Who waits on a chain is read when it has moved, and not with each block."""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from bridge.journal import Journal, JournalUnavailableError
from bridge.workers.chains.last_checks import PAGE, LastChecks
from bridge.workers.chains.store import ASKED_TWICE_FOR, JournalChainStore
from coordinator.payments.agreed.agreements import DirectPayment
from coordinator.payments.observed.observations import TransactionHinted
from coordinator.payments.payments import Payment
from coordinator.payouts.observations import PayoutKnown, PayoutSent
from coordinator.payouts.payouts import Payout
from providers.onchain.chains import Chain, Token
from providers.onchain.matching.matching import Subject, Watched
from tests.anvil import BOB, CHAIN_ID
from tests.bridge.workers.conftest import START, paid
from tests.clock import Clock

CHAIN = Chain(
    name="anvil",
    chain_id=CHAIN_ID,
    confirmations=3,
    block_seconds=1,
    tokens=(Token(symbol="USDT", decimals=6, address=BOB),),
    endpoints=(SecretStr("http://127.0.0.1:1"),),
)


class Records:
    """What is read of some payouts, and which of them were."""

    def __init__(self) -> None:
        self.read: list[str] = []

    async def __call__(self, ids: Sequence[str]) -> Mapping[str, Watched | None]:
        assert len(ids) <= PAGE
        self.read += ids
        return {one: watched(one) for one in ids if one != "over no chain"}


def watched(payout_id: str) -> Watched:
    return Watched(Subject("payout", payout_id), recipient=BOB, symbol="USDT", units=7, since=START)


async def test_only_what_has_moved_is_read_again() -> None:
    look, records = LastChecks(), Records()
    everybody = {"out_1": "at 1", "out_2": "at 1", "over no chain": "at 1"}
    assert await look.again(everybody, records) == [watched("out_1"), watched("out_2")]
    records.read.clear()
    assert await look.again(everybody, records) == []
    assert records.read == []
    assert await look.again(everybody | {"out_2": "at 2"}, records) == [watched("out_2")]
    assert records.read == ["out_2"]
    assert sorted(one.subject.id for one in look.all) == ["out_1", "out_2"]
    await look.again({"out_2": "at 2"}, records)
    assert look.all == [watched("out_2")]


async def test_many_that_moved_are_read_a_page_at_a_time() -> None:
    look, records = LastChecks(), Records()
    ids = [f"out_{number}" for number in range(2 * PAGE + 1)]
    assert len(await look.again(dict.fromkeys(ids, "at 1"), records)) == len(ids)
    assert records.read == ids


async def names(store: JournalChainStore) -> list[str]:
    return [one.subject.id for one in await store.news("anvil")]


async def register(journal: Journal, payment_id: str = "pay_1") -> None:
    payment = Payment(
        payment_id=payment_id,
        provider="onchain",
        external_id=payment_id,
        request_id=f"r-{payment_id}",
        buyer_id="b1",
        seller_id="s1",
        amount=Decimal(100),
        currency="USDT",
        created_at=START,
        direct=DirectPayment(chain="anvil", recipient=BOB),
    )
    await journal.register_payment(payment)


async def pay_out(journal: Journal) -> None:
    payout = Payout(
        payout_id="out_1",
        provider="onchain",
        payment_id=await paid(journal, 2),
        seller_id="s1",
        destination=BOB,
        coin="USDT",
        amount=Decimal(7),
        created_at=START,
        chain="anvil",
        sender=BOB,
    )
    await journal.payouts.register([payout], rules=None, another=True, known={"out_1": [PayoutKnown()]})


async def test_a_payment_is_news_when_it_moves_also_by_a_clock_that_was_set_back(
    journal: Journal, clock: Clock
) -> None:
    store = JournalChainStore(journal, {"anvil": CHAIN}, days=7)
    await register(journal)
    assert await names(store) == ["pay_1"]
    assert await names(store) == []
    clock.move(hours=-1)
    await journal.record_observation(
        provider="onchain", external_id="pay_1", key="hint", observation=TransactionHinted(hinted="0x" + "a" * 64)
    )
    assert await names(store) == ["pay_1"]
    assert await names(store) == []


async def test_a_payout_is_told_of_for_as_long_as_it_waits_with_the_transaction_that_it_has_by_then(
    journal: Journal, clock: Clock
) -> None:
    store = JournalChainStore(journal, {"anvil": CHAIN}, days=7)
    await pay_out(journal)
    clock.move(hours=1)
    assert [one.hints for one in await store.watched("anvil")] == [frozenset()]
    assert [one.hints for one in await store.news("anvil")] == [frozenset()]
    named = "0x" + "a" * 64
    clock.move(hours=1)
    await journal.payouts.record_observation("out_1", "sent", PayoutSent(tx_hashes=(named,)))
    for _ in range(2):
        assert [one.hints for one in await store.news("anvil")] == [frozenset({named})]


class Failing(JournalChainStore):
    """Cannot read payouts the first time."""

    has_failed = False

    async def _payouts(self, chain: Chain, payout_ids: Sequence[str]) -> dict[str, Watched | None]:
        if not self.has_failed:
            self.has_failed = True
            raise JournalUnavailableError("the database is away")
        return await super()._payouts(chain, payout_ids)


async def test_what_moved_is_news_once_more_where_it_could_not_be_told(journal: Journal) -> None:
    store = Failing(journal, {"anvil": CHAIN}, days=7)
    await register(journal)
    await pay_out(journal)
    with pytest.raises(JournalUnavailableError):
        await store.news("anvil")
    assert await names(store) == ["pay_1", "out_1"]
    assert await names(store) == ["out_1"]


MOVES = st.one_of(
    st.just(("register", 0)),
    st.tuples(st.just("hint"), st.integers(0, 9)),
    st.tuples(st.just("clock"), st.integers(-40, 40)),
    st.just(("ask", 0)),
    st.just(("ask everybody", 0)),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(MOVES, max_size=25))
def test_no_move_is_missed_and_none_told_twice_in_whatever_order_and_by_whatever_clock(
    moves: list[tuple[str, int]],
) -> None:
    """The clock is set back and forward by less than it is asked twice for, all in all, and stands still between."""
    asyncio.run(play(moves))


async def play(moves: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock(START)
        journal = await Journal.open(f"sqlite:///{folder}/journal.db", clock)
        store, expected, set_by, count = JournalChainStore(journal, {"anvil": CHAIN}, days=7), set[str](), 0, 0
        try:
            for number, (move, value) in enumerate([*moves, ("ask", 0)]):
                if move == "register":
                    count += 1
                    await register(journal, f"pay_{count}")
                    expected.add(f"pay_{count}")
                elif move == "hint" and count:
                    clock.move(microseconds=1)  # no two moves of one payment are at one moment
                    payment_id = f"pay_{value % count + 1}"
                    await journal.record_observation(
                        provider="onchain",
                        external_id=payment_id,
                        key=f"hint-{number}",
                        observation=TransactionHinted(hinted=f"0x{number + 1:064x}"),
                    )
                    expected.add(payment_id)
                elif move == "clock" and abs(set_by + value) < ASKED_TWICE_FOR.total_seconds() / 2:
                    set_by += value
                    clock.move(seconds=value)
                elif move == "ask":
                    assert sorted(await names(store)) == sorted(expected)
                    expected.clear()
                elif move == "ask everybody":
                    everybody = [one.subject.id for one in await store.watched("anvil")]
                    assert sorted(everybody) == sorted(f"pay_{one + 1}" for one in range(count))
                    expected.clear()
        finally:
            await journal.close()


async def test_both_databases_tell_of_moves(database_url: str, clock: Clock) -> None:
    journal = await Journal.open(database_url, clock)
    try:
        store = JournalChainStore(journal, {"anvil": CHAIN}, days=7)
        await register(journal)
        await pay_out(journal)
        assert await names(store) == ["pay_1", "out_1"]
        assert await names(store) == ["out_1"]
        clock.move(seconds=1)
        await register(journal, "pay_9")
        assert await names(store) == ["pay_9", "out_1"]
        waiting = [one.subject.id for one in await store.waiting_at("anvil", [BOB])]
        assert sorted(waiting) == ["out_1", "pay_1", "pay_9"]
    finally:
        await journal.close()
