"""Endpoints that are honest and answer in ways of their own: slowly, without times, blooms, old blocks, old states,
or a word of what is finalized, or with logs of one place in a block as of several transactions."""

import contextlib
from decimal import Decimal
from typing import Any

import pytest

from coordinator.payments.payments import PaymentStatus
from providers.onchain.nodes.rpc import COMPARISONS_WITHOUT_SLOW, ChainUnavailableError
from providers.onchain.reading.ranges import shallow_blocks
from providers.onchain.reading.traces import TRACES_AWAITED_SECONDS, TRIES
from tests.anvil import BOB, Anvil
from tests.bridge.workers.chains.followed_chain import CONFIRMATIONS, Follow, contradictions, gets_paid, goes_on
from tests.matrices import every_pair
from tests.providers.onchain.liar import Liar, Refusal

COMPLETED, CONFIRMING = PaymentStatus.COMPLETED, PaymentStatus.CONFIRMING
Document = dict[str, Any]


def dates_logs(liar: Liar, said: object) -> None:
    liar.changes("eth_getLogs", lambda _, logs: [one | {"blockTimestamp": said} for one in logs])


@pytest.mark.parametrize(
    ("said", "is_far", "endpoints"), every_pair(["0x0", 1234567890, "1234567890", None, ""], [False, True], [1, 2])
)
async def test_a_log_without_a_time_that_is_one_is_of_when_its_block_was_made(
    follow: Follow, said: object, is_far: bool, endpoints: int
) -> None:
    async with follow(endpoints=endpoints) as it:
        await it.follow()
        await it.register()
        for liar in it.liars:
            dates_logs(liar, said)
        it.pay()
        if is_far:
            it.anvil.mine(200)
        await goes_on(it)
        payment = await it.payment()
        assert payment.status == COMPLETED
        [sighting] = payment.facts.sightings
        assert sighting.transfer.occurred_at is not None
        assert abs((sighting.transfer.occurred_at - payment.created_at).total_seconds()) < 60
        assert await it.alarms() == []
        assert [one.last_fault for one in it.rpc.endpoints] == [None] * endpoints


@pytest.mark.parametrize("endpoints", [1, 2])
async def test_money_that_blooms_leave_out_is_found_also_where_logs_are_told_late(
    follow: Follow, endpoints: int
) -> None:
    """As on Polygon, where what comes from another chain is in the logs of a block and not in its bloom filter."""
    async with follow(endpoints=endpoints) as it:
        for liar in it.liars:
            liar.changes("eth_getBlockByNumber", lambda _, block: block and block | {"logsBloom": "0x" + "0" * 512})
        await it.follow()
        await it.register()
        it.pay(60)
        await it.follow()
        for liar in it.liars:
            liar.answers["eth_getLogs"] = []
        it.pay(40)
        await it.follow()
        for liar in it.liars:
            liar.answers.pop("eth_getLogs")
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED
        assert await it.alarms() == []


NO_FINALIZED = [None, Refusal(-32000, "finalized block not found"), Refusal(-39001, "Unknown block")]


def calls_finalized(liar: Liar, anvil: Anvil, said: object) -> None:
    """Has an endpoint say this of what is finalized; `...` for its newest block."""

    def shown(parameters: list[Any]) -> Any:
        if parameters[0] != "finalized":
            return ...
        return anvil.ask("eth_getBlockByNumber", "latest", parameters[1]) if said is ... else said

    liar.answers["eth_getBlockByNumber"] = shown


@pytest.mark.parametrize("said", NO_FINALIZED)
@pytest.mark.parametrize("endpoints", [1, 2])
async def test_a_chain_is_followed_while_nothing_is_called_finalized_and_that_is_said(
    follow: Follow, anvil: Anvil, said: object, endpoints: int
) -> None:
    async with follow(endpoints=endpoints, confirmations="finalized") as it:
        for liar in it.liars:
            calls_finalized(liar, anvil, said)
        await gets_paid(it)
        assert it.follower.blocks_behind == 0
        assert (await it.payment()).status == CONFIRMING
        assert str(it.follower.waiting).startswith("no endpoint says what is finalized, and nothing more is final (")
        for liar in it.liars:
            calls_finalized(liar, anvil, ...)
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED
        assert it.follower.waiting is None


@pytest.mark.parametrize("said", NO_FINALIZED)
@pytest.mark.parametrize("without", [0, 1])
async def test_what_is_finalized_is_asked_of_the_other_endpoint_and_counts_by_its_word_after_a_minute(
    follow: Follow, anvil: Anvil, said: object, without: int
) -> None:
    async with follow(endpoints=2, confirmations="finalized") as it:
        calls_finalized(it.liars[without], anvil, said)
        calls_finalized(it.liars[1 - without], anvil, ...)
        await gets_paid(it)
        assert (await it.payment()).status == CONFIRMING
        assert it.follower.waiting == "money waits for a second endpoint to say what is finalized"
        it.clock.now += 60
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED


