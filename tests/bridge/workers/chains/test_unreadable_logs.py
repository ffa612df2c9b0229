"""Logs that cannot be read: each is left out alone, and said; all else in its block counts as ever."""

from collections.abc import Callable
from typing import Any

import pytest

from coordinator.payments.payments import PaymentStatus
from providers.onchain.blocks.transfers import topic_of
from providers.onchain.confirming.corroboration import CORROBORATION_AWAITED_SECONDS
from providers.onchain.nodes.unreadable_logs import SHOWN_SECONDS
from providers.onchain.reading.ranges import REREAD_DEPTH_TIMES, shallow_blocks
from tests.anvil import BOB, CAROL
from tests.bridge.workers.chains.followed_chain import Follow, goes_on

Document = dict[str, Any]
COMPLETED, CONFIRMING, PENDING = PaymentStatus.COMPLETED, PaymentStatus.CONFIRMING, PaymentStatus.PENDING


def spoils(to: str, change: Callable[[Document], Any]) -> Callable[[list[Any], list[Document]], Any]:
    """Spoils the logs of what comes to an address."""
    return lambda _, logs: [change(one) if one["topics"][2] == topic_of(to) else one for one in logs]


SPOILT: dict[str, Callable[[Document], Any]] = {
    "a log's topics": lambda log: log | {"topics": [*log["topics"][:2], "0xzz"]},
    "a log's address": lambda log: log | {"address": None},
    "a log's logIndex": lambda log: log | {"logIndex": None},
    "a log's blockNumber": lambda log: log | {"blockNumber": None},
    "a log's blockHash": lambda log: log | {"blockHash": 5},
    "a log's transactionHash": lambda log: log | {"transactionHash": None},
    "a log's data": lambda log: log | {"data": "0x"},
    "a log's removed": lambda log: log | {"removed": "false"},
    "what is told as a log": lambda log: "garbage",
}


@pytest.mark.parametrize("is_absent", [False, True])
@pytest.mark.parametrize("liars", [(0,), (1,), (0, 1)])
@pytest.mark.parametrize("endpoints", [1, 2])
async def test_a_log_that_cannot_be_read_harms_no_other_in_its_block(
    follow: Follow, caplog: pytest.LogCaptureFixture, endpoints: int, liars: tuple[int, ...], is_absent: bool
) -> None:
    async with follow(endpoints=endpoints) as it:
        await it.follow()
        await it.register()
        await it.register("pay_2", recipient=CAROL)

        for liar in [it.liars[one] for one in liars if one < endpoints]:
            liar.changes("eth_getLogs", spoils(CAROL, SPOILT["a log's topics"]))
        it.anvil.transfer(it.token, BOB, 100 * 10**6)
        it.anvil.transfer(it.token, CAROL, 100 * 10**6)
        it.anvil.mine(200 if is_absent else 1)
        for _ in range(3):
            await goes_on(it)
            it.clock.now += CORROBORATION_AWAITED_SECONDS
        assert (await it.payment()).status == COMPLETED
        is_readable = len([one for one in liars if one < endpoints]) < endpoints
        assert (await it.payment("pay_2")).status == (COMPLETED if is_readable else PENDING)
        assert ("is left out" in caplog.text) is not is_readable


@pytest.mark.parametrize("liar", [0, 1])
@pytest.mark.parametrize("what", SPOILT)
async def test_of_two_endpoints_one_has_its_word_on_all_in_a_block_but_the_log_that_cannot_be_read(
    follow: Follow, liar: int, what: str
) -> None:
    async with follow(endpoints=2) as it:
        await it.follow()
        await it.register()
        await it.register("pay_2", recipient=CAROL)
        it.liars[liar].changes("eth_getLogs", spoils(CAROL, SPOILT[what]))
        it.anvil.transfer(it.token, BOB, 100 * 10**6)
        it.anvil.transfer(it.token, CAROL, 100 * 10**6)
        await goes_on(it)
        assert [(await it.payment(one)).status for one in ("pay_1", "pay_2")] == [COMPLETED, CONFIRMING]
        it.clock.now += CORROBORATION_AWAITED_SECONDS
        await goes_on(it)
        assert (await it.payment("pay_2")).status == COMPLETED  # by the word of one
        assert await it.alarms() == []


@pytest.mark.parametrize("what", SPOILT)
async def test_a_log_that_the_only_endpoint_spoils_is_said_once_and_found_once_it_can_be_read(
    follow: Follow, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    async with follow() as it:
        await it.follow()
        await it.register()
        await it.register("pay_2", recipient=CAROL)
        it.liar.changes("eth_getLogs", spoils(CAROL, SPOILT[what]))
        for _ in range(2):
            it.anvil.transfer(it.token, BOB, 50 * 10**6)
            it.anvil.transfer(it.token, CAROL, 50 * 10**6)
            await goes_on(it)
        assert [(await it.payment(one)).status for one in ("pay_1", "pay_2")] == [COMPLETED, PENDING]
        [said] = [one.getMessage() for one in caplog.records if one.levelname in ("ERROR", "WARNING")]
        assert f"{it.rpc.endpoints[0].host} tells of it, and is left out" in said
        assert f"{what} {'is none' if 'told' in what else 'cannot be read'}" in said
        assert "cannot be read" in str(it.follower.waiting)
        it.liar.answers = {}
        it.anvil.mine(2 * REREAD_DEPTH_TIMES * shallow_blocks(1))
        it.clock.now += SHOWN_SECONDS
        await goes_on(it)
        assert (await it.payment("pay_2")).status == COMPLETED
        assert it.follower.waiting is None
