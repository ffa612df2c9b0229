"""Transactions that are named for a payment or a payout, and one endpoint that does not know them, has no receipt of
them, or says that they failed: the other one is asked too."""

from decimal import Decimal
from typing import Any

import pytest

from coordinator.payments.observed.observations import Stage
from coordinator.payments.payments import PaymentStatus
from coordinator.payouts.statuses import PayoutStatus
from providers.onchain.confirming.returned_transfers import RETURNS_AWAITED_SECONDS
from providers.onchain.confirming.second_words import LONGEST_PAUSE_SECONDS
from tests.anvil import CAROL, Anvil
from tests.bridge.workers.chains.followed_chain import (
    CONFIRMATIONS,
    Follow,
    Followed,
    contradictions,
    gets_paid,
    goes_on,
    listed,
)

COMPLETED = PaymentStatus.COMPLETED
Document = dict[str, Any]
UNKNOWN = ["eth_getTransactionByHash", "eth_getTransactionReceipt"]


async def named(it: Followed) -> str:
    """A transaction of before anybody waited for it, in a block that was followed and read again."""
    await it.follow()
    tx_hash = it.pay()
    await goes_on(it)
    await it.register()
    return tx_hash


@pytest.mark.parametrize("without", [0, 1])
@pytest.mark.parametrize("method", UNKNOWN)
async def test_what_one_endpoint_does_not_know_the_other_one_is_asked(
    follow: Follow, method: str, without: int
) -> None:
    async with follow(endpoints=2) as it:
        tx_hash = await named(it)
        it.liars[without].answers[method] = None
        await it.hint("pay_1", tx_hash)
        await goes_on(it)
        payment = await it.payment()
        assert (payment.status, payment.received) == (COMPLETED, Decimal(100))


@pytest.mark.parametrize("liar", [0, 1])
async def test_that_a_payments_transaction_failed_is_not_taken_from_one_where_another_says_that_it_pays(
    follow: Follow, liar: int
) -> None:
    async with follow(endpoints=2) as it:
        tx_hash = await named(it)
        it.liars[liar].changes(UNKNOWN[1], lambda _, receipt: receipt and receipt | {"status": "0x0"})
        await it.hint("pay_1", tx_hash)
        await goes_on(it)
        assert not [one for one in (await it.payment()).facts.sightings if one.stage is Stage.FAILED]
        it.liars[liar].answers = {}
        await goes_on(it, blocks=20)
        assert (await it.payment()).status == COMPLETED


@pytest.mark.parametrize("is_restarted", [True, False])
async def test_that_it_failed_is_told_while_no_other_endpoint_answers_and_is_looked_into_again(
    follow: Follow, *, is_restarted: bool
) -> None:
    async with follow(endpoints=2) as it:
        tx_hash = await named(it)
        it.liar.changes(UNKNOWN[1], lambda _, receipt: receipt and receipt | {"status": "0x0"})
        it.liars[1].is_dead = True
        await it.hint("pay_1", tx_hash)
        await goes_on(it)
        [told] = (await it.payment()).facts.sightings
        assert (told.stage, told.reason) == (Stage.FAILED, "the transaction failed")
        if is_restarted:
            await it.restart()
            await goes_on(it)
            assert (await it.payment()).facts.sightings == (told,)  # it is not told anew
            await it.restart()
        it.liar.answers, it.liars[1].is_dead = {}, False
        it.clock.now += 300  # it is no longer set aside
        await goes_on(it, blocks=20)
        assert (await it.payment()).status == COMPLETED


@pytest.mark.parametrize("is_restarted", [True, False])
async def test_a_transaction_that_did_fail_is_looked_into_no_more_once_both_say_so(
    follow: Follow, anvil: Anvil, *, is_restarted: bool
) -> None:
    async with follow(endpoints=2) as it:
        await it.follow()
        await it.register()
        data = anvil.call_data("Token", "transfer", CAROL, 10**30)
        tx_hash = anvil.send(it.token, data=data)
        it.liars[1].is_dead = True
        await it.hint("pay_1", tx_hash)
        await goes_on(it)
        assert [one.stage for one in (await it.payment()).facts.sightings] == [Stage.FAILED]
        it.liars[1].is_dead = False
        it.clock.now += 300
        await goes_on(it, blocks=20)
        if is_restarted:
            await it.restart()
            await goes_on(it, blocks=20)
        for liar in it.liars:
            liar.asked.clear()
        await goes_on(it)
        assert UNKNOWN[1] not in it.liars[0].asked + it.liars[1].asked


