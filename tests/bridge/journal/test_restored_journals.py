"""Journals that are not the ones that were left: restored, rewound, copied and promoted, in both kinds of database,
with their mark or without. Whatever was not touched goes on as the same history."""

import asyncio
import logging
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from bridge.journal import (
    HistoryRecord,
    Journal,
    JournalDamagedError,
    JournalUnavailableError,
    JournalUrlError,
    OffsetElsewhereError,
    OffsetUnreadableError,
)
from bridge.journal.database.engines import parse_database_url, writing_engine
from bridge.journal.database.schema_versions import MIGRATIONS
from bridge.journal.history.mark_file import MarkFile
from bridge.journal.maintenance import back_up, declare_restored, histories_of
from bridge.journal.requests.payments import IdempotencyKey
from coordinator.events import Audience, Event
from coordinator.histories import Beginning, Mark, Place
from coordinator.payouts.comparisons import Comparison, ForgottenPayout
from tests.bridge.journal.conftest import NOW
from tests.clock import Clock
from tests.postgresql import Cluster, journal_cluster
from tests.resuming import resumed
from tests.waiting import until


@pytest.fixture
def mark_file(tmp_path: Path) -> Path:
    """On another disk than the database, as it were."""
    return tmp_path / "elsewhere" / "journal.mark"


class Left:
    """A journal that is written to and left, again and again."""

    def __init__(self, url: str, clock: Clock, mark_file: Path | None) -> None:
        self.url, self.clock, self.mark_file = url, clock, mark_file

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Journal]:
        journal = await Journal.open(self.url, self.clock, mark_file=self.mark_file)
        try:
            yield journal
        finally:
            await journal.close()

    async def write(self, events: int = 3) -> str:
        """Has events committed; returns the offset of the last."""
        offset = ""
        async with self.opened() as journal:
            for number in range(events):
                self.clock.now += timedelta(seconds=1)
                [offset] = await journal.publish_events([Event("news", Audience(everyone=True), f'{{"n":{number}}}')])
        return offset

    async def history(self) -> HistoryRecord:
        async with self.opened() as journal:
            return (await journal.history.all())[0]


@pytest.fixture
def left(tmp_path: Path, clock: Clock, mark_file: Path) -> Left:
    return Left(f"sqlite:///{tmp_path / 'journal.db'}", clock, mark_file)


def file_of(left: Left) -> Path:
    return Path(left.url.removeprefix("sqlite:///"))


def overwrite(path: Path, content: bytes) -> None:
    """What `cp` does: the file stays the one that it was."""
    inode = path.stat().st_ino
    with path.open("r+b") as file:
        file.truncate()
        file.write(content)
    assert path.stat().st_ino == inode


async def test_a_journal_that_is_left_and_found_is_the_same(database_url: str, clock: Clock, mark_file: Path) -> None:
    left = Left(database_url, clock, mark_file)
    await left.write()
    first = await left.history()
    assert (first.beginning, first.is_to_be_compared) == (Beginning.NEW, False)
    await left.write()
    async with left.opened() as journal:
        assert [one.epoch for one in await journal.history.all()] == [first.epoch]
        assert await journal.console.payout_holds() == ()


async def test_a_journal_whose_bridge_was_killed_is_the_same(left: Left, tmp_path: Path) -> None:
    await left.write()
    before = file_of(left).parent
    async with left.opened() as journal:
        await journal.history.note()
        await journal.publish_events([Event("news", Audience(everyone=True), "{}")])
        # The mark lags, and the write-ahead log is as the power cut left it.
        copied = [(path, path.read_bytes()) for path in before.glob("journal.db*")]
        mark = left.mark_file.read_bytes() if left.mark_file else b""
        epoch = journal.epoch
    for path, content in copied:
        path.write_bytes(content)
    (left.mark_file or tmp_path).write_bytes(mark)
    assert (await left.history()).epoch == epoch


