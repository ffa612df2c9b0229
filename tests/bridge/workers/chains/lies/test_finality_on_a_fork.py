"""An endpoint whose finalized block is on a fork: of two a person is called with both answers after a minute, nothing
more counts meanwhile, and it goes on by itself once they agree. Each fork is another node's.
"""

from collections.abc import Callable
from typing import Any

import pytest

from coordinator.payments.payments import PaymentStatus
from providers.onchain.confirming.finalized import BLOCKS_BETWEEN, FINALIZED_AWAITED_SECONDS
from tests.anvil import Anvil, running_anvil
from tests.bridge.workers.chains.followed_chain import Follow, Followed, contradictions, goes_on, listed
from tests.bridge.workers.chains.lies.test_finalized import CALLED_FINAL_BLOCKS
from tests.providers.onchain.liar import Liar

COMPLETED, CONFIRMING, PENDING = PaymentStatus.COMPLETED, PaymentStatus.CONFIRMING, PaymentStatus.PENDING
BLOCK = "eth_getBlockByNumber"


def calls_a_fork_finalized(liar: Liar, fork: Anvil) -> None:
    """Has an endpoint say what is finalized as of a fork, and all else as its own node has it."""

    def shown(parameters: list[Any]) -> Any:
        return fork.ask(BLOCK, *parameters) if parameters[0] == "finalized" else ...

    liar.answers[BLOCK] = shown


def is_on_a_fork(liar: Liar, fork: Anvil) -> None:
    """Has an endpoint's node be that of a fork."""
    liar.anvil = fork


def is_honest(it: Followed, liar: Liar) -> None:
    liar.answers, liar.anvil = {}, it.anvil


async def becomes_final(it: Followed, *nodes: Anvil) -> None:
    """Follows on until each node calls finalized what was made so far, and as much more as a second one is asked
    about where no money waits."""
    for node in nodes:
        node.mine(CALLED_FINAL_BLOCKS + BLOCKS_BETWEEN)
    await goes_on(it, *nodes, blocks=4)


async def later(it: Followed, *nodes: Anvil) -> None:
    it.clock.now += FINALIZED_AWAITED_SECONDS
    await goes_on(it, *nodes, blocks=10)


@pytest.mark.parametrize("is_paid", [True, False])
@pytest.mark.parametrize("liar", [0, 1])
@pytest.mark.parametrize("lies", [calls_a_fork_finalized, is_on_a_fork])
async def test_of_two_a_person_sees_both_answers_and_it_goes_on_once_they_agree(
    follow: Follow, lies: Callable[[Liar, Anvil], None], liar: int, *, is_paid: bool
) -> None:
    async with follow(endpoints=2, confirmations="finalized") as it:
        await it.follow()
        await it.register()
        with running_anvil(fork_of=it.anvil) as fork:
            both = it.anvil, fork
            if is_paid:
                it.pay()
            await it.follow()
            lies(it.liars[liar], fork)
            await becomes_final(it, *both)
            assert await listed(it) == []
            await later(it, *both)
            status = (await it.payment()).status
            assert status in (CONFIRMING, PENDING)  # it may be the fork that is followed
            told = [one for one in await contradictions(it) if "finalized, and at its height" in one.detail]
            assert len(told) == 1
            detail = told[0].detail
            assert all(one.host in detail for one in it.rpc.endpoints)
            number = detail.split()[1].rstrip(":")
            for node in both:
                assert node.ask(BLOCK, hex(int(number)), False)["hash"] in detail
            assert detail.endswith("it stops pay_1" if status == CONFIRMING else "nothing more is final")
            await it.restart()
            await goes_on(it, *both)
            assert [one.key for one in told] == [one for one in await listed(it) if one == told[0].key]
            is_honest(it, it.liars[liar])
        await later(it)
        await goes_on(it, blocks=2 * CALLED_FINAL_BLOCKS)
        assert await listed(it) == []
        if is_paid:
            assert (await it.payment()).status == COMPLETED
