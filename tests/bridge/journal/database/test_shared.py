"""Several bridges write to one PostgreSQL: one order, no gaps, and each hears all of it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, event

from bridge.journal import ACTIVITIES, Journal, JournaledEvent, JournalUnavailableError
from bridge.journal.clocks import utc_now
from bridge.journal.database.commit_notices import _NEWEST
from bridge.journal.database.engines import parse_database_url, writing_engine
from bridge.journal.database.lock import _OPENING
from bridge.journal.errors import JournalBusyElsewhereError
from bridge.journal.maintenance import declare_restored, histories_of
from bridge.journal.queries import payments as queries
from bridge.journal.queries.payments import tail
from bridge.journal.requests.payments import IdempotencyKey
from bridge.journal.writing.batch import Batch
from bridge.journal.writing.histories import reach_of
from coordinator.events import Audience, Event
from coordinator.histories import Beginning
from coordinator.payouts.comparisons import Comparison
from tests.bridge.journal.sales import observe, payment, snapshot
from tests.waiting import until

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

WAITING = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
END_IDLE_TRANSACTIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND state = 'idle in transaction'"
)

# As another bridge would commit it, but for its notice.
SOMEBODY_CAME = (
    "INSERT INTO activities (node, user_id, chat_id, is_on, at, change) VALUES ('other', %s, '', true, now(), %s)"
)
ONE_MORE_EVENT = (
    'INSERT INTO events ("offset", name, everyone, rooms, payload, committed_at)'
    " SELECT 2, name, everyone, rooms, payload, committed_at FROM events"
)


class Node:
    """A bridge's journal, and what it hands to its sockets."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.delivered: list[JournaledEvent] = []

    async def deliver(self, stretch: Sequence[JournaledEvent]) -> None:
        self.delivered += stretch

    async def publish(self, number: int) -> None:
        await self.journal.publish_events([Event("news", Audience(everyone=True), f'{{"n":{number}}}')])

    def told(self) -> list[tuple[int, int]]:
        return [(one.offset, one.event.payload["n"]) for one in self.delivered]


@asynccontextmanager
async def nodes(database_url: str, count: int) -> AsyncIterator[list[Node]]:
    opened = [Node(await Journal.open(database_url, is_shared=True)) for _ in range(count)]
    tasks = []
    for node in opened:
        tasks.append(asyncio.create_task(node.journal.dispatcher(node.deliver, after=0).run()))
        tasks.append(asyncio.create_task(node.journal.follow_others()))
    try:
        yield opened
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for node in opened:
            await node.journal.close()


async def test_what_any_of_them_publishes_is_delivered_by_each_once_and_in_one_order(database_url: str) -> None:
    async with nodes(database_url, 3) as three:
        await asyncio.gather(
            *(node.publish(100 * place + number) for number in range(50) for place, node in enumerate(three))
        )
        await until(lambda: all(len(node.delivered) >= 150 for node in three))
        first, second, third = (node.told() for node in three)
        assert first == second == third
        assert [offset for offset, _ in first] == list(range(1, 151))
        for place in range(3):  # what one publishes, in the order in which it did
            numbers = [number for _, number in first if number // 100 == place]
            assert numbers == [100 * place + number for number in range(50)]


async def test_who_looks_how_far_a_journal_is_knows_the_events_of_all_commits_that_it_counts(
    database_url: str,
) -> None:
    """Or it would give the number of an event that another has committed meanwhile to its own."""
    loop, others_commits = asyncio.get_running_loop(), [1]
    engine = writing_engine(parse_database_url(database_url))
    async with nodes(database_url, 1) as [other]:

        def commit_in_between(*_: object) -> None:
            if others_commits:
                asyncio.run_coroutine_threadsafe(other.publish(others_commits.pop()), loop).result()

        await other.publish(0)
        with engine.connect() as connection:
            before = reach_of(connection)
            event.listen(connection, "after_cursor_execute", commit_in_between)
            reach = await asyncio.to_thread(reach_of, connection)
        assert others_commits == []
        assert reach.events - before.events >= reach.commits - before.commits
    engine.dispose()


async def test_one_that_is_behind_knows_how_far_the_others_are(database_url: str) -> None:
    async with nodes(database_url, 1) as [writing]:
        behind = await Journal.open(database_url, is_shared=True)
        dispatcher = behind.dispatcher(writing.deliver, after=0)  # which does not run
        hearing = asyncio.create_task(behind.follow_others())
        while dispatcher.newest < 1:  # until it listens
            await writing.publish(1)
        await writing.publish(2)
        await until(lambda: dispatcher.newest == writing.journal.commit_times.newest_offset)
        assert dispatcher.cursor == 0
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)
        await behind.close()


