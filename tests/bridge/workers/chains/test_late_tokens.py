"""Tokens that come into the configuration after their chain was followed, or back into it: what came meanwhile for
those who wait is found. Those that are waited for and not in it, or mean something else there, are said.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from bridge.http.ops.overview import needs_a_person
from bridge.workers.chains.followers import ChainFollowers, ChainProblemError
from coordinator.payments.payments import PaymentStatus
from providers.onchain.chains import Chain, ChainsError, Token
from tests.anvil import BOB, CAROL, Anvil, running_anvil
from tests.bridge.workers.chains.followed_chain import CONFIRMATIONS, Follow, Followed, goes_on

OTHER = Token(symbol="DAI", decimals=18, address="0x6B175474E89094C44Da98b954EedeAC495271d0F")
COMPLETED, PENDING = PaymentStatus.COMPLETED, PaymentStatus.PENDING


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    with running_anvil() as anvil:
        yield anvil


async def configure(it: Followed, *tokens: Token) -> None:
    """Starts the bridge anew with these tokens."""
    it.chain = it.chain.model_copy(update={"tokens": tokens})
    await it.restart()


@pytest.mark.parametrize("is_own_coin", [False, True])
async def test_a_token_that_comes_back_is_read_from_where_it_was_left(follow: Follow, is_own_coin: bool) -> None:
    async with follow(endpoints=2, own_coin=True, more=[OTHER]) as it:
        await it.follow()
        tokens, currency = it.chain.tokens, "ETH" if is_own_coin else "USDT"
        token = it.token
        await it.register(currency=currency)
        await it.register("pay_2", recipient=CAROL, currency="DAI")
        await it.follow()
        await configure(it, *(one for one in tokens if one.symbol != currency))
        if is_own_coin:
            it.anvil.send(BOB, 100 * 10**18)
        else:
            it.anvil.transfer(token, BOB, 100 * 10**6)
        await goes_on(it, blocks=2 * CONFIRMATIONS)
        it.anvil.mine(40)
        await it.follow()
        await configure(it, *tokens)
        await goes_on(it)
        assert (await it.payment()).status is COMPLETED
        assert it.follower.waiting is None


async def test_a_token_that_is_new_is_read_from_where_it_was_first_waited_for(follow: Follow) -> None:
    async with follow(endpoints=2, more=[OTHER]) as it:
        usdt, _ = it.chain.tokens
        await it.register()
        await configure(it, OTHER)
        await it.follow()
        it.anvil.transfer(str(usdt.address), BOB, 100 * 10**6)
        await goes_on(it, blocks=2 * CONFIRMATIONS)
        await configure(it, usdt, OTHER)
        await goes_on(it, blocks=12)
        assert (await it.payment()).status is COMPLETED


async def test_a_token_that_comes_back_is_read_by_two_and_that_is_said_until_it_is(follow: Follow) -> None:
    async with follow(endpoints=2, more=[OTHER]) as it:
        await it.follow()
        usdt, _ = it.chain.tokens
        await it.register()
        await configure(it, OTHER)
        it.anvil.transfer(str(usdt.address), BOB, 100 * 10**6)
        await goes_on(it, blocks=2 * CONFIRMATIONS)
        await configure(it, usdt, OTHER)
        it.liar.answers["eth_getLogs"] = []
        it.liars[1].is_dead = True
        await goes_on(it)
        assert "USDT came into the configuration later" in str(it.follower.waiting)
        assert (await it.payment()).status is PENDING
        it.liars[1].is_dead = False
        it.clock.now += 600
        await goes_on(it)
        it.liar.answers = {}
        it.clock.now += 600
        await goes_on(it)
        assert (await it.payment()).status is COMPLETED


@asynccontextmanager
async def started(it: Followed, chains: Mapping[str, Chain]) -> AsyncIterator[ChainFollowers]:
    followers = ChainFollowers(it.journal, chains, days=7)
    await followers.start()
    yield followers
    await followers.aclose()


async def unfollowed(it: Followed) -> list[str]:
    found = await needs_a_person(it.journal, timedelta(days=3))
    return [one.detail for one in found if one.kind == "coin-unfollowed"]


async def test_a_coin_that_is_waited_for_and_not_followed_is_said_until_it_is(follow: Follow) -> None:
    async with follow(more=[OTHER]) as it:
        await it.register()
        await it.register("pay_2", recipient=CAROL)
        without = it.chain.model_copy(update={"tokens": (OTHER,)})
        async with started(it, {"anvil": without}) as followers:
            with pytest.raises(
                ChainProblemError, match="2 payments wait for USDT; the configuration does not follow"
            ):
                await followers.checks()["anvil"]()
            [standing] = await followers.statuses()
            assert "wait for USDT" in str(standing.problem)
        [said] = await unfollowed(it)
        assert said.startswith("2 payments wait for USDT")
        async with started(it, {}) as followers:  # the whole chain has no endpoints any more
            with pytest.raises(ChainProblemError, match="which has no endpoints"):
                await followers.checks()["anvil"]()
        [said] = await unfollowed(it)
        assert "which has no endpoints" in said
        async with started(it, {"anvil": it.chain}) as followers:
            assert "not asked yet" in await followers.checks()["anvil"]()
        assert await unfollowed(it) == []


async def test_other_decimals_of_a_token_that_somebody_waits_for_stop_the_start(follow: Follow) -> None:
    async with follow(more=[OTHER]) as it:
        await it.follow()
        usdt, other = it.chain.tokens
        wrong = {
            "anvil": it.chain.model_copy(
                update={
                    "tokens": (usdt.model_copy(update={"decimals": 18}), other.model_copy(update={"decimals": 6}))
                }
            )
        }
        async with started(it, wrong):
            pass  # nobody waits for either
        await it.register()
        with pytest.raises(ChainsError, match=r"anvil\.USDT: it had 6 decimals at 0x\w+ when it was followed last"):
            await ChainFollowers(it.journal, wrong, days=7).start()
        async with started(it, {"anvil": it.chain}):
            pass
