"""A chain that does not begin to be followed, or does not go on, whatever the cause, is on the list of what needs a
person after some minutes, for as long as somebody waits on it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bridge.http.ops.overview import needs_a_person
from bridge.workers.chains import standing_chains, unfollowed_coins
from bridge.workers.chains.chain_status import ChainStatus
from bridge.workers.chains.followers import ChainFollowers
from bridge.workers.chains.standing_chains import STANDS_AFTER, STANDS_AFTER_BLOCKS, StandingChains
from coordinator.attention.items import Attention
from providers.onchain.chains import Chain, Token
from tests.bridge.workers.chains.followed_chain import Follow, Followed
from tests.waiting import GIVE_UP_SECONDS

START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
USDT = Token(symbol="USDT", decimals=6, address="0x" + "7" * 40)
ANVIL = Chain.model_validate(
    {"name": "anvil", "chain_id": 31337, "confirmations": 3, "block_seconds": 12, "tokens": [USDT]}
)
STATUS = ChainStatus(
    chain=ANVIL,
    head=9,
    head_at=START,
    followed=9,
    blocks_behind=0,
    problem="no endpoint answers",
    followed_by=None,
    watched=1,
    good_endpoints=0,
    asked_at=START,
)


def test_nobody_is_called_for_a_chain_on_which_nobody_waits() -> None:
    assert unfollowed_coins.stood([], {"anvil": "it begins once a second endpoint answers"}) == {}


def test_a_chain_stands_once_it_has_gone_no_further_for_minutes_with_a_problem() -> None:
    standing, begun = StandingChains(), {"anvil"}
    assert standing.look([STATUS], begun, START) == {}
    assert standing.look([STATUS], begun, START + STANDS_AFTER - timedelta(seconds=1)) == {}
    said = standing.look([STATUS], begun, START + STANDS_AFTER)
    assert said == {"anvil": "it is not followed beyond block 9, and nothing that comes is seen: no endpoint answers"}
    # It is one item for as long as it lasts, though the problem be told with another age.
    later = replace(STATUS, problem="no endpoint answers any more")
    assert standing.look([later], begun, START + 2 * STANDS_AFTER) == said
    assert standing.look([replace(STATUS, followed=10)], begun, START + 3 * STANDS_AFTER) == {}
    assert standing.look([replace(STATUS, followed=10, problem=None)], begun, START + 9 * STANDS_AFTER) == {}
    assert standing.look([replace(STATUS, followed=10)], begun, START + 9 * STANDS_AFTER) == {}


def test_a_chain_of_slow_blocks_is_given_more_time() -> None:
    standing, slow = StandingChains(), replace(STATUS, chain=ANVIL.model_copy(update={"block_seconds": 600}))
    patience = timedelta(seconds=600 * STANDS_AFTER_BLOCKS)
    standing.look([slow], {"anvil"}, START)
    assert standing.look([slow], {"anvil"}, START + patience - timedelta(seconds=1)) == {}
    assert standing.look([slow], {"anvil"}, START + patience) != {}


async def listed(it: Followed) -> list[Attention]:
    found = await needs_a_person(it.journal, timedelta(days=3))
    return [one for one in found if one.kind == "coin-unfollowed"]


async def eventually(look: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(GIVE_UP_SECONDS):
        while not await look():  # noqa: ASYNC110 (nothing signals what is waited for)
            await asyncio.sleep(0.05)


@asynccontextmanager
async def followers_of(it: Followed) -> AsyncIterator[ChainFollowers]:
    followers = ChainFollowers(it.journal, {"anvil": it.chain}, days=7)
    await followers.start()
    tasks = [asyncio.create_task(one()) for one in (*followers.work().values(), followers.run)]
    try:
        yield followers
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await followers.aclose()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unfollowed_coins, "CHECK_INTERVAL_SECONDS", 0.1)


async def test_a_chain_that_does_not_begin_is_on_the_list_with_the_endpoint_that_is_away(follow: Follow) -> None:
    async with follow(endpoints=2) as it:
        it.liars[1].answers["eth_getBlockByNumber"] = 503
        async with followers_of(it) as followers:

            async def is_known() -> bool:
                return await followers.standing() != {}

            async def is_listed() -> bool:
                return await listed(it) != []

            async def is_over() -> bool:
                return await listed(it) == []

            await eventually(is_known)
            await it.register()
            await eventually(is_listed)
            [item] = await listed(it)
            host = it.rpc.endpoints[1].host
            assert item.detail.startswith("1 payment waits for USDT; it has not begun to be followed")
            assert f"it begins once a second endpoint answers ({host}: HTTP status 503)" in item.detail
            it.liars[1].answers = {}
            await eventually(is_over)


async def test_a_chain_whose_endpoints_all_go_away_is_on_the_list_until_it_goes_on(
    follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing_chains, "STANDS_AFTER", timedelta(seconds=0.3))
    monkeypatch.setattr(standing_chains, "STANDS_AFTER_BLOCKS", 0)
    async with follow(endpoints=2) as it:
        await it.register()
        async with followers_of(it):

            async def has_begun() -> bool:
                return await it.journal.chains.following("anvil") is not None

            async def is_listed() -> bool:
                return await listed(it) != []

            async def is_over() -> bool:
                it.anvil.mine()
                return await listed(it) == []

            await eventually(has_begun)
            for liar in it.liars:
                liar.is_dead = True
            await eventually(is_listed)
            [item] = await listed(it)
            assert item.detail.startswith("1 payment waits for USDT; it is not followed beyond block")
            assert "no endpoint answers" in item.detail
            for liar in it.liars:
                liar.is_dead = False
            await eventually(is_over)
