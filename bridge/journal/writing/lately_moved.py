"""Which payments the last commits have moved, as the head of a shared journal says it: whoever goes on after another
bridge forgets those, and may keep what else it remembers. Pure.

A bridge that is older than this counts its commits and does not say what they moved, so that there is a gap in what
is said: then all is forgotten.
"""

import json
from collections.abc import Collection

from coordinator.compact_json import compact_json

__all__ = ["moved_since", "with_commit"]

# What one row can hold that is written with each commit. Bridges that take turns have a few commits between two of
# one, of a few payments each.
COMMITS_LIMIT, PAYMENTS_LIMIT = 8, 64


def moved_since(said: str | None, commit: int, last: int) -> frozenset[str] | None:
    """The payments that were moved after a commit, up to the last one; None if that is not said of each commit."""
    moved = dict(_read(said))
    numbers = range(commit + 1, last + 1)
    if len(numbers) > len(moved) or any(number not in moved for number in numbers):
        return None
    return frozenset(payment_id for number in numbers for payment_id in moved[number])


def with_commit(said: str | None, commit: int, payment_ids: Collection[str]) -> str | None:
    """The same with one more commit, without those that are long ago or too much to say."""
    left = PAYMENTS_LIMIT
    recent: list[tuple[int, list[str]]] = []
    for number, moved in [(commit, sorted(payment_ids)), *reversed(_read(said))][:COMMITS_LIMIT]:
        left -= len(moved)
        if left < 0:
            break
        recent.append((number, moved))
    return compact_json(recent[::-1]) if recent else None


def _read(said: str | None) -> list[tuple[int, list[str]]]:
    return [] if said is None else [(number, moved) for number, moved in json.loads(said)]
