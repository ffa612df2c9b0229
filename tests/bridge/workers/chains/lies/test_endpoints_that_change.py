"""Endpoints that are of another chain from one moment to the next, and chains that are another one just as far down
as what is final."""

from collections.abc import Iterator

import pytest

from coordinator.payments.observed.observations import Stage
from coordinator.payments.payments import PaymentStatus
from providers.onchain.nodes.endpoints import Fault
from providers.onchain.nodes.rpc import ChainUnavailableError
from tests.anvil import BOB, CAROL, CHAIN_ID, Anvil, running_anvil
from tests.bridge.workers.chains.followed_chain import CONFIRMATIONS, Follow, Followed, goes_on, listed

COMPLETED, CONFIRMING = PaymentStatus.COMPLETED, PaymentStatus.CONFIRMING


@pytest.fixture
def stranger() -> Iterator[Anvil]:
    """A node of another chain, which has blocks at the same heights."""
    with running_anvil(CHAIN_ID + 1) as node:
        yield node


async def tries(it: Followed, blocks: int, *nodes: Anvil) -> None:
    """Follows on, over whatever fails."""
    for _ in range(blocks):
        for node in nodes:
            node.mine()
        it.clock.now += 1
        try:
            await it.follower.round()
        except ChainUnavailableError:
            continue


@pytest.mark.parametrize("after_rounds", [1, 2, 5])
@pytest.mark.parametrize("endpoints", [1, 2])
async def test_one_that_is_of_another_chain_from_now_on_takes_nothing_back(
    follow: Follow, stranger: Anvil, endpoints: int, after_rounds: int
) -> None:
    """At whatever time that is: of which chain they are they are not asked in each round."""
    async with follow(endpoints=endpoints) as it:
        await it.follow()
        await it.register()
        it.pay()
        await goes_on(it)
        await goes_on(it, blocks=after_rounds)
        await it.register("pay_2", recipient=CAROL)
        it.pay(to=CAROL)
        await goes_on(it, blocks=1)
        told = (await it.payment("pay_2")).facts.sightings
        at = it.follower.followed
        stranger.mine(max(0, it.anvil.head() - stranger.head()))
        it.liar.anvil = stranger
        await tries(it, 2 * CONFIRMATIONS, stranger, *([it.anvil] if endpoints > 1 else []))
        if endpoints == 1:
            assert (await it.payment("pay_2")).facts.sightings == told
            assert it.follower.followed == at
        assert (await it.payment()).status == COMPLETED
        assert await it.alarms() == []
        assert it.rpc.endpoints[0].last_fault is Fault.WRONG_CHAIN
        it.liar.anvil = it.anvil
        it.clock.now += 300
        await goes_on(it)
        assert (await it.payment("pay_2")).status == COMPLETED
        assert await listed(it) == []


@pytest.mark.parametrize("endpoints", [1, 2])
@pytest.mark.parametrize("deeper", [-1, 0])
async def test_a_reorganisation_just_as_deep_as_the_confirmations(
    follow: Follow, anvil: Anvil, endpoints: int, deeper: int
) -> None:
    """One block less takes back what is not final; as deep, it takes back what was, and a person is called."""
    async with follow(endpoints=endpoints) as it:
        await it.follow()
        await it.register()
        it.pay()
        await goes_on(it, blocks=CONFIRMATIONS - 1 + deeper)
        assert (await it.payment()).status == (CONFIRMING if deeper < 0 else COMPLETED)
        anvil.reorganise(CONFIRMATIONS + deeper)
        await goes_on(it)
        payment = await it.payment()
        if deeper < 0:
            assert [one.stage for one in payment.facts.sightings] == [Stage.REORGANISED]
            assert await it.alarms() == []
            it.pay(to=BOB)
            await goes_on(it)
            assert (await it.payment()).status == COMPLETED
        else:
            assert payment.status == COMPLETED
            assert [kind for kind, _ in await it.alarms()] == ["taken-back"]


async def test_what_a_contract_leaves_when_it_destroys_itself_pays(follow: Follow, anvil: Anvil) -> None:
    async with follow(endpoints=2, own_coin=True) as it:
        await it.follow()
        await it.register(currency="ETH")
        # Its making destroys it: PUSH20 of the address, and SELFDESTRUCT.
        made = {"from": CAROL, "value": hex(100 * 10**18), "data": f"0x73{BOB[2:]}ff", "gas": hex(500_000)}
        anvil.ask("eth_sendTransaction", made)
        await goes_on(it, blocks=2 * CONFIRMATIONS)
        assert (await it.payment()).status == COMPLETED
        assert await listed(it) == []
