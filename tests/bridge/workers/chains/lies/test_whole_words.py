"""What a second word is about besides the money: how deep it is, who sent it, and when."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from coordinator.payments.payments import PaymentStatus
from coordinator.payouts.statuses import PayoutStatus
from providers.onchain.blocks.transfers import topic_of
from providers.onchain.confirming.corroboration import CORROBORATION_AWAITED_SECONDS
from providers.onchain.follower import ROUNDS_BETWEEN_COMPARISONS
from tests.anvil import ALICE, BOB, CAROL, Anvil
from tests.bridge.workers.chains.followed_chain import (
    CONFIRMATIONS,
    Follow,
    contradictions,
    gets_paid,
    goes_on,
    listed,
)
from tests.providers.onchain.liar import Liar, Refusal
from tests.system.onchain.conftest import address

Document = dict[str, Any]
COMPLETED, CONFIRMING, PENDING = PaymentStatus.COMPLETED, PaymentStatus.CONFIRMING, PaymentStatus.PENDING
DEPTH = 12


def boast(liar: Liar, anvil: Anvil, blocks: int = 20) -> None:
    """Has an endpoint go on, behind the blocks that there are, with some that nobody made."""

    def name(newest: Document, number: int) -> str:
        return "0x" + hashlib.sha256(f"{newest['hash']} {number}".encode()).hexdigest()

    def shown(parameters: list[Any]) -> Any:
        head = anvil.head()
        number = head + blocks if parameters[0] == "latest" else int(parameters[0], 16)
        if number <= head or number > head + blocks:
            return ...
        newest = anvil.ask("eth_getBlockByNumber", hex(head), False)
        return newest | {
            "number": hex(number),
            "hash": name(newest, number),
            "parentHash": newest["hash"] if number == head + 1 else name(newest, number - 1),
            "timestamp": hex(int(newest["timestamp"], 16) + number - head),
            "transactions": [],
            "logsBloom": "0x" + 512 * "0",
        }

    liar.answers = {
        "eth_getBlockByNumber": shown,
        "eth_getLogs": lambda parameters: ... if _has(anvil, parameters[0]) else [],
    }


def _has(anvil: Anvil, asked: Document) -> bool:
    """Whether there are the blocks that logs are asked of."""
    if "blockHash" in asked:
        return anvil.ask("eth_getBlockByHash", asked["blockHash"], False) is not None
    return int(asked["toBlock"], 16) <= anvil.head()


def refuses_unknown(liar: Liar, anvil: Anvil) -> None:
    """Has an honest endpoint say that it does not have a block, as nodes do."""
    refusal = Refusal(-32000, "unknown block")
    liar.answers = {"eth_getLogs": lambda parameters: ... if _has(anvil, parameters[0]) else refusal}


@pytest.mark.parametrize("liar", [0, 1])
async def test_money_is_as_deep_as_two_endpoints_show_it(follow: Follow, liar: int) -> None:
    async with follow(endpoints=2, confirmations=DEPTH) as it:
        await it.follow(2 * DEPTH)
        await it.register()
        it.pay()
        boast(it.liars[liar], it.anvil)
        refuses_unknown(it.liars[1 - liar], it.anvil)
        for _ in range(2 * ROUNDS_BETWEEN_COMPARISONS):
            it.clock.now += 3
            await it.follow()
            assert (await it.payment()).status == CONFIRMING
        it.liars[liar].answers = {}
        it.clock.now += 2 * CORROBORATION_AWAITED_SECONDS
        await goes_on(it, blocks=2 * DEPTH)
        assert (await it.payment()).status == COMPLETED


async def test_an_endpoint_that_stands_still_stops_money_and_a_person_is_called(follow: Follow) -> None:
    async with follow(endpoints=2, confirmations=DEPTH) as it:
        await it.follow()
        await it.register()
        it.pay()
        stood_at = it.anvil.head() + 2

        def behind(parameters: list[Any], block: Document | None) -> Document | None:
            if parameters[0] == "latest":
                number = hex(min(stood_at, it.anvil.head()))
                block = it.anvil.ask("eth_getBlockByNumber", number, parameters[1])
            return block if block is not None and int(block["number"], 16) <= stood_at else None

        it.liars[1].changes("eth_getBlockByNumber", behind)
        await goes_on(it, blocks=DEPTH + 3)
        assert (await it.payment()).status == CONFIRMING
        assert await listed(it) == []
        it.clock.now += CORROBORATION_AWAITED_SECONDS + DEPTH
        await goes_on(it)
        assert (await it.payment()).status == CONFIRMING
        [own] = await contradictions(it)
        assert f"does not show it {DEPTH} deep" in own.detail
        it.liars[1].answers = {}
        it.clock.now += CORROBORATION_AWAITED_SECONDS
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED
        assert await listed(it) == []


def other_sender(parameters: list[Any], logs: list[Document]) -> list[Document]:
    return [one | {"topics": [one["topics"][0], topic_of(CAROL), one["topics"][2]]} for one in logs]


async def test_money_that_one_endpoint_has_sent_by_somebody_else_does_not_count(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        await it.follow()
        await it.register(payer=ALICE)
        await it.register("pay_2", payer=CAROL)
        it.liar.changes("eth_getLogs", other_sender)
        it.pay()
        await goes_on(it)
        assert (await it.payment("pay_2")).status == CONFIRMING
        assert (await it.payment()).status == PENDING
        [own] = await contradictions(it)
        assert f"sent by {ALICE}" in own.detail


async def test_a_payout_that_one_endpoint_has_sent_by_its_sender_is_not_verified(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        await gets_paid(it)
        await it.pay_out(None, to=BOB, sender=CAROL)
        await it.follower.refresh()
        it.liar.changes("eth_getLogs", other_sender)
        it.pay(7)
        await goes_on(it)
        assert (await it.payout()).status == PayoutStatus.CONFIRMING
        assert len(await listed(it)) == 1


def moved(seconds: int) -> dict[str, Any]:
    """Blocks and logs that are so much later."""

    def later(parameters: list[Any], block: Document | None) -> Document | None:
        return block and block | {"timestamp": hex(int(block["timestamp"], 16) + seconds)}

    def logs_later(parameters: list[Any], logs: list[Document]) -> list[Document]:
        return [one | {"blockTimestamp": hex(int(one["blockTimestamp"], 16) + seconds)} for one in logs]

    return {"eth_getBlockByNumber": later, "eth_getLogs": logs_later}


async def test_money_that_one_endpoint_dates_otherwise_does_not_count(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        await it.follow()
        await it.register()
        for method, change in moved(3600).items():
            it.liar.changes(method, change)
        it.pay()
        await goes_on(it)
        assert (await it.payment()).status == CONFIRMING
        [own] = await contradictions(it)
        assert "has that block made at" in own.detail
        it.liar.answers = {}
        it.clock.now += 2 * CORROBORATION_AWAITED_SECONDS
        await goes_on(it)
        payment = await it.payment()
        assert payment.status == COMPLETED
        assert all(
            (one.transfer.occurred_at or payment.created_at) < datetime.now(UTC) + timedelta(minutes=5)
            for one in payment.facts.sightings
        )


async def test_money_that_one_endpoint_dates_before_its_payment_is_found_by_the_other(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        await it.follow()
        await it.register()
        for method, change in moved(-3600).items():
            it.liar.changes(method, change)
        it.pay()
        await goes_on(it)
        payment = await it.payment()
        assert payment.status == CONFIRMING
        assert len(await listed(it)) == 1


async def test_whoever_traces_blocks_alone_is_asked_for_each_once_however_much_contracts_sent_in_it(
    follow: Follow, anvil: Anvil
) -> None:
    payments = 4
    async with follow(endpoints=2, own_coin=True) as it:
        forwarder = anvil.deploy("Forwarder")
        await it.follow()
        to = [address(f"of a traced block {number} {it.token}") for number in range(payments)]
        for number, recipient in enumerate(to):
            await it.register(f"pay_{number}", recipient=recipient, currency="ETH")
            anvil.send(forwarder, 100 * 10**18, data=anvil.call_data("Forwarder", "forward", recipient))
        asked = []

        def noted(parameters: list[Any]) -> Any:
            asked.append(parameters[0])
            return ...

        it.liars[1].answers = {
            "debug_traceTransaction": Refusal(-32601, "the method does not exist"),
            "debug_traceBlockByHash": noted,
        }
        anvil.mine()
        block_hash = anvil.ask("eth_getBlockByNumber", "latest", False)["hash"]
        await goes_on(it, blocks=2 * CONFIRMATIONS)
        assert [(await it.payment(f"pay_{number}")).status for number in range(payments)] == [COMPLETED] * payments
        # When it read the block again, and for its word.
        assert asked.count(block_hash) <= 2
        assert it.liars[1].asked.count("debug_traceTransaction") <= 1
