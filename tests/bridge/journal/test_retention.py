"""What is forgotten, and what is kept."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from sqlalchemy import Connection, func, select

from bridge.journal import Journal
from bridge.journal.errors import JournalBusyElsewhereError
from bridge.journal.maintenance import compact
from bridge.journal.requests.payments import IdempotencyKey
from bridge.journal.tables import schema
from bridge.workers import retention
from bridge.workers.retention import Retention
from coordinator.compact_json import compact_json
from coordinator.events import Audience, Event
from coordinator.histories import Place
from tests.bridge.journal.conftest import NOW
from tests.bridge.journal.older_journals import migrate
from tests.clock import Clock


async def numbers(journal: Journal) -> list[int]:
    stretch = await journal.room_events(["r"], everyone=False, hidden=(), after=0, limit=1000)
    return [one.event.payload["n"] for one in stretch.events]


@pytest.mark.parametrize(
    ("days", "newest", "kept"),
    [
        (10, 0, range(6, 12)),
        (100, 0, range(12)),
        (100, 3, range(9, 12)),
        (0.5, 0, range(11, 12)),
        (10, 8, range(6, 12)),
    ],
)
async def test_old_events_go_and_the_last_one_stays(
    journal: Journal, clock: Clock, monkeypatch: pytest.MonkeyPatch, days: float, newest: int, kept: range
) -> None:
    monkeypatch.setattr(retention, "CHUNK", 2)
    for number in range(12):
        await journal.publish_events([Event("moved", Audience(rooms=("r",)), compact_json({"n": number}))])
        await journal.sessions.save({f"s{number}": {"n": number}})
        clock.now += timedelta(days=1) if number == 5 else timedelta()
    clock.now = NOW + timedelta(days=10, hours=1)
    worker = forgetting(journal, days=days, newest=newest, sessions_in_use=lambda: {"s1"})
    assert await worker.round() == 12 - len(kept)
    assert await numbers(journal) == list(kept)
    assert await worker.round() == 0
    assert await journal.sessions.load("s1") is not None  # its client is connected
    assert (await journal.sessions.load("s0") is None) is (days <= 10)
    # The next event goes on where the last stands.
    offset = await journal.publish_events([Event("moved", Audience(rooms=("r",)), '{"n":12}')])
    assert offset == [journal.offset_text(Place(13, clock.now))]


async def room_rows(journal: Journal) -> list[tuple[str, int]]:
    def query(connection: Connection) -> list[tuple[str, int]]:
        heard = schema.room_events
        rows = connection.execute(
            select(heard.c.room, heard.c.last_offset).order_by(heard.c.room, heard.c.last_offset)
        )
        return [(row.room, row.last_offset) for row in rows]

    return await journal._read(query)


def rooms_in(content: dict[str, Any]) -> dict[str, int]:
    rooms: dict[str, int] = content.get("rooms", {"r": 0})
    return rooms


def forgetting(journal: Journal, **settings: Any) -> Retention:
    usual: dict[str, Any] = {"days": 10, "newest": 0, "sessions_in_use": set, "rooms_in": rooms_in}
    return Retention(journal, **usual | settings)


async def test_what_rooms_heard_goes_with_the_events_of_every_room_and_of_no_other(
    journal: Journal, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "CHUNK", 3)
    audiences = [Audience(rooms=("a", "b")), Audience(everyone=True), Audience(rooms=("b",)), Audience(rooms=("c",))]
    for _ in range(2):
        for audience in audiences:
            await journal.publish_events([Event("moved", audience, "{}")])
        clock.move(days=11)
    await forgetting(journal).round()
    # The last event of all stays, whose offset says where to go on.
    assert await room_rows(journal) == [("c", 8)]


async def test_one_commit_of_which_a_part_is_old_is_forgotten_only_with_its_last(
    journal: Journal, clock: Clock
) -> None:
    await journal.publish_events([Event("moved", Audience(rooms=("a",)), f'{{"n":{n}}}') for n in range(6)])
    clock.move(days=1)
    await forgetting(journal, newest=2).round()
    assert [one.event.payload["n"] for one in (await heard(journal, "a"))] == [4, 5]


async def heard(journal: Journal, room: str) -> list[Any]:
    return list((await journal.room_events([room], everyone=False, hidden=(), after=0, limit=100)).events)


async def test_forgetting_what_rooms_heard_is_found_by_an_index(tmp_path: Path) -> None:
    journal = await Journal.open(f"sqlite:///{tmp_path / 'journal.db'}")

    def plan(connection: Connection) -> list[str]:
        found: list[str] = []
        for statement in ("DELETE FROM room_events WHERE room = 'a' AND last_offset <= 1",):
            found += [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")]
        return found

    [how] = await journal._read(plan)
    assert "USING PRIMARY KEY (room=? AND last_offset<?)" in how
    await journal.close()


async def test_keys_sessions_and_webhooks_that_are_old_go_in_bounded_steps(
    journal: Journal, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "CHUNK", 4)

    async def leave(first: int) -> None:
        for number in range(first, first + 10):
            key = IdempotencyKey("events", f"k{number}", "digest")
            await journal.publish_events([Event("moved", Audience(rooms=("r",)), "{}")], key)
            await journal.store_unreadable_webhook(provider="shkeeper", body=b"%d" % number, reason="no sense")
        await journal.sessions.save({f"s{number}": {"n": number} for number in range(first, first + 10)})

    await leave(0)
    clock.move(days=11)
    await leave(10)
    before = journal._writer.batches
    await forgetting(journal, sessions_in_use=lambda: {"s3"}).round()
    assert journal._writer.batches - before >= 3 * 3  # each kind in three steps and more

    def counts(connection: Connection) -> list[int]:
        tables = (schema.idempotency_keys, schema.unreadable_webhooks, schema.sessions)
        return [connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables]

    assert await journal._read(counts) == [10, 10, 11]
    assert await journal.sessions.load("s3") is not None  # its client is connected
    # A key that is kept is the same request still.
    again = IdempotencyKey("events", "k15", "digest")
    newest = await journal.newest_place()
    await journal.publish_events([Event("moved", Audience(rooms=("r",)), "{}")], again)
    assert await journal.newest_place() == newest


SESSION = {"beganAt": 0, "rooms": {}, "online": [], "typing": [], "leftAt": 1, "isOver": False}


async def kept_sessions(journal: Journal) -> list[str]:
    def query(connection: Connection) -> list[str]:
        return list(connection.scalars(select(schema.sessions.c.session_id).order_by(schema.sessions.c.session_id)))

    return await journal._read(query)


async def test_sessions_in_no_room_go_within_hours_and_no_other_does(
    journal: Journal, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "CHUNK", 2)
    named: dict[str, dict[str, Any]] = {
        "in a room": {"rooms": {"request-r1": 0}},
        "online": {"rooms": {"user-b1": 0}, "online": ["b1"]},
        "typing": {"typing": [["c1", "b1"]]},
        **{f"idle {number}": {} for number in range(5)},
    }
    idle = {name for name in named if name.startswith("idle")}
    await journal.sessions.save({name: SESSION | content for name, content in named.items()}, idle=idle)
    clock.move(hours=5)  # in which the bridge did not run: nobody could come back
    in_use = {"idle 3"}
    worker = forgetting(journal, sessions_in_use=lambda: in_use)
    clock.move(minutes=59)
    await worker.round()
    assert await kept_sessions(journal) == sorted(named)
    clock.move(minutes=1)
    await journal.sessions.save({"newcomer": SESSION}, idle={"newcomer"})
    await worker.round()
    assert await kept_sessions(journal) == ["idle 3", "in a room", "newcomer", "online", "typing"]
    in_use.clear()
    await journal.sessions.save({"idle 3": SESSION}, idle={"idle 3"})  # as its client leaves
    clock.move(hours=1, seconds=1)
    await worker.round()
    assert await kept_sessions(journal) == ["in a room", "online", "typing"]


async def test_idle_sessions_of_before_there_was_a_column_are_found_too(database_url: str) -> None:
    clock = Clock(NOW)
    journal = await Journal.open(database_url, clock)
    room = '"rooms":{},"online":[],"typing":[],'  # however a room is named
    await journal.sessions.save({"idle": SESSION, "in a room": SESSION | {"rooms": {room: 0}}}, idle={"idle"})
    await journal.close()
    for move, version in ((command.downgrade, "0029"), (command.upgrade, "0030")):
        await asyncio.to_thread(migrate, database_url, move, version)
    journal = await Journal.open(database_url, clock)
    clock.move(seconds=1)
    forget = journal.retention.forget_sessions
    assert await forget(before=clock.now, but=(), are_idle=True, limit=10) == 1
    assert await kept_sessions(journal) == ["in a room"]
    await journal.close()


async def test_sessions_whose_rooms_have_heard_nothing_go_within_days_and_no_other_does(
    journal: Journal, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "QUIET_CHUNK", 2)
    for room in ("before", "since"):
        await journal.publish_events([Event("moved", Audience(rooms=(room, "both")), "{}")])
    joined = {
        "nothing ever": {"a": 0, "b": 1},
        "nothing since": {"before": 1, "since": 2, "both": 2},
        "one room has": {"a": 0, "both": 1},
        "it was before": {"before": 0},
        "here": {"a": 0},
    }
    await journal.sessions.save({name: SESSION | {"rooms": rooms} for name, rooms in joined.items()})
    worker = forgetting(journal, sessions_in_use=lambda: {"here"})
    clock.move(hours=23)
    await worker.round()
    assert await kept_sessions(journal) == sorted(joined)
    clock.move(hours=1, seconds=1)
    await journal.sessions.save({"newcomer": SESSION | {"rooms": {"a": 0}}})
    await worker.round()
    assert await kept_sessions(journal) == ["here", "it was before", "newcomer", "one room has"]
    clock.move(hours=24, seconds=1)
    await worker.round()
    assert await kept_sessions(journal) == ["here", "it was before", "one room has"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_file_shrinks_as_what_it_held_is_forgotten(
    journal: Journal, database_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "SPARE_PAGES", 10)
    file = Path(database_url.removeprefix("sqlite:///"))
    for number in range(20):
        payload = compact_json({"n": number, "text": "x" * 100_000})
        await journal.publish_events([Event("moved", Audience(rooms=("r",)), payload)])
    checkpoint(file)
    full = size_of(file)
    assert full > 2_000_000
    clock.move(days=11)
    await forgetting(journal).round()
    checkpoint(file)
    assert size_of(file) < full / 3


def size_of(file: Path) -> int:
    return file.stat().st_size


def checkpoint(file: Path) -> None:
    with closing(sqlite3.connect(file)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


async def test_a_file_of_an_earlier_version_shrinks_once_it_was_written_anew(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "SPARE_PAGES", 10)
    file = tmp_path / "journal.db"
    with closing(sqlite3.connect(file)) as older:  # as it was made before there was anything to give back
        older.execute("PRAGMA auto_vacuum=NONE")
        older.execute("CREATE TABLE makes_the_file (x)")
        older.execute("DROP TABLE makes_the_file")
    url = f"sqlite:///{file}"
    journal = await Journal.open(url, clock)
    for number in range(20):
        payload = compact_json({"n": number, "text": "x" * 100_000})
        await journal.publish_events([Event("moved", Audience(rooms=("r",)), payload)])
    clock.move(days=11)
    await forgetting(journal).round()
    with pytest.raises(JournalBusyElsewhereError):
        compact(url)
    epoch = journal.epoch
    await journal.close()
    full = size_of(file)
    assert full > 2_000_000
    assert compact(url) == (full, size_of(file))
    assert size_of(file) < full / 3
    with closing(sqlite3.connect(file)) as compacted:
        assert compacted.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    journal = await Journal.open(url, clock)
    assert journal.epoch == epoch  # it is the same journal
    await journal.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_session_that_is_connected_to_another_bridge_is_kept_as_long_as_that_is_there_and_from_then_on(
    database_url: str,
) -> None:
    here, there, gone = [await Journal.open(database_url, is_shared=True) for _ in range(3)]
    for journal in (there, gone):
        await journal.nodes.take((), timedelta(seconds=8))
        names = {f"{place} {journal.nodes.own}": SESSION for place in ("connected", "left")}
        await journal.sessions.save(names, connected=[name for name in names if "connected" in name], new=names)
    await there.sessions.save({"kept by an older version": SESSION}, new=["kept by an older version"])
    with psycopg.connect(database_url, autocommit=True) as operator:
        operator.execute("UPDATE sessions SET updated_at = updated_at - interval '20 days'")
        operator.execute("UPDATE sessions SET is_connected = NULL WHERE session_id LIKE 'kept%'")

        async def kept_when_gone_for(days: int) -> set[str]:
            seen = "UPDATE nodes SET seen_at = clock_timestamp() - make_interval(days => %s) WHERE node = %s"
            operator.execute(seen, [days, gone.nodes.own])
            await forgetting(here).round()
            return {row[0] for row in operator.execute("SELECT session_id FROM sessions").fetchall()}

        stay = {f"connected {there.nodes.own}", "kept by an older version"}
        assert await kept_when_gone_for(days=9) == stay | {f"connected {gone.nodes.own}"}
        assert await kept_when_gone_for(days=11) == stay
        assert operator.execute("SELECT node FROM nodes").fetchall() == [(there.nodes.own,)]
    for journal in (here, there, gone):
        await journal.close()


async def test_a_session_that_is_saved_while_it_is_about_to_be_forgotten_stays(
    journal: Journal, clock: Clock
) -> None:
    await journal.sessions.save({"comes": SESSION, "goes": SESSION})
    clock.move(days=11)
    read = journal.retention._read

    async def read_before(*arguments: Any, **options: Any) -> Any:
        journal.retention._read = read
        found = await read(*arguments, **options)
        await journal.sessions.save({"comes": SESSION})
        return found

    journal.retention._read = read_before
    before = clock() - timedelta(days=10)
    await journal.retention.forget_sessions(before=before, but=(), limit=10)
    assert await journal.sessions.load("comes") is not None
    assert await journal.sessions.load("goes") is None