async def test_an_sqlite_backup_that_is_copied_over_the_file_is_noticed_by_the_mark(left: Left) -> None:
    await left.write()
    backup, offset = file_of(left).read_bytes(), await left.write()
    last_commit = left.clock.now - timedelta(seconds=3)
    overwrite(file_of(left), backup)
    async with left.opened() as journal:
        [present, first] = await journal.history.all()
        assert (present.beginning, first.beginning) == (Beginning.REWOUND, Beginning.NEW)
        assert present.evidence[0] == "it had 6 events, and has 3"
        assert present.last_commit_at == last_commit
        [hold] = await journal.console.payout_holds()
        assert (hold.held_by, hold.epoch) == ("the bridge", present.epoch)
        with pytest.raises(OffsetElsewhereError, match="begin anew"):
            await journal.held_offset(offset)
        assert [action.by for action in await journal.console.actions(10)] == ["the bridge"]
    assert (await left.history()).epoch == present.epoch  # once


async def test_a_copy_of_before_a_join_is_noticed_though_no_event_came_after_it(left: Left) -> None:
    """Whoever was told that they are in a room must not be told that they are recovered by a journal that has
    forgotten it; and what is only looked up moves no mark."""
    async with left.opened() as journal:
        await journal.sessions.save({"s1": {"rooms": {}}})
    copy = file_of(left).read_bytes()
    async with left.opened() as journal:
        await journal.publish_events([Event("news", Audience(everyone=True), "{}")])
        await journal.payouts.made_with(IdempotencyKey("payouts", "k1", "digest"))
        await journal.sessions.save({"s1": {"rooms": {"user-u1": 0}}})  # then it is killed at once
        assert left.mark_file is not None
        mark, epoch = left.mark_file.read_bytes(), journal.epoch
        with closing(sqlite3.connect(file_of(left))) as database:
            [commits] = database.execute("SELECT commits FROM journal").fetchone()
        assert Mark.model_validate_json(mark).reach.commits == commits
        await journal.history.note()  # an event more, and no more commits
        assert Mark.model_validate_json(left.mark_file.read_bytes()).reach.commits == commits
    left.mark_file.write_bytes(mark)
    overwrite(file_of(left), copy)
    async with left.opened() as journal:
        [present, first] = await journal.history.all()
        assert (present.beginning, first.epoch) == (Beginning.REWOUND, epoch)
        assert [said.partition(",")[0][-7:] for said in present.evidence] == ["commits"]
        assert await journal.sessions.load("s1") is None


@pytest.mark.parametrize("written_since", [0, 2, 3, 4])
async def test_an_offset_of_an_event_that_is_gone_proves_that_the_journal_was_rewound(
    left: Left, written_since: int
) -> None:
    """Of a whole machine's snapshot nothing else does: its mark is in it. So it is where the journal reaches as far
    again, with other events."""
    await left.write()
    snapshot, mark = file_of(left).read_bytes(), (left.mark_file or file_of(left)).read_bytes()
    offset, known = await left.write(), await left.history()
    overwrite(file_of(left), snapshot)
    (left.mark_file or file_of(left)).write_bytes(mark)
    left.clock.now += timedelta(seconds=0.5)
    if written_since:
        await left.write(written_since)
    assert await left.history() == known  # not noticed
    async with left.opened() as journal:
        with pytest.raises(OffsetElsewhereError, match="begin anew"):
            await journal.held_offset(offset)
        assert "a client proves by its offset" in str(await journal.history.replaced())
        with pytest.raises(JournalUnavailableError):
            await journal.publish_events([Event("news", Audience(everyone=True), "{}")])
    async with left.opened() as journal:
        [present, first] = await journal.history.all()
        assert (present.beginning, first.epoch) == (Beginning.REWOUND, known.epoch)
        assert await journal.console.payout_holds()
        with pytest.raises(OffsetElsewhereError, match="another history"):
            await journal.held_offset(offset)


