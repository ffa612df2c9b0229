"""Endpoints that are several honest backends behind one address, of which some are behind: one that is asked about a
range answers with what it has, without a word about the rest. Whatever order that comes in, nothing is missed.
"""

import asyncio
import contextlib
import itertools
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from coordinator.payments.payments import PaymentStatus
from providers.onchain.nodes.rpc import ChainUnavailableError
from providers.onchain.reading.ranges import REREAD_DEPTH_TIMES, shallow_blocks
from tests.anvil import Anvil, running_anvil
from tests.bridge.workers.chains.followed_chain import CONFIRMATIONS, Follow, Followed, following
from tests.bridge.workers.chains.lies.lengths import IS_SOAK
from tests.matrices import every_value
from tests.providers.onchain.liar import Liar, Refusal
from tests.system.onchain.conftest import address

# A way takes some seconds.
WAYS = 2 if not IS_SOAK else int(float(os.environ["SOAK_MINUTES"]) * 10)
STEPS_AT_MOST = 12 if IS_SOAK else 8
SHALLOW = shallow_blocks(1)
DEEP = REREAD_DEPTH_TIMES * SHALLOW


def balance(it: Followed, liar: Liar, lag: Callable[[], int]) -> None:
    """Has a backend answer about logs that is behind by so many blocks, while another one answers all else."""

    def answered(parameters: list[Any]) -> Any:
        [asked] = parameters
        newest = it.anvil.head() - lag()
        if "blockHash" in asked:
            number = int(it.anvil.ask("eth_getBlockByHash", asked["blockHash"], False)["number"], 16)
            return Refusal(-32000, "unknown block") if number > newest else ...
        if int(asked["fromBlock"], 16) > newest:
            return []
        return it.anvil.ask("eth_getLogs", asked | {"toBlock": hex(min(int(asked["toBlock"], 16), newest))})

    liar.answers["eth_getLogs"] = answered


STEPS = st.one_of(
    st.tuples(st.just("pay"), st.integers(1, 20)),
    st.tuples(st.just("mine"), st.integers(1, 120)),
    st.tuples(st.just("lag"), st.integers(0, 2 * SHALLOW)),
    st.tuples(st.just("follow"), st.integers(1, 3)),
    st.tuples(st.just("restart"), st.just(0)),
)


async def follow_on(it: Followed, times: int) -> None:
    for _ in range(times):
        it.clock.now += 600
        with contextlib.suppress(ChainUnavailableError):  # nobody has the newest block yet
            await it.follower.round()


async def play(lags: dict[int, list[int]], steps: list[tuple[str, int]]) -> None:
    """`lags`: of each endpoint's backends, which take turns. The chain is a new one: the longer it is, the longer its
    node takes for a block."""
    with tempfile.TemporaryDirectory() as folder, running_anvil() as anvil:
        async with following(anvil, Path(folder), endpoints=len(lags)) as it:
            await it.follow(3)
            recipient = address(it.token)
            await it.register(recipient=recipient)
            for place, liar in enumerate(it.liars):
                balance(it, liar, itertools.cycle(lags[place]).__next__)
            paid = 0
            for kind, number in steps:
                match kind:
                    case "pay":
                        it.pay(number, recipient)
                        paid += number
                    case "mine":
                        anvil.mine(number)
                    case "lag":
                        balance(it, it.liars[0], itertools.repeat(number).__next__)
                    case "follow":
                        await follow_on(it, number)
                    case _:
                        it.follower = it.new_follower()
            await follow_on(it, 1)
            for liar in it.liars:  # whoever was behind has come up
                liar.answers = {}
            for blocks in (DEEP, DEEP + SHALLOW, *[1] * 8):
                anvil.mine(blocks)
                await follow_on(it, 1)
            assert (await it.payment()).received == paid, "money is missed"
            assert it.follower.waiting is None


@pytest.mark.parametrize(("endpoints", "lag"), every_value([1, 2, 3], [2 * SHALLOW, 8]))
def test_money_of_an_absence_is_not_missed_where_all_backends_are_behind(endpoints: int, lag: int) -> None:
    steps = [
        ("mine", 130),
        ("pay", 3),
        ("mine", 60),
        ("pay", 4),
        ("mine", 2),
        ("pay", 5),
        ("mine", 3),
        ("restart", 0),
    ]
    asyncio.run(play({place: [lag] for place in range(endpoints)}, steps))


@pytest.mark.parametrize("endpoints", [1, 2])
async def test_money_is_not_missed_where_all_indexes_of_logs_are_behind_their_blocks_until_these_are_final(
    follow: Follow, anvil: Anvil, endpoints: int
) -> None:
    """Whoever is asked for the logs of a block that it shows says that there are none, and says so when it is read
    again, since a block is final sooner than the index has it."""
    async with follow(endpoints=endpoints) as it:

        def behind(parameters: list[Any]) -> Any:
            [asked] = parameters
            newest = it.anvil.head() - 2 * CONFIRMATIONS
            if "blockHash" in asked:
                block = it.anvil.ask("eth_getBlockByHash", asked["blockHash"], False)
                return [] if int(block["number"], 16) > newest else ...
            last = min(int(asked["toBlock"], 16), newest)
            is_there = last >= int(asked["fromBlock"], 16)
            return it.anvil.ask("eth_getLogs", asked | {"toBlock": hex(last)}) if is_there else []

        for liar in it.liars:
            liar.answers["eth_getLogs"] = behind
        await it.follow()
        await it.register()
        it.pay()
        await it.follow(4 * CONFIRMATIONS)
        assert (await it.payment()).status == PaymentStatus.PENDING
        it.follower = it.new_follower()  # what is to be read outlives a restart
        it.anvil.mine(2 * DEEP)
        await follow_on(it, 4)
        assert (await it.payment()).status == PaymentStatus.COMPLETED


@settings(
    max_examples=WAYS,
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    lags=st.lists(st.lists(st.integers(0, 2 * SHALLOW), min_size=1, max_size=3), min_size=1, max_size=3),
    steps=st.lists(STEPS, min_size=3, max_size=STEPS_AT_MOST),
)
def test_however_far_backends_are_behind_and_whoever_answers_nothing_is_missed(
    lags: list[list[int]], steps: list[tuple[str, int]]
) -> None:
    asyncio.run(play(dict(enumerate(lags)), steps))
