"""Ending in time: sees that a bridge which was told to stop has ended by then, whatever still hangs in it."""

import logging
import os
import threading

__all__ = ["EndInTime"]

logger = logging.getLogger("bridge")

EXIT_CODE = 1


class EndInTime:
    """Once begun, it ends the process after a while. Nothing is lost by that: what was acknowledged is committed."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timer: threading.Timer | None = None

    def begin(self) -> None:
        """From now on there are so many seconds. To begin again changes nothing."""
        if self._timer is None:
            self._timer = threading.Timer(self._seconds, self._end)
            self._timer.daemon = True  # whoever ends before that need not wait for it
            self._timer.start()

    def _end(self) -> None:
        logger.critical("the bridge did not stop within %g s, and is ended", self._seconds)
        os._exit(EXIT_CODE)
