"""Whatever one of three endpoints says, for as long as it likes: what the two others say counts, all of it, and
nothing else."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.anvil import Anvil
from tests.bridge.workers.chains.followed_chain import CONFIRMATIONS
from tests.bridge.workers.chains.lies.lengths import WAYS, lists_of
from tests.bridge.workers.chains.lies.test_any_lies import (
    LIES,
    PAYMENTS,
    Play,
    Step,
    anvil,
    play,
    playing,
)
from tests.bridge.workers.chains.lies.test_any_lies_about_own_coin import COIN_LIES, CoinPlay

__all__ = ["anvil"]


@dataclass
class PlayOfThree(Play):
    """With one that is never honest again."""

    endpoints: ClassVar[int] = 3

    async def end(self) -> None:
        for _ in range(4 * CONFIRMATIONS):
            self.it.anvil.mine()
            await self.follow(300)


def steps_of(lies: Collection[str]) -> st.SearchStrategy[Step]:
    """What can happen, where the endpoint that lies knows these lies."""
    return st.one_of(
        st.tuples(st.just("pay"), st.integers(0, PAYMENTS - 1), st.integers(1, 120)),
        st.tuples(st.just("lie of it"), st.sampled_from(sorted(lies)), st.integers(1, 120)),
        st.tuples(st.just("lie"), st.sampled_from(sorted(lies)), st.just(0)),
        st.tuples(st.just("mine"), st.integers(1, 3), st.just(0)),
        st.tuples(st.just("reorganise"), st.integers(1, CONFIRMATIONS + 2), st.just(0)),
        st.tuples(st.just("roll back"), st.integers(1, 4), st.just(0)),
        st.tuples(st.just("delay"), st.integers(1, 3), st.just(0)),
        st.tuples(st.sampled_from(["die", "be honest", "restart"]), st.just(0), st.just(0)),
    )


@pytest.mark.parametrize("liar", [0, 1, 2])
@settings(playing, max_examples=max(WAYS // 2, 2))
@given(some=lists_of(steps_of(LIES)))
def test_whatever_one_of_three_goes_on_saying_just_what_happened_counts(
    anvil: Anvil, liar: int, some: list[Step]
) -> None:
    asyncio.run(play(anvil, liar, some, PlayOfThree))


class CoinPlayOfThree(PlayOfThree, CoinPlay):
    """The same with the chain's own coin."""


@playing
@given(liar=st.integers(0, 2), some=lists_of(steps_of(COIN_LIES)))
def test_whatever_one_of_three_goes_on_saying_of_the_chains_own_coin_just_what_came_counts(
    anvil: Anvil, liar: int, some: list[Step]
) -> None:
    asyncio.run(play(anvil, liar, some, CoinPlayOfThree))
