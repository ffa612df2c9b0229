"""Endpoints that offer no traces have no vote on what contracts sent on: with their help none of the others makes up
such money, or hides it. Where none offers any, the chain goes on by all else that they tell.
"""

import asyncio
import json
from typing import Any

import pytest

from coordinator.payments.payments import PaymentStatus
from coordinator.payouts.statuses import PayoutStatus
from providers.onchain.confirming.corroboration import CORROBORATION_AWAITED_SECONDS
from providers.onchain.reading.traces import TRACES_ASKED_AGAIN_SECONDS
from tests.anvil import BOB, CAROL
from tests.bridge.workers.chains.followed_chain import (
    CONFIRMATIONS,
    Follow,
    Followed,
    contradictions,
    gets_paid,
    goes_on,
    listed,
)
from tests.providers.onchain.liar import Liar, Refusal
from tests.waiting import GIVE_UP_SECONDS

COMPLETED, CONFIRMING, PENDING = PaymentStatus.COMPLETED, PaymentStatus.CONFIRMING, PaymentStatus.PENDING
TRACES = ("debug_traceBlockByHash", "debug_traceTransaction")
# Who lies, and who offers no traces; the third one is honest.
ORDERS = [(0, 1), (0, 2), (1, 0), (2, 0)]


def offers_no_traces(liar: Liar) -> None:
    liar.answers |= dict.fromkeys(TRACES, Refusal(-32601, "the method does not exist"))


def traces_blocks_alone(liar: Liar) -> None:
    liar.answers["debug_traceTransaction"] = Refusal(-32601, "the method does not exist")


def makes_up(liar: Liar) -> None:
    """Has what contracts send to Carol go to Bob."""
    for method in TRACES:
        liar.changes(method, lambda _, traced: json.loads(json.dumps(traced).replace(CAROL.lower(), BOB.lower())))


def hides(liar: Liar) -> None:
    """Has contracts send nothing."""

    def without_calls(_: list[Any], traced: Any) -> Any:
        for one in traced if isinstance(traced, list) else [{"result": traced}]:
            one["result"].pop("calls", None)
        return traced

    for method in TRACES:
        liar.changes(method, without_calls)


def forwards(it: Followed, forwarder: str, *, to: str = BOB, amount: int = 100) -> str:
    return it.anvil.send(forwarder, amount * 10**18, data=it.anvil.call_data("Forwarder", "forward", to))


@pytest.mark.parametrize(("liar", "without"), ORDERS)
async def test_coin_that_one_of_three_makes_up_does_not_count(follow: Follow, liar: int, without: int) -> None:
    async with follow(endpoints=3, own_coin=True) as it:
        forwarder = it.anvil.deploy("Forwarder")
        await it.follow()
        await it.register(currency="ETH")
        makes_up(it.liars[liar])
        offers_no_traces(it.liars[without])
        tx_hash = forwards(it, forwarder, to=CAROL)
        await it.hint("pay_1", tx_hash)
        await goes_on(it)
        it.clock.now += 2 * CORROBORATION_AWAITED_SECONDS
        await goes_on(it)
        assert (await it.payment()).received == 0
        assert (await it.payment()).status != COMPLETED
        if liar < 2:  # whoever comes before the honest one is believed at first
            assert len(await listed(it)) == 1
        it.liars[liar].answers = {}
        it.clock.now += 120
        await goes_on(it)
        assert (await it.payment()).status == PENDING  # nobody tells of it any more


@pytest.mark.parametrize(("liar", "without"), ORDERS)
async def test_coin_that_one_of_three_hides_is_found(follow: Follow, liar: int, without: int) -> None:
    async with follow(endpoints=3, own_coin=True) as it:
        forwarder = it.anvil.deploy("Forwarder")
        await it.follow()
        await it.register(currency="ETH")
        hides(it.liars[liar])
        offers_no_traces(it.liars[without])
        forwards(it, forwarder)
        await goes_on(it, blocks=3 * CONFIRMATIONS)
        assert (await it.payment()).status == CONFIRMING
        assert len(await listed(it)) == 1
        it.liars[liar].answers = {}
        it.clock.now += 120
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED


