"""Two words before money is final: what endpoints contradict each other in stops, and a person is called."""

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from coordinator.payments.payments import PaymentStatus
from coordinator.payouts.statuses import PayoutStatus
from providers.onchain.confirming.corroboration import ABSENCE_BELIEVED_SECONDS, CORROBORATION_AWAITED_SECONDS
from providers.onchain.follower import ROUNDS_BETWEEN_COMPARISONS
from tests.anvil import BOB, CAROL, Anvil, running_anvil
from tests.bridge.workers.chains.followed_chain import (
    CONFIRMATIONS,
    Follow,
    Followed,
    contradictions,
    following,
    goes_on,
    listed,
)
from tests.providers.onchain.liar import Refusal

Document = dict[str, Any]
COMPLETED, PARTLY, CONFIRMING = PaymentStatus.COMPLETED, PaymentStatus.PARTIALLY_PAID, PaymentStatus.CONFIRMING


async def test_a_payment_in_a_block_that_another_endpoint_has_otherwise_does_not_count(
    anvil: Anvil, tmp_path: Path
) -> None:
    token = anvil.deploy("Token")
    with running_anvil(fork_of=anvil) as fork:
        async with following(fork, tmp_path, anvil, token=token) as it:
            await it.follow()
            await it.register()
            fork.transfer(token, BOB, 100 * 10**6)
            await goes_on(it, fork, anvil)
            payment = await it.payment()
            assert payment.status == CONFIRMING
            [sighting] = payment.facts.sightings
            assert sighting.confirmations > CONFIRMATIONS
            assert sighting.reason == "two endpoints contradict each other"
            number = sighting.block_number or 0
            [own] = [one for one in await contradictions(it) if one.key == f"chain-contradicted:anvil:{number}"]
            hashes = [node.ask("eth_getBlockByNumber", hex(number), False)["hash"] for node in (fork, anvil)]
            assert all(block_hash in own.detail for block_hash in hashes)
            assert "pay_1" in own.detail
            assert str(it.follower.waiting).startswith("two endpoints contradict each other about block")
            # Whoever is right, nothing is called twice however long it goes on.
            it.clock.now += CORROBORATION_AWAITED_SECONDS
            await goes_on(it, fork, anvil)
            assert (await it.payment()).status == CONFIRMING
            assert len(await listed(it)) == len(set(await listed(it)))


async def test_a_payout_in_a_block_that_another_endpoint_has_otherwise_is_not_verified(
    anvil: Anvil, tmp_path: Path
) -> None:
    token = anvil.deploy("Token")
    with running_anvil(fork_of=anvil) as fork:
        async with following(fork, tmp_path, token=token) as before:
            await before.follow()
            await before.register()
            before.pay()
            await goes_on(before)
        fork_payment = fork
        async with following(fork_payment, tmp_path, anvil, token=token) as it:
            fork.transfer(token, CAROL, 7 * 10**6)
            tx_hash = it.pay(7, CAROL)
            await it.pay_out(tx_hash, to=CAROL)
            anvil.mine(CONFIRMATIONS + 3)
            await goes_on(it, fork, anvil)
            assert (await it.payout()).status == PayoutStatus.CONFIRMING
            assert await listed(it)


