"""An endpoint whose finalized block stands still is told of by name: of three it holds up nothing, of two a person is
called where it stops money.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from coordinator.payments.payments import PaymentStatus
from providers.onchain.blocks.canonical import BlockId
from providers.onchain.confirming.finalized import FINALIZED_AWAITED_SECONDS, STANDS_STILL_AFTER, standing_still
from providers.onchain.nodes.headers import Header
from tests.anvil import Anvil, running_anvil
from tests.bridge.workers.chains.followed_chain import Followed, contradictions, following, goes_on, listed
from tests.bridge.workers.chains.lies.test_finalized import CALLED_FINAL_BLOCKS, calls_finalized

COMPLETED, CONFIRMING = PaymentStatus.COMPLETED, PaymentStatus.CONFIRMING
BLOCK_SECONDS = 60
# Until nobody takes it for late.
BLOCKS = int(STANDS_STILL_AFTER.total_seconds()) // BLOCK_SECONDS + 8


@pytest.fixture
def anvil() -> Iterator[Anvil]:
    """One for each test, since its clock is put ahead."""
    with running_anvil() as anvil:
        yield anvil


async def is_paid(it: Followed, *stuck: int) -> None:
    """A payment is called final by all endpoints but those that stand still."""
    await it.follow()
    await it.register()
    for place in stuck:
        calls_finalized(it.liars[place], it.anvil, "0x1")
    it.pay()
    await it.follow()
    for _ in range(5):  # not so many at once that whoever has them first is taken for wrong
        it.anvil.mine((CALLED_FINAL_BLOCKS + BLOCKS) // 5, apart_seconds=BLOCK_SECONDS)
        await goes_on(it, blocks=8)


@pytest.mark.parametrize("stuck", [0, 1])
async def test_of_two_a_person_is_called_once_and_no_more_once_it_goes_on(
    anvil: Anvil, tmp_path: Path, stuck: int
) -> None:
    async with following(anvil, tmp_path, endpoints=2, confirmations="finalized") as it:
        await is_paid(it, stuck)
        assert (await it.payment()).status == CONFIRMING
        said = f"{it.rpc.endpoints[stuck].host} calls no block above 1 finalized"
        assert str(it.follower.waiting).startswith(said)
        it.clock.now += FINALIZED_AWAITED_SECONDS
        await goes_on(it)
        [told] = before = await contradictions(it)
        assert told.detail.startswith(f"Block 1: {said}")
        assert told.detail.endswith("it stops pay_1")
        await it.restart()
        await goes_on(it)
        assert await contradictions(it) == before
        it.liars[stuck].answers = {}
        await goes_on(it, blocks=16)
        assert (await it.payment()).status == COMPLETED
        assert (it.follower.waiting, await listed(it)) == (None, [])


@pytest.mark.parametrize("stuck", [0, 1])
async def test_of_two_it_is_told_without_money_too_and_nobody_is_called(
    anvil: Anvil, tmp_path: Path, stuck: int
) -> None:
    async with following(anvil, tmp_path, endpoints=2, confirmations="finalized") as it:
        await it.follow()
        calls_finalized(it.liars[stuck], anvil, "0x1")
        anvil.mine(CALLED_FINAL_BLOCKS + BLOCKS, apart_seconds=BLOCK_SECONDS)
        await goes_on(it, blocks=8)
        assert str(it.follower.waiting).startswith(it.rpc.endpoints[stuck].host)
        assert await listed(it) == []


@pytest.mark.parametrize("stuck", [0, 1, 2])
async def test_of_three_most_go_on_without_it(anvil: Anvil, tmp_path: Path, stuck: int) -> None:
    async with following(anvil, tmp_path, endpoints=3, confirmations="finalized") as it:
        await is_paid(it, stuck)
        assert (await it.payment()).status == COMPLETED
        it.clock.now += FINALIZED_AWAITED_SECONDS
        await goes_on(it)
        assert await listed(it) == []
        if stuck < 2:  # the third one is not asked where two agree
            assert str(it.follower.waiting).startswith(it.rpc.endpoints[stuck].host)


async def test_of_three_one_alone_calls_nothing_finalized(anvil: Anvil, tmp_path: Path) -> None:
    async with following(anvil, tmp_path, endpoints=3, confirmations="finalized") as it:
        await it.follow()
        await it.register()
        it.pay()
        for place in (0, 1):
            calls_finalized(it.liars[place], anvil, None)
        calls_finalized(it.liars[2], anvil, "latest")
        for _ in range(4):
            await goes_on(it)
            it.clock.now += 60 * FINALIZED_AWAITED_SECONDS
        assert (await it.payment()).status == CONFIRMING
        assert it.follower.waiting == "money waits for a second endpoint to say what is finalized"
        it.liars[1].answers = {}
        calls_finalized(it.liars[1], anvil, "latest")
        await goes_on(it)
        assert (await it.payment()).status == COMPLETED


@pytest.mark.parametrize(
    ("minutes", "behind"),
    [
        ({"a": 0}, []),
        ({"a": 0, "b": 30}, []),
        ({"a": 0, "b": 31}, ["a"]),
        ({"a": 31, "b": 0, "c": 40}, ["b"]),
        ({"a": 0, "b": 5, "c": 40}, ["a", "b"]),
        ({}, []),
    ],
)
def test_who_is_half_an_hour_older_than_another_one_stands_still(minutes: dict[str, int], behind: list[str]) -> None:
    began = datetime(2026, 5, 1, tzinfo=UTC)
    called = {
        host: Header(BlockId(number=minute, hash="0x" + "1" * 64), began + timedelta(minutes=minute), {})
        for host, minute in minutes.items()
    }
    assert standing_still(called) == behind