@pytest.mark.parametrize("endpoints", [2, 3])
async def test_who_traces_blocks_alone_has_a_word_against_coin_that_another_makes_up(
    follow: Follow, endpoints: int
) -> None:
    async with follow(endpoints=endpoints, own_coin=True) as it:
        forwarder = it.anvil.deploy("Forwarder")
        await it.follow()
        await it.register(currency="ETH")
        makes_up(it.liars[0])
        for liar in it.liars[1:]:
            traces_blocks_alone(liar)
        forwards(it, forwarder, to=CAROL)
        await goes_on(it)
        it.clock.now += 2 * CORROBORATION_AWAITED_SECONDS
        await goes_on(it)
        assert (await it.payment()).status != COMPLETED
        assert len(await listed(it)) == 1


async def test_coin_that_one_hides_from_who_traces_blocks_alone_is_told_of_once_and_asked_about_ever_later(
    follow: Follow,
) -> None:
    async with follow(endpoints=2, own_coin=True) as it:
        forwarder = it.anvil.deploy("Forwarder")
        await it.follow()
        await it.register(currency="ETH")
        hides(it.liars[0])
        traces_blocks_alone(it.liars[1])
        tx_hash = forwards(it, forwarder)
        await it.hint("pay_1", tx_hash)
        await goes_on(it, blocks=2 * CONFIRMATIONS)
        statuses, before = set(), len(it.liars[0].asked)
        for _ in range(CONFIRMATIONS):
            await goes_on(it, blocks=1)
            statuses.add((await it.payment()).status)
        assert len(it.liars[0].asked) - before <= CONFIRMATIONS * QUESTIONS_A_ROUND
        assert statuses == {CONFIRMING}
        assert len(await listed(it)) == 1
        it.liars[0].answers = {}
        it.clock.now += 120
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED


async def test_a_payout_that_one_of_three_hides_is_looked_into(follow: Follow) -> None:
    async with follow(endpoints=3, own_coin=True) as it:
        forwarder = it.anvil.deploy("Forwarder")
        await gets_paid(it)
        hides(it.liars[0])
        offers_no_traces(it.liars[1])
        tx_hash = forwards(it, forwarder, to=CAROL, amount=7)
        it.anvil.mine()
        await it.pay_out(tx_hash, coin="ETH", to=CAROL, sender=forwarder)
        await goes_on(it, blocks=3 * CONFIRMATIONS)
        assert (await it.payout()).status == PayoutStatus.CONFIRMING
        assert [f"no such transfer within {tx_hash}" in one.detail for one in await contradictions(it)] == [True]
        it.liars[0].answers = {}
        it.clock.now += 120
        await goes_on(it)
        assert (await it.payout()).status == PayoutStatus.COMPLETED


async def test_the_next_one_that_offers_traces_is_waited_for_and_tokens_are_not_held_up(follow: Follow) -> None:
    async with follow(endpoints=3, own_coin=True) as it:
        forwarder = it.anvil.deploy("Forwarder")
        await it.follow()
        await it.register(currency="ETH")
        await it.register("pay_2")
        offers_no_traces(it.liars[1])
        it.liars[2].is_dead = True
        forwards(it, forwarder)
        it.pay()
        await goes_on(it)
        assert (await it.payment()).status == CONFIRMING
        assert (await it.payment("pay_2")).status == COMPLETED
        it.liars[2].is_dead = False
        it.clock.now += CORROBORATION_AWAITED_SECONDS / 2
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED
        assert await listed(it) == []


async def test_coin_that_a_contract_sends_counts_by_one_word_where_two_others_offer_no_traces(follow: Follow) -> None:
    async with follow(endpoints=3, own_coin=True) as it:
        forwarder = it.anvil.deploy("Forwarder")
        await it.follow()
        await it.register(currency="ETH")
        offers_no_traces(it.liars[0])
        offers_no_traces(it.liars[2])
        forwards(it, forwarder)
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED
        assert await listed(it) == []


# A block that is followed and read again by another endpoint costs each about ten.
QUESTIONS_A_ROUND = 30


@pytest.mark.parametrize("endpoints", [2, 3])
@pytest.mark.parametrize("are_lost", [False, True])
async def test_a_chain_goes_on_where_no_endpoint_offers_traces(
    follow: Follow, endpoints: int, are_lost: bool
) -> None:
    async with follow(endpoints=endpoints, own_coin=True) as it:
        await it.follow()
        if not are_lost:
            for liar in it.liars:
                offers_no_traces(liar)
        await it.follow(CONFIRMATIONS)
        await it.register(currency="ETH")
        await goes_on(it, blocks=1)
        for liar in it.liars:
            offers_no_traces(liar)
        it.anvil.send(BOB, 100 * 10**18)
        for _ in range(2 * CONFIRMATIONS):
            asked = [len(liar.asked) for liar in it.liars]
            async with asyncio.timeout(GIVE_UP_SECONDS):
                await goes_on(it, blocks=1)
            after = [len(liar.asked) for liar in it.liars]
            assert all(now - before <= QUESTIONS_A_ROUND for now, before in zip(after, asked, strict=True))
        assert (await it.payment()).status == COMPLETED
        assert await listed(it) == []