async def test_a_transfer_that_an_endpoint_makes_up_in_a_block_that_is_there_does_not_count(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        await it.follow()
        await it.register()
        forged = it.pay(1, CAROL)
        [log] = it.anvil.ask("eth_getLogs", {"fromBlock": hex(it.anvil.head()), "toBlock": hex(it.anvil.head())})
        lie = log | {
            "topics": [*log["topics"][:2], "0x" + BOB[2:].lower().rjust(64, "0")],
            "data": "0x" + f"{100 * 10**6:064x}",
            "transactionHash": "0x" + "f" * 64,
            "logIndex": "0x1",
        }

        def made_up(parameters: list[Any], logs: list[Document]) -> list[Document]:
            [asked] = parameters
            is_asked_for = asked.get("blockHash") == log["blockHash"] or (
                int(asked.get("fromBlock", "0x1"), 16)
                <= int(log["blockNumber"], 16)
                <= int(asked.get("toBlock", "0x0"), 16)
            )
            return [*logs, lie] if is_asked_for else logs

        it.liar.changes("eth_getLogs", made_up)
        await it.follow()
        assert (await it.payment()).status == CONFIRMING, forged
        await goes_on(it)
        assert (await it.payment()).status == CONFIRMING
        assert await listed(it) == [f"chain-contradicted:anvil:{int(log['blockNumber'], 16)}"]


async def test_an_amount_that_another_endpoint_tells_otherwise_does_not_count(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        await it.follow()
        await it.register()
        data = "0x" + f"{100 * 10**6:064x}"
        it.liar.changes("eth_getLogs", lambda parameters, logs: [one | {"data": data} for one in logs])
        it.pay(1)
        await goes_on(it)
        assert (await it.payment()).status == CONFIRMING
        [own] = await contradictions(it)
        assert "has 100 USDT" in own.detail
        assert "has 1 USDT there" in own.detail


async def test_a_payment_that_is_stopped_goes_on_once_the_endpoints_agree(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        await it.follow()
        await it.register()
        other = {"blockHash": "0x" + "1" * 64}
        it.liars[1].changes("eth_getLogs", lambda parameters, logs: [one | other for one in logs])
        it.pay()
        await goes_on(it)
        assert (await it.payment()).status == CONFIRMING
        it.liars[1].answers = {}
        it.clock.now += 120
        await it.follow()  # no block has to come for it
        assert (await it.payment()).status == COMPLETED
        assert it.follower.waiting is None


async def test_what_nobody_tells_of_any_more_is_taken_back_and_what_is_there_instead_counts(follow: Follow) -> None:
    """An endpoint that lied tells the truth again."""
    async with follow(endpoints=2) as it:
        await it.follow()
        await it.register()
        data = "0x" + f"{100 * 10**6:064x}"
        it.liar.changes("eth_getLogs", lambda parameters, logs: [one | {"data": data} for one in logs])
        it.pay(60)
        await goes_on(it)
        assert [one.transfer.amount for one in (await it.payment()).facts.sightings] == [Decimal(100)]
        it.liar.answers = {}
        it.clock.now += 120
        await it.follow(1)
        payment = await it.payment()
        assert (payment.status, payment.received) == (PARTLY, Decimal(60))
        assert it.follower.waiting is None
        assert len(await listed(it)) == 1  # a person is to know of it


async def test_an_endpoint_that_says_nothing_delays_money_and_not_for_ever(
    follow: Follow, caplog: pytest.LogCaptureFixture
) -> None:
    async with follow(endpoints=2) as it:
        await it.follow()
        await it.register()
        it.liars[1].is_dead = True
        it.pay()
        await goes_on(it)
        payment = await it.payment()
        assert payment.status == CONFIRMING
        assert [one.reason for one in payment.facts.sightings] == ["it waits for the word of a second endpoint"]
        assert "waits for the word of a second endpoint" in str(it.follower.waiting)
        it.clock.now += CORROBORATION_AWAITED_SECONDS
        await it.follow()
        assert (await it.payment()).status == COMPLETED
        assert "counts by the word of one endpoint" in caplog.text
        assert await listed(it) == []


async def test_an_endpoint_that_lags_is_waited_for(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        await it.follow()
        await it.register()
        stood_at = it.anvil.head()

        def behind(parameters: list[Any], block: Document | None) -> Document | None:
            return block if block is not None and int(block["number"], 16) <= stood_at else None

        it.liars[1].changes("eth_getBlockByNumber", behind)
        it.liars[1].answers["eth_getLogs"] = []
        it.pay()
        await goes_on(it)
        assert (await it.payment()).status == CONFIRMING
        it.liars[1].answers = {}
        it.clock.now += 60
        await it.follow()
        assert (await it.payment()).status == COMPLETED
        assert await listed(it) == []


async def test_an_endpoint_that_has_the_block_and_never_tells_of_the_transfer_contradicts(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        await it.follow()
        await it.register()
        it.liars[1].answers["eth_getLogs"] = []
        it.pay()
        await goes_on(it)
        assert (await it.payment()).status == CONFIRMING
        assert await listed(it) == []  # it may still be reading the block
        it.clock.now += ABSENCE_BELIEVED_SECONDS
        await it.follow(1)
        assert len(await listed(it)) == 1
        it.clock.now += CORROBORATION_AWAITED_SECONDS
        await it.follow(1)
        assert (await it.payment()).status == CONFIRMING


@pytest.mark.parametrize("first", [0, 1])
async def test_money_after_a_restart_needs_two_words_too(follow: Follow, first: int) -> None:
    async with follow(endpoints=2) as it:
        await it.follow()
        await it.register()
        it.pay()
        await it.follow()
        it.follower = it.new_follower()
        it.liars[first].is_dead = True
        await goes_on(it)
        assert (await it.payment()).status == CONFIRMING
        it.liars[first].is_dead = False
        it.clock.now += 120
        await it.follow(1)
        assert (await it.payment()).status == COMPLETED


async def asked_over(it: Followed, blocks: int, *, with_money: bool) -> Counter[str]:
    """What both endpoints are asked while so many blocks come, of which one may hold money of ours."""
    for liar in it.liars:
        liar.asked.clear()
    if with_money:
        it.anvil.transfer(it.token, BOB, 40 * 10**6)
        it.anvil.transfer(it.token, BOB, 60 * 10**6)
    for _ in range(blocks):
        it.anvil.mine()
        await it.follower.round()
    return Counter(method for liar in it.liars for method in liar.asked)


async def test_a_block_with_money_costs_one_question_more(follow: Follow) -> None:
    """What the other endpoint tells when it reads the block again is its word; how deep it is, is the question."""
    async with follow(endpoints=2, confirmations=12) as it:
        await it.follow()
        await it.register()
        blocks = 3 * ROUNDS_BETWEEN_COMPARISONS
        await asked_over(it, blocks, with_money=False)
        without = await asked_over(it, blocks, with_money=False)
        with_money = await asked_over(it, blocks, with_money=True)
        assert (await it.payment()).status == COMPLETED
        assert with_money - without == Counter(eth_getBlockByNumber=1)
        # Without: the newest block and its logs, of which some are read again, and how the endpoints stand.
        assert without.total() <= 3.5 * blocks


@pytest.mark.parametrize("is_proven", [True, False])
async def test_money_in_each_block_costs_one_question_more_where_their_hashes_prove_their_order(
    follow: Follow, *, is_proven: bool
) -> None:
    async with follow(endpoints=2, confirmations=12) as it:
        if not is_proven:  # as a chain has it that hashes more than is shown
            for liar in it.liars:
                liar.changes("eth_getBlockByNumber", lambda _, block: block and block | {"miner": CAROL})
        await it.follow()
        await it.register()
        blocks = 24
        await it.follow(blocks)
        without = await asked_over(it, blocks, with_money=False)
        for number in range(2 * blocks):
            if number == blocks:
                for liar in it.liars:
                    liar.asked.clear()
            it.pay(1)
            await it.follower.round()
        more = sum(len(liar.asked) for liar in it.liars) - without.total()
        assert (await it.payment()).received == 2 * blocks - 11
        assert more <= blocks if is_proven else blocks < more <= 2 * blocks


async def test_an_endpoint_that_told_of_money_and_does_not_show_it_deep_is_waited_for(follow: Follow) -> None:
    async with follow(endpoints=2, confirmations=12) as it:
        await it.follow()
        await it.register()
        it.pay()
        await goes_on(it, blocks=10)
        it.liars[1].changes("eth_getBlockByNumber", lambda parameters, block: None)
        await goes_on(it, blocks=2)
        [sighting] = (await it.payment()).facts.sightings
        assert (sighting.stage, sighting.reason) == ("mined", "it waits for the word of a second endpoint")
        it.liars[1].answers = {}
        await goes_on(it, blocks=2)
        assert (await it.payment()).status == COMPLETED


@pytest.mark.parametrize("is_grafted", [True, False])
async def test_what_an_endpoint_told_before_a_reorganisation_is_its_word_no_more(
    anvil: Anvil, tmp_path: Path, *, is_grafted: bool
) -> None:
    """Nor if the first endpoint has its blocks go on where those with the money end."""
    token = anvil.deploy("Token")
    with running_anvil(fork_of=anvil) as fork:
        async with following(fork, tmp_path, endpoints=2, confirmations=12, token=token) as it:
            await it.follow()
            await it.register()
            fork.transfer(token, BOB, 100 * 10**6)
            await goes_on(it, fork, anvil, blocks=11)
            it.liars[1].anvil = anvil

            def grafted(parameters: list[Any], block: Document) -> Document:
                if parameters[0] != "latest":
                    return block
                theirs: Document = anvil.ask("eth_getBlockByNumber", *parameters)
                return theirs | {"parentHash": block["parentHash"]}

            if is_grafted:
                it.liar.changes("eth_getBlockByNumber", grafted)
                it.liar.answers["eth_getLogs"] = []
            await goes_on(it, fork, anvil, blocks=1)
            payment = await it.payment()
            assert (payment.status, payment.facts.sightings[0].confirmations) == (CONFIRMING, 12)


async def test_the_chains_own_coin_needs_two_words_too(follow: Follow, anvil: Anvil) -> None:
    async with follow(endpoints=2, own_coin=True) as it:
        await it.follow()
        await it.register(currency="ETH")
        value = hex(100 * 10**18)

        def generous(parameters: list[Any], block: Document) -> Document:
            transactions = [one | {"value": value} if isinstance(one, dict) else one for one in block["transactions"]]
            return block | {"transactions": transactions}

        it.liar.changes("eth_getBlockByNumber", generous)
        anvil.send(BOB, 10**18)
        await goes_on(it)
        assert (await it.payment()).status == CONFIRMING
        assert len(await listed(it)) == 1
        it.liar.answers = {}
        await it.register("pay_2", currency="ETH", recipient=CAROL)
        anvil.send(CAROL, 100 * 10**18)
        await goes_on(it)
        assert (await it.payment("pay_2")).status == COMPLETED


async def test_coin_in_a_transaction_that_failed_does_not_count_on_the_word_of_one(follow: Follow) -> None:
    """A block shows what a transaction was to send; whether it did stands in its receipt alone."""
    async with follow(endpoints=2, own_coin=True) as it:
        await it.follow()
        await it.register(currency="ETH", recipient=it.token)
        it.liar.changes("eth_getTransactionReceipt", lambda _, receipt: receipt | {"status": "0x1"})
        failed = it.anvil.send(it.token, 100 * 10**18)  # a contract that takes none
        await goes_on(it)
        assert it.anvil.ask("eth_getTransactionReceipt", failed)["status"] == "0x0"
        assert (await it.payment()).status == CONFIRMING
        assert [failed in one.detail for one in await contradictions(it)] == [True]


async def test_coin_that_one_endpoint_has_a_contract_send_on_does_not_count_by_its_word(follow: Follow) -> None:
    async with follow(endpoints=2, own_coin=True) as it:
        forwarder = it.anvil.deploy("Forwarder")
        await it.follow()
        await it.register(currency="ETH")

        def diverted(parameters: list[Any], traced: Any) -> Any:
            return json.loads(json.dumps(traced).replace(CAROL.lower(), BOB.lower()))

        it.liar.changes("debug_traceBlockByHash", diverted)
        it.liar.changes("debug_traceTransaction", diverted)
        to_carol = it.anvil.call_data("Forwarder", "forward", CAROL)
        it.anvil.send(forwarder, 100 * 10**18, data=to_carol)
        await goes_on(it)
        assert (await it.payment()).status == CONFIRMING
        assert len(await listed(it)) == 1
        it.liar.answers = {}
        await it.register("pay_2", currency="ETH", recipient=CAROL)
        it.anvil.send(forwarder, 100 * 10**18, data=to_carol)
        await goes_on(it)
        assert (await it.payment("pay_2")).status == COMPLETED


async def test_coin_that_a_contract_sends_counts_by_one_word_where_no_other_endpoint_shows_traces(
    follow: Follow,
) -> None:
    async with follow(endpoints=2, own_coin=True) as it:
        forwarder = it.anvil.deploy("Forwarder")
        await it.follow()
        await it.register(currency="ETH")
        it.liars[1].answers["debug_traceTransaction"] = Refusal(-32601, "the method does not exist")
        it.anvil.send(forwarder, 100 * 10**18, data=it.anvil.call_data("Forwarder", "forward", BOB))
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED


async def test_a_client_that_knows_no_call_tracer_contradicts_nobody(follow: Follow) -> None:
    async with follow(endpoints=2, own_coin=True) as it:
        forwarder = it.anvil.deploy("Forwarder")
        await it.follow()
        await it.register(currency="ETH")
        in_another_form = {"gas": 30_000, "failed": False, "returnValue": "", "structLogs": []}
        it.liars[1].answers["debug_traceTransaction"] = in_another_form
        it.liars[1].changes(
            "debug_traceBlockByHash", lambda _, traces: [one | {"result": in_another_form} for one in traces]
        )
        it.anvil.send(forwarder, 100 * 10**18, data=it.anvil.call_data("Forwarder", "forward", BOB))
        await goes_on(it)
        assert (await it.payment()).status == CONFIRMING
        assert await listed(it) == []
        it.clock.now += CORROBORATION_AWAITED_SECONDS
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED


async def test_a_fork_without_money_of_ours_is_on_the_list_too(anvil: Anvil, tmp_path: Path) -> None:
    """Money that is on the other one is missed while the first is followed."""
    token = anvil.deploy("Token")
    with running_anvil(fork_of=anvil) as fork:
        async with following(fork, tmp_path, anvil, token=token) as it:
            await it.follow()
            await it.register()
            fork.mine()
            anvil.transfer(token, BOB, 100 * 10**6)
            await goes_on(it, fork, anvil)
            assert (await it.payment()).status == "pending"
            assert await listed(it)
            # However long it is followed, the other one is read from where they parted once it is the only one.
            await goes_on(it, fork, anvil, blocks=14 * CONFIRMATIONS)
            await it.restart()
            await goes_on(it, fork, anvil, blocks=2 * CONFIRMATIONS)
            await it.restart(1)
            await goes_on(it, fork, anvil)
            assert (await it.payment()).status == COMPLETED


async def test_money_beyond_the_head_of_an_endpoint_that_answers_does_not_count_by_the_word_of_one(
    anvil: Anvil, tmp_path: Path
) -> None:
    """Nodes refuse to tell of logs in blocks that they do not have. That is a word, and not silence."""
    token = anvil.deploy("Token")
    with running_anvil(fork_of=anvil) as fork:
        async with following(fork, tmp_path, endpoints=2, token=token) as it:
            await it.follow()
            await it.register()
            it.liars[1].anvil = anvil
            fork.mine(20)
            fork.transfer(token, BOB, 100 * 10**6)
            for _ in range(6):
                await goes_on(it, fork)
                it.clock.now += CORROBORATION_AWAITED_SECONDS
            assert "error" in anvil.answer("eth_getLogs", {"fromBlock": "0xfffff", "toBlock": "0xfffff"})
            assert (await it.payment()).status != COMPLETED
            assert any("contradict" in str(one) for one in await listed(it))
