"""Batches of what comes in a row, as `itertools.batched` makes them from Python 3.12 on."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

__all__ = ["batched"]

T = TypeVar("T")


def batched(several: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    """So many at a time, in their order; the last may be fewer."""
    left = iter(several)
    while batch := tuple(islice(left, size)):
        yield batch
