"""Matrices in part: few cells, and every pair among them."""

from itertools import combinations, product

from hypothesis import given
from hypothesis import strategies as st

from tests.matrices import Cell, every_value, few_with_every_pair

SIZES = st.lists(st.integers(1, 5), min_size=2, max_size=4)


def pairs(cells: list[Cell]) -> set[object]:
    return {pair for cell in cells for pair in combinations(enumerate(cell), 2)}


@given(SIZES)
def test_any_two_values_meet_in_cells_that_there_are_and_none_is_there_twice(sizes: list[int]) -> None:
    factors = [range(size) for size in sizes]
    few = few_with_every_pair(*factors)
    assert pairs(few) == pairs([*product(*factors)])
    assert len(set(few)) == len(few)


def test_three_factors_take_as_few_cells_as_the_larger_two_have_pairs() -> None:
    assert len(few_with_every_pair((1, 3), "abc", range(6))) == 18
    assert len(few_with_every_pair(range(5), (False, True), (1, 2))) == 10


@given(SIZES)
def test_every_value_is_there(sizes: list[int]) -> None:
    for place, size in enumerate(sizes):
        assert {cell[place] for cell in every_value(*map(range, sizes))} == {*range(size)}
