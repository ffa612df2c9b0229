"""The part of the journal that is about deadlines: whose time ran out, and that they know it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from bridge.journal.queries import payments as queries
from bridge.journal.queries.readers import Read
from bridge.journal.requests import payments as requests
from bridge.journal.writing.payment_log import log_recorded
from bridge.journal.writing.writer import Submit

__all__ = ["DeadlineRecords"]

# How many overdue payments are looked up to be asked about; and of those that nobody is asked about.
DEADLINE_LIMIT = 200
AT_ONCE_LIMIT = 1_000


class DeadlineRecords:
    """Deadlines of the journal's payments. Raises JournalUnavailableError."""

    def __init__(self, read: Read, submit: Submit) -> None:
        self._read = read
        self._submit = submit

    async def due(
        self, before: datetime, *, only: Sequence[str], but: Collection[str] = (), but_coins: Collection[str] = ()
    ) -> list[queries.DuePayment]:
        """Payments of some providers that may still move, whose deadline lies before that and is to be applied, the
        longest due first, up to a limit: not some of them, by their ids, and none in some coins."""
        return await self._read(
            queries.due_payments, before, only=only, but=but, but_coins=but_coins, limit=DEADLINE_LIMIT
        )

    async def due_at_once(self, before: datetime, *, but: Sequence[str], grace: timedelta = timedelta()) -> list[str]:
        """The ids of all others whose deadline lies before that and is to be applied, up to a limit: all but those of
        some providers that may still move. Those with an invoice of the bridge's are given a grace."""
        return await self._read(queries.due_at_once, before, but=but, grace=grace, limit=AT_ONCE_LIMIT)

    async def next_due_at(self) -> datetime | None:
        """When the next deadline lies that was not applied, or lay; None if there is none."""
        return await self._read(queries.next_due_at)

    async def apply(self, payment_ids: Sequence[str], asked_at: Mapping[str, datetime] | None = None) -> int:
        """Lets payments know that their time ran out, if it still has, in one commit; and by their ids, when their
        provider was asked about it. Returns how many are done with:
        all but those that cannot be read."""
        done, applied = await self._submit(lambda batch: requests.apply_deadlines(batch, payment_ids, asked_at or {}))
        for recorded in applied:
            if recorded.payment is not None:
                log_recorded(recorded, recorded.payment.payment_id)
        return done
