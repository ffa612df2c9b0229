"""What the chain calls finalized counts as far as two endpoints say so."""

from collections import Counter
from typing import Any

import pytest

from coordinator.payments.payments import PaymentStatus
from providers.onchain.confirming.finalized import FINALIZED_AWAITED_SECONDS
from tests.anvil import BOB, Anvil
from tests.bridge.workers.chains.followed_chain import Follow, goes_on
from tests.providers.onchain.liar import Liar, Refusal

COMPLETED, CONFIRMING = PaymentStatus.COMPLETED, PaymentStatus.CONFIRMING


def calls_finalized(liar: Liar, anvil: Anvil, name: str | None) -> None:
    """Has an endpoint call a block finalized; None for none that it knows of."""

    def shown(parameters: list[Any]) -> Any:
        if parameters[0] != "finalized":
            return ...
        refusal = Refusal(-32601, "no such tag")
        return refusal if name is None else anvil.ask("eth_getBlockByNumber", name, parameters[1])

    liar.answers["eth_getBlockByNumber"] = shown


@pytest.mark.parametrize("liar", [0, 1])
@pytest.mark.parametrize("is_dead", [True, False])
async def test_it_is_not_believed_at_once_when_the_endpoint_that_says_less_goes_away(
    follow: Follow, anvil: Anvil, caplog: pytest.LogCaptureFixture, liar: int, is_dead: bool
) -> None:
    async with follow(endpoints=2, confirmations="finalized") as it:
        await it.follow()
        await it.register()
        calls_finalized(it.liars[liar], anvil, "latest")
        calls_finalized(it.liars[1 - liar], anvil, "0x1")
        it.pay()
        await goes_on(it)
        assert (await it.payment()).status == CONFIRMING
        it.liars[1 - liar].is_dead = is_dead
        if not is_dead:
            calls_finalized(it.liars[1 - liar], anvil, None)
        await goes_on(it)
        assert (await it.payment()).status == CONFIRMING
        assert it.follower.waiting is not None
        it.liars[1 - liar].is_dead = False
        calls_finalized(it.liars[1 - liar], anvil, "0x1")
        it.clock.now += 2 * FINALIZED_AWAITED_SECONDS
        await goes_on(it)
        assert (await it.payment()).status == CONFIRMING
        assert "is finalized by the word of one endpoint" not in caplog.text


async def test_it_is_believed_after_a_minute_with_an_error(
    follow: Follow, anvil: Anvil, caplog: pytest.LogCaptureFixture
) -> None:
    async with follow(endpoints=2, confirmations="finalized") as it:
        await it.follow()
        await it.register()
        calls_finalized(it.liars[0], anvil, "latest")
        calls_finalized(it.liars[1], anvil, None)
        it.pay()
        await goes_on(it)
        assert (await it.payment()).status == CONFIRMING
        it.clock.now += FINALIZED_AWAITED_SECONDS
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED
        assert caplog.text.count("is finalized by the word of one endpoint") == 1
        assert it.follower.waiting is None


async def test_it_is_not_believed_of_a_block_that_is_followed_just_now(follow: Follow, anvil: Anvil) -> None:
    async with follow(endpoints=2, confirmations="finalized") as it:
        await it.follow()
        await it.register()
        calls_finalized(it.liars[0], anvil, "latest")
        calls_finalized(it.liars[1], anvil, "0x1")
        it.pay()
        for _ in range(3):
            await it.follow()
            assert (await it.payment()).status == CONFIRMING


async def test_a_second_endpoint_is_asked_only_where_money_depends_on_it(follow: Follow, anvil: Anvil) -> None:
    async with follow(endpoints=2, confirmations="finalized") as it:
        for liar in it.liars:
            calls_finalized(liar, anvil, "latest")
        await it.follow()
        await it.register()
        for liar in it.liars:
            liar.asked.clear()
        await it.follow(16)
        # Each block's header, and every eighth block what is finalized, and how the endpoints stand.
        assert Counter(it.liars[0].asked)["eth_getBlockByNumber"] <= 16 * 1.5
        without = Counter(it.liars[1].asked)["eth_getBlockByNumber"]
        it.anvil.transfer(it.token, BOB, 100 * 10**6)
        await it.follow(16)
        assert (await it.payment()).status == COMPLETED
        # For the money and every 32 blocks, beside what other comparisons ask; not for each block.
        assert Counter(it.liars[1].asked)["eth_getBlockByNumber"] - 2 * without <= 6
