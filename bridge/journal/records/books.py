"""The books' part of the journal: what they come to, and what was found beside them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bridge.journal.queries import books as book_queries
from bridge.journal.queries.books import BookFilter, BookPlace, ListedEntry
from bridge.journal.queries.readers import Read
from bridge.journal.queries.totals import DayTotals, FeeTotals, Sums, day_fees, day_totals, seller_fees, seller_totals
from bridge.journal.writing.writer import Submit
from coordinator.batched import batched
from coordinator.books.days import Span
from coordinator.books.wallets import WalletCoin

__all__ = ["BookRecords"]

# Of a million payments a year, so many days take a reader some seconds; a look-up that takes twenty is cut off.
DAYS_AT_ONCE = 31
# So many take the writer some hundredths of a second.
LATE_LIMIT = 200


class BookRecords:
    """The books of the journal. Writing raises JournalUnavailableError."""

    def __init__(self, read: Read, submit: Submit) -> None:
        self._read = read
        self._submit = submit

    async def day_totals(self, days: Sequence[Span]) -> list[DayTotals]:
        """What was entered on each of some days, oldest day first."""
        found: list[DayTotals] = []
        for some in batched(days, DAYS_AT_ONCE):
            found += await self._read(day_totals, some)
        return found

    async def seller_totals(
        self, seller_id: str, begins_at: datetime | None, ends_at: datetime
    ) -> Mapping[str, Sums]:
        """What was entered for a seller in some time, or ever until its end, by currency."""
        return await self._read(seller_totals, seller_id, begins_at, ends_at)

    async def day_fees(self, days: Sequence[Span]) -> list[FeeTotals]:
        """What the network took on each of some days, oldest day first."""
        return await self._read(day_fees, days)

    async def seller_fees(self, seller_id: str, begins_at: datetime, ends_at: datetime) -> Mapping[WalletCoin, Sums]:
        """What the network took for the payouts of a seller in some time."""
        return await self._read(seller_fees, seller_id, begins_at, ends_at)

    async def entries(self, wanted: BookFilter, after: BookPlace | None, limit: int) -> list[ListedEntry]:
        """The entries that a filter wants, oldest first, from a place on."""
        return await self._read(book_queries.entries, wanted, after, limit)

    async def enter_late(self) -> int:
        """Enters what moved where nobody entered it, of some payments. Returns of how many; none is left if that is
        none."""
        return await self._submit(lambda batch: batch.books.enter_late(LATE_LIMIT))
