"""Refused origins: web pages that may not call or connect, each told of in a line of the log, and counted. A front
end on another port than that of FRONTEND_URL is the first thing that goes wrong for whoever begins, and no browser
says what to do about it."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable

from prometheus_client import Counter

__all__ = ["RefusedOrigins", "refused_origins"]

logger = logging.getLogger("bridge.access")

# The same page tries again every few seconds.
LOG_EVERY_SECONDS = 60.0
# Anybody may make origins up: so many are told of in that time.
ORIGINS_LIMIT = 10
SHOWN_CHARACTERS = 200

REFUSED = Counter("bridge_origins_refused", "Requests of web pages that may not call or connect", ["by"])


class RefusedOrigins:
    """Says once a minute of each origin, and of all together no more than a few times, that it is refused."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._logged_at: OrderedDict[str, float] = OrderedDict()

    def note(self, origin: str, by: str, allowed: str) -> None:
        """Takes notice that a page of an origin was refused `by` a part of the bridge; `allowed` are those that are
        not."""
        REFUSED.labels(by).inc()
        origin, now = origin[:SHOWN_CHARACTERS], self._clock()
        while self._logged_at and next(iter(self._logged_at.values())) <= now - LOG_EVERY_SECONDS:
            self._logged_at.popitem(last=False)
        if origin in self._logged_at or len(self._logged_at) >= ORIGINS_LIMIT:
            return
        self._logged_at[origin] = now
        logger.warning(
            "refused a page of %s by %s: only pages of %s may; if it is yours, name it in FRONTEND_URL too, with a"
            " comma between",
            origin,
            by,
            allowed,
        )


refused_origins = RefusedOrigins()
"""Those of this process."""
