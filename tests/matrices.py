"""Matrices of tests that play each of several things with each of others: whole in `make soak`, and in part
otherwise."""

from collections.abc import Iterable
from itertools import combinations, product
from typing import Any

from tests.conftest import IS_LONG

__all__ = ["Cell", "every_pair", "every_value", "few_with_every_pair"]

Cell = tuple[Any, ...]


def every_pair(*factors: Iterable[Any]) -> list[Cell]:
    """A few cells in which any two values of two factors meet; every cell in `make soak`."""
    return [*product(*factors)] if IS_LONG else few_with_every_pair(*factors)


def every_value(*factors: Iterable[Any]) -> list[Cell]:
    """As few cells as have every value of each factor, where no two need to meet; every cell in `make soak`."""
    if IS_LONG:
        return [*product(*factors)]
    values = [list(factor) for factor in factors]
    return [tuple(one[number % len(one)] for one in values) for number in range(max(map(len, values)))]


def few_with_every_pair(*factors: Iterable[Any]) -> list[Cell]:
    """Takes of all cells always the first with the most pairs that have not met yet."""
    left = [tuple(enumerate(cell)) for cell in product(*factors)]
    unmet = [pair for cell in left for pair in combinations(cell, 2)]
    few: list[Cell] = []
    while unmet:
        best = max(left, key=lambda cell: sum(pair in unmet for pair in combinations(cell, 2)))
        few.append(tuple(value for _, value in best))
        unmet = [pair for pair in unmet if pair not in [*combinations(best, 2)]]
    return few
