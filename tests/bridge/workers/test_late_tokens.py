"""Tokens that come into the configuration after their chain was followed, or back into it: what came meanwhile for
those who wait is found.
"""

from collections.abc import Iterator

import pytest

from coordinator.payments import PaymentStatus
from providers.onchain.chains import Token
from tests.anvil import BOB, CAROL, Anvil, running_anvil
from tests.bridge.workers.followed_chain import CONFIRMATIONS, Follow, Followed, goes_on

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
        await goes_on(it)
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
