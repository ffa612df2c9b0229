"""Untraced blocks: those that were followed without what contracts send in them, as ranges of their numbers. Pure."""

from collections.abc import Collection

__all__ = ["UNTRACED_LIMIT", "Ranges", "numbers_of", "with_number", "within", "without"]

# So many of them are remembered, before the oldest are given up: a chain whose endpoints never offer traces has
# nothing else.
UNTRACED_LIMIT = 5_000

Ranges = tuple[tuple[int, int], ...]
"""The first and the last of each, the lowest first."""


def with_number(ranges: Ranges, number: int) -> Ranges:
    """With one block more, above all others. The oldest give way to it once there are too many."""
    newest = ranges[-1] if ranges else None
    if newest is not None and newest[1] >= number - 1:
        more: Ranges = (*ranges[:-1], (newest[0], number))
    else:
        more = (*ranges, (number, number))
    excess = _count(more) - UNTRACED_LIMIT
    return more if excess <= 0 else _without_oldest(more, excess)


def within(ranges: Ranges, last: int) -> Ranges:
    """Those up to a block: the ones above it are others now."""
    return tuple((first, min(end, last)) for first, end in ranges if first <= last)


def without(ranges: Ranges, numbers: Collection[int]) -> Ranges:
    """Without blocks that were traced."""
    left: Ranges = ()
    for number in numbers_of(ranges):
        if number not in numbers:
            left = with_number(left, number)
    return left


def numbers_of(ranges: Ranges) -> list[int]:
    """Each block, the lowest first."""
    return [number for first, last in ranges for number in range(first, last + 1)]


def _count(ranges: Ranges) -> int:
    return sum(last - first + 1 for first, last in ranges)


def _without_oldest(ranges: Ranges, excess: int) -> Ranges:
    first, last = ranges[0]
    size = last - first + 1
    if size > excess:
        return ((first + excess, last), *ranges[1:])
    return _without_oldest(ranges[1:], excess - size) if size < excess else ranges[1:]
