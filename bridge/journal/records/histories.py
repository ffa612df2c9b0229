"""The part of the journal that is about its own history: which it is, how far it is, and what its books were found to
have forgotten."""

import asyncio
import functools
import logging
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import URL, Connection

from bridge.journal.database.open_files import written_state
from bridge.journal.errors import JournalReplacedError, JournalUnavailableError
from bridge.journal.history.mark_file import MarkFile
from bridge.journal.queries.histories import (
    ForgottenRow,
    coins_used,
    forgotten_payouts,
    newest_invoices,
    newest_payouts,
    payable_payments,
    payouts_of,
    providers_used,
    registered_names,
)
from bridge.journal.queries.readers import Read
from bridge.journal.requests import histories as history_requests
from bridge.journal.writing.histories import HistoryRecord, Opened, histories, proven_at, reach_of
from bridge.journal.writing.history_guard import HistoryGuard
from bridge.journal.writing.writer import Submit
from coordinator.histories import Mark, Reach
from coordinator.payments.payments import Payment, PaymentStatus
from coordinator.payouts.comparisons import Comparison, ForgottenPayout
from coordinator.payouts.payouts import Payout
from coordinator.payouts.provider_names import Installation

__all__ = ["HistoryRecords"]

logger = logging.getLogger("bridge.journal")

# So much of the mark may be lost, but for joins and leaves, and so late is a replaced file noticed.
WATCH_SECONDS = 1.0
# No longer does anybody wait for the mark, whose disk may be another than the journal's.
MARK_SECONDS = 1.0
HISTORIES_LIMIT = 100


