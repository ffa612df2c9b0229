"""The single writer: a thread that commits whatever has queued since its last commit as one batch.

Each caller waits for the durability of its own request; the cost of a commit is shared by all that are waiting, so
throughput grows with load.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from time import perf_counter
from typing import Any, Protocol, TypeVar

from prometheus_client import Counter
from prometheus_client import Histogram as HistogramOfCounts
from sqlalchemy import Connection, Engine, RootTransaction
from sqlalchemy.exc import OperationalError

from bridge.histograms import Histogram
from bridge.journal.database.aborting import ConnectionAborter
from bridge.journal.database.engines import prepare_writing
from bridge.journal.database.open_files import OpenFiles
from bridge.journal.errors import JournalBusyElsewhereError, JournalReplacedError, JournalUnavailableError
from bridge.journal.tables.rows import JournaledEvent
from bridge.journal.writing.batch import Batch, Notify
from bridge.journal.writing.commit_times import Commit
from bridge.journal.writing.history_guard import HistoryGuard, JournalHead
from bridge.journal.writing.jobs import Job
from bridge.journal.writing.lately_moved import moved_since
from bridge.journal.writing.payment_log import log_action
from bridge.journal.writing.prefetch import Prefetch
from bridge.journal.writing.recent_payments import RecentPayments
from bridge.journal.writing.statistics import are_due, take_statistics
from bridge.traces import tracing
from coordinator.errors import BridgeError

__all__ = ["JournalWriter", "Request", "Submit"]

logger = logging.getLogger("bridge.journal")

T = TypeVar("T")
Request = Callable[[Batch], T]
"""Something to be decided and written in one transaction with whatever else is waiting."""


class Submit(Protocol):
    """Has a request committed, and returns its result once that is on disk."""

    def __call__(self, request: Request[T]) -> Awaitable[T]: ...


# Bounds the memory of one commit and the time until the first caller in it gets its answer.
BATCH_LIMIT = 512
# When this many wait, the disk is not keeping up; refusing at once lets the provider try again later.
WAITING_LIMIT = 10_000
# SHKeeper hangs up after 30 s; a 503 must reach it before.
COMMIT_TIMEOUT_SECONDS = 20.0
# What waits for an answer of PostgreSQL ends at once when its connection is cut.
AFTER_CUT_SECONDS = 1.0

COMMIT_SECONDS = Histogram("bridge_journal_commit_seconds", "Time to decide, write and sync one batch")
_commit_seconds = COMMIT_SECONDS.of()
BATCH_REQUESTS = HistogramOfCounts(
    "bridge_journal_batch_requests",
    "Requests committed together",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
)
COMMIT_FAILURES = Counter("bridge_journal_commit_failures", "Batches that could not be committed")


class JournalWriter:
    """Takes requests from the event loop and commits them in its own thread."""

    def __init__(
        self,
        engine: Engine,
        cutter: ConnectionAborter,
        guard: HistoryGuard,
        *,
        clock: Callable[[], datetime],
        notify: Notify | None = None,
        on_commit: Callable[[Sequence[JournaledEvent], bool, Commit], None],
    ) -> None:
        """`notify` is for others that write beside."""
        self._engine = engine
        self._guard = guard
        self._cutter = cutter
        self._is_file = engine.dialect.name == "sqlite"
        self._clock = clock
        self._notify = notify
        self._on_commit = on_commit
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[list[Job] | None] = queue.SimpleQueue()
        self._waiting = 0
        """How many jobs have no answer yet."""
        self._gathered: list[Job] = []
        self._connection: Connection | None = None
        self._begun: float | None = None
        """When the batch was begun that is under way, by the monotonic clock."""
        self._has_failed = False
        """Whether the database has, and nothing was committed since."""
        # Of the database itself, as SQLAlchemy says it and as its driver does.
        self._troubles = (OperationalError, engine.dialect.loaded_dbapi.OperationalError)
        self._next_offset = 0
        self._recent_payments = RecentPayments()
        self._closed = False
        self.batches = 0
        """How many were begun."""
        self._is_cut_off = False
        """Whether nothing is committed any more, not even what is waiting."""
        self._is_stopping = False
        """Whether nothing comes any more."""
        self._thread = threading.Thread(target=self._run, name="journal-writer", daemon=True)
        self._thread.start()

    async def submit(self, request: Request[T], *, about: Prefetch | None = None) -> T:
        """Runs `request` in the next batch and returns its result once that batch is on disk. `about` is what it will
        look up, so that the batch can look that up for all of its requests together.

        Raises what the request raised, or JournalUnavailableError when the batch could not be committed.
        """
        if self._closed:
            raise JournalUnavailableError("the journal is closed")
        if self._waiting >= WAITING_LIMIT:
            raise JournalUnavailableError(f"{WAITING_LIMIT} requests already wait for the journal")
        traceparent = None if tracing.traces is None else tracing.traces.current()
        job = Job(request, self._loop.create_future(), about, traceparent)
        self._gather(job)
        result: T = await job.future
        return result

    def _gather(self, job: Job) -> None:
        """Takes a job, and hands on all that have come once a turn of the event loop brings no more: whoever asks at
        the same moment shares one commit, which costs more than anything else that is done for them."""
        self._waiting += 1
        self._gathered.append(job)
        if len(self._gathered) == 1:
            self._loop.call_soon(self._hand_on, 1)

    def _hand_on(self, known: int) -> None:
        if len(self._gathered) > known and known < BATCH_LIMIT:
            self._loop.call_soon(self._hand_on, len(self._gathered))
            return
        jobs, self._gathered = self._gathered, []
        deadline = self._loop.call_later(COMMIT_TIMEOUT_SECONDS, self._give_up, jobs)
        for job in jobs:
            job.deadline = deadline
        self._jobs.put(jobs)

    def _give_up(self, jobs: list[Job]) -> None:
        for job in jobs:
            if not job.future.done():
                job.future.set_exception(
                    JournalUnavailableError(f"the journal did not commit within {COMMIT_TIMEOUT_SECONDS:g} s")
                )
        self._cut_if_stuck()

    def _cut_if_stuck(self) -> None:
        """Ends what the batch that is under way waits for, if nobody waits for that any more. A disk cannot be told
        to hurry, so that of a file is waited for."""
        if self._begun is None or self._is_file:
            return
        left = self._begun + COMMIT_TIMEOUT_SECONDS - perf_counter()
        if left <= 0:
            self._cutter.cut()
        else:
            self._loop.call_later(left, self._cut_if_stuck)

    async def close(self, within_seconds: float) -> bool:
        """Commits what is waiting, then stops. Returns whether it did, or had to be cut off."""
        self._closed = True
        self._hand_on(len(self._gathered))
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join, within_seconds)
        if not self._thread.is_alive():
            return True
        logger.warning("the journal did not commit what is waiting within %g s; it is cut off", within_seconds)
        self._is_cut_off = True
        self._cutter.cut()
        await asyncio.to_thread(self._thread.join, AFTER_CUT_SECONDS)
        return False

    @property
    def is_alive(self) -> bool:
        """Whether it may still commit something."""
        return self._thread.is_alive()

    # In the writer's thread

    def _run(self) -> None:
        while not self._is_stopping:
            jobs: list[Job] = []
            self._take(jobs)
            self._take_waiting(jobs)
            if jobs:
                events: list[JournaledEvent] = []
                wakeups: set[str] = set()
                begun = self._begun = perf_counter()
                is_certain = self._commit(jobs, events, wakeups, is_open=True)
                self._begun = None
                first, last = (events[0].offset, events[-1].offset) if events else (0, 0)
                commit = Commit(last, begun, perf_counter(), first_offset=first, wakeups=frozenset(wakeups))
                _commit_seconds.observe(commit.finished - begun)
                self._loop.call_soon_threadsafe(self._answer, jobs, events, is_certain, commit)
                if events and not self._is_file and are_due(self._guard.commits):
                    self._take_statistics()
        self._disconnect()

    def _take(self, jobs: list[Job]) -> None:
        gathered = self._jobs.get()
        self._is_stopping = gathered is None
        jobs += gathered or ()

    def _take_waiting(self, jobs: list[Job]) -> None:
        while not self._is_stopping and len(jobs) < BATCH_LIMIT and not self._jobs.empty():
            self._take(jobs)

    def _commit(
        self, jobs: list[Job], events: list[JournaledEvent], wakeups: set[str], *, is_open: bool = False
    ) -> bool:
        """Commits jobs, and adds what events that made, and the work that there is news for; returns whether there
        can be no other events. To an open batch those are added that come before it has the journal."""
        try:
            batch = self._write(jobs, is_open=is_open)
            events += batch.events
            wakeups |= batch.wakeups
        except Exception as error:
            # Whether a commit that failed half-way reached the disk is not known here; the next batch asks.
            self._disconnect()
            error = self._guard.damage(error) or error
            if isinstance(error, JournalReplacedError | JournalBusyElsewhereError | JournalUnavailableError):
                for job in jobs:
                    job.error = JournalUnavailableError(str(error))
                return False
            if len(jobs) > 1 and not isinstance(error, self._troubles):
                # Not the database but one of the requests: the others need not suffer for it.
                for job in jobs:
                    job.error = None
                    self._commit([job], events, wakeups)
                return False
            COMMIT_FAILURES.inc()
            self._log_failure(error, len(jobs))
            for job in jobs:
                job.error = JournalUnavailableError("the journal could not be written to")
            return False
        BATCH_REQUESTS.observe(len(jobs))
        self._has_failed = False
        return True

    def _log_failure(self, error: Exception, requests: int) -> None:
        """One line while the database fails, which it does again with the next batch, until one is committed; of the
        bridge's own faults all there is."""
        if isinstance(error, self._troubles):
            level = logging.DEBUG if self._has_failed else logging.ERROR
            self._has_failed = True
            # Its own words, without the statement and its values.
            logger.log(level, "could not commit a batch of %d: %s", requests, getattr(error, "orig", None) or error)
        else:
            logger.error("could not commit a batch of %d", requests, exc_info=error)

    def _take_statistics(self) -> None:
        try:
            if self._connection is not None:
                take_statistics(self._connection)
        except Exception as error:  # nobody waits for them, and the thread has to go on
            logger.warning("PostgreSQL has not taken statistics of the journal: %s", error)
            self._disconnect()

    def _require_open(self) -> None:
        if self._guard.error is not None:
            raise self._guard.error
        if self._is_cut_off:
            raise JournalUnavailableError("the journal is closed")

    def _write(self, jobs: list[Job], *, is_open: bool) -> Batch:
        self._require_open()
        connection, transaction, head = self._begin()
        if is_open:
            # Where others commit beside, that may have taken as long as a commit of theirs.
            self._take_waiting(jobs)
        self.batches += 1
        with transaction:
            batch = Batch(
                connection,
                self._recent_payments,
                next_offset=self._next_offset,
                now=self._clock(),
                head=head if self._notify is not None else None,
            )
            wanted = [job.about for job in jobs if job.about is not None]
            if wanted:
                batch.prefetch(wanted)
            for job in jobs:
                writes, batch.traceparent = batch.writes, job.traceparent
                try:
                    job.result = job.request(batch)
                except BridgeError as error:
                    if batch.writes != writes:
                        raise  # a request that writes before it has decided would leave half of itself behind
                    job.error = error
            batch.flush(self._notify)
        # Into files that are gone nothing was committed that would be there after the next start.
        self._guard.check_files()
        self._next_offset = batch.next_offset
        self._guard.committed_events = batch.next_offset - 1
        if batch.writes:
            self._guard.commits += 1
        batch.remember()
        for action in batch.added_actions:
            log_action(action)
        return batch

    def _begin(self) -> tuple[Connection, RootTransaction, JournalHead]:
        """A connection, and a transaction of it in which nobody else can have the journal."""
        connection = self._connection
        if connection is not None:
            try:
                return self._begun_on(connection)
            except self._troubles:
                if self._is_file or self._is_cut_off:
                    raise
                # It was broken for long, perhaps; nothing was asked of it yet, so another serves as well.
                self._disconnect()
        return self._begun_on(self._connect())

    def _begun_on(self, connection: Connection) -> tuple[Connection, RootTransaction, JournalHead]:
        left_at, transaction = self._guard.commits, connection.begin()
        try:
            head = self._guard.lock_head(connection)
            if head.commits != left_at:
                self._follow(head, left_at)
        except BaseException:
            transaction.close()
            raise
        return connection, transaction, head

    def _follow(self, head: JournalHead, left_at: int) -> None:
        """Goes on from where another bridge left the journal, whose head is locked; this one left it at a commit."""
        moved = moved_since(head.lately_moved, left_at, head.commits)
        if moved is None:
            self._recent_payments.clear()
        else:
            self._recent_payments.drop(moved)
        self._next_offset = head.last_offset + 1

    def _connect(self) -> Connection:
        connection = self._connection = self._engine.connect()
        prepare_writing(connection)
        with connection.begin():
            reach = self._guard.check(connection)
        if self._is_file:
            self._guard.files = OpenFiles(self._engine.url)
        self._next_offset = reach.events + 1
        self._guard.commits = reach.commits
        return connection

    def _disconnect(self) -> None:
        self._recent_payments.clear()
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            files, self._guard.files = self._guard.files, None
            if files is not None and files.besides_gone() and not files.gone():
                self._save(connection)
            connection.invalidate()
            connection.close()
        except Exception:
            logger.warning("the journal's connection did not close cleanly", exc_info=True)

    def _save(self, connection: Connection) -> None:
        """Brings into the database what is committed in a WAL that has no name any more."""
        if connection.in_transaction():
            connection.rollback()
        driver: Any = connection.connection.driver_connection
        busy, _, _ = driver.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
        logger.critical("what was committed is %s in the database", "not all" if busy else "all")

    # Back in the event loop

    def _answer(self, jobs: list[Job], events: Sequence[JournaledEvent], is_certain: bool, commit: Commit) -> None:
        self._waiting -= len(jobs)
        for deadline in {job.deadline for job in jobs if job.deadline is not None}:
            deadline.cancel()
        for job in jobs:
            if job.future.done():
                continue  # the caller gave up waiting
            if job.error is None:
                job.future.set_result(job.result)
            else:
                job.future.set_exception(job.error)
        self._on_commit(events, is_certain, commit)
        if tracing.traces is not None:
            is_stored = not any(isinstance(job.error, JournalUnavailableError) for job in jobs)
            traced = [job.traceparent for job in jobs if job.traceparent is not None]
            tracing.traces.committed(traced, commit.begun, commit.finished, is_stored=is_stored)
