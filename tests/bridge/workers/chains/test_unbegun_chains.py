"""A chain that does not begin to be followed, since one of its two endpoints is away, is on the list of what needs a
person, for as long as somebody waits on it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from bridge.http.ops.overview import needs_a_person
from bridge.workers.chains import unfollowed_coins
from bridge.workers.chains.followers import ChainFollowers
from coordinator.attention.items import Attention
from tests.bridge.workers.chains.followed_chain import Follow, Followed
from tests.waiting import GIVE_UP_SECONDS


def test_nobody_is_called_for_a_chain_on_which_nobody_waits() -> None:
    assert unfollowed_coins.unbegun([], {"anvil": "it begins once a second endpoint answers"}) == {}


async def listed(it: Followed) -> list[Attention]:
    found = await needs_a_person(it.journal, timedelta(days=3))
    return [one for one in found if one.kind == "coin-unfollowed"]


async def eventually(look: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(GIVE_UP_SECONDS):
        while not await look():  # noqa: ASYNC110 (nothing signals what is waited for)
            await asyncio.sleep(0.05)


async def test_a_chain_that_does_not_begin_is_on_the_list_with_the_endpoint_that_is_away(
    follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfollowed_coins, "CHECK_INTERVAL_SECONDS", 0.1)
    async with follow(endpoints=2) as it:
        it.liars[1].answers["eth_getBlockByNumber"] = 503
        followers = ChainFollowers(it.journal, {"anvil": it.chain}, days=7)
        await followers.start()
        tasks = [asyncio.create_task(one()) for one in (*followers.work().values(), followers.run)]

        async def is_known() -> bool:
            return await followers.not_begun() != {}

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
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await followers.aclose()
