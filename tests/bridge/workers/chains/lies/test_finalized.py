"""What the chain calls finalized counts as far as two endpoints say so."""

from collections import Counter
from typing import Any

import pytest

from coordinator.payments.payments import PaymentStatus
from providers.onchain.confirming.finalized import FINALIZED_AWAITED_SECONDS
from tests.anvil import BOB, Anvil
from tests.bridge.workers.chains.followed_chain import Follow, goes_on
from tests.providers.onchain.liar import Liar, Refusal, other_hash

# So deep is what anvil calls finalized.
CALLED_FINAL_BLOCKS = 64
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


@pytest.mark.parametrize("endpoints", [1, 2])
async def test_money_waits_an_eighth_longer_at_most_than_until_it_is_called_final(
    follow: Follow, endpoints: int
) -> None:
    async with follow(endpoints=endpoints, confirmations="finalized") as it:
        await it.follow(2 * CALLED_FINAL_BLOCKS)
        await it.register()
        it.pay()
        await it.follow(CALLED_FINAL_BLOCKS - 1)
        assert (await it.payment()).status == CONFIRMING
        await it.follow(1 + CALLED_FINAL_BLOCKS // 8)
        assert (await it.payment()).status == COMPLETED


@pytest.mark.parametrize("is_proven", [True, False])
async def test_what_an_endpoint_told_before_it_calls_a_block_above_finalized_is_its_word(
    follow: Follow, *, is_proven: bool
) -> None:
    """Where the hashes of the blocks between do not prove that the money is below, it is asked what it has there."""
    async with follow(endpoints=2, confirmations="finalized") as it:
        if not is_proven:
            for liar in it.liars:
                liar.changes("eth_getBlockByNumber", lambda _, block: block and block | {"miner": BOB})
        await it.follow()
        await it.register()
        it.pay()
        asked: list[Any] = []

        def noted(parameters: list[Any], logs: Any) -> Any:
            asked.append(parameters[0])
            return logs

        it.liars[1].changes("eth_getLogs", noted)
        number = hex(it.anvil.head())
        await it.follow(CALLED_FINAL_BLOCKS + 8)
        assert (await it.payment()).status == COMPLETED
        alone = [one for one in asked if (one.get("fromBlock"), one.get("toBlock")) == (number, number)]
        assert len(alone) == (0 if is_proven else 1)


@pytest.mark.parametrize("liar", [0, 1])
async def test_a_word_of_before_is_none_where_what_is_called_finalized_does_not_lie_above_it(
    follow: Follow, anvil: Anvil, liar: int
) -> None:
    """Of a fork, say, at whose height the same block was followed for all that anybody remembers."""
    async with follow(endpoints=2, confirmations="finalized") as it:
        await it.follow()
        await it.register()
        it.pay()
        await it.follow(CALLED_FINAL_BLOCKS // 2)

        def elsewhere(parameters: list[Any], block: Any) -> Any:
            return block | {"hash": other_hash(block["hash"])} if parameters[0] == "finalized" else block

        it.liars[liar].changes("eth_getBlockByNumber", elsewhere)
        await it.follow(CALLED_FINAL_BLOCKS)
        assert (await it.payment()).status == CONFIRMING
        assert "finalized, and at its height" in str(it.follower.waiting)


@pytest.mark.parametrize("liar", [0, 1, 2])
@pytest.mark.parametrize("is_low", [True, False])
async def test_one_of_three_that_calls_too_little_or_another_block_finalized_holds_up_nothing(
    follow: Follow, anvil: Anvil, *, liar: int, is_low: bool
) -> None:
    async with follow(endpoints=3, confirmations="finalized") as it:
        for one in it.liars:
            calls_finalized(one, anvil, "latest")
        await it.follow()
        await it.register()

        def elsewhere(parameters: list[Any], block: Any) -> Any:
            return block | {"hash": other_hash(block["hash"])} if parameters[0] == "finalized" else block

        if is_low:
            calls_finalized(it.liars[liar], anvil, "0x0")
        else:
            it.liars[liar].changes("eth_getBlockByNumber", elsewhere)
        it.pay()
        await goes_on(it, blocks=8)
        assert (await it.payment()).status == COMPLETED
        assert it.follower.waiting is None


@pytest.mark.parametrize("liar", [0, 1, 2])
async def test_what_one_of_three_alone_calls_finalized_is_not(follow: Follow, anvil: Anvil, liar: int) -> None:
    async with follow(endpoints=3, confirmations="finalized") as it:
        await it.follow()
        await it.register()
        for place, one in enumerate(it.liars):
            calls_finalized(one, anvil, "latest" if place == liar else "0x0")
        it.pay()
        await goes_on(it, blocks=8)
        assert (await it.payment()).status == CONFIRMING
