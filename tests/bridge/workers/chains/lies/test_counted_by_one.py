"""What counted by the word of one of two endpoints, while the other one was away, is asked about once that is back:
it agrees, or a person is called. Of three, the word of one never counts.
"""

import contextlib
import json
from functools import partial
from typing import Any

import pytest

from coordinator.payments.payments import PaymentStatus
from coordinator.payouts.statuses import PayoutStatus
from providers.onchain.blocks.transfers import topic_of
from providers.onchain.confirming import second_words
from providers.onchain.confirming.corroboration import CORROBORATION_AWAITED_SECONDS
from providers.onchain.confirming.second_words import joint_word
from providers.onchain.confirming.witnesses import Word
from providers.onchain.nodes.rpc import ChainUnavailableError
from tests.anvil import BOB, CAROL, Anvil
from tests.bridge.workers.chains.followed_chain import (
    Follow,
    Followed,
    contradictions,
    forge,
    gets_paid,
    goes_on,
    listed,
)
from tests.providers.onchain.liar import Refusal

COMPLETED, CONFIRMING = PaymentStatus.COMPLETED, PaymentStatus.CONFIRMING
# No suspension is longer.
SUSPENDED_SECONDS = 300


async def counts_by_one(it: Followed, liar: int = 0) -> int:
    """A payment that never came completes by the word of one endpoint. Returns the block."""
    await it.follow()
    await it.register()
    it.liars[1 - liar].is_dead = True
    number = forge(it, it.liars[liar])
    await goes_on(it)
    it.clock.now += CORROBORATION_AWAITED_SECONDS
    await goes_on(it)
    assert (await it.payment()).status == COMPLETED
    assert await listed(it) == []
    return number


async def comes_back(it: Followed, *places: int) -> None:
    for place in places:
        it.liars[place].is_dead = False
    it.clock.now += SUSPENDED_SECONDS
    await goes_on(it)


async def waiting(it: Followed) -> int:
    """How many transfers wait for a second word, as the journal has it."""
    following = json.loads(await it.journal.chains.following("anvil") or "{}")
    return len(following["counted_by_one"])


@pytest.mark.parametrize("liar", [0, 1])
@pytest.mark.parametrize("is_restarted", [True, False])
async def test_a_person_hears_of_made_up_money_that_counted_once_the_other_endpoint_is_back(
    follow: Follow, *, liar: int, is_restarted: bool
) -> None:
    async with follow(endpoints=2) as it:
        number = await counts_by_one(it, liar)
        said = (
            f"1 transfer has counted by the word of one endpoint, the first in block {number}, and no other one has"
        )
        assert str(it.follower.waiting).startswith(said)
        if is_restarted:
            await it.restart()
            await goes_on(it)
            assert str(it.follower.waiting).startswith(said)
        await comes_back(it, 1 - liar)
        if not await listed(it):  # it may still be reading the block
            it.clock.now += CORROBORATION_AWAITED_SECONDS
            await goes_on(it)
        [told] = await contradictions(it)
        assert told.key == f"chain-contradicted:anvil:{number}"
        teller, other = (it.rpc.endpoints[place].host for place in (liar, 1 - liar))
        assert f"{teller} had 100 USDT" in told.detail
        assert f"; {other} " in told.detail
        assert "it has counted already" in told.detail
        assert told.detail.endswith("for pay_1")
        assert await waiting(it) == 0
        assert it.follower.waiting is None


