"""Endpoints that repeat, leave out and make up: no money counts that is not there, and none is missed."""

import itertools
from decimal import Decimal
from typing import Any

import pytest

from coordinator.payments.payments import PaymentStatus
from coordinator.payouts.statuses import PayoutStatus
from providers.onchain.nodes.endpoints import Fault
from providers.onchain.nodes.rpc import ChainUnavailableError
from tests.anvil import ALICE, BOB, CAROL, Anvil
from tests.bridge.workers.chains.followed_chain import CONFIRMATIONS, Follow, goes_on
from tests.providers.onchain.liar import Refusal
from tests.system.onchain.conftest import address

Document = dict[str, Any]
COMPLETED, PARTLY, CONFIRMING = PaymentStatus.COMPLETED, PaymentStatus.PARTIALLY_PAID, PaymentStatus.CONFIRMING


def twice(parameters: list[Any], logs: list[Document]) -> list[Document]:
    return [*logs, *reversed(logs)]


# What an answer's shape says is not what the chain says


@pytest.mark.parametrize("endpoints", [1, 2])
async def test_a_log_that_is_told_twice_counts_once(follow: Follow, endpoints: int) -> None:
    async with follow(endpoints=endpoints) as it:
        await it.follow()
        await it.register()
        it.liar.changes("eth_getLogs", twice)
        it.pay(50)
        await it.follow(CONFIRMATIONS)
        payment = await it.payment()
        assert (payment.status, payment.received) == (PARTLY, Decimal(50))
        it.anvil.transfer(it.token, BOB, 20 * 10**6)
        it.anvil.transfer(it.token, BOB, 30 * 10**6)
        it.anvil.mine()
        await it.follow(CONFIRMATIONS)
        payment = await it.payment()
        assert (payment.status, payment.received, payment.excess) == (COMPLETED, Decimal(100), Decimal(0))


@pytest.mark.parametrize("endpoints", [1, 2])
async def test_a_log_that_is_told_twice_counts_once_after_an_absence(follow: Follow, endpoints: int) -> None:
    async with follow(endpoints=endpoints) as it:
        await it.follow()
        await it.register()
        it.liar.changes("eth_getLogs", twice)
        it.pay(50)
        it.anvil.mine(100)
        await it.follow(1)
        payment = await it.payment()
        assert (payment.status, payment.received) == (PARTLY, Decimal(50))


@pytest.mark.parametrize("endpoints", [1, 2])
async def test_logs_that_all_endpoints_cut_off_without_a_word_are_asked_for_in_fewer_blocks(
    follow: Follow, endpoints: int
) -> None:
    async with follow(endpoints=endpoints) as it:
        await it.follow()
        await it.register()
        it.pay(60)
        it.anvil.mine(20)
        it.pay(40)
        it.anvil.mine(50)

        def cut_off(parameters: list[Any], logs: list[Document]) -> list[Document]:
            """As if each were among a thousand others."""
            return [one for one in logs for _ in range(1_000)][:1_000]

        for liar in it.liars:
            liar.changes("eth_getLogs", cut_off)
        await it.follow(1)
        assert (await it.payment()).status == COMPLETED


async def test_two_transfers_of_one_transaction_both_count_in_whatever_order_they_are_told(
    follow: Follow, anvil: Anvil
) -> None:
    async with follow() as it:
        await it.follow()
        await it.register()
        forwarder = anvil.deploy("Forwarder")
        it.pay(100, forwarder)
        data = anvil.call_data("Forwarder", "forwardToken", it.token, [BOB, BOB], 50 * 10**6)
        anvil.send(forwarder, data=data)
        anvil.mine()
        it.liar.changes("eth_getLogs", lambda parameters, logs: logs[1:])  # the first of them is left out at first
        await it.follow()
        assert [one.transfer.amount for one in (await it.payment()).facts.sightings] == [Decimal(50)]
        it.liar.changes("eth_getLogs", lambda parameters, logs: logs[::-1])
        await it.follow(CONFIRMATIONS)
        payment = await it.payment()
        assert (payment.status, payment.received, payment.excess) == (COMPLETED, Decimal(100), Decimal(0))


async def test_a_payout_whose_log_is_told_twice_has_paid_once(follow: Follow) -> None:
    async with follow() as it:
        await it.follow()
        await it.register()
        it.pay()
        await it.follow(CONFIRMATIONS)
        it.liar.changes("eth_getLogs", twice)
        it.liar.changes(
            "eth_getTransactionReceipt",
            lambda parameters, receipt: receipt and receipt | {"logs": twice([], receipt["logs"])},
        )
        await it.pay_out(it.pay(7, CAROL), to=CAROL)
        other = address("whoever is paid out to")
        named = it.pay(7, other)
        await it.follow()
        await it.pay_out(named, "out_2", to=other)  # and one that is named when its block was followed
        await it.follow(CONFIRMATIONS + 1)
        for payout_id in ("out_1", "out_2"):
            payout = await it.payout(payout_id)
            assert (payout.status, payout.excess) == (PayoutStatus.COMPLETED, Decimal(0))


