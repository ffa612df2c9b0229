"""Refused sign-ins: each is counted and told of in the log. Anybody may come, and should not write the log full: of
those whom the identity provider has not named there is a line a minute for each reason, with how many there were."""

import logging
import time
from collections.abc import Callable

from prometheus_client import Counter

from bridge.access.errors import SignInError

__all__ = ["SIGN_INS", "RefusedSignIns"]

logger = logging.getLogger("bridge.access")

SIGN_INS = Counter(
    "bridge_sign_ins", "Attempts to sign in to the console, and sessions, by what became of them", ["outcome"]
)

LOG_EVERY_SECONDS = 60.0
# Only of whom the provider has signed who they are.
OF_SOMEBODY = "no_role"


class RefusedSignIns:
    """Says why people are not signed in."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._logged: dict[str, tuple[float, int]] = {}
        """By reason, when it was said last, and how many came since."""

    def note(self, error: SignInError) -> SignInError:
        """Takes notice of one, and returns it."""
        SIGN_INS.labels(error.code).inc()
        now = self._clock()
        logged_at, since = self._logged.get(error.code, (-LOG_EVERY_SECONDS, 0))
        if error.code != OF_SOMEBODY and now < logged_at + LOG_EVERY_SECONDS:
            self._logged[error.code] = logged_at, since + 1
            return error
        self._logged[error.code] = now, 0
        more = f" ({since} more since this was last said)" if since else ""
        logger.warning("somebody was not signed in to the console: %s%s", error, more)
        return error
