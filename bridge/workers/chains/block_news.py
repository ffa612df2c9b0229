"""News of blocks from an endpoint's subscription: it makes the bridge ask the chain at once, and proves nothing.
An endpoint that announces blocks that do not exist makes it ask less often.
"""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["BlockNews"]

# After news that proved empty, the next waits for this part of a block's time; twice as long each time, at most
# a block's time, which is how often the chain is asked anyway.
FIRST_PAUSE_SHARE = 16


@dataclass(slots=True)
class BlockNews:
    """Wakes whoever follows a chain."""

    block_seconds: float
    wake: Callable[[], None]
    clock: Callable[[], float]
    later: Callable[[float, Callable[[], None]], object]
    """Calls something after so many seconds."""
    _pause_seconds: float = 0.0
    _woke_at: float | None = None
    _is_waiting: bool = False
    _is_judged: bool = True
    """Whether it is known if the last news that woke somebody was true."""

    def listen(self) -> None:
        """Accepts news; news that comes too soon is delayed, and merged with whatever comes meanwhile."""
        if self._is_waiting:
            return
        now = self.clock()
        pause = 0.0 if self._woke_at is None else self._woke_at + self._pause_seconds - now
        if pause <= 0:
            self._notify()
        else:
            self._is_waiting = True
            self.later(pause, self._notify)

    def judge(self, *, found: bool) -> None:
        """After the chain was asked: whether it had a new block."""
        if self._is_judged:
            return
        self._is_judged = True
        longer = max(2 * self._pause_seconds, self.block_seconds / FIRST_PAUSE_SHARE)
        self._pause_seconds = 0.0 if found else min(longer, self.block_seconds)

    def _notify(self) -> None:
        self._is_waiting, self._is_judged, self._woke_at = False, False, self.clock()
        self.wake()
