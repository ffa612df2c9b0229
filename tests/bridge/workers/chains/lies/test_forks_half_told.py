"""Endpoints that show blocks of another fork and then cannot tell of them: who is asked in their place does not have
these blocks, and is not to blame for that. The chain goes on by the others.
"""

import contextlib

import pytest

from coordinator.payments.payments import PaymentStatus
from providers.onchain.confirming.corroboration import CORROBORATION_AWAITED_SECONDS
from providers.onchain.nodes.endpoints import Fault
from providers.onchain.nodes.rpc import ChainUnavailableError
from tests.anvil import BOB
from tests.bridge.workers.chains.followed_chain import CONFIRMATIONS, Follow, Followed, contradictions
from tests.providers.onchain.liar import Refusal

COMPLETED = PaymentStatus.COMPLETED
# What it says when it is asked of a block that it has shown: it fails, or does not know it any more.
WORDS = [503, Refusal(-32000, "unknown block")]


async def is_completed_or_listed(it: Followed) -> bool:
    """Whether two of three have outvoted the third, or a person knows that one of two has another block."""
    if len(it.liars) == 2:
        return len(await contradictions(it)) > 0
    return (await it.payment()).status == COMPLETED


async def goes_on_somehow(it: Followed, blocks: int, seconds: float) -> int:
    """Follows so many blocks. Returns how many rounds went through."""
    went_through = 0
    for _ in range(blocks):
        it.anvil.mine()
        it.clock.now += seconds
        with contextlib.suppress(ChainUnavailableError):
            await it.follower.round()
            went_through += 1
        assert [one.last_fault for one in it.rpc.endpoints[1:]] == [None] * (len(it.rpc.endpoints) - 1)
    return went_through


@pytest.mark.parametrize("word", WORDS, ids=["fails", "refuses"])
@pytest.mark.parametrize("endpoints", [2, 3])
async def test_a_fork_without_logs_neither_stops_the_chain_nor_sets_the_others_aside(
    follow: Follow, endpoints: int, word: object
) -> None:
    async with follow(endpoints=endpoints) as it:
        await it.follow(CONFIRMATIONS)
        await it.register()
        it.liar.forks()
        it.liar.answers["eth_getLogs"] = word
        it.pay()
        assert await goes_on_somehow(it, 4 * CONFIRMATIONS, seconds=1) >= 3 * CONFIRMATIONS
        assert it.follower.blocks_behind == 0
        await goes_on_somehow(it, 4 * CONFIRMATIONS, seconds=CORROBORATION_AWAITED_SECONDS / 2)
        assert await is_completed_or_listed(it)


@pytest.mark.parametrize("word", [503, None], ids=["fails", "has none"])
@pytest.mark.parametrize("endpoints", [2, 3])
async def test_a_fork_without_receipts_neither_stops_the_chain_nor_sets_the_others_aside(
    follow: Follow, endpoints: int, word: object
) -> None:
    async with follow(endpoints=endpoints, own_coin=True) as it:
        await it.follow(CONFIRMATIONS)
        await it.register(currency="ETH")
        it.liar.forks()
        it.liar.answers["eth_getTransactionReceipt"] = word
        it.anvil.send(BOB, 100 * 10**18)
        assert await goes_on_somehow(it, 4 * CONFIRMATIONS, seconds=1) >= 3 * CONFIRMATIONS
        assert it.follower.blocks_behind == 0
        await goes_on_somehow(it, 4 * CONFIRMATIONS, seconds=CORROBORATION_AWAITED_SECONDS / 2)
        assert await is_completed_or_listed(it)


@pytest.mark.parametrize("endpoints", [2, 3])
async def test_one_that_is_only_behind_has_the_logs_of_a_block_that_another_showed_a_moment_later(
    follow: Follow, endpoints: int
) -> None:
    async with follow(endpoints=endpoints) as it:
        await it.follow(CONFIRMATIONS)
        await it.register()
        it.pay()
        it.liar.stumbles("eth_getLogs")
        for other in it.liars[1:]:
            left = iter([Refusal(-32000, "unknown block")])
            other.answers["eth_getLogs"] = lambda _, left=left: next(left, ...)
        await it.follow(CONFIRMATIONS)
        assert (await it.payment()).status == COMPLETED
        assert it.rpc.endpoints[1].last_fault is None
        assert it.rpc.endpoints[0].last_fault in (None, Fault.UNREACHABLE)