@pytest.mark.parametrize("liar", [0, 1])
async def test_a_payout_is_not_called_failed_by_the_word_of_one(follow: Follow, liar: int) -> None:
    async with follow(endpoints=2) as it:
        await it.follow()
        await it.register()
        it.pay()
        tx_hash = it.pay(7, CAROL)
        await it.follow(CONFIRMATIONS)
        it.liars[liar].changes(
            "eth_getTransactionReceipt", lambda parameters, receipt: receipt and receipt | {"status": "0x0"}
        )
        await it.pay_out(tx_hash, to=CAROL)
        await it.follow(CONFIRMATIONS + 1)
        assert (await it.payout()).status != PayoutStatus.MISMATCH
        it.liars[liar].answers = {}
        await goes_on(it)
        assert (await it.payout()).status == PayoutStatus.COMPLETED


@pytest.mark.parametrize("is_forgotten", [True, False])
async def test_a_payout_is_not_called_dropped_by_the_word_of_one(follow: Follow, is_forgotten: bool) -> None:
    async with follow(endpoints=2) as it:
        await it.follow()
        await it.register()
        it.pay()
        await it.follow(CONFIRMATIONS)
        sent = int(it.anvil.ask("eth_getTransactionCount", ALICE, "latest"), 16)
        data = it.anvil.call_data("Token", "transfer", CAROL, 7 * 10**6)
        tx_hash = it.anvil.send(it.token, data=data, nonce=hex(sent + 1))  # waits for the one before it
        await it.pay_out(tx_hash, to=CAROL)
        await it.follow()
        if is_forgotten:
            it.liar.answers |= {"eth_getTransactionByHash": None, "eth_getTransactionCount": hex(10**6)}
        else:
            for liar in it.liars:
                liar.answers["eth_getTransactionByHash"] = None
            it.liar.answers["eth_getTransactionCount"] = hex(10**6)
        await it.follow(CONFIRMATIONS)
        assert (await it.payout()).status == PayoutStatus.BROADCAST
        for liar in it.liars:
            liar.answers = {}
        it.anvil.send(BOB, 1, nonce=hex(sent))
        await it.follow(CONFIRMATIONS + 1)
        assert (await it.payout()).status == PayoutStatus.COMPLETED


async def test_a_log_that_was_removed_and_one_of_nothing_are_nothing(follow: Follow, anvil: Anvil) -> None:
    async with follow() as it:
        await it.follow()
        await it.register()
        it.liar.changes("eth_getLogs", lambda parameters, logs: [one | {"removed": True} for one in logs])
        it.pay()
        await it.follow(CONFIRMATIONS)
        assert (await it.payment()).status == "pending"
        it.liar.answers = {}
        it.pay(0)
        await it.follow(CONFIRMATIONS)
        assert (await it.payment()).status == "pending"
        assert await it.journal.chains.unmatched_transfers(10) == []


# Absence is not proof


@pytest.mark.parametrize("endpoints", [1, 2])
async def test_a_payment_that_all_endpoints_leave_out_at_first_is_found_when_the_block_is_read_again(
    follow: Follow, endpoints: int
) -> None:
    async with follow(endpoints=endpoints) as it:
        await it.follow()
        await it.register()
        for liar in it.liars:
            liar.answers = {"eth_getLogs": []}
        it.pay()
        await it.follow()
        assert (await it.payment()).status == "pending"
        for liar in it.liars:
            liar.answers = {}
        await it.follow(CONFIRMATIONS)
        assert (await it.payment()).status == COMPLETED


async def test_blocks_are_read_again_one_by_one_where_no_more_are_allowed(follow: Follow, anvil: Anvil) -> None:
    async with follow(confirmations=9) as it:
        await it.follow()
        await it.register()
        it.liar.answers = {"eth_getLogs": []}
        it.pay()
        await it.follow()

        def strict(parameters: list[Any]) -> Any:
            [asked] = parameters
            is_range = asked.get("fromBlock") != asked.get("toBlock")
            return Refusal(-32602, "range exceeds limit of 1") if is_range else ...

        it.liar.answers = {"eth_getLogs": strict}
        await it.follow(9)
        assert (await it.payment()).status == COMPLETED


