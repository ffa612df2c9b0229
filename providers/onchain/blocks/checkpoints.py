"""Checkpoints: of the blocks that were followed long ago a few, by which it is found how far a chain went back that
took back more than anybody expected. The older they are, the further apart. Pure.
"""

from collections.abc import Sequence

from providers.onchain.blocks.canonical import BlockId, Canonical

__all__ = ["left_behind", "thinned"]


def thinned(blocks: Sequence[BlockId]) -> tuple[BlockId, ...]:
    """The landmarks among blocks in ascending order: the oldest, the newest, and so few between that they are no
    further apart than the upper one is old. So twice as many blocks are read again at most as the chain took back."""
    checkpoints: list[BlockId] = []
    for place, block in enumerate(blocks):
        above = blocks[place + 1] if place + 1 < len(blocks) else None
        if (
            not checkpoints
            or above is None
            or above.number - checkpoints[-1].number > blocks[-1].number - above.number
        ):
            checkpoints.append(block)
    return tuple(checkpoints)


def left_behind(landmarks: Sequence[BlockId], before: Canonical, after: Canonical) -> tuple[BlockId, ...]:
    """The landmarks once more blocks were followed: with those that are not among the newest any more."""
    lowest = after.blocks[0].number
    left = [one for one in before.blocks if one.number < lowest]
    return thinned([*landmarks, *left]) if left else tuple(landmarks)
