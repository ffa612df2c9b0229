"""The journal as the rest of the bridge sees it: one object to write to, to look up in and to follow."""

import asyncio
import functools
import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine

from bridge.access import acting_now
from bridge.journal.clocks import Clock, SharedClock, steady_clock, utc_now
from bridge.journal.database.aborting import ConnectionAborter
from bridge.journal.database.commit_notices import CommitNotices, notify_others
from bridge.journal.database.engines import opening, parse_database_url, writing_engine
from bridge.journal.database.lock import WriterLock
from bridge.journal.database.open_files import has_log, written_state
from bridge.journal.database.schema_versions import bring_up_to_date
from bridge.journal.dispatcher import Deliver, Dispatcher
from bridge.journal.errors import JournalUnavailableError, OffsetLostError
from bridge.journal.examine import examine_database
from bridge.journal.history.mark_file import MarkFile
from bridge.journal.history.offsets import Offsets, proof_of_rewind, require_held
from bridge.journal.queries import payments as queries
from bridge.journal.queries import rooms as room_queries
from bridge.journal.queries.readers import Readers
from bridge.journal.records.access import AccessRecords
from bridge.journal.records.activities import ActivityRecords
from bridge.journal.records.alerts import AlertRecords
from bridge.journal.records.approvals import ApprovalRecords
from bridge.journal.records.books import BookRecords
from bridge.journal.records.chains import ChainRecords
from bridge.journal.records.console import ConsoleRecords
from bridge.journal.records.deadlines import DeadlineRecords
from bridge.journal.records.endpoints import EndpointRecords
from bridge.journal.records.histories import HistoryRecords
from bridge.journal.records.nodes import NodeRecords, new_node
from bridge.journal.records.own import OwnRecords
from bridge.journal.records.payouts import PayoutRecords
from bridge.journal.records.prices import PriceRecords
from bridge.journal.records.refunds import RefundRecords
from bridge.journal.records.retention import RetentionRecords
from bridge.journal.records.rulings import RulingRecords
from bridge.journal.records.sessions import SessionRecords
from bridge.journal.records.unfinished import UnfinishedRecords
from bridge.journal.records.unreadable import UnreadableRecords
from bridge.journal.records.wallets import WalletRecords
from bridge.journal.requests import payments as requests
from bridge.journal.requests.in_name import InName
from bridge.journal.tables.rows import EVERYONE, JournaledEvent
from bridge.journal.tables.unreadable_rows import UnreadableRow, note_in
from bridge.journal.wakeups import Moves, Wakeups
from bridge.journal.writing.commit_times import Commit, CommitTimes
from bridge.journal.writing.histories import Opened, open_history
from bridge.journal.writing.history_guard import HistoryGuard
from bridge.journal.writing.outcomes import Recorded
from bridge.journal.writing.payment_log import log_recorded, log_status
from bridge.journal.writing.prefetch import Prefetch
from bridge.journal.writing.writer import JournalWriter
from coordinator.events import Event
from coordinator.histories import Place
from coordinator.payments.agreed.invoices import InvoiceWanted
from coordinator.payments.facts.facts import Misfit
from coordinator.payments.observed.claims import money_claims
from coordinator.payments.observed.observations import Observation
from coordinator.payments.payments import Payment

__all__ = ["Journal"]

P = ParamSpec("P")
T = TypeVar("T")

CLOSE_SECONDS = 60.0
# Clocks of machines that nobody sets drift by some milliseconds in this time.
SET_CLOCK_SECONDS = 10.0


