"""Batches have everything once and in order, and only the last of them is smaller."""

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from coordinator.batched import batched


@given(st.lists(st.integers()), st.integers(1, 5))
def test_nothing_is_left_out_doubled_or_moved(several: list[int], size: int) -> None:
    batches = list(batched(several, size))
    assert list(chain.from_iterable(batches)) == several
    assert all(len(batch) == size for batch in batches[:-1])
    assert all(0 < len(batch) <= size for batch in batches[-1:])
