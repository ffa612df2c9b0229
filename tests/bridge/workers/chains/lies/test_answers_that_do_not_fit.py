"""Answers that fit neither the question nor each other, as a proxy that mixes them up gives, or a node whose index is
out of step with its chain: what such an answer says counts for nothing, also where only one endpoint is named.
"""

import contextlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from coordinator.payments.payments import PaymentStatus
from providers.onchain.addresses import with_checksum
from providers.onchain.nodes.endpoints import Fault
from providers.onchain.nodes.rpc import ChainUnavailableError
from tests.anvil import BOB, CAROL, Anvil
from tests.bridge.workers.chains.followed_chain import CONFIRMATIONS, Follow, Followed, gets_paid, goes_on
from tests.providers.onchain.liar import other_hash

Document = dict[str, Any]
COMPLETED, CONFIRMING, PENDING = PaymentStatus.COMPLETED, PaymentStatus.CONFIRMING, PaymentStatus.PENDING
REFUSING = with_checksum("0x" + "7e" * 20)


async def goes_on_as_far_as_it_can(it: Followed, blocks: int) -> None:
    for _ in range(blocks):
        with contextlib.suppress(ChainUnavailableError):
            await goes_on(it, blocks=1)


@pytest.mark.parametrize("own_coin", [False, True])
async def test_money_is_as_deep_as_its_block_and_not_as_the_number_beside_it(
    follow: Follow, anvil: Anvil, own_coin: bool
) -> None:
    async with follow(own_coin=own_coin) as it:
        anvil.mine(2 * CONFIRMATIONS)
        await it.follow()
        await it.register(currency="ETH" if own_coin else "USDT")

        def sunk(parameters: list[Any], block: Document | None) -> Document | None:
            transactions = [] if block is None else block["transactions"]
            lower = [one if isinstance(one, str) else one | {"blockNumber": "0x1"} for one in transactions]
            return block and block | {"transactions": lower}

        it.liar.changes("eth_getLogs", lambda parameters, logs: [one | {"blockNumber": "0x1"} for one in logs])
        it.liar.changes("eth_getBlockByNumber", sunk)
        if own_coin:
            anvil.send(BOB, 100 * 10**18)
            anvil.mine()
        else:
            it.pay()
        await goes_on_as_far_as_it_can(it, CONFIRMATIONS + 3)
        assert (await it.payment()).status == PENDING
        assert it.rpc.endpoints[0].last_fault is Fault.INCONSISTENT
        it.liar.answers = {}
        it.clock.now += 600
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED


@pytest.mark.parametrize("is_named", [False, True])
async def test_that_a_transaction_succeeded_is_not_told_by_the_receipt_of_another(
    follow: Follow, anvil: Anvil, is_named: bool
) -> None:
    async with follow(own_coin=True) as it:
        anvil.ask("anvil_setCode", REFUSING, "0xfe")
        if is_named:
            await it.follow()
        failed, good = anvil.send(REFUSING, 100 * 10**18), anvil.send(CAROL, 1)
        it.liar.answers["eth_getTransactionReceipt"] = lambda _: anvil.ask("eth_getTransactionReceipt", good)
        if is_named:
            anvil.mine(CONFIRMATIONS)
            await it.follow()
            created_at = datetime.now(UTC) - timedelta(seconds=30)
            await it.register(recipient=REFUSING, currency="ETH", created_at=created_at)
            await it.hint("pay_1", failed)
        else:
            await it.follow()
            await it.register(recipient=REFUSING, currency="ETH")
            anvil.mine()
        await goes_on_as_far_as_it_can(it, CONFIRMATIONS + 3)
        assert (await it.payment()).paid == 0
        it.liar.answers = {}
        it.clock.now += 600
        await goes_on(it)
        assert (await it.payment()).paid == 0