@pytest.mark.parametrize("without", [0, 1])
@pytest.mark.parametrize("method", UNKNOWN)
async def test_a_payout_waits_for_what_one_endpoint_does_not_say_and_not_for_ever(
    follow: Follow, caplog: pytest.LogCaptureFixture, method: str, without: int
) -> None:
    async with follow(endpoints=2) as it:
        await gets_paid(it)
        it.liars[without].answers[method] = None
        await it.pay_out(it.pay(7, CAROL), to=CAROL)
        await goes_on(it)
        assert (await it.payout()).status == PayoutStatus.CONFIRMING
        assert it.follower.waiting == "a payout waits for two endpoints to say what its destination gave back"
        it.clock.now += RETURNS_AWAITED_SECONDS
        await goes_on(it)
        assert (await it.payout()).status == PayoutStatus.COMPLETED
        assert caplog.text.count("counts by the word of one endpoint, since no other one says it") == 1
        assert "set it right" in (it.follower.waiting or "")
        it.liars[without].answers = {}
        it.clock.now += LONGEST_PAUSE_SECONDS
        await goes_on(it)
        assert it.follower.waiting is None
        assert await listed(it) == []


@pytest.mark.parametrize("is_restarted", [False, True])
@pytest.mark.parametrize("liar", [0, 1])
async def test_what_was_given_back_by_another_word_later_is_on_the_list(
    follow: Follow, liar: int, is_restarted: bool
) -> None:
    """One endpoint alone says that a payout was paid, while the other one says nothing of its transaction."""
    async with follow(endpoints=2) as it:
        await gets_paid(it)
        wallet, destination = it.anvil.deploy("Wallet"), it.anvil.deploy("Forwarder")
        it.anvil.transfer(it.token, wallet, 7 * 10**6)
        it.anvil.mine()
        calls = [
            it.anvil.call_data("Token", "transfer", destination, 7 * 10**6),
            it.anvil.call_data("Forwarder", "forwardToken", it.token, [wallet], 7 * 10**6),
        ]
        data = it.anvil.call_data("Wallet", "execute", [it.token, destination], [0, 0], calls)
        tx_hash = it.anvil.send(wallet, data=data)
        it.anvil.mine()
        it.liars[liar].changes(UNKNOWN[1], lambda _, receipt: receipt | {"logs": receipt["logs"][:1]})
        it.liars[1 - liar].answers[UNKNOWN[1]] = None
        await it.pay_out(tx_hash, to=destination)
        await goes_on(it)
        it.clock.now += RETURNS_AWAITED_SECONDS
        await goes_on(it)
        assert (await it.payout()).status == PayoutStatus.COMPLETED
        assert await listed(it) == []
        it.liars[1 - liar].answers = {}
        if is_restarted:
            await it.restart()
        for _ in range(2):
            it.clock.now += LONGEST_PAUSE_SECONDS
            await goes_on(it)
        [told] = await contradictions(it)
        assert "its destination gave back 7 of 7 USDT" in told.detail
        assert told.detail.endswith("while no other endpoint answered, for out_1")


@pytest.mark.parametrize("liar", [0, 1])
async def test_what_endpoints_say_otherwise_of_what_was_given_back_is_on_the_list_until_they_agree(
    follow: Follow, liar: int
) -> None:
    async with follow(endpoints=2) as it:
        await gets_paid(it)

        def turned(parameters: list[Any], receipt: Document) -> Document:
            """With as much the other way."""
            log = receipt["logs"][0]
            signature, sender, recipient = log["topics"]
            back = log | {"topics": [signature, recipient, sender], "logIndex": "0x63"}
            return receipt | {"logs": [log, back]}

        it.liars[liar].changes(UNKNOWN[1], turned)
        await it.pay_out(it.pay(7, CAROL), to=CAROL)
        await goes_on(it)
        [told] = await contradictions(it)
        honest, other = it.rpc.endpoints[1 - liar].host, it.rpc.endpoints[liar].host
        assert f"{honest} says that 7 USDT came to {CAROL} and 0 went back" in told.detail
        assert f"{other} says that 7 USDT came to {CAROL} and 7 went back" in told.detail
        assert told.detail.endswith("it stops out_1")
        await it.restart()
        it.liars[1 - liar].is_dead = True  # then silence is no consent
        it.clock.now += 2 * RETURNS_AWAITED_SECONDS
        await goes_on(it, blocks=2 * CONFIRMATIONS)
        assert (await it.payout()).status == PayoutStatus.CONFIRMING
        assert len(await listed(it)) == 1
        it.liars[1 - liar].is_dead, it.liars[liar].answers = False, {}
        it.clock.now += 300
        await goes_on(it, blocks=2 * CONFIRMATIONS)
        it.clock.now += 300
        await goes_on(it, blocks=2 * CONFIRMATIONS)
        assert (await it.payout()).status == PayoutStatus.COMPLETED
        assert await listed(it) == []
