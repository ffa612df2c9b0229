"""What two endpoints contradicted each other about stays so until they agree, over restarts and changes of the
configuration.
"""

from typing import Any

import pytest

from coordinator.payments.payments import PaymentStatus
from coordinator.payouts.statuses import PayoutStatus
from providers.onchain.confirming.corroboration import CORROBORATION_AWAITED_SECONDS
from tests.anvil import CAROL
from tests.bridge.workers.chains.followed_chain import (
    Follow,
    Followed,
    contradictions,
    forge,
    gets_paid,
    goes_on,
    listed,
)
from tests.providers.onchain.liar import other_hash

COMPLETED, CONFIRMING, PENDING = PaymentStatus.COMPLETED, PaymentStatus.CONFIRMING, PaymentStatus.PENDING


async def contradicted(it: Followed, liar: int) -> int:
    """A payment that one endpoint alone tells of, until a person is called. Returns its block."""
    await it.follow()
    await it.register()
    number = forge(it, it.liars[liar])
    await goes_on(it)
    if not await listed(it):  # it was missed first, or may still be read
        it.clock.now += CORROBORATION_AWAITED_SECONDS
        await goes_on(it)
    assert (await it.payment()).status == CONFIRMING
    assert await listed(it) == [f"chain-contradicted:anvil:{number}"]
    return number


@pytest.mark.parametrize("liar", [0, 1])
async def test_forged_money_does_not_count_once_the_endpoint_that_told_of_it_is_taken_out(
    follow: Follow, liar: int
) -> None:
    async with follow(endpoints=2) as it:
        await contradicted(it, liar)
        await it.restart(1 - liar)
        await goes_on(it)
        it.clock.now += 2 * CORROBORATION_AWAITED_SECONDS
        await goes_on(it)
        assert (await it.payment()).status == PENDING
        it.pay()  # and what comes there really counts
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED


async def test_forged_money_does_not_count_either_where_two_honest_endpoints_remain(follow: Follow) -> None:
    async with follow(endpoints=3) as it:
        await contradicted(it, 0)
        await it.restart(1, 2)
        it.clock.now += 2 * CORROBORATION_AWAITED_SECONDS
        await goes_on(it)
        assert (await it.payment()).status == PENDING


async def test_money_that_one_endpoint_left_out_counts_once_that_one_is_taken_out(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        await it.follow()
        await it.register()
        it.liars[1].answers["eth_getLogs"] = []
        it.pay()
        await goes_on(it)
        it.clock.now += CORROBORATION_AWAITED_SECONDS
        await goes_on(it)
        assert (await it.payment()).status == CONFIRMING
        assert len(await listed(it)) == 1
        await it.restart(0)
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED
        assert await listed(it) == []


@pytest.mark.parametrize("liar", [0, 1])
async def test_a_contradiction_outlives_a_restart_while_the_honest_endpoint_is_away(
    follow: Follow, liar: int
) -> None:
    async with follow(endpoints=2) as it:
        number = await contradicted(it, liar)
        [before] = await contradictions(it)
        it.liars[1 - liar].is_dead = True
        await it.restart()
        for _ in range(3):
            it.clock.now += 2 * CORROBORATION_AWAITED_SECONDS
            await goes_on(it)
        payment = await it.payment()
        assert payment.status == CONFIRMING
        assert [one.reason for one in payment.facts.sightings] == ["two endpoints contradict each other"]
        assert f"contradict each other about block {number}" in str(it.follower.waiting)
        assert await contradictions(it) == [before]  # nobody is called anew


async def test_a_doubt_that_is_not_certain_yet_outlives_a_restart_too(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        await it.follow()
        await it.register()
        it.liars[1].answers["eth_getLogs"] = []
        it.pay()
        await goes_on(it)
        assert await listed(it) == []
        it.liars[1].is_dead = True
        await it.restart()
        for _ in range(3):
            it.clock.now += 2 * CORROBORATION_AWAITED_SECONDS
            await goes_on(it)
        assert (await it.payment()).status == CONFIRMING
        it.liars[1].is_dead, it.liars[1].answers = False, {}
        it.clock.now += 2 * CORROBORATION_AWAITED_SECONDS
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED


async def test_a_payout_that_one_endpoint_forged_is_not_verified_after_a_restart(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        await gets_paid(it)
        await it.pay_out("0x" + "f" * 64, to=CAROL)
        await it.follower.refresh()
        forge(it, it.liar, to=CAROL, amount=7)
        await goes_on(it)
        assert (await it.payout()).status == PayoutStatus.CONFIRMING
        it.liars[1].is_dead = True
        await it.restart()
        for _ in range(3):
            it.clock.now += 2 * CORROBORATION_AWAITED_SECONDS
            await goes_on(it)
        assert (await it.payout()).status == PayoutStatus.CONFIRMING


async def test_a_contradiction_leaves_the_list_once_they_agree(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        await it.follow()
        await it.register()
        other = {"blockHash": "0x" + "1" * 64}
        it.liars[1].changes("eth_getLogs", lambda parameters, logs: [one | other for one in logs])
        it.pay()
        await goes_on(it)
        assert len(await listed(it)) == 1
        it.liars[1].answers = {}
        it.clock.now += 120
        await it.follow()
        assert (await it.payment()).status == COMPLETED
        assert await listed(it) == []


async def test_a_fork_leaves_the_list_once_they_have_the_same_blocks_again(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        await it.follow()
        await it.register()

        def elsewhere(parameters: list[Any], block: dict[str, Any] | None) -> dict[str, Any] | None:
            return block and block | {"hash": other_hash(block["hash"])}

        it.liars[1].changes("eth_getBlockByNumber", elsewhere)
        await goes_on(it)
        assert len(await listed(it)) == 1
        it.liars[1].answers = {}
        await goes_on(it)
        assert await listed(it) == []


async def test_what_nobody_tells_of_any_more_is_said_to_be_that(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        await contradicted(it, 0)
        it.liar.answers = {}
        it.clock.now += 120
        await it.follow(1)
        assert (await it.payment()).status == PENDING
        assert [
            one.detail.endswith("nobody tells of it any more, and it does not count")
            for one in await contradictions(it)
        ] == [True]