async def test_a_person_reads_of_all_that_was_made_up_in_one_block(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        await it.follow()
        await it.register()
        await it.register("pay_2", recipient=CAROL)
        it.liars[1].is_dead = True
        number = forge(it, it.liar)
        once = it.liar.answers["eth_getLogs"]

        def twice(parameters: list[Any]) -> Any:
            logs = once(parameters)
            made_up = [one for one in logs if one["transactionHash"] == "0x" + "f" * 64]
            return [
                *logs,
                *(one | {"topics": [*one["topics"][:2], topic_of(CAROL)], "logIndex": "0x2"} for one in made_up),
            ]

        it.liar.answers["eth_getLogs"] = twice
        await goes_on(it)
        it.clock.now += CORROBORATION_AWAITED_SECONDS
        await goes_on(it)
        assert [(await it.payment(name)).status for name in ("pay_1", "pay_2")] == [COMPLETED] * 2
        await comes_back(it, 1)
        it.clock.now += CORROBORATION_AWAITED_SECONDS
        await goes_on(it)
        [told] = await contradictions(it)
        assert told.key == f"chain-contradicted:anvil:{number}"
        assert all(f"for {name}" in told.detail for name in ("pay_1", "pay_2"))
        assert await waiting(it) == 0


def forge_payout(it: Followed, number: int) -> None:
    """Has the first endpoint know the transaction of made-up money in a block."""
    block = it.anvil.ask("eth_getBlockByNumber", hex(number), True)
    [mined] = block["transactions"]
    lie = it.liar.answers["eth_getLogs"]([{"blockHash": block["hash"]}])[-1]
    receipt = it.anvil.ask("eth_getTransactionReceipt", mined["hash"])
    known = {
        "eth_getTransactionReceipt": receipt | {"transactionHash": lie["transactionHash"], "logs": [lie]},
        "eth_getTransactionByHash": mined | {"hash": lie["transactionHash"]},
    }
    for method, answer in known.items():
        it.liar.answers[method] = partial(_of_made_up, answer)


def _of_made_up(answer: Any, parameters: list[Any]) -> Any:
    return answer if parameters == ["0x" + "f" * 64] else ...


async def test_a_person_hears_of_a_payout_that_was_made_up_too(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        await gets_paid(it)
        await it.pay_out("0x" + "f" * 64, to=CAROL)
        await it.follower.refresh()
        it.liars[1].is_dead = True
        number = forge(it, it.liar, to=CAROL, amount=7)
        forge_payout(it, number)
        for _ in range(2):
            await goes_on(it)
            it.clock.now += CORROBORATION_AWAITED_SECONDS
        await goes_on(it)
        assert (await it.payout()).status == PayoutStatus.COMPLETED
        assert await waiting(it) == 1
        await comes_back(it, 1)
        it.clock.now += CORROBORATION_AWAITED_SECONDS
        await goes_on(it)
        [told] = await contradictions(it)
        assert told.key == f"chain-contradicted:anvil:{number}"
        assert told.detail.endswith("for out_1")


async def test_what_the_other_endpoint_has_too_waits_no_more_after_one_question(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        await it.follow()
        await it.register()
        it.liars[1].is_dead = True
        it.pay()
        number, asked = hex(it.anvil.head()), 0

        def noted(parameters: list[Any]) -> Any:
            nonlocal asked
            asked += (parameters[0].get("fromBlock"), parameters[0].get("toBlock")) == (number, number)
            return ...

        it.liars[1].answers["eth_getLogs"] = noted
        await goes_on(it)
        it.clock.now += CORROBORATION_AWAITED_SECONDS
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED
        assert await waiting(it) == 1
        await comes_back(it, 1)
        assert await waiting(it) == 0
        assert asked == 1
        assert (it.follower.waiting, await listed(it)) == (None, [])


async def test_an_endpoint_that_was_taken_out_is_asked_for_by_the_one_that_remains(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        number = await counts_by_one(it)
        it.liars[1].is_dead = False
        await it.restart(1)
        await goes_on(it)
        it.clock.now += CORROBORATION_AWAITED_SECONDS
        await goes_on(it)
        assert await listed(it) == [f"chain-contradicted:anvil:{number}"]


async def test_it_is_asked_about_after_a_reorganisation_below_it_too(follow: Follow, anvil: Anvil) -> None:
    async with follow(endpoints=2) as it:
        number = await counts_by_one(it)
        anvil.reorganise(anvil.head() - number + 2)
        for _ in range(3):
            it.clock.now += CORROBORATION_AWAITED_SECONDS
            with contextlib.suppress(ChainUnavailableError):  # for a minute one alone is not believed in that
                await goes_on(it)
        assert "taken-back" in {kind for kind, _ in await it.alarms()}
        assert await waiting(it) == 1
        await comes_back(it, 1)
        assert f"chain-contradicted:anvil:{number}" in await listed(it)
        assert any("it has counted already" in one.detail for one in await contradictions(it))


async def test_an_endpoint_that_cannot_tell_is_asked_ever_later(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        number = await counts_by_one(it)
        asked = 0

        def refused(parameters: list[Any]) -> Any:
            nonlocal asked
            is_about_it = parameters[0].get("fromBlock") == parameters[0].get("toBlock") == hex(number)
            asked += is_about_it
            return Refusal(-32005, "not now") if is_about_it else ...

        it.liars[1].answers["eth_getLogs"] = refused
        await comes_back(it, 1)
        assert await waiting(it) == 1
        asked = 0
        await goes_on(it, blocks=64)
        assert 1 <= asked <= 6
        assert "not now" in str(it.follower.waiting)


async def test_no_more_than_so_many_count_by_the_word_of_one(follow: Follow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_words, "COUNTED_BY_ONE_LIMIT", 1)
    async with follow(endpoints=2) as it:
        await it.follow()
        await it.register()
        await it.register("pay_2", recipient=CAROL)
        it.liars[1].is_dead = True
        it.pay()
        it.pay(100, CAROL)
        for _ in range(3):
            await goes_on(it)
            it.clock.now += CORROBORATION_AWAITED_SECONDS
        assert [(await it.payment(name)).status for name in ("pay_1", "pay_2")] == [COMPLETED, CONFIRMING]
        assert "have counted by the word of one" in str(it.follower.waiting)
        await comes_back(it, 1)
        assert (await it.payment("pay_2")).status == COMPLETED
        assert await waiting(it) == 0


@pytest.mark.parametrize("liar", [0, 1, 2])
async def test_of_three_the_word_of_one_never_counts(follow: Follow, liar: int) -> None:
    async with follow(endpoints=3) as it:
        await it.follow()
        await it.register()
        await it.register("pay_2", recipient=CAROL)
        others = [place for place in range(3) if place != liar]
        for place in others:
            it.liars[place].is_dead = True
        it.pay(100, CAROL)
        number = forge(it, it.liars[liar], to=BOB)
        for _ in range(24):
            await goes_on(it, blocks=1)
            it.clock.now += 3600
        assert [(await it.payment(name)).status for name in ("pay_1", "pay_2")] == [CONFIRMING] * 2
        assert "waits for the word of a second endpoint" in str(it.follower.waiting)
        await comes_back(it, others[0])
        assert (await it.payment("pay_2")).status == COMPLETED
        it.clock.now += CORROBORATION_AWAITED_SECONDS
        await goes_on(it)
        assert (await it.payment()).status == CONFIRMING
        assert f"chain-contradicted:anvil:{number}" in await listed(it)


AGREES, DIFFERS, ABSENT, BEHIND, UNTRACED, SILENT = (
    Word.AGREES, Word.DIFFERS, Word.ABSENT, Word.BEHIND, Word.UNTRACED, Word.SILENT
)  # fmt: skip


@pytest.mark.parametrize(
    ("words", "needed", "others", "expected"),
    [
        ([AGREES], 1, 1, AGREES),
        ([DIFFERS, AGREES], 1, 2, AGREES),
        ([AGREES], 2, 2, SILENT),
        ([AGREES, AGREES], 2, 2, AGREES),
        ([AGREES, DIFFERS], 2, 2, DIFFERS),
        ([ABSENT, DIFFERS], 1, 2, DIFFERS),
        ([SILENT, ABSENT], 1, 2, ABSENT),
        ([SILENT, BEHIND], 1, 2, BEHIND),
        ([UNTRACED], 1, 1, AGREES),
        ([UNTRACED], 1, 2, SILENT),
        ([UNTRACED, SILENT], 1, 2, SILENT),
        ([UNTRACED, DIFFERS], 1, 2, DIFFERS),
        ([], 1, 1, SILENT),
    ],
)
def test_what_endpoints_say_together_of_what_has_counted(
    words: list[Word], needed: int, others: int, expected: Word
) -> None:
    assert joint_word(words, needed, others) is expected
