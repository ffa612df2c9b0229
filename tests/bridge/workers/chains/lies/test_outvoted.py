"""Of three endpoints, two that agree outvote the third: money counts by their word, and a person reads all of it."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from coordinator.payments.payments import PaymentStatus
from coordinator.payouts.statuses import PayoutStatus
from providers.onchain.confirming.corroboration import CORROBORATION_AWAITED_SECONDS
from tests.anvil import BOB, CAROL, Anvil, running_anvil
from tests.bridge.workers.chains.followed_chain import (
    CONFIRMATIONS,
    Follow,
    Followed,
    contradictions,
    following,
    forge,
    gets_paid,
    goes_on,
    listed,
)
from tests.providers.onchain.liar import Liar, of_fork, other_hash

Document = dict[str, Any]
COMPLETED, CONFIRMING, PENDING = PaymentStatus.COMPLETED, PaymentStatus.CONFIRMING, PaymentStatus.PENDING


def has_another_block(liar: Liar) -> None:
    liar.changes("eth_getLogs", lambda _, logs: [one | {"blockHash": other_hash(one["blockHash"])} for one in logs])


def has_another_amount(liar: Liar) -> None:
    liar.changes("eth_getLogs", lambda _, logs: [one | {"data": "0x" + f"{10**6:064x}"} for one in logs])


def has_no_such_transfer(liar: Liar) -> None:
    liar.answers["eth_getLogs"] = []


Lie = Callable[[Liar], None]
LIES: list[Lie] = [has_another_block, has_another_amount, has_no_such_transfer]


async def pays(it: Followed) -> int:
    """Has somebody pay, and reads the block by the first endpoint. Returns its number."""
    await it.follow()
    await it.register()
    it.pay()
    await it.follow()
    return it.anvil.head()


@pytest.mark.parametrize("lie", LIES)
async def test_one_that_differs_does_not_stop_a_payment_of_which_two_say_the_same(follow: Follow, lie: Lie) -> None:
    async with follow(endpoints=3) as it:
        number = await pays(it)
        lie(it.liars[1])
        await goes_on(it)
        payment = await it.payment()
        assert (payment.status, payment.received) == (COMPLETED, Decimal(100))
        [told] = [one for one in await contradictions(it) if one.key == f"chain-contradicted:anvil:{number}"]
        first, differing, third = (one.host for one in it.rpc.endpoints)
        assert f"{first} has 100 USDT" in told.detail
        assert f"; {differing} has " in told.detail
        assert told.detail.endswith(f"; {first} and {third} have it, and it counts")
        assert it.rpc.endpoints[1].is_suspended(it.clock.now)
        assert not it.rpc.endpoints[2].is_suspended(it.clock.now)


@pytest.mark.parametrize("lie", LIES)
async def test_one_that_differs_for_a_moment_stops_nothing_and_is_not_told(follow: Follow, lie: Lie) -> None:
    async with follow(endpoints=3) as it:
        await pays(it)
        lie(it.liars[1])
        await goes_on(it, blocks=CONFIRMATIONS - 1)
        assert (await it.payment()).status == CONFIRMING
        it.liars[1].answers = {}
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED
        assert await listed(it) == []


async def test_money_that_one_of_three_makes_up_does_not_count(follow: Follow) -> None:
    async with follow(endpoints=3) as it:
        await it.follow()
        await it.register()
        number = forge(it, it.liar)
        await goes_on(it)
        it.clock.now += 2 * CORROBORATION_AWAITED_SECONDS
        await goes_on(it)
        assert (await it.payment()).status == CONFIRMING
        assert f"chain-contradicted:anvil:{number}" in await listed(it)


async def test_what_one_of_three_differs_in_stops_a_payment_while_the_third_is_away(follow: Follow) -> None:
    async with follow(endpoints=3) as it:
        number = await pays(it)
        has_another_block(it.liars[1])
        it.liars[2].is_dead = True
        await goes_on(it)
        it.clock.now += 2 * CORROBORATION_AWAITED_SECONDS
        await goes_on(it)
        assert (await it.payment()).status == CONFIRMING
        [told] = await contradictions(it)
        assert told.detail.endswith("it stops pay_1")
        it.liars[2].is_dead = False
        it.clock.now += 300
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED
        [told] = [one for one in await contradictions(it) if one.key == f"chain-contradicted:anvil:{number}"]
        assert told.detail.endswith("have it, and it counts")


async def test_two_of_four_are_not_most_of_them(follow: Follow) -> None:
    async with follow(endpoints=4) as it:
        await pays(it)
        for place in (1, 2):
            has_another_block(it.liars[place])
        await goes_on(it)
        assert (await it.payment()).status == CONFIRMING
        assert await listed(it)


@pytest.mark.parametrize("given_back", [True, False])
async def test_one_that_says_otherwise_what_a_destination_gave_back_is_outvoted(
    follow: Follow, *, given_back: bool
) -> None:
    async with follow(endpoints=3) as it:
        await gets_paid(it)

        def turned(parameters: list[Any], receipt: Document) -> Document:
            """With as much the other way."""
            log = receipt["logs"][0]
            signature, sender, recipient = log["topics"]
            back = log | {"topics": [signature, recipient, sender], "logIndex": "0x63"}
            return receipt | {"logs": [log, back]}

        for place in [0, 2] if given_back else [1]:
            it.liars[place].changes("eth_getTransactionReceipt", turned)
        await it.pay_out(it.pay(7, CAROL), to=CAROL)
        await goes_on(it, blocks=2 * CONFIRMATIONS)
        expected = PayoutStatus.MISMATCH if given_back else PayoutStatus.COMPLETED
        assert (await it.payout()).status == expected
        [told] = await contradictions(it)
        assert f"{it.rpc.endpoints[1].host} says that 7 USDT came" in told.detail
        assert told.detail.endswith("what most say counts")


def is_on_a_fork(liar: Liar) -> None:
    liar.forks()


def is_on_a_lower_fork(liar: Liar) -> None:
    """By so few blocks that it does not lag."""

    def shown(parameters: list[Any]) -> Document:
        name, *others = parameters
        number = hex(liar.anvil.head() - CONFIRMATIONS) if name == "latest" else name
        block: Document = of_fork(liar.anvil.ask("eth_getBlockByNumber", number, *others))
        return block

    liar.forks()
    liar.answers["eth_getBlockByNumber"] = shown


@pytest.mark.parametrize("fork", [is_on_a_fork, is_on_a_lower_fork])
async def test_one_that_is_back_on_its_fork_before_each_round_holds_up_no_round(follow: Follow, fork: Lie) -> None:
    async with follow(endpoints=3) as it:
        await it.follow(2 * CONFIRMATIONS)
        await it.register()
        fork(it.liar)
        it.pay()
        for _ in range(CONFIRMATIONS):
            it.clock.now += 300  # it is in good standing again
            await it.follower.round()
            assert it.follower.blocks_behind == 0
            assert it.rpc.endpoints[0].is_suspended(it.clock.now)
            it.anvil.mine()
        assert (await it.payment()).status == COMPLETED
        assert len(await contradictions(it)) == 1


async def test_a_fork_that_one_of_three_is_on_alone_is_left_though_it_is_asked_first(
    anvil: Anvil, tmp_path: Path
) -> None:
    token = anvil.deploy("Token")
    with running_anvil(fork_of=anvil) as fork:
        async with following(fork, tmp_path, anvil, anvil, token=token) as it:
            await it.follow()
            await it.register()
            fork.mine()
            anvil.transfer(token, BOB, 100 * 10**6)
            await goes_on(it, fork, anvil, blocks=4 * CONFIRMATIONS)
            assert (await it.payment()).status == COMPLETED
            [told] = await contradictions(it)
            assert "was followed, and" in told.detail
            alarms = await it.alarms()  # and that what was called final was not
            assert sorted(kind for kind, _ in alarms) == ["contradicted", "taken-back"]
            for _ in range(3):  # whenever it is asked again
                it.clock.now += 300
                await goes_on(it, fork, anvil)
            assert await it.alarms() == alarms
            await it.register("pay_2", recipient=CAROL)
            anvil.transfer(token, CAROL, 100 * 10**6)
            await goes_on(it, fork, anvil, blocks=2 * CONFIRMATIONS)
            assert (await it.payment("pay_2")).status == COMPLETED
