"""Which of the blocks of long ago are remembered: few, and near enough wherever a chain goes back to."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from providers.onchain.blocks.canonical import BlockId
from providers.onchain.blocks.checkpoints import thinned


@given(st.lists(st.integers(1, 40), min_size=1, max_size=150))
def test_few_are_remembered_and_none_is_further_above_another_than_it_is_old(steps: list[int]) -> None:
    landmarks: tuple[BlockId, ...] = ()
    newest = 0
    for step in steps:
        newest += step
        landmarks = thinned((*landmarks, BlockId(number=newest, hash="0x1")))
        numbers = [one.number for one in landmarks]
        assert (numbers[0], numbers[-1]) == (steps[0], newest)
        assert len(numbers) <= 2 * newest.bit_length() + 2
        for below, above in itertools.pairwise(numbers):
            assert above - below <= max(newest - above, 40)