async def test_an_offset_proves_nothing_of_a_journal_that_has_its_event_or_has_forgotten_it(left: Left) -> None:
    offsets = [await left.write(1) for _ in range(4)]
    async with left.opened() as journal:
        assert [await journal.held_offset(offset) for offset in offsets] == [1, 2, 3, 4]
        assert await journal.held_offset(journal.offset_text(Place(0, None))) == 0
        assert await journal.retention.forget_events(before=left.clock.now, newest=0, limit=2) == 2
        for offset in (offsets[0], journal.offset_text(Place(0, None))):
            with pytest.raises(OffsetElsewhereError, match="not stored any more"):
                await journal.held_offset(offset)
        assert [await journal.held_offset(offset) for offset in offsets[1:]] == [2, 3, 4]
        assert len(await journal.history.all()) == 1


async def test_an_offset_that_nobody_was_given_proves_nothing(left: Left) -> None:
    offset = await left.write()
    async with left.opened() as journal:
        beyond = f"{journal.epoch}-4-{offset.split('-')[2]}"
        changed = [
            offset[:place] + ("0" if letter != "0" else "1") + offset[place + 1 :]
            for place, letter in enumerate(offset)
            if place > len(journal.epoch)
        ]
        for forged in (beyond, f"{journal.epoch}-4", *changed):
            with pytest.raises(OffsetUnreadableError):
                await journal.held_offset(forged)
        assert len(await journal.history.all()) == 1


async def test_a_copy_that_went_its_own_way_proves_nothing_of_the_journal_that_it_was_made_of(
    left: Left, tmp_path: Path
) -> None:
    await left.write()
    shutil.copy(file_of(left), tmp_path / "copy.db")
    copy = Left(f"sqlite:///{tmp_path / 'copy.db'}", left.clock, None)
    offset = await copy.write()
    async with left.opened() as journal:
        with pytest.raises(OffsetElsewhereError, match="another history"):
            await journal.held_offset(offset)
        assert len(await journal.history.all()) == 1


async def test_without_its_mark_such_a_copy_cannot_be_told(left: Left) -> None:
    await left.write()
    backup = file_of(left).read_bytes()
    await left.write()
    overwrite(file_of(left), backup)
    left.mark_file = None
    assert (await left.history()).beginning is Beginning.NEW


async def test_an_sqlite_file_that_was_put_in_the_place_of_the_other_is_noticed_without_a_mark(
    left: Left, tmp_path: Path
) -> None:
    left.mark_file = None
    await left.write()
    shutil.copy(file_of(left), tmp_path / "backup.db")
    (tmp_path / "backup.db").replace(file_of(left))
    history = await left.history()
    assert history.beginning is Beginning.COPIED
    assert (await left.history()).epoch == history.epoch


async def test_a_file_that_was_moved_is_the_same(left: Left, tmp_path: Path) -> None:
    left.mark_file = None
    await left.write()
    epoch = (await left.history()).epoch
    file_of(left).rename(tmp_path / "moved.db")
    left.url = f"sqlite:///{tmp_path / 'moved.db'}"
    assert (await left.history()).epoch == epoch


async def test_a_rewound_journal_that_went_on_elsewhere_beyond_its_mark_is_noticed_by_its_events(
    left: Left, mark_file: Path
) -> None:
    await left.write()
    backup = file_of(left).read_bytes()
    await left.write()
    overwrite(file_of(left), backup)
    left.mark_file = None
    await left.write(5)
    left.mark_file = mark_file
    history = await left.history()
    assert (history.beginning, len(history.evidence)) == (Beginning.REWOUND, 1)
    assert "is another than the one that was there" in history.evidence[0]


async def test_a_journal_of_before_its_last_epoch_is_noticed(left: Left) -> None:
    await left.write()
    backup = file_of(left).read_bytes()
    declare_restored(left.url, left.mark_file or Path(), "so it was", left.clock())
    await left.write(0)
    overwrite(file_of(left), backup)
    history = await left.history()
    assert history.beginning is Beginning.REWOUND
    assert "of which it knows nothing" in history.evidence[0]


