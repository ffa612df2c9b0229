"""Ranges of blocks that were not traced, against the set of their numbers."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from providers.onchain.matching.untraced import UNTRACED_LIMIT, Ranges, numbers_of, with_number, within, without

steps = st.lists(
    st.one_of(
        st.tuples(st.just("followed"), st.integers(1, 3)),
        st.tuples(st.just("traced"), st.integers(0, 60)),
        st.tuples(st.just("went back"), st.integers(0, 20)),
    ),
    max_size=60,
)


@given(steps)
def test_ranges_hold_what_was_followed_and_neither_traced_nor_taken_back(some: list[tuple[str, int]]) -> None:
    ranges: Ranges = ()
    expected: set[int] = set()
    head = 0
    for kind, number in some:
        if kind == "followed":
            head += number  # those between had their traces
            ranges, expected = with_number(ranges, head), expected | {head}
        elif kind == "traced":
            ranges, expected = without(ranges, {number, number + 1}), expected - {number, number + 1}
        else:
            head = max(head - number, 0)
            ranges, expected = within(ranges, head), {one for one in expected if one <= head}
        assert numbers_of(ranges) == sorted(expected)
        assert all(last + 1 < first for (_, last), (first, _) in pairwise(ranges))


def test_the_oldest_give_way_once_there_are_too_many() -> None:
    ranges: Ranges = ((1, 1), (3, 4), (10, 10 + UNTRACED_LIMIT - 4))
    assert len(numbers_of(ranges)) == UNTRACED_LIMIT
    ranges = with_number(ranges, 10_000)
    assert ranges[0] == (3, 4)
    ranges = with_number(ranges, 10_001)
    assert ranges == ((4, 4), (10, 10 + UNTRACED_LIMIT - 4), (10_000, 10_001))