async def test_what_one_has_written_the_others_know_when_they_decide(database_url: str) -> None:
    async with nodes(database_url, 2) as (first, second):
        await first.journal.register_payment(payment(1))
        assert await observe(second.journal, 1, "half", snapshot("0x1")) == "applied"
        # Both remember the payment by now, and each of them only as it left it.
        for place, node in enumerate([first, second, first, second]):
            assert await observe(node.journal, 1, "half", snapshot("0x1")) == "duplicate"
            assert await observe(node.journal, 1, f"more-{place}", snapshot(f"0x2{place}")) == "applied"
        record = await first.journal.payment_record("pay_1")
        assert record is not None
        assert len(record.payment.facts.booked) == 5

        digest = IdempotencyKey("publish", "key", "digest")
        event = Event("news", Audience(everyone=True), '{"n":1}')
        offsets = [await node.journal.publish_events([event], digest) for node in (first, second, first)]
        assert offsets[0] == offsets[1] == offsets[2]


async def test_what_another_has_not_moved_is_remembered(database_url: str) -> None:
    async with nodes(database_url, 2) as (first, second):
        await first.journal.register_payment(payment(1))
        await first.journal.register_payment(payment(2))
        assert await observe(second.journal, 2, "half", snapshot("0x1")) == "applied"
        await second.publish(1)
        await first.publish(2)
        remembered = first.journal._writer._recent_payments
        assert remembered.get("pay_1") is not None
        assert remembered.get("pay_2") is None


async def test_what_comes_while_another_has_the_journal_is_committed_with_what_waits_for_it(
    database_url: str,
) -> None:
    async with nodes(database_url, 2) as (first, second):
        goes_on, stands = threading.Event(), threading.Event()

        def stand(_: Batch) -> None:
            stands.set()
            goes_on.wait()

        standing = asyncio.create_task(first.journal._writer.submit(stand))
        await until(stands.is_set)
        writer = second.journal._writer
        before = writer.batches
        waiting = [asyncio.create_task(second.publish(1))]
        with psycopg.connect(database_url, autocommit=True) as operator:
            await until(lambda: operator.execute(WAITING).fetchone())
        waiting += [asyncio.create_task(second.publish(number)) for number in (2, 3)]
        await until(writer._jobs.qsize)
        goes_on.set()
        await asyncio.gather(standing, *waiting)
        assert writer.batches - before == 1
        await until(lambda: len(second.delivered) == 3)
        assert second.told() == [(1, 1), (2, 2), (3, 3)]


async def test_none_looks_in_the_journal_for_what_it_has_committed_itself(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with nodes(database_url, 2) as (first, second):
        heard: list[int | None] = []
        monkeypatch.setattr(first.journal._dispatcher, "committed_elsewhere", heard.append)
        await until(lambda: None in heard)  # it listens, and looks for what came before
        await first.publish(1)
        await second.publish(2)
        await until(lambda: 2 in heard)
        assert 1 not in heard


async def test_one_that_stops_in_the_middle_of_a_commit_holds_the_others_up_for_a_moment_and_can_do_no_harm(
    database_url: str,
) -> None:
    async with nodes(database_url, 2) as (first, second):
        goes_on, stands = threading.Event(), threading.Event()

        def stand(batch: Batch) -> None:
            batch.add_events([Event("news", Audience(everyone=True), '{"n":1}')], payment_id=None)
            stands.set()
            goes_on.wait()

        standing = asyncio.create_task(first.journal._writer.submit(stand))
        await until(stands.is_set)
        with psycopg.connect(database_url, autocommit=True) as operator:
            # As the server does by itself with one that says nothing in the middle of a transaction.
            waiting = asyncio.create_task(second.publish(2))
            await until(lambda: operator.execute(WAITING).fetchone())
            operator.execute(END_IDLE_TRANSACTIONS)
        await waiting
        goes_on.set()
        with pytest.raises(JournalUnavailableError):
            await standing
        await first.publish(3)
        await until(lambda: len(first.delivered) == len(second.delivered) == 2)
        assert first.told() == second.told() == [(1, 2), (2, 3)]


async def test_what_goes_unheard_is_found_all_the_same(database_url: str) -> None:
    async with nodes(database_url, 2) as (first, second):
        await first.publish(1)
        await until(lambda: second.told() == [(1, 1)])
        with psycopg.connect(database_url, autocommit=True) as operator:
            operator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND (query LIKE 'LISTEN%%' OR query = %s)",
                [_NEWEST],  # which is asked of the same connection
            )
        await first.publish(2)
        await until(lambda: second.told() == [(1, 1), (2, 2)])


