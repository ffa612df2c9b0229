"""Throttled log lines: what happens again and again, at the hands of whoever likes: said in the log once a minute,
and for a minute to whoever asks. No I/O."""

import logging
import time
from collections.abc import Callable

__all__ = ["ThrottledLog"]

LOG_EVERY_SECONDS = 60.0


class ThrottledLog:
    """One thing that happens, and how often."""

    def __init__(self, logger: logging.Logger, what: str, clock: Callable[[], float] = time.monotonic) -> None:
        """`what` begins each line of the log."""
        self._logger = logger
        self._what = what
        self._clock = clock
        self._logged_at = -LOG_EVERY_SECONDS
        self._since = 0
        """How often it has happened since the log last said so."""
        self._before = 0
        """How often it had when the log said so, since the time before."""
        self._last_at = -LOG_EVERY_SECONDS

    def log(self, why: str) -> None:
        """It has happened once more."""
        now = self._last_at = self._clock()
        self._since += 1
        if now - self._logged_at >= LOG_EVERY_SECONDS:
            more = f"; {self._since - 1} more since this was last said" if self._since > 1 else ""
            self._logger.warning("%s: %s%s", self._what, why, more)
            self._logged_at, self._before, self._since = now, self._since, 0

    @property
    def lately(self) -> int:
        """How often within about a minute."""
        is_of_now = self._clock() - self._last_at < LOG_EVERY_SECONDS
        return max(1, self._since, self._before) if is_of_now else 0
