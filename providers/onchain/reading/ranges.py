"""Ranges of blocks: how many to ask for at once when there are many to catch up with, and how near the head one may
end. Pure.

Providers' limits differ and are not told, so the range doubles until an answer fails, halves then, and from there on
grows slowly. Of several backends behind one endpoint, one that is some blocks behind answers for a range with what it
has, and without a word about the rest.
"""

import math
from dataclasses import dataclass

__all__ = ["BlockRange", "due_for_rereading", "shallow_blocks"]

FIRST = 256
LARGEST = 10_000
# An answer this full is near the limits that providers put on logs.
MANY_LOGS = 5_000
# One this full is more than should be held in memory at once, where a node puts no limit to it.
TOO_MANY_LOGS = 20_000
# So many good answers in a row, after one that failed, before a little more is asked for.
PATIENCE = 4
# A backend may be so far behind the others: so many blocks, and the blocks of so many seconds.
SHALLOW_BLOCKS = 64
SHALLOW_SECONDS = 60.0
# A range that was read is read once more when it is so many times deeper than a backend may be behind.
REREAD_DEPTH_TIMES = 4


@dataclass(frozen=True, slots=True)
class BlockRange:
    """The number of blocks to ask for next."""

    size: int = FIRST
    has_failed: bool = False
    successes: int = 0
    """Since the last failure."""

    def failed(self) -> "BlockRange":
        """After an answer that failed, or was refused as too large."""
        return BlockRange(max(1, self.size // 2), has_failed=True)

    def succeeded(self, logs: int) -> "BlockRange":
        """After an answer with that many logs."""
        successes = self.successes + 1
        if logs > TOO_MANY_LOGS:
            size = max(1, self.size // 2)
        elif logs > MANY_LOGS:
            size = self.size
        elif not self.has_failed:
            size = self.size * 2
        else:
            size = self.size if successes % PATIENCE else self.size + max(1, self.size // 4)
        return BlockRange(min(size, LARGEST), self.has_failed, successes)


def shallow_blocks(block_seconds: float) -> int:
    """How many blocks below the head no range may reach into. They are asked for by their hashes: whoever does not
    have one says so."""
    return max(SHALLOW_BLOCKS, math.ceil(SHALLOW_SECONDS / block_seconds))


def due_for_rereading(first: int, last: int, head: int, block_seconds: float) -> int | None:
    """Up to which block those that were read in ranges are to be read once more: they are so deep by now that also a
    backend has them that was further behind than is usual. None if that is not worth a question yet."""
    depth = REREAD_DEPTH_TIMES * shallow_blocks(block_seconds)
    due = min(last, head - depth)
    return due if due == last or due - first >= depth else None