@pytest.mark.parametrize("content", [b"", b"{", b'{"epoch": 7}', b"\xff\xfe"])
async def test_a_mark_that_cannot_be_read_stops_nothing_and_is_said(
    left: Left, mark_file: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    await left.write()
    overwrite(mark_file, content)
    with caplog.at_level(logging.WARNING):
        assert (await left.history()).beginning is Beginning.NEW
    assert "is no mark of a journal" in caplog.text
    assert MarkFile(mark_file).read() is not None  # from now on it is one again


async def test_a_mark_that_cannot_be_written_stops_nothing_and_is_said_once(
    left: Left, mark_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mark_file.parent.write_text("a file, where a folder should be")
    with caplog.at_level(logging.WARNING):
        async with left.opened() as journal:
            for _ in range(3):
                await journal.publish_events([Event("news", Audience(everyone=True), "{}")])
                await journal.history.note()
    assert caplog.text.count("cannot be written") == 1


async def test_a_join_does_not_wait_for_a_mark_that_hangs(
    left: Left, mark_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.journal.records.histories.MARK_SECONDS", 0.01)
    mark_file.parent.mkdir()
    pipe = mark_file.with_name(f"{mark_file.name}.new")
    os.mkfifo(pipe)  # which takes nothing until somebody reads it
    async with left.opened() as journal:
        for room in ("user-u1", "user-u2"):
            await journal.sessions.save({"s1": {"rooms": {room: 0}}})
        assert await journal.sessions.load("s1") == {"rooms": {"user-u2": 0}}
    os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))


async def test_a_journal_of_an_older_bridge_goes_on_as_the_same(empty_database_url: str, clock: Clock) -> None:
    engine, config = writing_engine(parse_database_url(empty_database_url)), Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0017")
        connection.exec_driver_sql("INSERT INTO journal VALUES ('0123456789abcdef', '2026-05-01 00:00:00', NULL)")
        connection.commit()
    engine.dispose()
    left = Left(empty_database_url, clock, None)
    for _ in range(2):
        history = await left.history()
        assert (history.epoch, history.beginning) == ("0123456789abcdef", Beginning.NEW)


async def test_a_backup_of_a_running_journal_is_whole_and_says_what_it_is(left: Left, tmp_path: Path) -> None:
    await left.write()
    async with left.opened() as journal:
        back_up(left.url, tmp_path / "backup.db", left.clock())
        epoch = journal.epoch
    await left.write()
    assert [path for path in os.listdir(tmp_path) if path.startswith("backup")] == ["backup.db"]  # noqa: PTH208
    assert (tmp_path / "backup.db").stat().st_mode & 0o077 == 0
    # Over the very file, and without a mark: it is the backup that says so.
    left.mark_file = None
    overwrite(file_of(left), (tmp_path / "backup.db").read_bytes())
    async with left.opened() as journal:
        [present, first] = await journal.history.all()
        assert (present.beginning, first.epoch) == (Beginning.RESTORED, epoch)
        assert (await journal.newest_place()).number == 3
        assert "2026-05-01" in present.evidence[0]


@pytest.mark.parametrize("what", ["there already", "no journal", "PostgreSQL"])
def test_a_backup_that_cannot_be_made_says_why(tmp_path: Path, what: str) -> None:
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    if what == "there already":
        sqlite3.connect(tmp_path / "journal.db").close()
        (tmp_path / "backup.db").touch()
    if what == "PostgreSQL":
        url = "postgresql://bridge@127.0.0.1/journal"
    with pytest.raises(JournalUrlError, match=what):
        back_up(url, tmp_path / "backup.db", NOW)


async def test_whoever_says_that_it_was_restored_is_believed(
    database_url: str, clock: Clock, mark_file: Path
) -> None:
    left = Left(database_url, clock, mark_file)
    await left.write()
    epoch = declare_restored(database_url, mark_file, "somebody said so", clock())
    assert [one.beginning for one in histories_of(database_url)] == [Beginning.RESTORED, Beginning.NEW]
    history = await left.history()
    assert (history.epoch, history.is_to_be_compared) == (epoch, True)


# The hold


async def test_the_hold_stays_for_a_person_also_where_the_books_agree(left: Left) -> None:
    await left.write()
    epoch = declare_restored(left.url, left.mark_file or Path(), "so it was", left.clock())
    async with left.opened() as journal:
        at = left.clock()
        for unsettled in (
            Comparison(at=at, not_asked=("nobody",)),
            Comparison(at=at, differing=("something",)),
        ):
            await journal.history.record_comparison(epoch, unsettled)
            assert await journal.console.payout_holds()
        await journal.history.record_comparison(epoch, Comparison(at=at))
        [hold] = await journal.console.payout_holds()
        assert "nothing that differs" in (hold.note or "")
        assert await journal.history.to_compare() is None
        assert await resumed(journal, by="Ada") is not None
        assert await journal.console.payout_holds() == ()


async def test_a_journal_that_is_restored_again_before_its_books_were_compared_waits_for_the_last_comparison(
    left: Left,
) -> None:
    await left.write()
    mark_file = left.mark_file or Path()
    first = declare_restored(left.url, mark_file, "so it was", left.clock())
    await left.history()
    left.clock.now -= timedelta(days=1)  # the machine's clock was taken back with it
    second = declare_restored(left.url, mark_file, "and again", left.clock())
    async with left.opened() as journal:
        assert [one.epoch for one in await journal.history.all()][:2] == [second, first]
        await journal.history.record_comparison(first, Comparison(at=left.clock()))
        [hold] = await journal.console.payout_holds()
        assert hold.comparison == "open"
        await journal.history.record_comparison(second, Comparison(at=left.clock()))
        [hold] = await journal.console.payout_holds()
        assert hold.comparison == "over"


async def test_a_person_who_holds_payouts_meanwhile_is_not_overruled(left: Left) -> None:
    await left.write()
    epoch = declare_restored(left.url, left.mark_file or Path(), "so it was", left.clock())
    async with left.opened() as journal:
        holds, action = await journal.console.hold_payouts(by="Ada", note="not so fast")
        assert action is not None
        assert [(one.held_by, one.epoch) for one in holds] == [("Ada", None), ("the bridge", epoch)]
        await journal.history.record_comparison(epoch, Comparison(at=left.clock()))
        assert [one.held_by for one in await journal.console.payout_holds()] == ["Ada", "the bridge"]


async def test_a_hold_of_before_stays_a_persons(left: Left) -> None:
    async with left.opened() as journal:
        await journal.console.hold_payouts(by="Ada", note=None)
    declare_restored(left.url, left.mark_file or Path(), "so it was", left.clock())
    epoch = declare_restored(left.url, left.mark_file or Path(), "and again", left.clock())
    async with left.opened() as journal:
        holds = await journal.console.payout_holds()
        assert [(one.held_by, one.epoch) for one in holds] == [("Ada", None), ("the bridge", epoch)]
        assert await resumed(journal, by="Ada", note=None, without_comparison=True) is not None
        assert await journal.console.payout_holds() == ()


async def test_each_reason_to_hold_payouts_is_kept_with_who_said_it(left: Left) -> None:
    async with left.opened() as journal:
        said = [("Ada", "strange payouts"), ("Bo", "the bank called"), ("Bo", None), ("Ada", "strange payouts")]
        done = [await journal.console.hold_payouts(by=by, note=note) for by, note in (*said, ("Ada", "audit"))]
        assert [action is not None for _, action in done] == [True, True, False, False, True]
        kept = [("Ada", "strange payouts"), ("Bo", "the bank called"), ("Ada", "audit")]
        assert [(one.held_by, one.note) for one in await journal.console.payout_holds()] == kept
        action = await resumed(journal, by="Ada", note="all is well")
        assert action is not None
        assert action.outcome == "payouts are sent again: all is well (they were held by Bo)"
        assert await journal.console.payout_holds() == ()


async def test_a_forgotten_payout_is_kept_once(left: Left) -> None:
    forgotten = ForgottenPayout(
        external_id="out_1", provider="p", payment_id="pay_1", payee_id="s1", coin="BTC", status="SUCCESS"
    )
    async with left.opened() as journal:
        for _ in range(2):
            comparison = Comparison(at=left.clock(), forgotten=(forgotten,))
            await journal.history.record_comparison(journal.epoch, comparison)
        assert [one.payout for one in await journal.history.forgotten_payouts()] == [forgotten]


# While it is open


async def test_a_file_that_is_replaced_under_a_running_bridge_is_written_to_no_more(
    left: Left, tmp_path: Path
) -> None:
    await left.write()
    shutil.copy(file_of(left), tmp_path / "backup.db")
    async with left.opened() as journal:
        os.replace(tmp_path / "backup.db", file_of(left))  # noqa: PTH105
        await journal.history.note()
        assert "the bridge stops" in str(await journal.history.replaced()).casefold()
        with pytest.raises(JournalUnavailableError):
            await journal.check()


async def test_a_running_journal_that_loses_what_was_committed_is_written_to_no_more(left: Left) -> None:
    await left.write()
    async with left.opened() as journal:
        await journal.history.note()
        with closing(sqlite3.connect(file_of(left))) as database, database:
            database.execute('DELETE FROM events WHERE "offset" = 3')
        database.close()
        await journal.history.note()
        assert "it had 3 events, and has 2" in str(await journal.history.replaced())
        with pytest.raises(JournalUnavailableError):
            await journal.check()


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        ('DELETE FROM events WHERE "offset" = 3', "it had 3 events, and has 2"),
        ("UPDATE journal SET commits = commits - 1", "it had 2 commits, and has 1"),
    ],
    ids=["events", "commits"],
)
async def test_a_running_journal_that_loses_what_it_has_just_committed_is_written_to_no_more(
    left: Left, loss: str, said: str
) -> None:
    async with left.opened() as journal:
        await journal.publish_events([Event("news", Audience(everyone=True), "{}")] * 3)
        with closing(sqlite3.connect(file_of(left))) as database, database:
            database.execute(loss)
        database.close()
        await journal.history.note()  # of which there was none since
        assert said in str(await journal.history.replaced())


