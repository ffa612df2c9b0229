"""Somebody's own part of the journal: what buyers and sellers list of themselves."""

from bridge.journal.queries import own as queries
from bridge.journal.queries.console import PageEnd
from bridge.journal.queries.own import OwnFilter, Party
from bridge.journal.queries.payments import PaymentRecord
from bridge.journal.queries.payouts import PayoutRecord
from bridge.journal.queries.readers import Read
from bridge.journal.tables.unreadable_rows import UnreadableRow

__all__ = ["OwnRecords"]


class OwnRecords:
    """Pages of them, newest first, from a place on."""

    def __init__(self, read: Read) -> None:
        self._read = read

    async def payments(
        self,
        party: Party,
        user_id: str,
        wanted: OwnFilter,
        after: PageEnd | None,
        limit: int,
        shown: queries.Shown = lambda record: record.payment.status,
    ) -> list[PaymentRecord | UnreadableRow]:
        return await self._read(queries.own_payments, party, user_id, wanted, after, limit, shown)

    async def payouts(
        self, seller_id: str, wanted: OwnFilter, after: PageEnd | None, limit: int
    ) -> list[PayoutRecord | UnreadableRow]:
        return await self._read(queries.own_payouts, seller_id, wanted, after, limit)