class Journal:
    """The ordered, durable record of payments, observations and events. Writing methods return once their change is
    on disk; they raise JournalUnavailableError when it is not, and then the same call can be made again."""

    def __init__(
        self,
        writing: Engine,
        cutter: ConnectionAborter,
        lock: WriterLock,
        opened: Opened,
        mark_file: MarkFile | None,
        clock: Clock,
        steady: Clock,
    ) -> None:
        self.epoch = opened.epoch
        """Names this very journal; a replaced or restored database has another."""
        self.clock = clock
        self.steady = steady
        """How much time passes, whatever the clock is set to."""
        self._readers = Readers(writing.url)
        note_in(writing, self._readers.met)
        is_file = writing.url.get_backend_name() == "sqlite"
        self.folder = Path(writing.url.database or "").resolve().parent if is_file else None
        """Where the files of an SQLite journal are; None if it is in a server."""
        self._lock = lock
        self.commit_times = CommitTimes()
        self.wakeups = Wakeups()
        """Who is woken when there is news for what they do, here or at another bridge."""
        self._dispatcher: Dispatcher | None = None
        self._offsets = Offsets(opened.epoch, opened.secret)
        guard = HistoryGuard(opened)
        is_shared = opened.writer is None
        node = new_node()
        notify = functools.partial(notify_others, node=node, epoch=opened.epoch) if is_shared else None
        self._writer = JournalWriter(
            writing, cutter, guard, clock=clock, notify=notify, on_commit=self._notify_dispatcher
        )
        self._submit = InName(self._writer).submit
        self._moves = Moves()
        # What each is for is said by its class. What the bridge keeps of itself it keeps in nobody's name.
        self.nodes = NodeRecords(
            self._read,
            self._writer.submit,
            node,
            clock,
            is_shared=is_shared,
            on_return=functools.partial(self._moves.notify, None),
        )
        self.alerts = AlertRecords(self._read, self._submit, self.nodes)
        self.chains = ChainRecords(self._read, self._submit, self.nodes)
        self.access = AccessRecords(self._read, self._submit)
        self.approvals = ApprovalRecords(self._read, self._submit)
        self.books = BookRecords(self._read, self._submit)
        self.console = ConsoleRecords(self._read, self._submit)
        self.deadlines = DeadlineRecords(self._read, self._submit)
        self.endpoints = EndpointRecords(self._read, self._submit, self.offset_text)
        self.history = HistoryRecords(self._read, self._writer.submit, opened, guard, mark_file, writing.url)
        self.activities = ActivityRecords(self._read, self._writer.submit, self.nodes)
        self.own = OwnRecords(self._read)
        self.payouts = PayoutRecords(self._read, self._submit, self.nodes)
        self.prices = PriceRecords(self._read, self._submit)
        self.refunds = RefundRecords(self._read, self._submit)
        self.retention = RetentionRecords(self._read, self._submit)
        self.rulings = RulingRecords(self._submit)
        self.sessions = SessionRecords(
            self._read, self._writer.submit, self.nodes, opened.secret, self.history.note_commits, self._moves
        )
        self.unfinished = UnfinishedRecords(self._read, self._submit)
        self.unreadable = UnreadableRecords(self._read, self._writer.submit, self._readers.met)
        self.wallets = WalletRecords(self._read, self._submit)

    @classmethod
    async def open(
        cls,
        database_url: str,
        clock: Clock = utc_now,
        *,
        mark_file: Path | None = None,
        steady: Clock | None = None,
        is_shared: bool = False,
    ) -> "Journal":
        """Opens the database, brings its schema up to date and becomes its only writer, or on PostgreSQL, if it
        `is_shared`, one of those that share it. Where the journal is not the one that was left, as it says itself or
        as `mark_file` does, a new history begins. `steady` is a clock that only goes on; if none is given, one that
        begins now, and of another clock than the machine's that itself.

        Raises JournalUrlError when no journal is to be had there, JournalBusyElsewhereError when another has it.
        """
        url = parse_database_url(database_url)
        mark = None if mark_file is None else MarkFile(mark_file)
        # Whoever opens it first brings a log into it that may be another's.
        is_suspect = has_log(url) and mark is not None and not mark.is_of(written_state(url))
        await asyncio.to_thread(examine_database, database_url)
        writing = writing_engine(url)
        is_shared = is_shared and url.get_backend_name() != "sqlite"
        lock, cutter = WriterLock(url, writing, is_shared=is_shared), ConnectionAborter(writing)

        shared_clock = SharedClock(clock) if is_shared else None
        now = shared_clock or clock

        def prepare() -> Opened:
            with opening(url), lock.opening():
                bring_up_to_date(writing, lock.alone)
                if shared_clock is not None:
                    with writing.begin() as connection:
                        shared_clock.set_by(connection)
                # Where others run, they would know: a mark that says otherwise is of another journal.
                trusted = mark if lock.is_alone() else None
                return open_history(writing, now(), trusted, is_shared=is_shared, is_suspect=is_suspect)

        try:
            opened = await asyncio.to_thread(prepare)
        except BaseException:
            lock.release()
            cutter.close()
            raise
        if steady is None:
            steady = steady_clock() if clock is utc_now else clock
        return cls(writing, cutter, lock, opened, mark, now, steady)

    async def close(self, within_seconds: float = CLOSE_SECONDS) -> None:
        """Commits what is waiting and lets the database go. What takes longer than that is cut off, and what was
        waiting is not committed, nor acknowledged."""
        if not await self._writer.close(within_seconds):
            await self._readers.close(0)
            if self._writer.is_alive:
                return  # the lock goes with the process: until then something may still be committed
        else:
            with suppress(TimeoutError):
                async with asyncio.timeout(within_seconds):
                    await self.history.leave()
            await self._readers.close(within_seconds)
        await asyncio.to_thread(self._lock.release)

    # Writing

    async def record_observation(
        self, *, provider: str, external_id: str, key: str, observation: Observation
    ) -> Recorded:
        """Writes down what a provider saw, moves the payment it is about, and appends the events that follow."""
        recorded = await self._submit(
            lambda batch: requests.record_report(
                batch, provider=provider, external_id=external_id, key=key, observation=observation
            ),
            about=Prefetch(provider, key, external_id, money_claims(provider, observation)),
        )
        log_recorded(recorded, provider, external_id)
        return recorded

    async def record_misfit(self, payment_id: str, *, key: str, misfit: Misfit, observation: Observation) -> Recorded:
        """Notes what a provider reported of a payment and cannot be about it, for a person to look at."""
        return await self._submit(
            functools.partial(
                requests.record_misfit, payment_id=payment_id, key=key, misfit=misfit, observation=observation
            )
        )

    async def register_payment(
        self,
        payment: Payment,
        idempotency: requests.IdempotencyKey | None = None,
        invoice: InvoiceWanted | None = None,
    ) -> requests.Registered:
        """Registers a payment, with the invoice that is to be opened for it, or finds the one registered before.

        Raises PaymentConflictError and IdempotencyKeyReusedError.
        """
        registered = await self._submit(lambda batch: requests.register_payment(batch, payment, idempotency, invoice))
        if registered.is_new:
            log_status(registered.payment)
        return registered

    async def publish_events(
        self, events: Sequence[Event], idempotency: requests.IdempotencyKey | None = None
    ) -> list[str]:
        """Appends what a service publishes, all or nothing; returns the offsets, as clients know them.

        Raises IdempotencyKeyReusedError.
        """
        places = await self._submit(lambda batch: requests.publish_events(batch, events, idempotency))
        return self.offset_texts(places)

    def offset_text(self, place: Place) -> str:
        """A place as clients know it: opaque to them, of no other journal than this, and proof that it was there."""
        return self._offsets.texts([place])[0]

    def offset_texts(self, places: Iterable[tuple[int, datetime | None]]) -> list[str]:
        """The same of several."""
        return self._offsets.texts(places)

    async def held_offset(self, text: str) -> int:
        """The number of an offset that a client brings back, for whoever wants what came after it.

        Raises OffsetUnreadableError if it is none that was ever given, OffsetElsewhereError if it is of another
        history, or what came next is forgotten, and OffsetLostError if it proves that the journal was rewound, since
        another history begins then.
        """
        place = self._offsets.place(text)
        held = await self._read(queries.held_at, place.number)
        proven = proof_of_rewind(place, held)
        if proven is not None:
            await self.history.begin_after_rewind(proven)
            raise OffsetLostError("the journal does not hold this offset any more; begin anew without it")
        require_held(place, held)
        return place.number

    async def store_unreadable_webhook(self, *, provider: str, body: bytes, reason: str) -> None:
        """Stores a signed webhook that makes no sense, for a person to look at."""
        digest = hashlib.sha256(body).hexdigest()
        await self._submit(
            lambda batch: requests.store_unreadable_webhook(
                batch, provider=provider, digest=digest, body=body, reason=reason
            )
        )

    async def check(self) -> None:
        """Raises JournalUnavailableError unless a row can be written, committed and read."""
        await self.history.prove()

    # Looking up

    async def payment_record(self, payment_id: str) -> queries.PaymentRecord | None:
        return await self._read(queries.payment_record, payment_id)

    async def checkout_record(self, checkout_id: str) -> queries.PaymentRecord | None:
        """The payment of a template checkout."""
        return await self._read(queries.checkout_record, checkout_id)

    async def request_records(self, request_id: str) -> list[queries.PaymentRecord | UnreadableRow]:
        """The payments for one purchase request, oldest first."""
        return await self._read(queries.request_records, request_id)

    async def asked_addresses(self, payment_id: str) -> frozenset[str]:
        """Where the buyer of a payment was asked to pay, in any coin."""
        return await self._read(queries.asked_addresses, payment_id)

    async def room_events(
        self, rooms: Sequence[str], *, everyone: bool, hidden: Sequence[str], after: int, limit: int
    ) -> room_queries.Stretch:
        """The next events that went to at least one of some rooms; with `everyone` also what everyone heard, but for
        the events that are named in `hidden`."""
        names = [*rooms, EVERYONE] if everyone else rooms
        return await self._read(room_queries.room_events, names, hidden=hidden, after=after, limit=limit)

    async def all_events(self, *, after: int, limit: int, limit_bytes: int) -> room_queries.Stretch:
        """The next events of all, fewer than the limit where they are large."""
        return await self._read(room_queries.all_events, after=after, limit=limit, limit_bytes=limit_bytes)

    async def room_events_before(
        self, room: str, name: str, *, before: int | None = None, limit: int
    ) -> tuple[list[JournaledEvent], bool]:
        """The last events of one kind that went to a room before an offset, in order; and whether it is fewer than
        the limit because they are large."""
        return await self._read(room_queries.room_events_before, room, name, before=before, limit=limit)

    async def count_counted(self, room: str, name: str) -> int:
        """How many events of a kind that is counted ever went to a room."""
        return await self._read(room_queries.count_counted, room, name)

    async def last_counted(self, room: str, name: str) -> Mapping[str, Any] | None:
        """What the last of them said; None if there was none."""
        return await self._read(room_queries.last_counted, room, name)

    async def oldest_offset(self) -> int:
        """The place of the oldest event that is stored; 1 if there is none."""
        return await self._read(queries.oldest_offset)

    async def newest_place(self) -> Place:
        """That of the newest event; the beginning if there is none."""
        return await self._read(queries.last_place)

    async def events_about(self, subjects: Sequence[str], names: Sequence[str]) -> list[JournaledEvent]:
        """The events of some kinds that tell about some purchase requests or messages, in order."""
        return await self._read(queries.events_about, subjects, names)

    async def _read(self, query: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        if (acting := acting_now()) is not None:
            acting.has_read = True
        return await self._readers.read(lambda connection: query(connection, *args, **kwargs))

    # Following

    def dispatcher(self, deliver: Deliver, *, after: int) -> Dispatcher:
        """A follower of the tail, starting after an event, which every commit wakes."""
        self._dispatcher = Dispatcher(lambda at, limit: self._read(queries.tail, at, limit), deliver, cursor=after)
        return self._dispatcher

    async def follow_others(self) -> None:
        """Hears what other bridges commit that share the journal, until it is cancelled."""
        if isinstance(self.clock, SharedClock):
            notices = CommitNotices(
                self._readers.url, self.epoch, self.nodes.own, self._committed_elsewhere, self._moved_elsewhere
            )
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(notices.run())
                tasks.create_task(self._set_clock(self.clock))

    async def _set_clock(self, clock: SharedClock) -> None:
        while True:
            await asyncio.sleep(SET_CLOCK_SECONDS)
            with suppress(JournalUnavailableError):
                await self._read(clock.set_by)

    def _committed_elsewhere(self, offset: int | None, wakeups: Sequence[str]) -> None:
        if offset is None:  # what was rung while nobody listened was not heard
            self.wakeups.ring_all()
        self.wakeups.ring(wakeups)
        if self._dispatcher is not None:
            self._dispatcher.committed_elsewhere(offset)

    def _moved_elsewhere(self, session_ids: Collection[str]) -> None:
        self._moves.notify(session_ids)

    def _notify_dispatcher(self, events: Sequence[JournaledEvent], is_certain: bool, commit: Commit) -> None:
        self.commit_times.add(commit)
        self.wakeups.ring(commit.wakeups)
        if self._dispatcher is not None:
            self._dispatcher.committed(events, is_certain=is_certain)
