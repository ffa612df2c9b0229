"""Endpoints that repeat, leave out, make up and contradict: no money counts that is not there, and none is missed."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bridge.http.ops_overview import needs_a_person
from coordinator.attention import Attention
from coordinator.observations import Stage, TransactionHinted
from coordinator.payments import PaymentStatus
from coordinator.payouts import PayoutStatus
from providers.onchain.endpoints import Fault
from providers.onchain.follower import ROUNDS_BETWEEN_COMPARISONS
from providers.onchain.second_words import ABSENCE_BELIEVED_SECONDS, SECOND_WORD_AWAITED_SECONDS
from tests.anvil import ALICE, BOB, CAROL, Anvil, running_anvil
from tests.bridge.workers.followed_chain import CONFIRMATIONS, Followed, following
from tests.providers.onchain.liar import Refusal

Document = dict[str, Any]
Follow = Callable[..., AbstractAsyncContextManager[Followed]]
COMPLETED, PARTLY, CONFIRMING = PaymentStatus.COMPLETED, PaymentStatus.PARTIALLY_PAID, PaymentStatus.CONFIRMING


@pytest.fixture
def anvil() -> Iterator[Anvil]:
    with running_anvil() as anvil:
        yield anvil


@pytest.fixture
def follow(anvil: Anvil, tmp_path: Path) -> Follow:
    return lambda *others, **options: following(anvil, tmp_path, *others, **options)


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
        named = it.pay(7, ALICE)
        await it.follow()
        await it.pay_out(named, "out_2", to=ALICE)  # and one that is named when its block was followed
        await it.follow(CONFIRMATIONS + 1)
        for payout_id in ("out_1", "out_2"):
            payout = await it.payout(payout_id)
            assert (payout.status, payout.excess) == (PayoutStatus.COMPLETED, Decimal(0))


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


# Two words before money is final


async def goes_on(it: Followed, *nodes: Anvil, blocks: int = CONFIRMATIONS + 3) -> None:
    """Mines on all nodes, and follows, as time goes on."""
    for _ in range(blocks):
        for node in nodes or (it.anvil,):
            node.mine()
        it.clock.now += 1
        await it.follower.round()


async def contradictions(it: Followed) -> list[Attention]:
    """What endpoints contradict each other in, as a person sees it."""
    found = await needs_a_person(it.journal, timedelta(days=3))
    return [one for one in found if one.kind == "chain-contradicted"]


async def listed(it: Followed) -> list[str]:
    return [one.key for one in await contradictions(it)]


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
            it.clock.now += SECOND_WORD_AWAITED_SECONDS
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
        it.clock.now += SECOND_WORD_AWAITED_SECONDS
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
        it.clock.now += SECOND_WORD_AWAITED_SECONDS
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
    async with follow(endpoints=2) as it:
        await it.follow()
        await it.register()
        blocks = 2 * ROUNDS_BETWEEN_COMPARISONS
        await asked_over(it, blocks, with_money=False)
        without = await asked_over(it, blocks, with_money=False)
        with_money = await asked_over(it, blocks, with_money=True)
        assert (await it.payment()).status == COMPLETED
        assert with_money - without == Counter(eth_getLogs=1)
        # Without: the newest block and its logs, of which some are read again, and how the endpoints stand.
        assert without.total() <= 3.5 * blocks


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


# One bad item harms itself only


async def hinted(it: Followed, payment_id: str, tx_hash: str) -> None:
    recorded = await it.journal.record_observation(
        provider="onchain",
        external_id=payment_id,
        key=f"hint {tx_hash}",
        observation=TransactionHinted(hinted=tx_hash),
    )
    assert recorded.payment is not None
    it.watch(recorded.payment)


async def test_a_claim_that_cannot_be_read_stops_no_other_and_degrades_nobody(follow: Follow) -> None:
    async with follow() as it:
        await it.follow()
        old, good = it.pay(50), it.pay(100, CAROL)
        await it.follow(CONFIRMATIONS)  # before anybody waited for either
        for payment_id, recipient, tx_hash in (("pay_1", BOB, old), ("pay_2", CAROL, good)):
            await it.register(payment_id, recipient=recipient)
            await hinted(it, payment_id, tx_hash)

        def broken(parameters: list[Any], receipt: Document) -> Document:
            return receipt | {"logs": None} if parameters[0] == old else receipt

        it.liar.changes("eth_getTransactionReceipt", broken)
        await it.follow(2)
        assert (await it.payment("pay_2")).status == COMPLETED
        assert it.rpc.endpoints[0].last_fault is None
        it.liar.answers = {}
        await it.follow(2)
        assert (await it.payment("pay_1")).received == Decimal(50)


async def test_a_receipt_without_a_status_tells_of_tokens_by_its_logs(follow: Follow) -> None:
    """As those of before Byzantium are, which say instead what the state was."""
    async with follow() as it:
        await it.follow()
        tx_hash = it.pay()
        await it.follow(CONFIRMATIONS)
        await it.register()
        await hinted(it, "pay_1", tx_hash)
        it.liar.changes(
            "eth_getTransactionReceipt",
            lambda parameters, receipt: {name: value for name, value in receipt.items() if name != "status"},
        )
        await it.follow(1)
        assert (await it.payment()).status == COMPLETED
        assert it.rpc.endpoints[0].last_fault is None


async def test_a_receipt_that_is_there_before_its_block_is_waited_for(follow: Follow) -> None:
    """Behind one endpoint are several backends, of which one is ahead."""
    async with follow() as it:
        await it.follow()
        await it.register()
        tx_hash = it.anvil.transfer(it.token, BOB, 100 * 10**6)
        await hinted(it, "pay_1", tx_hash)
        it.anvil.mine()
        stood_at = it.anvil.head() - 1
        it.liar.changes(
            "eth_getTransactionByHash",
            lambda parameters, known: known | {"blockNumber": None, "blockHash": None},
        )
        it.liar.stands_at(stood_at)
        await it.follow()
        assert (await it.payment()).status == CONFIRMING
        assert it.rpc.endpoints[0].last_fault is None
        it.liar.answers = {}
        await it.follow(CONFIRMATIONS)
        assert (await it.payment()).status == COMPLETED


async def test_the_receipt_of_a_transaction_that_another_backend_has_not_yet_is_waited_for(
    follow: Follow, anvil: Anvil
) -> None:
    async with follow(endpoints=2, own_coin=True) as it:
        await it.follow()
        await it.register(currency="ETH")
        it.liar.answers["eth_getTransactionReceipt"] = None
        anvil.send(BOB, 100 * 10**18)
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED


async def test_after_a_rollback_that_stands_still_a_payment_loses_its_confirmations(
    follow: Follow, anvil: Anvil
) -> None:
    async with follow(confirmations=9) as it:
        await it.follow()
        await it.register()
        it.pay()
        await it.follow(3)
        assert [one.confirmations for one in (await it.payment()).facts.sightings] == [4]
        anvil.ask("anvil_rollback", 5)
        await it.follow()
        assert (await it.payment()).status == CONFIRMING  # an endpoint that lags shows the same
        it.clock.now += 60
        await it.follow()
        payment = await it.payment()
        assert payment.status == "pending"
        assert [one.stage for one in payment.facts.sightings] == [Stage.REORGANISED]
        assert await it.alarms() == []


async def test_an_endpoint_that_shows_old_blocks_for_long_takes_back_nothing_that_is_final(follow: Follow) -> None:
    async with follow() as it:
        await it.follow(20)
        await it.register()
        it.pay()
        await it.follow(CONFIRMATIONS)
        assert (await it.payment()).status == COMPLETED
        it.liar.stands_at(it.anvil.head() - 15)
        for _ in range(3):
            it.clock.now += 60
            await it.follow()
        assert (await it.payment()).status == COMPLETED
        assert await it.alarms() == []