@pytest.mark.parametrize(
    "changed",
    [
        {"blockNumber": "0x1"},
        {"blockHash": "0x" + "1" * 64},
        {"transactionHash": "0x" + "2" * 64},
    ],
    ids=lambda changed: next(iter(changed)),
)
async def test_the_logs_of_a_receipt_are_of_its_transaction_and_its_block(
    follow: Follow, anvil: Anvil, changed: Document
) -> None:
    async with follow() as it:
        anvil.mine(2 * CONFIRMATIONS)
        tx_hash = it.pay()
        await it.follow(2 * CONFIRMATIONS)  # before anybody waited for it, down to its second reading
        await it.register(created_at=datetime.now(UTC) - timedelta(seconds=30))
        await it.hint("pay_1", tx_hash)
        it.liar.changes(
            "eth_getTransactionReceipt",
            lambda _, receipt: receipt | {"logs": [one | changed for one in receipt["logs"]]},
        )
        await goes_on_as_far_as_it_can(it, 2 * CONFIRMATIONS)
        assert (await it.payment()).facts.sightings == ()
        it.liar.answers = {}
        await goes_on(it, blocks=4 * CONFIRMATIONS)
        payment = await it.payment()
        assert (payment.status, payment.excess) == (COMPLETED, Decimal(0))


async def test_a_transaction_that_is_named_is_not_told_by_another(follow: Follow, anvil: Anvil) -> None:
    async with follow() as it:
        other, named = it.pay(), it.pay(1, CAROL)
        await it.follow(2 * CONFIRMATIONS)
        await it.register(created_at=datetime.now(UTC) - timedelta(seconds=30))
        await it.hint("pay_1", named)
        for method in ("eth_getTransactionByHash", "eth_getTransactionReceipt"):
            it.liar.answers[method] = lambda _, method=method: anvil.ask(method, other)
        await goes_on_as_far_as_it_can(it, 2 * CONFIRMATIONS)
        assert (await it.payment()).paid == 0
        assert (await it.payment()).facts.sightings == ()


@pytest.mark.parametrize("endpoints", [1, 2])
@pytest.mark.parametrize("is_moved", [False, True])
async def test_in_a_range_a_log_of_a_block_that_is_not_on_the_chain_is_nothing(
    follow: Follow, endpoints: int, is_moved: bool
) -> None:
    """As of a node that forgot to take out what a reorganisation took back, its transaction on the chain or not."""
    async with follow(endpoints=endpoints) as it:
        await it.follow()
        await it.register()
        it.pay(50)
        it.anvil.mine(100)

        def left_over(parameters: list[Any], logs: list[Document]) -> list[Document]:
            [asked] = parameters
            gone = [one | {"blockHash": other_hash(one["blockHash"])} for one in logs if "fromBlock" in asked]
            others = [one | {"transactionHash": "0x" + "5" * 64} for one in gone]
            return [*logs, *(gone if is_moved else others)]

        for liar in it.liars:
            liar.changes("eth_getLogs", left_over)
        await goes_on_as_far_as_it_can(it, 2)
        it.clock.now += 600
        await goes_on_as_far_as_it_can(it, CONFIRMATIONS)
        assert (await it.payment()).received == Decimal(50)
        assert it.follower.followed == it.anvil.head()


async def test_a_block_of_another_height_takes_nothing_back(follow: Follow, anvil: Anvil) -> None:
    async with follow() as it:
        await gets_paid(it)
        assert (await it.payment()).status == COMPLETED

        def shifted(parameters: list[Any]) -> Any:
            number, *others = parameters
            return anvil.ask("eth_getBlockByNumber", hex(int(number, 16) - 1), *others) if "0x" in number else ...

        it.liar.answers["eth_getBlockByNumber"] = shifted
        anvil.mine(60)
        await goes_on_as_far_as_it_can(it, 20)
        assert await it.alarms() == []
        it.liar.answers = {}
        it.clock.now += 600
        await goes_on(it)
        assert it.follower.followed == anvil.head()
        assert await it.alarms() == []


@pytest.mark.parametrize("endpoints", [1, 2])
async def test_what_is_called_finalized_is_a_block_and_not_a_number(
    follow: Follow, anvil: Anvil, endpoints: int
) -> None:
    async with follow(endpoints=endpoints, confirmations="finalized") as it:
        await it.follow()
        await it.register()

        def elsewhere(parameters: list[Any], block: Document) -> Document:
            if parameters[0] != "finalized":
                return block
            latest: Document = anvil.ask("eth_getBlockByNumber", "latest", False)
            return latest | {"hash": other_hash(latest["hash"])}

        for liar in it.liars:
            liar.changes("eth_getBlockByNumber", elsewhere)
        it.pay()
        await goes_on(it)
        assert (await it.payment()).status == CONFIRMING
        assert "finalized" in (it.follower.waiting or "")
        for liar in it.liars:
            liar.answers = {}
        anvil.mine(100)
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED
        assert it.follower.waiting is None
