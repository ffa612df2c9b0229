"""Finality reversal: whether a block that was final is the chain's no more, by what each endpoint has in its place.
Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["FinalityReversal", "ReversalVerdict", "judge_finality_reversal"]


class ReversalVerdict(StrEnum):
    """What became of the block."""

    THERE = "there"
    """Somebody has it, and no more endpoints have another one: those are wrong."""
    GONE = "gone"
    """Two endpoints have another one, or the only one that there is."""
    DOUBTED = "doubted"
    """One endpoint has another one, and nobody else says anything of it."""
    UNKNOWN = "unknown"
    """Nobody has any block there, which is no proof: who is behind has none either."""


@dataclass(frozen=True, slots=True)
class FinalityReversal:
    """A verdict, with the places of the endpoints that it is by."""

    verdict: ReversalVerdict
    keepers: tuple[int, ...]
    """Those that have the block."""
    others: tuple[int, ...]
    """Those that have another one in its place."""


def judge_finality_reversal(block_hash: str, shown: Mapping[int, str | None], endpoints: int) -> FinalityReversal:
    """What follows from what is shown at its height, by endpoint; None where one has no block there, and nothing of
    one that does not answer. Of `endpoints` in all."""
    keepers = tuple(place for place, said in shown.items() if said == block_hash)
    others = tuple(place for place, said in shown.items() if said not in (None, block_hash))
    verdict = ReversalVerdict.UNKNOWN
    if keepers and len(keepers) >= len(others):
        verdict = ReversalVerdict.THERE
    elif len(others) >= min(2, endpoints):
        verdict = ReversalVerdict.GONE
    elif others:
        verdict = ReversalVerdict.DOUBTED
    return FinalityReversal(verdict, keepers, others)
