"""Retention: forgets events, the sessions of clients that did not come back, idempotency keys, and unreadable
webhooks, once their retention is over. Payments, payouts and their observations stay.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime, timedelta
from functools import partial

from bridge.journal import Journal

__all__ = ["Retention"]

logger = logging.getLogger("bridge.journal")

INTERVAL_SECONDS = 3600.0
# At most this many at once, so that nobody waits long.
CHUNK = 2_000
# The same for the pages of an SQLite file, of 4 kB each. A few are left, for the next events.
PAGES = 500
SPARE_PAGES = 1_000
# A session in no room can miss only what goes to everyone, and every connection begins one: thousands an hour for
# clients that only connect and leave.
IDLE_SESSIONS_SECONDS = 3600.0


class Retention:
    """One task that goes over the journal every hour."""

    def __init__(
        self, journal: Journal, *, days: float, newest: int, sessions_in_use: Callable[[], Collection[str]]
    ) -> None:
        """Events are stored for `days`, and only the `newest` of them if that is not 0. `sessions_in_use` are
        those of the clients that are connected."""
        self._journal = journal
        self._days = timedelta(days=days)
        self._newest = newest
        self._sessions_in_use = sessions_in_use
        self._began_at = journal.steady()
        self._idle_until: datetime | None = None
        """Of what was saved before that no idle session is left but those in use, which are saved as they leave."""

    async def run(self) -> None:
        """Goes round until it is cancelled."""
        while True:
            try:
                await self.round()
            except Exception:
                logger.exception("could not forget what is old; trying again in an hour")
            await asyncio.sleep(INTERVAL_SECONDS)

    async def round(self) -> int:
        """Forgets what is old now. Returns the number of events."""
        before, records = self._journal.clock() - self._days, self._journal.retention
        forgotten = await _all(partial(records.forget_events, before=before, newest=self._newest, limit=CHUNK))
        await records.forget_sessions(before=before, but=self._sessions_in_use(), limit=CHUNK)
        await self._forget_idle_sessions()
        await _all(partial(records.forget_idempotency_keys, before=before, limit=CHUNK))
        webhooks = await _all(partial(records.forget_unreadable_webhooks, before=before, limit=CHUNK))
        await _all(partial(records.give_back, pages=PAGES, spare=SPARE_PAGES))
        for count, what in ((forgotten, "events"), (webhooks, "webhooks that made no sense")):
            if count:
                logger.info("forgot %d %s that came before %s or are too many", count, what, f"{before:%Y-%m-%d}")
        return forgotten

    async def _forget_idle_sessions(self) -> None:
        """Those of clients that were in no room. Whoever was connected when an earlier process was killed has
        gone only then, however old its session is: it has as long from this one's beginning on."""
        kept_for = timedelta(seconds=IDLE_SESSIONS_SECONDS)
        if self._journal.steady() - self._began_at < kept_for:
            return
        before = self._journal.clock() - kept_for
        await self._journal.retention.forget_sessions(
            before=before, since=self._idle_until, but=self._sessions_in_use(), are_idle=True, limit=CHUNK
        )
        self._idle_until = before


async def _all(step: Callable[[], Awaitable[int]]) -> int:
    """Takes steps until there is nothing left to do. Returns how much was done."""
    total = 0
    while count := await step():
        total += count
    return total
