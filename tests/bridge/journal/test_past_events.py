"""Finding events of the past again: by rooms, by kind and by what they tell about, on both databases."""

import asyncio
import json
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import booleans, integers, lists, sampled_from, sets, tuples
from sqlalchemy import Connection, event, select, text

from bridge.catalogue.publication import read_publications
from bridge.journal import Journal, JournaledEvent, OffsetElsewhereError, OffsetUnreadableError
from bridge.journal.database.engines import parse_database_url, writing_engine
from bridge.journal.queries.rooms import count_counted, last_counted, room_events
from bridge.journal.tables import schema
from bridge.journal.tables.rows import events_from_rows
from coordinator.compact_json import compact_json
from coordinator.events import Audience, Event
from tests.bridge.journal.older_journals import migrate
from tests.clock import Clock
from tests.specification import ROWS


def told(*rooms: str, name: str = "e", everyone: bool = False, subject: str | None = None, **payload: Any) -> Event:
    return Event(name, Audience(everyone, rooms), compact_json(payload), subject)


def numbers(events: tuple[JournaledEvent, ...] | list[JournaledEvent]) -> list[int]:
    return [journaled.event.payload["number"] for journaled in events]


async def test_a_client_in_several_rooms_finds_each_event_once_and_in_order(journal: Journal) -> None:
    audiences = [("a",), ("b",), ("a", "b"), ("c",), (), ("b", "c")]
    await journal.publish_events(
        [told(*rooms, everyone=not rooms, number=number) for number, rooms in enumerate(audiences)]
    )

    async def found(*rooms: str, everyone: bool = False) -> list[int]:
        stretch = await journal.room_events(rooms, everyone=everyone, hidden=(), after=0, limit=100)
        assert (stretch.next.number, stretch.more) == (6, False)
        return numbers(stretch.events)

    assert await found("a") == [0, 2]
    assert await found("b", "a") == [0, 1, 2, 5]
    assert await found("c", everyone=True) == [3, 4, 5]
    assert await found(everyone=True) == [4]
    assert await found("nobody") == []


async def test_going_on_from_stretch_to_stretch_misses_and_repeats_nothing(journal: Journal) -> None:
    rooms = ["a", "b", "elsewhere"]
    await journal.publish_events([told(rooms[number * number % 3], number=number) for number in range(100)])
    expected = [number for number in range(100) if rooms[number * number % 3] != "elsewhere"]
    for limit in (1, 7, 100):
        after, seen, more = 0, [], True
        while more:
            stretch = await journal.room_events(["a", "b"], everyone=False, hidden=(), after=after, limit=limit)
            assert len(stretch.events) <= limit
            seen += numbers(stretch.events)
            after, more = stretch.next.number, stretch.more
        assert seen == expected
        assert after == 100


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    commits=lists(
        lists(
            tuples(sets(sampled_from("ab"), max_size=2), booleans(), sampled_from(["x", "y"])), min_size=1, max_size=3
        ),
        max_size=8,
    ),
    rooms=sets(sampled_from("ab"), min_size=1),
    everyone=booleans(),
    hidden=sampled_from([(), ("x",)]),
    start=integers(0, 9),
    limit=integers(1, 3),
)
async def test_however_events_were_committed_a_room_finds_its_own(
    journal: Journal,
    commits: list[list[tuple[set[str], bool, str]]],
    rooms: set[str],
    everyone: bool,
    hidden: tuple[str, ...],
    start: int,
    limit: int,
) -> None:
    # One journal for all examples: each goes on where the one before it ended.
    await journal.publish_events([told(number=-1)])
    [before] = await journal.publish_events([told(number=-1)])
    first = await journal.held_offset(before)
    events = [
        [told(*sorted(heard_in), name=name, everyone=all_hear) for heard_in, all_hear, name in commit]
        for commit in commits
    ]
    for commit in events:
        await journal.publish_events(commit)
    placed = list(enumerate((event for commit in events for event in commit), start=first + 1))

    def is_for_them(event: Event) -> bool:
        return bool(rooms & {*event.audience.rooms}) or (
            everyone and event.audience.everyone and event.name not in hidden
        )

    after, found, more = first + min(start, len(placed)), [], True
    expected = [offset for offset, event in placed if offset > after and is_for_them(event)]
    while more:
        stretch = await journal.room_events(sorted(rooms), everyone=everyone, hidden=hidden, after=after, limit=limit)
        found += [one.offset for one in stretch.events]
        after, more = stretch.next.number, stretch.more
        assert bool(stretch.events) or not more
    assert found == expected
    end = first + 1 + start
    mine = [offset for offset, event in placed if "a" in event.audience.rooms and event.name == "x" and offset < end]
    last, are_large = await journal.room_events_before("a", "x", before=end, limit=limit)
    assert not are_large
    assert [one.offset for one in last if one.offset > first] == mine[-limit:]


