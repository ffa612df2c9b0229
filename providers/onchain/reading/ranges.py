"""How many blocks to ask for at once when there are many to catch up with.

Providers' limits differ and are not told, so the range doubles until an answer fails, halves then, and from there on
grows slowly.
"""

from dataclasses import dataclass

__all__ = ["BlockRange"]

FIRST = 256
LARGEST = 10_000
# An answer this full is near the limits that providers put on logs.
MANY_LOGS = 5_000
# One this full is more than should be held in memory at once, where a node puts no limit to it.
TOO_MANY_LOGS = 20_000
# So many good answers in a row, after one that failed, before a little more is asked for.
PATIENCE = 4


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