async def test_what_one_endpoint_never_tells_is_told_by_the_other(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        await it.follow()
        await it.register()
        await it.register("pay_2", recipient=CAROL)
        # Of two to those who wait it tells one, so that no answer is empty.
        it.liar.changes("eth_getLogs", lambda parameters, logs: logs[:1])
        it.anvil.transfer(it.token, BOB, 100 * 10**6)
        it.anvil.transfer(it.token, CAROL, 100 * 10**6)
        it.anvil.mine()
        await it.follow(2 * CONFIRMATIONS)
        assert (await it.payment("pay_1")).status == COMPLETED
        assert (await it.payment("pay_2")).status == COMPLETED


async def test_what_was_read_again_is_kept_over_a_restart(follow: Follow) -> None:
    async with follow() as it:
        await it.follow()
        await it.register()
        it.liar.answers = {"eth_getLogs": []}
        it.pay()
        await it.follow()
        it.liar.answers = {}
        it.follower = it.new_follower()
        await it.follow(CONFIRMATIONS)
        assert (await it.payment()).status == COMPLETED


@pytest.mark.parametrize("liar", [0, 1])
async def test_a_head_that_nobody_shows_is_its_endpoints_fault_and_stops_nothing(follow: Follow, liar: int) -> None:
    async with follow(endpoints=2) as it:
        await it.follow()
        await it.register()

        def absurd(parameters: list[Any], block: Document | None) -> Document | None:
            return block and block | {"number": hex(10**9)} if parameters[0] == "latest" else block

        it.liars[liar].changes("eth_getBlockByNumber", absurd)
        it.liars[liar].answers["eth_blockNumber"] = hex(10**9)
        it.pay()
        await it.follow(8 + CONFIRMATIONS)
        assert it.follower.head == it.anvil.head()
        assert (await it.payment()).status == COMPLETED
        faults = [endpoint.last_fault for endpoint in it.rpc.endpoints]
        assert faults[1 - liar] is None
        assert faults[liar] is Fault.INCONSISTENT


async def test_a_head_that_nobody_shows_is_not_followed_from_where_it_is_the_first_that_is_heard_of(
    follow: Follow,
) -> None:
    async with follow() as it:
        it.liar.changes("eth_getBlockByNumber", lambda parameters, block: block and block | {"number": hex(10**9)})
        with pytest.raises(Exception, match="no endpoint answers"):
            await it.follower.round()
        it.liar.answers = {}
        await it.register()
        await it.follow()
        it.pay()
        await it.follow(CONFIRMATIONS)
        assert (await it.payment()).status == COMPLETED


async def test_what_is_called_finalized_above_the_head_is_not_believed(follow: Follow, anvil: Anvil) -> None:
    async with follow(endpoints=2, confirmations="finalized") as it:
        await it.follow()
        await it.register()

        def bold(parameters: list[Any], block: Document) -> Document:
            return block | {"number": hex(10**6)} if parameters[0] == "finalized" else block

        it.liar.changes("eth_getBlockByNumber", bold)
        it.pay()
        await it.follow(2)
        assert (await it.payment()).status == CONFIRMING
        it.liar.changes(  # and one that calls the head final is not believed alone
            "eth_getBlockByNumber",
            lambda parameters, block: (
                anvil.ask("eth_getBlockByNumber", "latest", False) if parameters[0] == "finalized" else block
            ),
        )
        it.clock.now += 300
        await it.follow(2)
        assert (await it.payment()).status == CONFIRMING
        anvil.mine(100)
        await it.follow(1)
        assert (await it.payment()).status == COMPLETED


def goes_on_from_itself(parameters: list[Any], block: Document) -> Document:
    return block | {"parentHash": block["hash"]} if parameters[0] == "latest" else block


async def test_a_head_that_goes_on_from_another_block_ends_the_round_instead_of_going_back_for_ever(
    follow: Follow,
) -> None:
    async with follow() as it:
        await it.follow(2)
        await it.register()
        it.liar.changes("eth_getBlockByNumber", goes_on_from_itself)
        it.pay(100)
        with pytest.raises(ChainUnavailableError, match="does not go on where the one before it ends"):
            await it.follow()
        assert it.rpc.endpoints[0].last_fault is Fault.INCONSISTENT
        it.liar.answers.clear()
        await it.follow(CONFIRMATIONS)
        assert (await it.payment()).status is COMPLETED


async def test_a_head_that_goes_on_from_another_block_has_the_others_asked_in_the_same_round(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        await it.follow(2)
        await it.register()
        it.liar.changes("eth_getBlockByNumber", goes_on_from_itself)
        it.pay(100)
        await it.follow(CONFIRMATIONS)
        assert it.rpc.endpoints[0].last_fault is Fault.INCONSISTENT
        assert (await it.payment()).status is COMPLETED


async def test_an_endpoint_whose_blocks_never_fit_together_is_no_reason_to_go_back_and_forth_for_ever(
    follow: Follow,
) -> None:
    async with follow() as it:
        await it.follow(2)
        await it.register()
        made_up = itertools.count()
        it.liar.changes(
            "eth_getBlockByNumber",
            lambda parameters, block: block and block | {"hash": f"0x{next(made_up):064x}"},
        )
        it.liar.answers["eth_getLogs"] = []
        it.pay(100)
        await it.follow()
        it.anvil.mine()
        with pytest.raises(ChainUnavailableError, match="does not go on where the one before it ends"):
            await it.follow()
        assert (await it.payment()).paid == 0


async def test_an_endpoint_that_shows_blocks_and_does_not_have_their_logs_stops_nothing(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        await it.follow(2)
        await it.register()
        it.liar.changes("eth_getBlockByNumber", lambda parameters, block: block and block | {"hash": "0x" + "f" * 64})
        it.pay(100)
        await it.follow()  # the other one is asked as soon as that one is set aside, though it has no such block
        assert it.rpc.endpoints[0].last_fault is Fault.INCONSISTENT
        assert [one.transfer.amount for one in (await it.payment()).facts.sightings] == [Decimal(100)]