async def test_an_endpoint_that_keeps_no_old_blocks_is_no_second_word_and_a_person_reads_why(
    follow: Follow,
) -> None:
    async with follow(endpoints=2) as it:
        await it.follow()
        await it.register()
        it.pay()
        it.anvil.mine(200)
        kept = it.anvil.head() - 64

        def blocks(parameters: list[Any]) -> Any:
            return None if parameters[0].startswith("0x") and int(parameters[0], 16) < kept else ...

        def logs(parameters: list[Any]) -> Any:
            is_old = int(parameters[0].get("fromBlock", hex(kept)), 16) < kept
            return Refusal(4444, "pruned history unavailable") if is_old else ...

        it.liars[1].answers = {"eth_getBlockByNumber": blocks, "eth_getLogs": logs}
        for _ in range(2):
            await goes_on(it, blocks=10)
            it.clock.now += 100
        assert (await it.payment()).status == CONFIRMING
        [told] = await contradictions(it)
        assert "is its newest: it may keep none that old; it stops pay_1" in told.detail
        it.liars[1].answers = {}
        it.clock.now += 100
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED
        assert await contradictions(it) == []


async def test_blocks_whose_state_no_endpoint_keeps_are_gone_over_after_a_minute_and_that_is_said(
    follow: Follow,
) -> None:
    async with follow(endpoints=2, own_coin=True) as it:
        await it.follow()
        await it.register(currency="ETH")
        for liar in it.liars:
            liar.answers["debug_traceBlockByHash"] = Refusal(-32000, "required historical state unavailable")
        first = it.anvil.head() + 1
        it.anvil.mine(CONFIRMATIONS)
        with pytest.raises(ChainUnavailableError, match="no endpoint shows at the moment what contracts send"):
            await it.follow()
        it.clock.now += TRACES_AWAITED_SECONDS
        for _ in range(TRIES):
            with contextlib.suppress(ChainUnavailableError):  # it was tried too few times for that
                await it.follower.round()
        await goes_on(it)
        assert it.follower.blocks_behind == 0
        blocks = it.anvil.head() - first + 1
        assert str(it.follower.waiting).startswith(
            f"{blocks} blocks from {first} to {it.anvil.head()} passed without"
        )
        for liar in it.liars:
            liar.answers = {}
        it.clock.now += TRACES_AWAITED_SECONDS
        await goes_on(it)
        assert it.follower.waiting is None


async def test_a_slow_endpoint_is_asked_after_a_quick_one_until_it_is_quick_again(follow: Follow) -> None:
    async with follow(endpoints=2) as it:

        def slow(parameters: list[Any]) -> Any:
            it.clock.now += 8
            return ...

        async def asked(times: int) -> list[int]:
            """How often each endpoint is asked something."""
            for liar in it.liars:
                liar.asked.clear()
            for _ in range(times):
                for _ in range(8):
                    await it.rpc.call("eth_gasPrice")
                await it.rpc.read_heads()
            return [liar.asked.count("eth_gasPrice") for liar in it.liars]

        assert await asked(1) == [8, 0]
        it.liars[0].answers["eth_gasPrice"] = slow
        by_slow, by_quick = await asked(8)
        assert 1 <= by_slow < by_quick / 2
        it.liars[0].answers = {}
        await asked(4 * COMPARISONS_WITHOUT_SLOW)
        assert await asked(1) == [8, 0]


def as_of_another_transaction(liar: Liar) -> None:
    """Has an endpoint tell of each log once more, as of a transaction that does not have it."""
    liar.changes(
        "eth_getLogs", lambda _, logs: [*(one | {"transactionHash": "0x" + "ab" * 32} for one in logs), *logs]
    )


@pytest.mark.parametrize("has_receipts", [True, False])
@pytest.mark.parametrize("is_absent", [False, True])
@pytest.mark.parametrize("endpoints", [1, 2])
async def test_a_log_that_is_told_of_two_transactions_counts_once(
    follow: Follow, endpoints: int, is_absent: bool, has_receipts: bool
) -> None:
    async with follow(endpoints=endpoints) as it:
        await it.follow()
        await it.register()
        for liar in it.liars:
            as_of_another_transaction(liar)
            if not has_receipts:
                liar.answers["eth_getTransactionReceipt"] = None
        tx_hash = it.pay(50)
        if is_absent:  # it is read in ranges
            it.anvil.mine(2 * shallow_blocks(1))
        await goes_on(it)
        payment = await it.payment()
        assert payment.received == Decimal(50)
        if has_receipts:
            assert {one.transfer.tx_hash for one in payment.facts.sightings} == {tx_hash}


async def test_equal_transfers_of_several_transactions_count_each_where_an_endpoint_names_one_place_for_all(
    follow: Follow,
) -> None:
    async with follow() as it:
        await it.follow()
        await it.register()
        it.liar.changes("eth_getLogs", lambda _, logs: [one | {"logIndex": "0x0"} for one in logs])
        for _ in range(2):
            it.anvil.transfer(it.token, BOB, 50 * 10**6)
        it.anvil.mine()
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED
