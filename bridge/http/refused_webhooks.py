"""Refused webhooks: each is counted, and a line of the log says so once a minute for each provider and reason.
Anybody may send some, and should not write the log full with them. What a provider has signed is no stranger's:
readiness says so while all of it is refused."""

import logging
import time
from collections import Counter as Counted
from collections.abc import Callable

from prometheus_client import Counter

__all__ = ["WEBHOOKS", "RefusedWebhooks", "refused_webhooks"]

logger = logging.getLogger("bridge.webhooks")

WEBHOOKS = Counter("bridge_webhooks", "Webhooks by what became of them", ["provider", "outcome"])

LOG_EVERY_SECONDS = 60.0
BAD_SIGNATURE = "bad-signature"
# What is refused comes again: of SHKeeper every minute, without limit.
SIGNED_REMEMBERED_SECONDS = 600.0


class RefusedWebhooks:
    """Says once a minute of each provider and reason why webhooks are refused, and how many were since."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._logged: dict[tuple[str, str], tuple[float, int]] = {}
        """When it was said last, and how many were refused since."""
        self._signatures: Counted[str] = Counted()
        self._signed: dict[str, tuple[float, str]] = {}
        """By provider, when one that it had signed was refused last, and why, if none was admitted since."""

    def signatures(self, provider: str) -> int:
        """How many were refused so far because their signature fits no key of ours. Anybody can send such."""
        return self._signatures[provider]

    def note(self, provider: str, reason: str, why: str, *, is_signed: bool = False) -> None:
        """Takes notice of one that was refused. `reason` is one word of a few, `why` a sentence; `is_signed` with a
        key of ours."""
        WEBHOOKS.labels(provider, f"refused-{reason}").inc()
        if reason == BAD_SIGNATURE:
            self._signatures[provider] += 1
        now = self._clock()
        if is_signed:
            self._signed[provider] = now, why
        logged_at, since = self._logged.get((provider, reason), (-LOG_EVERY_SECONDS, 0))
        if now < logged_at + LOG_EVERY_SECONDS:
            self._logged[provider, reason] = logged_at, since + 1
            return
        self._logged[provider, reason] = now, 0
        more = f" ({since} more since this was last said)" if since else ""
        logger.warning("refused a webhook of %s: %s%s", provider, why, more)

    def note_admitted(self, provider: str) -> None:
        """Takes notice of one that was not refused."""
        self._signed.pop(provider, None)

    def trouble(self) -> str | None:
        """What an operator should know: that what a provider sends is refused, all of it."""
        since = self._clock() - SIGNED_REMEMBERED_SECONDS
        refused = [f"{provider}'s are refused: {why}" for provider, (at, why) in self._signed.items() if at >= since]
        return "; ".join(refused) or None


refused_webhooks = RefusedWebhooks()
"""Those of this process."""