async def test_proof_of_a_rewind_begins_another_history_and_nothing_is_written_before_the_next_start(
    left: Left,
) -> None:
    await left.write()
    async with left.opened() as journal:
        await asyncio.gather(*(journal.history.begin_after_rewind("there were 9 events") for _ in range(3)))
        assert "there were 9 events" in str(await journal.history.replaced())
        with pytest.raises(JournalUnavailableError):
            await journal.check()
        was = journal.epoch
    async with left.opened() as journal:
        [present, first] = await journal.history.all()
        assert (present.beginning, first.epoch, journal.epoch) == (Beginning.REWOUND, was, present.epoch)
        assert await journal.console.payout_holds()


# PostgreSQL


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with journal_cluster() as cluster:
        yield cluster


async def test_a_copy_of_a_postgresql_database_is_noticed(cluster: Cluster, clock: Clock) -> None:
    left = Left(cluster.journal_url(), clock, None)
    await left.write()
    cluster.execute("CREATE DATABASE copied TEMPLATE journal OWNER plain")
    copy = Left(cluster.journal_url("copied"), clock, None)
    assert (await copy.history()).beginning is Beginning.COPIED
    assert (await left.history()).beginning is Beginning.NEW


async def test_a_promoted_replica_is_noticed_at_the_start_and_by_who_writes_on(
    cluster: Cluster, clock: Clock, mark_file: Path
) -> None:
    left = Left(cluster.journal_url(), clock, mark_file)
    await left.write()
    cluster.stop()
    replica = cluster.copy("replica")
    cluster.start(cluster.port)
    try:
        async with left.opened() as journal:
            [offset] = await journal.publish_events([Event("news", Audience(everyone=True), '{"lost":true}')])
            await journal.history.note()
            cluster.stop()
            replica.is_told("standby.signal")
            replica.start(cluster.port)
            replica.promote()
            # The connection is gone: the first write may say no more than that, the next connects anew.
            for _ in range(2):
                with pytest.raises(JournalUnavailableError):
                    await journal.publish_events([Event("news", Audience(everyone=True), '{"new":true}')])
            assert "timeline 2" in str(await journal.history.replaced())
        async with left.opened() as journal:
            [present, _] = await journal.history.all()
            assert present.beginning is Beginning.PROMOTED
            assert "it had 4 events, and has 3" in present.evidence
            assert (await journal.newest_place()).number == 3  # nothing was written on
            with pytest.raises(OffsetElsewhereError):
                await journal.held_offset(offset)
        assert (await left.history()).epoch == present.epoch
    finally:
        replica.stop()


