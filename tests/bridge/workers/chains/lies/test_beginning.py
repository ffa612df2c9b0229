"""Where a chain is followed from that never was: not one endpoint's word alone, and before all that is waited for."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from coordinator.payments.payments import PaymentStatus
from providers.onchain.confirming.start_block import FARTHEST_APART_BLOCKS
from providers.onchain.nodes.rpc import ChainUnavailableError
from tests.anvil import Anvil, running_anvil
from tests.bridge.workers.chains.followed_chain import CONFIRMATIONS, Follow, Followed, goes_on
from tests.providers.onchain.liar import other_hash

Document = dict[str, Any]
AHEAD_BLOCKS = 200


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    with running_anvil() as anvil:
        yield anvil


def boast(it: Followed, liar: int) -> None:
    """Has an endpoint show a newest block far above the chain's."""
    newest = it.anvil.head() + AHEAD_BLOCKS

    def invented(parameters: list[Any], block: Document | None) -> Document | None:
        if parameters[0] not in ("latest", hex(newest)):
            return block
        head: Document = it.anvil.ask("eth_getBlockByNumber", "latest", False)
        return head | {"number": hex(newest), "hash": other_hash(head["hash"])}

    it.liars[liar].changes("eth_getBlockByNumber", invented)


def be_on_a_fork(it: Followed, liar: int) -> None:
    """Has an endpoint show blocks of another chain."""

    def elsewhere(parameters: list[Any], block: Document | None) -> Document | None:
        return block and block | {name: other_hash(block[name]) for name in ("hash", "parentHash")}

    it.liars[liar].changes("eth_getBlockByNumber", elsewhere)


def stand_still(it: Followed, liar: int) -> None:
    """Has an endpoint be far behind."""
    it.liars[liar].stands_at(0)
    it.anvil.mine(FARTHEST_APART_BLOCKS + 1)


def be_away(it: Followed, liar: int) -> None:
    it.liars[liar].is_dead = True


@pytest.mark.parametrize(
    ("liar", "wrong"), [(0, boast), (1, boast), (0, be_on_a_fork), (1, stand_still), (0, be_away)]
)
async def test_a_chain_begins_where_two_endpoints_show_it_and_misses_nothing_meanwhile(
    follow: Follow, liar: int, wrong: Callable[[Followed, int], None]
) -> None:
    async with follow(endpoints=2) as it:
        it.anvil.mine(2 * CONFIRMATIONS)
        await it.register()
        wrong(it, liar)
        with pytest.raises(ChainUnavailableError):
            await it.follower.round()
        assert await it.journal.chains.following("anvil") is None
        it.pay()
        it.liars[liar].answers, it.liars[liar].is_dead = {}, False
        it.clock.now += 600
        await goes_on(it)
        assert (await it.payment()).status is PaymentStatus.COMPLETED


async def test_money_that_came_before_a_chain_was_asked_for_the_first_time_is_not_missed(follow: Follow) -> None:
    async with follow() as it:
        await it.register()
        it.pay()
        it.anvil.mine(2 * CONFIRMATIONS)
        await it.follow(1)
        assert (await it.payment()).status is PaymentStatus.COMPLETED
