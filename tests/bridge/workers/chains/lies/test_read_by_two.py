"""What one endpoint leaves out is found by another one, whoever was away when, and whatever coin it is."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.http.ops.overview import needs_a_person
from coordinator.payments.payments import PaymentStatus
from providers.onchain.confirming import block_rereads
from tests.anvil import BOB, CAROL
from tests.bridge.workers.chains.followed_chain import CONFIRMATIONS, Follow, Followed, goes_on, listed
from tests.providers.onchain.liar import Liar

Document = dict[str, Any]
COMPLETED, CONFIRMING, PENDING = PaymentStatus.COMPLETED, PaymentStatus.CONFIRMING, PaymentStatus.PENDING


def omit(liar: Liar) -> None:
    """Has an endpoint show nothing of what is in blocks, nor that there could be anything."""

    def empty(parameters: list[Any], block: Document | None) -> Document | None:
        return block and block | {"logsBloom": "0x" + 512 * "0", "transactions": []}

    liar.changes("eth_getBlockByNumber", empty)
    liar.answers |= {"eth_getLogs": [], "debug_traceBlockByHash": [], "eth_getTransactionByHash": None}


async def is_found(it: Followed, liar: Liar, payment_id: str = "pay_1") -> None:
    """Whether it is found, stopped and listed; and counts once they agree."""
    it.clock.now += 300  # whoever was away for long is not asked at once
    await goes_on(it)
    assert (await it.payment(payment_id)).status == CONFIRMING
    assert await listed(it)
    liar.answers = {}
    it.clock.now += 120
    await goes_on(it)
    assert (await it.payment(payment_id)).status == COMPLETED
    assert await listed(it) == []


@pytest.mark.parametrize("liar", [0, 1])
@pytest.mark.parametrize("lags", [True, False])
async def test_money_that_one_endpoint_leaves_out_while_the_other_is_away_is_found_once_it_is_back(
    follow: Follow, liar: int, lags: bool
) -> None:
    async with follow(endpoints=2) as it:
        await it.follow(3)
        await it.register()
        omit(it.liars[liar])
        if lags:
            it.liars[1 - liar].stands_at(it.anvil.head())
        else:
            it.liars[1 - liar].is_dead = True
        it.pay()
        await goes_on(it, blocks=3 * CONFIRMATIONS)
        if not lags:
            assert (await it.payment()).status == PENDING
        it.liars[1 - liar].is_dead, it.liars[1 - liar].answers = False, {}
        await is_found(it, it.liars[liar])


@pytest.mark.parametrize("liar", [0, 1])
@pytest.mark.parametrize("is_alone", [True, False])
async def test_money_of_an_absence_that_one_endpoint_leaves_out_is_found(
    follow: Follow, liar: int, is_alone: bool
) -> None:
    async with follow(endpoints=2) as it:
        await it.follow(3)
        await it.register()
        it.anvil.mine(50)
        it.pay()
        it.anvil.mine(50)
        omit(it.liars[liar])
        it.liars[1 - liar].is_dead = is_alone
        await it.follow(1)
        it.liars[1 - liar].is_dead = False
        await is_found(it, it.liars[liar])


@pytest.mark.parametrize(("liar", "seconds"), [(0, 1), (0, 2**31), (1, 2**31)])
async def test_money_of_an_absence_is_not_dated_by_the_word_of_one(follow: Follow, liar: int, seconds: int) -> None:
    async with follow(endpoints=2) as it:
        await it.follow(3)
        await it.register()
        it.anvil.mine(50)
        it.pay()
        it.anvil.mine(50)
        paid_at = it.anvil.head() - 50

        def dated(parameters: list[Any], block: Document) -> Document:
            return block | {"timestamp": hex(seconds)} if parameters[0] == hex(paid_at) else block

        it.liars[liar].changes("eth_getBlockByNumber", dated)
        it.liars[liar].changes(
            "eth_getLogs", lambda parameters, logs: [one | {"blockTimestamp": hex(seconds)} for one in logs]
        )
        await goes_on(it)
        assert (await it.payment()).status == CONFIRMING
        assert await listed(it)
        it.liars[liar].answers = {}
        it.clock.now += 120
        await goes_on(it)
        payment = await it.payment()
        assert payment.status == COMPLETED
        block = it.anvil.ask("eth_getBlockByNumber", hex(paid_at), False)
        [sighting] = payment.facts.sightings
        assert sighting.transfer.occurred_at == datetime.fromtimestamp(int(block["timestamp"], 16), UTC)


@pytest.mark.parametrize("liar", [0, 1])
@pytest.mark.parametrize("is_sent_on", [True, False])
async def test_the_chains_own_coin_is_read_a_second_time_too(follow: Follow, liar: int, is_sent_on: bool) -> None:
    async with follow(endpoints=2, own_coin=True) as it:
        forwarder = it.anvil.deploy("Forwarder")
        await it.follow()
        await it.register(currency="ETH")
        omit(it.liars[liar])
        if is_sent_on:
            it.anvil.send(forwarder, 100 * 10**18, data=it.anvil.call_data("Forwarder", "forward", BOB))
        else:
            it.anvil.send(BOB, 100 * 10**18)
        await goes_on(it)
        await is_found(it, it.liars[liar])


async def test_after_a_restart_blocks_are_read_by_both(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        await it.follow(3)
        await it.register()
        omit(it.liar)
        it.liars[1].is_dead = True
        it.pay()
        await goes_on(it)
        await it.restart()
        await it.follow()
        it.liars[1].is_dead = False
        await is_found(it, it.liar)


async def test_blocks_that_wait_for_a_second_endpoint_are_bounded_and_a_person_is_told_which_were_given_up(
    follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(block_rereads, "BLOCKS_LIMIT", 10)
    async with follow(endpoints=2) as it:
        await it.follow(3)
        await it.register()
        it.liars[1].is_dead = True

        async def told() -> list[str]:
            found = await needs_a_person(it.journal, timedelta(days=3))
            return [one.detail for one in found if one.kind == "chain-read-by-one"]

        before = it.anvil.head()
        await goes_on(it, blocks=20)
        left = it.anvil.head() - 10
        [said] = await told()
        [first] = re.findall(r"From (\d+) on blocks are read by one endpoint alone", said)
        assert int(first) <= before + 1
        it.liars[1].is_dead = False
        it.clock.now += 300  # whoever was away for long is not asked at once
        await it.follower.round()
        [said] = await told()
        assert said.startswith(f"Blocks {first} to {left} were read by one endpoint alone")


async def test_reading_again_costs_a_question_for_several_blocks(follow: Follow) -> None:
    async with follow(endpoints=2, confirmations=12) as it:
        await it.follow(24)
        await it.register(recipient=CAROL)
        await it.follow(12)
        for liar in it.liars:
            liar.asked.clear()
        await it.follow(24)
        asked = Counter(it.liars[1].asked)
        assert asked["eth_getLogs"] <= 24 / 6