class HistoryRecords:
    """The histories of the journal, the present one first."""

    def __init__(
        self,
        read: Read,
        submit: Submit,
        opened: Opened,
        guard: HistoryGuard,
        mark_file: MarkFile | None,
        url: URL,
    ) -> None:
        self._read = read
        self._submit = submit
        self._opened = opened
        self._guard = guard
        self._mark_file = mark_file
        self._url = url
        self._marking: asyncio.Future[None] | None = None
        self._beginning = asyncio.Lock()

    # Which it is

    @property
    def installation(self) -> Installation:
        """Whose it is."""
        return self._opened.installation

    async def replaced(self) -> JournalReplacedError:
        """Waits until the database is not the one any more that was opened, and says why."""
        await self._guard.replaced.wait()
        return self._guard.error or JournalReplacedError("the journal was replaced")

    async def watch(self) -> None:
        """Notes how far the journal is, and looks whether it still lies where it was, until it is cancelled."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                await self.note()
            except Exception:
                logger.exception("could not look how far the journal is; trying again")

    async def note(self) -> None:
        """Notes how far the journal is, unless it is another by now, or cannot be read."""
        try:
            self._guard.check_files()  # without these nothing that is read would be right
            mark = await self._read(self._checked)
        except JournalReplacedError:
            if self._guard.is_damaged:
                await self.note_commits()
            return
        except JournalUnavailableError as error:
            logger.debug("the journal cannot be read to note how far it is: %s", error)
            return
        if self._mark_file is not None and not self._mark_file.has(mark):
            await self.note_commits()

    def _checked(self, connection: Connection) -> Mark:
        """What there is to note, of the journal that was opened."""
        self._guard.check(connection)
        return self._mark()

    def _mark(self) -> Mark:
        guard = self._guard
        return Mark(
            epoch=self._opened.epoch,
            reach=guard.known_reach,
            is_damaged=guard.is_damaged,
            file=written_state(self._url),
            installation=self._opened.installation.key,
        )

    async def note_commits(self) -> None:
        """Notes as much of how far the journal is as is known without a look at it: all that was committed."""
        mark_file = self._mark_file
        if mark_file is None:
            return

        def write() -> None:
            if self._guard.error is None or self._guard.is_damaged:
                mark_file.write(self._mark())

        while self._marking is not None and not self._marking.done():  # one at a time
            await asyncio.wait([self._marking], timeout=MARK_SECONDS)
            if not self._marking.done():
                return
        self._marking = asyncio.ensure_future(asyncio.to_thread(write))
        await asyncio.wait([self._marking], timeout=MARK_SECONDS)

    async def leave(self) -> None:
        """Notes how far the journal is when nobody writes to it any more, so that the mark is no longer behind."""
        if self._mark_file is not None:
            await self.note()

    async def prove(self) -> None:
        """Writes a row, commits it and reads it. Raises JournalUnavailableError if that cannot be done."""
        written = await self._submit(history_requests.prove)
        read = await self._read(proven_at)
        if read is None or read < written:
            raise JournalUnavailableError("what was committed a moment ago cannot be read")

    def check_files(self) -> None:
        """Raises JournalReplacedError if the journal's files are not those any more that are open."""
        if self._guard.error is not None:
            raise self._guard.error
        self._guard.check_files()

    async def begin_after_rewind(self, evidence: str) -> None:
        """Begins a new history because somebody has proven that the journal was further, and has the bridge stop:
        until it is started again nothing is written."""
        async with self._beginning:  # many clients may prove it at the same moment
            if self._guard.error is None:
                begin = functools.partial(
                    history_requests.begin_after_rewind, evidence=evidence, ground=self._opened.ground
                )
                self._guard.beginning = evidence  # whoever sees first that it has begun says why
                try:
                    await self._submit(begin)
                    self._guard.replace(evidence)
                finally:
                    self._guard.beginning = None

    # What was forgotten

    async def all(self) -> list[HistoryRecord]:
        """The histories, the present one first."""
        return await self._read(histories, HISTORIES_LIMIT)

    async def to_compare(self) -> HistoryRecord | None:
        """The present history, if its books are still to be compared."""
        present = (await self.all())[0]
        return present if present.is_to_be_compared else None

    async def reach(self) -> Reach:
        """How far the journal is."""
        return await self._read(reach_of)

    async def payable_payments(
        self, provider: str, status: PaymentStatus, *, before: str | None, since: datetime | None, limit: int
    ) -> list[Payment]:
        """Payments of a provider that stand so, the one with the last id first; with `since`, those of which
        something was heard since then."""
        return await self._read(payable_payments, provider, status, before=before, since=since, limit=limit)

    async def payouts_of(self, payment_ids: Sequence[str]) -> list[Payout]:
        """The payouts of some payments."""
        return await self._read(payouts_of, payment_ids)

    async def newest_payouts(self, provider: str, limit: int) -> list[Payout]:
        """The payouts through a provider that were ordered last."""
        return await self._read(newest_payouts, provider, limit)

    async def newest_invoices(self, provider: str, limit: int) -> list[str]:
        """The names of the payments that a provider has opened an invoice for, the newest first."""
        return await self._read(newest_invoices, provider, limit)

    async def providers_used(self) -> frozenset[str]:
        """All that were ever paid through, or asked to pay out."""
        return await self._read(providers_used)

    async def coins_used(self, provider: str) -> frozenset[str]:
        """What a provider was asked to be paid in, or to pay out."""
        return await self._read(coins_used, provider)

    async def registered_names(self, provider: str, names: Sequence[str]) -> frozenset[str]:
        """Those of some of a provider's names for payments that are known here."""
        return await self._read(registered_names, provider, names)

    async def forgotten_payouts(self) -> list[ForgottenRow]:
        """The payouts that were found to be forgotten, and that no payout of the journal has taken over by now."""
        return await self._read(forgotten_payouts)

    async def record_comparison(self, epoch: str, comparison: Comparison) -> None:
        """Writes down how the books stand, and why a person is to look before payouts are sent again."""
        await self._submit(functools.partial(history_requests.record_comparison, epoch=epoch, comparison=comparison))

    async def add_forgotten(self, forgotten: Sequence[ForgottenPayout]) -> None:
        """Stores payouts that a provider has in its books and the journal has not."""
        if forgotten:
            await self._submit(functools.partial(history_requests.add_forgotten, forgotten=forgotten))
