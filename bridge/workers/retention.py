"""Retention: forgets events, the sessions of clients that did not come back, idempotency keys, and unreadable
webhooks, once their retention is over. Payments, payouts and their observations stay.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from bridge.journal import Journal
from bridge.workers.logged_failures import logged_failures

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
# One whose rooms have heard nothing can miss no more, and a join costs its client as little.
QUIET_SESSIONS_SECONDS = 24 * 3600.0
# Fewer at once than of other things: each may be in a thousand rooms.
QUIET_CHUNK = 200


class Retention:
    """One task that goes over the journal every hour."""

    def __init__(
        self,
        journal: Journal,
        *,
        days: float,
        newest: int,
        sessions_in_use: Callable[[], Collection[str]],
        rooms_in: Callable[[dict[str, Any]], Mapping[str, int]],
    ) -> None:
        """Events are stored for `days`, and only the `newest` of them if that is not 0. `sessions_in_use` are
        those of the clients that are connected here, and `rooms_in` reads off one that is stored since when it is in
        each of its rooms."""
        self._journal = journal
        self._days = timedelta(days=days)
        self._newest = newest
        self._sessions_in_use = sessions_in_use
        self._began_at = journal.steady()
        self._rooms_in = rooms_in
        self._idle_until: datetime | None = None
        """Of what was saved before that no idle session is left but those in use, which are saved as they leave."""
        self._quiet_until: datetime | None = None
        """The same of those whose rooms had heard nothing by then."""

    async def run(self) -> None:
        """Goes round until it is cancelled."""
        while True:
            with logged_failures(logger, "forget what is old", "trying again in an hour"):
                await self.round()
            await asyncio.sleep(INTERVAL_SECONDS)

    async def round(self) -> int:
        """Forgets what is old now. Returns the number of events."""
        before, records = self._journal.clock() - self._days, self._journal.retention
        forgotten = await _all(partial(records.forget_events, before=before, newest=self._newest, limit=CHUNK))
        await records.forget_sessions(before=before, but=self._sessions_in_use(), limit=CHUNK)
        await self._forget_idle_sessions()
        await self._forget_quiet_sessions()
        await records.forget_nodes(before=before)
        await records.forget_alerts(before=before)
        await _all(partial(records.forget_idempotency_keys, before=before, limit=CHUNK))
        await _all(partial(records.forget_deliveries, before=before, limit=CHUNK))
        webhooks = await _all(partial(records.forget_unreadable_webhooks, before=before, limit=CHUNK))
        await _all(partial(records.give_back, pages=PAGES, spare=SPARE_PAGES))
        for count, what in ((forgotten, "events"), (webhooks, "webhooks that made no sense")):
            if count:
                logger.info("forgot %d %s that came before %s or are too many", count, what, f"{before:%Y-%m-%d}")
        return forgotten

    async def _forget_idle_sessions(self) -> None:
        """Those of clients that were in no room."""
        before = self._gone_for(IDLE_SESSIONS_SECONDS)
        if before is not None:
            await self._journal.retention.forget_sessions(
                before=before, since=self._idle_until, but=self._sessions_in_use(), are_idle=True, limit=CHUNK
            )
            self._idle_until = before

    async def _forget_quiet_sessions(self) -> None:
        """Those of clients whose rooms have heard nothing since."""
        before = self._gone_for(QUIET_SESSIONS_SECONDS)
        if before is not None:
            await self._journal.retention.forget_quiet_sessions(
                before=before,
                since=self._quiet_until,
                but=self._sessions_in_use(),
                rooms_in=self._rooms_in,
                limit=QUIET_CHUNK,
            )
            self._quiet_until = before

    def _gone_for(self, seconds: float) -> datetime | None:
        """Whatever was saved before that is of clients that have been gone for so long, if they are not here; None:
        nobody has. Whoever was connected when an earlier process was killed has gone only then, however old its
        session is: it has as long from this one's beginning on."""
        if self._journal.steady() - self._began_at < timedelta(seconds=seconds):
            return None
        return self._journal.clock() - timedelta(seconds=seconds)


async def _all(step: Callable[[], Awaitable[int]]) -> int:
    """Takes steps until there is nothing left to do. Returns how much was done."""
    total = 0
    while count := await step():
        total += count
    return total
