"""The wallets' part of the journal: what they should hold, what came of comparing them, and what moved besides."""

import functools
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from bridge.journal.queries.readers import Read
from bridge.journal.queries.totals import wallet_sums
from bridge.journal.queries.wallets import besides_the_books, comparisons, last_comparisons, movements
from bridge.journal.requests.payments import IdempotencyKey
from bridge.journal.requests.wallets import keep_sums, note_movement, record_comparisons
from bridge.journal.writing.staged.actions import Action
from bridge.journal.writing.writer import Submit
from coordinator.books.wallets import Movement, Should, WalletCoin, WalletComparison, WalletSums, with_entries

__all__ = ["WalletRecords"]

SUMMED_AFTER = 10_000
"""As many entries are added up in some hundredths of a second."""


class WalletRecords:
    """The wallets that the journal knows. Writing raises JournalUnavailableError."""

    def __init__(self, read: Read, submit: Submit) -> None:
        self._read = read
        self._submit = submit

    async def should(self, gathered_since: datetime) -> Mapping[WalletCoin, Should]:
        """What the books say of each wallet that they know. What came later than that may not be gathered yet."""
        booked = await self._read(wallet_sums)
        if booked.newer > SUMMED_AFTER:
            # Of a million payments it takes seconds to add up all that was ever entered.
            await self._submit(functools.partial(keep_sums, found=booked))
        besides = await self._read(besides_the_books, gathered_since)
        return {of: with_entries(besides.get(of, Should()), of, booked.sums) for of in _known(booked, besides)}

    async def last(self) -> Mapping[WalletCoin, WalletComparison]:
        """The last comparison of each wallet and coin."""
        return await self._read(last_comparisons)

    async def of_days(self, first_day: str, last_day: str) -> list[tuple[str, WalletComparison]]:
        """The comparisons of some days, each with its day, oldest first."""
        return await self._read(comparisons, first_day, last_day)

    async def movements(self, limit: int) -> Sequence[Movement]:
        """What moved without the bridge, newest first."""
        return await self._read(movements, limit)

    async def record(self, day: str, found: Sequence[WalletComparison]) -> None:
        """Writes down what came of comparing."""
        await self._submit(functools.partial(record_comparisons, day=day, comparisons=found))

    async def note(
        self,
        of: WalletCoin,
        amount: Decimal,
        reason: str,
        *,
        by: str,
        idempotency: IdempotencyKey | None = None,
        doubted_by: Should | None = None,
    ) -> Action | None:
        """Notes what moved without the bridge; None for a repeat. `doubted_by` is what the books say, unless nobody
        is to doubt it. Raises MovementDoubtedError and IdempotencyKeyReusedError."""
        return await self._submit(
            functools.partial(
                note_movement,
                of=of,
                amount=amount,
                reason=reason,
                by=by,
                idempotency=idempotency,
                doubted_by=doubted_by,
            )
        )


def _known(booked: WalletSums, besides: Mapping[WalletCoin, Should]) -> list[WalletCoin]:
    return sorted({*(of for of, _ in booked.sums), *besides})