async def test_what_is_hidden_from_everyone_is_found_in_its_rooms(journal: Journal) -> None:
    await journal.publish_events(
        [
            told(name="open", everyone=True, number=0),
            told("a", name="confidential", everyone=True, number=1),
            told(name="confidential", everyone=True, number=2),
        ]
    )
    for rooms, expected in (([], [0]), (["a"], [0, 1]), (["b"], [0])):
        stretch = await journal.room_events(rooms, everyone=True, hidden=["confidential"], after=0, limit=10)
        assert numbers(stretch.events) == expected


async def test_the_last_of_a_kind_in_a_room_are_found_before_a_place(journal: Journal) -> None:
    await journal.publish_events(
        [told("a", name="x" if number % 2 else "y", number=number) for number in range(10)] + [told("b", number=10)]
    )

    async def last(room: str, before: int | None = None) -> list[int]:
        events, are_large = await journal.room_events_before(room, "x", before=before, limit=2)
        assert not are_large
        return numbers(events)

    assert await last("a") == [7, 9]
    assert await last("a", before=8) == [3, 5]
    assert await last("b") == []


COUNTED_NAMES = ("new-notification", "unread-count-update")


@given(
    commits=lists(
        tuples(lists(tuples(sampled_from("ab"), sampled_from([*COUNTED_NAMES, "x"])), max_size=6), booleans()),
        max_size=8,
    )
)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_what_is_counted_is_counted_by_room_whatever_else_went_there(
    journal: Journal, clock: Clock, commits: list[tuple[list[tuple[str, str]], bool]]
) -> None:
    """Also where events are forgotten meanwhile."""
    number = (await journal.newest_place()).number
    rooms = {name: f"{name}{number}" for name in "ab"}  # one journal for all examples
    placed: list[tuple[str, str]] = []
    for commit, is_forgotten in commits:
        events = [told(rooms[room], name=name, number=len(placed) + at) for at, (room, name) in enumerate(commit)]
        placed += commit
        if events:
            await journal.publish_events(events)
        if is_forgotten:
            clock.move(seconds=1)
            await journal.retention.forget_events(before=clock(), newest=0, limit=100)
    for room in "ab":
        for name in COUNTED_NAMES:
            at = [place for place, one in enumerate(placed) if one == (room, name)]
            assert await journal.count_counted(rooms[room], name) == len(at)
            last = await journal.last_counted(rooms[room], name)
            assert (None if last is None else last["number"]) == (at[-1] if at else None)


async def test_what_is_counted_is_looked_up_in_its_index_alone(journal: Journal) -> None:
    def plans(connection: Connection) -> list[str]:
        asked: list[tuple[str, Any]] = []
        explain = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "

        def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
            asked.append((statement, parameters))

        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET enable_seqscan = off")  # of a few rows it would read all
        event.listen(connection, "before_cursor_execute", note)
        count_counted(connection, "a", COUNTED_NAMES[0])
        last_counted(connection, "a", COUNTED_NAMES[1])
        event.remove(connection, "before_cursor_execute", note)
        found = [
            " ".join(str(row) for row in connection.exec_driver_sql(explain + statement, parameters))
            for statement, parameters in asked
        ]
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("RESET enable_seqscan")
        return found

    for plan in await journal._read(plans):
        assert "ix_events_counted" in plan or "forgotten_counts" in plan
        assert "SORT" not in plan.upper().replace("B-TREE", "SORT")


async def test_what_tells_about_something_is_found_by_it(journal: Journal) -> None:
    await journal.publish_events(
        [
            told("a", name="x", subject="r1", number=0),
            told("b", name="x", subject="r2", number=1),
            told("c", name="y", subject="r1", number=2),
            told("c", name="z", subject="r1", number=3),
        ]
    )
    assert numbers(await journal.events_about(["r1"], ["x", "y"])) == [0, 2]
    assert numbers(await journal.events_about(["r1", "r2"], ["x"])) == [0, 1]
    assert await journal.events_about([], ["x"]) == []


async def test_an_offset_is_of_one_journal(journal: Journal) -> None:
    [offset] = await journal.publish_events([told(number=0)])
    assert await journal.held_offset(offset) == 1
    with pytest.raises(OffsetElsewhereError):
        await journal.held_offset("0123456789abcdef" + offset.removeprefix(journal.epoch))
    for nonsense in (
        "",
        "17",
        "-17",
        f"{journal.epoch}-",
        f"{journal.epoch}--1",
        f"{journal.epoch}-1e3",
        f"{journal.epoch}-1",
        offset.replace("-1-", "-01-"),
        "x" * 10_000,
    ):
        with pytest.raises(OffsetUnreadableError):
            await journal.held_offset(nonsense)
    with pytest.raises(OffsetUnreadableError):
        await journal.held_offset(f"{journal.epoch}-{'9' * 30}")