def offers_none_once(liar: Liar) -> None:
    """As one backend of several behind an address does, which is another plan's."""
    left = iter([Refusal(-32601, "the method is not available")])
    liar.answers[TRACES[0]] = lambda _: next(left, ...)


@pytest.mark.parametrize("is_restarted", [False, True])
@pytest.mark.parametrize("endpoints", [1, 2, 3])
async def test_coin_that_passed_while_nobody_offered_traces_is_found_once_one_does(
    follow: Follow, endpoints: int, is_restarted: bool
) -> None:
    async with follow(endpoints=endpoints, own_coin=True) as it:
        forwarder = it.anvil.deploy("Forwarder")
        await it.follow(CONFIRMATIONS)
        await it.register(currency="ETH")
        await goes_on(it, blocks=1)
        for liar in it.liars:
            offers_none_once(liar)
        forwards(it, forwarder)
        await goes_on(it)
        first = it.anvil.head() - CONFIRMATIONS - 2
        assert (await it.payment()).status == PENDING
        said = f"{CONFIRMATIONS + 3} blocks from {first} to {it.anvil.head()} passed without what contracts send"
        assert str(it.follower.waiting).startswith(said)
        if is_restarted:
            await it.restart()
        it.clock.now += TRACES_ASKED_AGAIN_SECONDS
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED
        assert it.follower.waiting is None
        assert await listed(it) == []


async def test_coin_that_passed_untraced_is_not_hidden_by_the_first_that_traces_it_later(follow: Follow) -> None:
    async with follow(endpoints=2, own_coin=True) as it:
        forwarder = it.anvil.deploy("Forwarder")
        await it.follow(CONFIRMATIONS)
        await it.register(currency="ETH")
        for liar in it.liars:
            offers_no_traces(liar)
        forwards(it, forwarder)
        await goes_on(it)
        hides(it.liars[0])
        it.liars[1].answers = {}
        it.clock.now += TRACES_ASKED_AGAIN_SECONDS
        await goes_on(it)
        assert (await it.payment()).status == CONFIRMING
        assert len(await listed(it)) == 1
        it.liars[0].answers = {}
        it.clock.now += 120
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED


async def test_coin_that_nobody_can_tell_of_since_a_start_waits_and_it_is_said_why(follow: Follow) -> None:
    async with follow(endpoints=2, own_coin=True) as it:
        forwarder = it.anvil.deploy("Forwarder")
        await it.follow(CONFIRMATIONS)
        await it.register(currency="ETH")
        forwards(it, forwarder)
        await goes_on(it, blocks=1)
        for liar in it.liars:
            offers_no_traces(liar)
        await it.restart()
        it.clock.now += CORROBORATION_AWAITED_SECONDS
        await goes_on(it)
        assert (await it.payment()).status == CONFIRMING
        hosts = [one.host for one in it.rpc.endpoints]
        assert all(f"{host}: it offers no traces" in str(it.follower.waiting) for host in hosts)
        for liar in it.liars:
            liar.answers = {}
        it.clock.now += TRACES_ASKED_AGAIN_SECONDS
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED
        assert it.follower.waiting is None


async def test_blocks_that_passed_untraced_are_named_beside_whatever_else_is_wrong(follow: Follow) -> None:
    async with follow(endpoints=2, own_coin=True) as it:
        await it.follow(CONFIRMATIONS)
        await it.register()
        await it.register("pay_2", currency="ETH", recipient=CAROL)
        for liar in it.liars:
            offers_no_traces(liar)
        await goes_on(it)
        it.liars[1].is_dead = True
        it.pay()
        for _ in range(2):
            await goes_on(it)
            it.clock.now += CORROBORATION_AWAITED_SECONDS
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED
        said = str(it.follower.waiting)
        assert "has counted by the word of one endpoint" in said
        assert "passed without what contracts send" in said
