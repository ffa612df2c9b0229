"""Whatever one of three endpoints says, for as long as it likes: what the two others say counts, all of it, and
nothing else."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.anvil import Anvil
from tests.bridge.workers.chains.followed_chain import CONFIRMATIONS
from tests.bridge.workers.chains.lies.test_any_lies import (
    LIES,
    PAYMENTS,
    STEPS_AT_MOST,
    Play,
    Step,
    anvil,
    play,
    playing,
)

__all__ = ["anvil"]


@dataclass
class PlayOfThree(Play):
    """With one that is never honest again."""

    endpoints: ClassVar[int] = 3

    async def end(self) -> None:
        for _ in range(4 * CONFIRMATIONS):
            self.it.anvil.mine()
            await self.follow(300)


steps = st.one_of(
    st.tuples(st.just("pay"), st.integers(0, PAYMENTS - 1), st.integers(1, 120)),
    st.tuples(st.just("lie of it"), st.sampled_from(sorted(LIES)), st.integers(1, 120)),
    st.tuples(st.just("lie"), st.sampled_from(sorted(LIES)), st.just(0)),
    st.tuples(st.just("mine"), st.integers(1, 3), st.just(0)),
    st.tuples(st.just("reorganise"), st.integers(1, CONFIRMATIONS + 2), st.just(0)),
    st.tuples(st.just("roll back"), st.integers(1, 4), st.just(0)),
    st.tuples(st.just("delay"), st.integers(1, 3), st.just(0)),
    st.tuples(st.sampled_from(["die", "be honest", "restart"]), st.just(0), st.just(0)),
)


@pytest.mark.parametrize("liar", [0, 1, 2])
@playing
@given(some=st.lists(steps, min_size=3, max_size=STEPS_AT_MOST))
def test_whatever_one_of_three_goes_on_saying_just_what_happened_counts(
    anvil: Anvil, liar: int, some: list[Step]
) -> None:
    asyncio.run(play(anvil, liar, some, PlayOfThree))