async def test_events_of_the_first_schema_are_found_after_the_migration(empty_database_url: str) -> None:
    events = [
        event
        for row in ROWS
        for event in read_publications({"event": row.event, "target": row.target, "data": row.payload})
    ]

    def write_with_the_first_schema() -> None:
        migrate(empty_database_url, command.upgrade, "0001")
        engine = writing_engine(parse_database_url(empty_database_url))
        with engine.begin() as connection:
            for offset, event in enumerate(events, start=1):
                connection.execute(
                    text(
                        'INSERT INTO events ("offset", name, everyone, rooms, payload, committed_at)'
                        " VALUES (:offset, :name, :everyone, :rooms, :payload, '2026-05-01 12:00:00')"
                    ),
                    {
                        "offset": offset,
                        "name": event.name,
                        "everyone": event.audience.everyone,
                        "rooms": json.dumps(event.audience.rooms),
                        "payload": event.payload_json,
                    },
                )
        engine.dispose()

    def index() -> tuple[list[Any], list[Any]]:
        engine = writing_engine(parse_database_url(empty_database_url))
        with engine.begin() as connection:
            rows = connection.execute(select(schema.room_events)).all()
            subjects = connection.execute(
                select(schema.events.c.offset, schema.events.c.subject).order_by(schema.events.c.offset)
            ).all()
        engine.dispose()
        heard = [(row.room, offset) for row in rows for offset in json.loads(row.offsets)]
        return sorted(heard), [tuple(row) for row in subjects]

    await asyncio.to_thread(write_with_the_first_schema)
    journal = await Journal.open(empty_database_url)
    await journal.publish_events(events)
    await journal.close()
    heard, subjects = await asyncio.to_thread(index)
    # What the migration found of the first half is what the second was written with.
    half = len(events)
    assert [(room, offset + half) for room, offset in heard if offset <= half] == [
        (room, offset) for room, offset in heard if offset > half
    ]
    assert [subject for _, subject in subjects[:half]] == [subject for _, subject in subjects[half:]]
    assert {subject for _, subject in subjects} == {None, "r1", "m1"}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[JournaledEvent]:
    """What rooms are looked up of, as it is read."""
    read: list[JournaledEvent] = []

    def noted(rows: Any) -> list[JournaledEvent]:
        events = events_from_rows(rows)
        read.extend(events)
        return events

    monkeypatch.setattr("bridge.journal.queries.rooms.events_from_rows", noted)
    return read


def size_bytes(events: Iterable[JournaledEvent]) -> int:
    return sum(len(one.event.payload_json) for one in events)


async def test_large_events_after_many_small_ones_are_not_read_at_once(
    journal: Journal, read: list[JournaledEvent]
) -> None:
    for at in range(0, 120, 40):
        small = [told("a", name="x", number=number) for number in range(at, at + 30)]
        large = [told("a", name="x", number=number, text="x" * 900_000) for number in range(at + 30, at + 40)]
        await journal.publish_events(small)
        for one in large:
            await journal.publish_events([one])

    after, seen, more = 0, [], True
    while more:
        read.clear()
        stretch = await journal.room_events(["a"], everyone=False, hidden=(), after=after, limit=500)
        assert size_bytes(read) < 5_000_000
        seen += numbers(stretch.events)
        after, more = stretch.next.number, stretch.more
    assert seen == list(range(120))

    before, seen, more = None, [], True
    while more:
        read.clear()
        events, more = await journal.room_events_before("a", "x", before=before, limit=500)
        assert size_bytes(read) < 5_000_000
        seen = [*numbers(events), *seen]
        before = events[0].offset
    assert seen == list(range(120))


async def test_what_rooms_missed_costs_what_it_is_and_not_what_the_journal_holds(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    journal, costs = await Journal.open(url), []

    def steps_to_read(after: int) -> int:
        """How many steps the database takes to look up what a room missed."""
        steps = count()
        engine = writing_engine(parse_database_url(url))
        with engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.set_progress_handler(lambda: next(steps) * 0, 1)
            stretch = room_events(connection, ["a"], hidden=(), after=after, limit=500)
            driver.set_progress_handler(None, 1)
        engine.dispose()
        assert numbers(stretch.events) == [1, 2, 3]
        return next(steps)

    for others in (1, 40):
        for _ in range(others):
            await journal.publish_events([told("a" if number % 2 else "b", number=0) for number in range(50)])
        after = (await journal.newest_place()).number
        await journal.publish_events([told("a", number=number) for number in (1, 2, 3)])
        costs.append(await asyncio.to_thread(steps_to_read, after))
    await journal.close()
    assert costs[0] == costs[1]
    assert costs[0] > 100


async def test_a_stretch_of_large_events_ends_early_and_says_so(journal: Journal) -> None:
    """However many are asked for, what is looked up at once stays small; and small ones stay many."""
    for number in range(40):
        await journal.publish_events([told("a", number=number, text="x" * 900_000)])
    await journal.publish_events([told("a", number=number) for number in range(40, 400)])
    after, seen, sizes, more = 0, [], [], True
    while more:
        stretch = await journal.room_events(["a"], everyone=False, hidden=(), after=after, limit=500)
        seen += numbers(stretch.events)
        sizes.append(size_bytes(stretch.events))
        after, more = stretch.next.number, stretch.more
    assert seen == list(range(400))
    assert max(sizes) < 5_000_000
    assert len(sizes) <= 9