async def test_a_point_in_time_is_noticed(cluster: Cluster, clock: Clock) -> None:
    left = Left(cluster.journal_url(), clock, None)
    archive = cluster.data.parent / "archive"
    archive.mkdir()
    archive.chmod(0o777)
    cluster.stop()
    base = cluster.copy("base")
    cluster.start(cluster.port, archive_mode="on", archive_command=f"cp %p {archive}/%f")
    await left.write()
    cluster.execute("SELECT pg_create_restore_point('before')")
    await left.write()
    cluster.execute("SELECT pg_switch_wal()")
    await until(lambda: any(archive.iterdir()))
    cluster.stop()
    base.is_told("recovery.signal")
    base.start(
        cluster.port,
        restore_command=f"cp {archive}/%f %p",
        recovery_target_name="before",
        recovery_target_action="promote",
    )
    base.wait_until_it_writes()
    try:
        async with left.opened() as journal:
            assert (await journal.history.all())[0].beginning is Beginning.PROMOTED
            assert (await journal.newest_place()).number == 3
    finally:
        base.stop()


async def test_a_backup_beside_the_log_of_another_journal_is_refused_as_damaged(left: Left, tmp_path: Path) -> None:
    file, log = file_of(left), Path(f"{file_of(left)}-wal")
    await left.write()
    backup = tmp_path / "backup.db"
    back_up(left.url, backup, left.clock())
    async with left.opened() as journal:
        for number in range(60):
            events = [Event("news", Audience(everyone=True), f'{{"text":"{number:01000}"}}', str(number))] * 20
            await journal.publish_events(events)
            if number == 50:  # from here on the log has only what is new
                with closing(sqlite3.connect(file)) as beside:
                    beside.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        torn = log.read_bytes()  # noqa: ASYNC240
    overwrite(file, backup.read_bytes())
    log.write_bytes(torn)  # noqa: ASYNC240
    with pytest.raises(JournalDamagedError, match="restore the backup once more"):
        await left.history()
    for one in file.parent.glob("journal.db-*"):
        one.unlink(missing_ok=True)
    overwrite(file, backup.read_bytes())
    assert (await left.history()).beginning is Beginning.RESTORED


async def test_damage_that_a_commit_meets_stops_the_bridge_and_is_remembered(left: Left) -> None:
    file = file_of(left)
    await left.write()
    sound = file.read_bytes()
    async with left.opened() as journal:
        await journal.history.note()
        # From the second page on; what is in memory of it does not tell any more.
        overwrite(file, sound[:4096] + b"\xff" * (len(sound) - 4096))
        journal._writer._disconnect()
        with pytest.raises(JournalUnavailableError):
            await journal.publish_events([Event("news", Audience(everyone=True), "{}")])
        assert "damaged" in str(await journal.history.replaced())
        with pytest.raises(JournalUnavailableError):
            await journal.check()
    for one in file.parent.glob("journal.db-*"):
        one.unlink(missing_ok=True)
    # Damaged where no start looks by itself.
    overwrite(file, sound)
    with closing(sqlite3.connect(file)) as database:
        named = "SELECT rootpage FROM sqlite_master WHERE name = 'ix_events_subject'"
        page = 4096 * (database.execute(named).fetchone()[0] - 1)
    overwrite(file, sound[:page] + b"\xff" * 4096 + sound[page + 4096 :])
    with pytest.raises(JournalDamagedError):
        await left.history()
