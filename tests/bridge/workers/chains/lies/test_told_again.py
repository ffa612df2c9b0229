"""Money that endpoints tell of in one answer and not in another: it is said once, asked about ever later, and does
not go back and forth meanwhile.
"""

from typing import Any

import pytest

from coordinator.payments.payments import PaymentStatus
from providers.onchain.confirming.corroboration import ABSENCE_BELIEVED_SECONDS, TOLD_AGAIN_SECONDS
from tests.bridge.workers.chains.followed_chain import CONFIRMATIONS, Follow, Followed, goes_on, listed
from tests.bridge.workers.chains.lies.test_without_traces import forwards, hides, traces_blocks_alone
from tests.providers.onchain.liar import Liar

COMPLETED, CONFIRMING, PENDING = PaymentStatus.COMPLETED, PaymentStatus.CONFIRMING, PaymentStatus.PENDING
# A block costs about ten, or fifteen with three endpoints; what is asked again ever later is not much beside that.
QUESTIONS_A_BLOCK = 20


def hides_in_transactions(liar: Liar) -> None:
    """As a backend does whose tracer of single transactions shows the outermost call alone."""

    def outermost(_: list[Any], traced: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in traced.items() if name != "calls"}

    liar.changes("debug_traceTransaction", outermost)


def leaves_out_by_number(liar: Liar) -> None:
    """As an index of logs does that is broken where one block alone is asked for by its number."""

    def answered(parameters: list[Any], logs: list[Any]) -> list[Any]:
        [asked] = parameters
        return [] if "fromBlock" in asked and asked["fromBlock"] == asked["toBlock"] else logs

    liar.changes("eth_getLogs", answered)


async def goes_on_for_blocks(it: Followed, blocks: int) -> tuple[float, list[PaymentStatus], int]:
    """Follows a block a second. Returns how many questions each cost on the average, what the payment was one after
    the other, and how often a person was called."""
    before = sum(len(one.asked) for one in it.liars)
    statuses, calls = [(await it.payment()).status], set()
    for _ in range(blocks):
        await goes_on(it, blocks=1)
        status = (await it.payment()).status
        statuses += [status] if statuses[-1] != status else []
        calls |= {one.raised_at for one in await it.journal.chains.alarms(None)}
    return (sum(len(one.asked) for one in it.liars) - before) / blocks, statuses, len(calls)


@pytest.mark.parametrize("coin", ["ETH", "USDT"])
async def test_money_that_is_told_in_one_answer_and_not_in_another_does_not_come_and_go(
    follow: Follow, coin: str
) -> None:
    async with follow(endpoints=2, own_coin=coin == "ETH") as it:
        forwarder = it.anvil.deploy("Forwarder")
        await it.follow()
        await it.register(currency=coin)
        if coin == "ETH":
            hides(it.liars[0])
            hides_in_transactions(it.liars[1])
            await it.hint("pay_1", forwards(it, forwarder))
        else:
            for liar in it.liars:
                leaves_out_by_number(liar)
            it.pay()
        await goes_on(it, blocks=3 * CONFIRMATIONS)
        it.clock.now += ABSENCE_BELIEVED_SECONDS  # of logs that are not told
        await goes_on(it, blocks=CONFIRMATIONS)
        questions, statuses, calls = await goes_on_for_blocks(it, 50)
        assert questions <= QUESTIONS_A_BLOCK
        assert statuses == [CONFIRMING]
        assert calls <= 2  # that nobody tells of it any more, and that somebody does
        assert len(await listed(it)) == 1
        it.clock.now += TOLD_AGAIN_SECONDS
        _, statuses, calls = await goes_on_for_blocks(it, 50)
        assert set(statuses[1:-1]) <= {PENDING}  # once more, and then for twice as long
        assert statuses[-1] == CONFIRMING
        for liar in it.liars:
            liar.answers = {}
        it.clock.now += 60
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED
        assert await listed(it) == []


async def test_coin_that_one_of_three_hides_from_who_traces_blocks_alone_counts_and_a_person_is_called_once(
    follow: Follow,
) -> None:
    async with follow(endpoints=3, own_coin=True) as it:
        forwarder = it.anvil.deploy("Forwarder")
        await it.follow()
        await it.register(currency="ETH")
        hides(it.liars[0])
        for liar in it.liars[1:]:
            traces_blocks_alone(liar)
        await it.hint("pay_1", forwards(it, forwarder))
        questions, statuses, calls = await goes_on_for_blocks(it, 20)
        assert questions <= QUESTIONS_A_BLOCK
        assert (statuses, calls) == ([PENDING, CONFIRMING, COMPLETED], 1)