async def test_what_nobody_has_told_of_is_found_by_a_look_which_reads_no_event_where_there_is_none(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    def counting(connection: Connection, after: int, limit: int) -> list[JournaledEvent]:
        read.append(after)
        return tail(connection, after, limit)

    monkeypatch.setattr(queries, "tail", counting)
    async with nodes(database_url, 1) as [node]:
        await node.publish(1)
        await until(lambda: node.told() == [(1, 1)])
        activities = node.journal.wakeups.of(ACTIVITIES)
        with psycopg.connect(database_url, autocommit=True) as operator:
            for change in (1, 2):
                read.clear()
                operator.execute(SOMEBODY_CAME, [str(change), change])
                await activities.wait()  # a look has found it
                activities.clear()
            assert read == []
            operator.execute(ONE_MORE_EVENT)
        await until(lambda: node.told() == [(1, 1), (2, 1)])
        assert read == [1]


async def test_those_that_share_a_journal_keep_out_one_that_wants_it_alone_and_are_kept_out_by_it(
    database_url: str,
) -> None:
    async with nodes(database_url, 2):
        with pytest.raises(JournalBusyElsewhereError):
            await Journal.open(database_url)
    alone = await Journal.open(database_url)
    with pytest.raises(JournalBusyElsewhereError):
        await Journal.open(database_url, is_shared=True)
    await alone.close()


async def test_all_go_by_the_clock_of_the_database(database_url: str) -> None:
    ahead = await Journal.open(database_url, lambda: utc_now() + timedelta(hours=3), is_shared=True)
    behind = await Journal.open(database_url, lambda: utc_now() - timedelta(minutes=5), is_shared=True)
    with psycopg.connect(database_url, autocommit=True) as operator:
        for journal in (ahead, behind):
            asked = [operator.execute("SELECT clock_timestamp()").fetchone()]
            at = journal.clock()
            asked.append(operator.execute("SELECT clock_timestamp()").fetchone())
            before, after = (row[0] for row in asked if row is not None)
            assert before - timedelta(seconds=1) < at < after + timedelta(seconds=1)
    await ahead.close()
    await behind.close()


async def test_a_server_that_lost_commits_of_any_of_them_is_noticed_by_the_next_commit(database_url: str) -> None:
    async with nodes(database_url, 2) as (first, second):
        await first.publish(1)
        await second.publish(2)
        with psycopg.connect(database_url, autocommit=True) as operator:
            operator.execute("UPDATE journal SET commits = commits - 1")
        with pytest.raises(JournalUnavailableError, match="commits"):
            await second.publish(3)
        assert "commits" in str(await second.journal.history.replaced())


async def test_a_mark_of_another_journal_ends_nobody_who_runs(database_url: str, tmp_path: Path) -> None:
    elsewhere = await Journal.open(f"sqlite:///{tmp_path}/other.db", mark_file=tmp_path / "mark")
    await elsewhere.publish_events([Event("news", Audience(everyone=True), "{}")])
    await elsewhere.close()
    async with nodes(database_url, 1) as (first,):
        await first.publish(1)
        second = await Journal.open(database_url, mark_file=tmp_path / "mark", is_shared=True)
        assert second.epoch == first.journal.epoch
        await first.publish(2)
        assert (await second.newest_place()).number == 2
        await second.close()
    # It has the mark of this journal by now.
    third = await Journal.open(database_url, mark_file=tmp_path / "mark", is_shared=True)
    assert third.epoch == second.epoch
    await third.close()


class Backup:
    """Of all tables, taken back as a snapshot of the server's disk would be: they stay the very same."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        with psycopg.connect(database_url) as operator:
            found = operator.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            self._tables = [name for (name,) in found]
            operator.execute("CREATE SCHEMA backup")
            for name in self._tables:
                operator.execute(f"CREATE TABLE backup.{name} AS TABLE {name}".encode())

    def restore(self) -> None:
        with psycopg.connect(self._url) as operator:
            operator.execute(f"TRUNCATE {', '.join(self._tables)} CASCADE".encode())
            for name in self._tables:
                operator.execute(f"INSERT INTO {name} SELECT * FROM backup.{name}".encode())


@asynccontextmanager
async def bridge_with_mark(database_url: str, mark_file: Path) -> AsyncIterator[Journal]:
    journal = await Journal.open(database_url, mark_file=mark_file, is_shared=True)
    yield journal
    await journal.close()


async def test_one_restore_is_one_history_whichever_bridge_starts_first(database_url: str, tmp_path: Path) -> None:
    marks = [tmp_path / f"{name}.mark" for name in ("one", "two", "three")]
    async with bridge_with_mark(database_url, marks[0]) as journal:
        await journal.publish_events([Event("news", Audience(everyone=True), "{}")])
        last_of_backup = (await journal.newest_place()).at
    backup, epochs = Backup(database_url), [journal.epoch]
    for mark in marks:
        async with bridge_with_mark(database_url, mark) as journal:
            await journal.publish_events([Event("news", Audience(everyone=True), "{}")])
    for order in permutations(marks):  # each after another restore of the same backup
        backup.restore()
        for mark in order:  # while no other runs
            async with bridge_with_mark(database_url, mark) as journal:
                assert journal.epoch == epochs[-1] or mark == order[0]
                epochs.append(journal.epoch)
                [present, first] = await journal.history.all()
                assert (present.beginning, first.beginning) == (Beginning.REWOUND, Beginning.NEW)
                assert present.last_commit_at == last_of_backup
                [hold] = await journal.console.payout_holds()
                assert hold.epoch == present.epoch
    assert len(set(epochs)) == 1 + 6


async def test_what_a_history_lacks_whose_books_were_not_compared_the_next_one_lacks_too(
    database_url: str, tmp_path: Path
) -> None:
    async with bridge_with_mark(database_url, tmp_path / "mark") as journal:
        await journal.publish_events([Event("news", Audience(everyone=True), "{}")])
        last = (await journal.newest_place()).at
    for said in ("it was restored", "and again"):
        declare_restored(database_url, tmp_path / "mark", said, utc_now())
        async with bridge_with_mark(database_url, tmp_path / "mark") as journal:
            await journal.publish_events([Event("news", Audience(everyone=True), "{}")])
            assert (await journal.history.all())[0].last_commit_at == last
    async with bridge_with_mark(database_url, tmp_path / "mark") as journal:
        await journal.history.record_comparison(journal.epoch, Comparison(at=utc_now()))
    declare_restored(database_url, tmp_path / "mark", "long after", utc_now())
    assert histories_of(database_url)[0].last_commit_at != last


async def waiting_to_open(
    operator: psycopg.Connection, open_journal: Callable[[], Coroutine[None, None, Journal]], count: int
) -> list[asyncio.Task[Journal]]:
    """So many that start at once: all of them wait for their turn before the first has it, which is when the operator
    leaves."""
    operator.execute("SELECT pg_advisory_lock(%s)", (_OPENING,))
    opening = [asyncio.create_task(open_journal()) for _ in range(count)]
    await until(lambda: len(operator.execute(WAITING).fetchall()) == count)
    return opening


async def test_of_bridges_that_start_at_once_after_a_restore_the_first_believes_its_mark(
    database_url: str, tmp_path: Path
) -> None:
    marks = [tmp_path / f"{name}.mark" for name in ("one", "two", "three")]
    async with bridge_with_mark(database_url, marks[0]) as journal:
        was = journal.epoch
    backup = Backup(database_url)
    for mark in marks:
        async with bridge_with_mark(database_url, mark) as journal:
            await journal.publish_events([Event("news", Audience(everyone=True), "{}")])
    backup.restore()
    with psycopg.connect(database_url, autocommit=True) as operator:
        files = iter(marks)
        opening = await waiting_to_open(
            operator, lambda: Journal.open(database_url, mark_file=next(files), is_shared=True), len(marks)
        )
    journals = await asyncio.gather(*opening)
    assert len({journal.epoch for journal in journals} | {was}) == 2
    for journal in journals:
        await journal.close()
