"""One bridge writes to a database, whatever its file is called and whatever becomes of a lock."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest

from bridge.journal import Journal, JournalUnavailableError
from bridge.journal.database import lock as locks
from bridge.journal.errors import JournalBusyElsewhereError
from coordinator.events import Audience, Event
from tests.waiting import until, wait_until


@asynccontextmanager
async def opened(database_url: str) -> AsyncIterator[Journal]:
    journal = await Journal.open(database_url)
    try:
        yield journal
    finally:
        await journal.close()


async def publish(journal: Journal, number: int = 0) -> int:
    [offset] = await journal.publish_events([Event("news", Audience(everyone=True), f'{{"n":{number}}}')])
    return await journal.held_offset(offset)


async def numbers(journal: Journal) -> list[int]:
    stretch = await journal.room_events([], everyone=True, hidden=(), after=0, limit=1000)
    return [one.event.payload["n"] for one in stretch.events]


# Another name for the same file


def by_a_symbolic_link(file: Path) -> Path:
    (other := file.with_name("link.db")).symlink_to(file)
    return other


def by_a_hard_link(file: Path) -> Path:
    (other := file.with_name("hard.db")).hardlink_to(file)
    return other


def by_a_relative_path(file: Path) -> Path:
    return Path(os.path.relpath(file))


def by_a_linked_folder(file: Path) -> Path:
    (folder := file.parent / "folder").symlink_to(file.parent)
    return folder / file.name


def without_the_file_beside_it(file: Path) -> Path:
    Path(f"{file}.lock").unlink()
    return file


@pytest.mark.parametrize(
    "another_way",
    [by_a_symbolic_link, by_a_hard_link, by_a_relative_path, by_a_linked_folder, without_the_file_beside_it],
)
async def test_a_file_has_one_bridge_by_whatever_name(tmp_path: Path, another_way: Callable[[Path], Path]) -> None:
    file = tmp_path / "journal.db"
    async with opened(f"sqlite:///{file}") as journal:
        await publish(journal)
        with pytest.raises(JournalBusyElsewhereError, match="another bridge"):
            await Journal.open(f"sqlite:///{another_way(file)}")
        await publish(journal)


# PostgreSQL: the lock is on the connection that writes


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_an_idle_session_is_not_ended_and_keeps_its_lock(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as operator:
        operator.execute(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET idle_session_timeout = 1500', current_database());"
            " END $$"
        )
    async with opened(database_url) as journal:
        await publish(journal, 1)
        with psycopg.connect(database_url, autocommit=True) as idle:
            wait_until(lambda: not is_alive(idle))  # so a session of anybody else ends
        with pytest.raises(JournalBusyElsewhereError):
            await Journal.open(database_url)
        await publish(journal, 2)
        assert await numbers(journal) == [1, 2]  # by a connection that was ended, and made again


def is_alive(connection: psycopg.Connection) -> bool:
    """Without asking, which would not be idle: whether the server has said that it is over."""
    try:
        with psycopg.connect(connection.info.dsn) as other:
            found = other.execute(
                "SELECT 1 FROM pg_stat_activity WHERE pid = %s", (connection.info.backend_pid,)
            ).fetchone()
    except psycopg.OperationalError:
        return True
    return found is not None


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_whoever_lost_the_lock_with_its_connection_writes_no_more_once_another_has_it(
    database_url: str,
) -> None:
    async with opened(database_url) as first:
        await publish(first, 1)
        with psycopg.connect(database_url, autocommit=True) as operator:
            operator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')"
            )
        async with opened(database_url) as second:
            await publish(second, 2)
            with pytest.raises(JournalUnavailableError, match="another bridge writes"):
                await publish(first, 3)
            await publish(second, 4)
        # The lock is free again, and still the journal is no longer the first one's.
        with pytest.raises(JournalUnavailableError, match="another bridge has opened"):
            await publish(first, 5)
        assert "another bridge has opened" in str(await first.history.replaced())
    async with opened(database_url) as third:
        assert await numbers(third) == [1, 2, 4]


# Where no lock holds, as behind a pooler or on some network's disk


@pytest.fixture
def no_lock_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "_asked", lambda _driver, _statement, _key: True)
    monkeypatch.setattr(locks, "_lock_file", lambda path, mode, _note=None: path.open(mode))


@pytest.mark.usefixtures("no_lock_holds")
async def test_without_any_lock_the_one_that_came_first_stops_and_nothing_is_written_twice(
    database_url: str,
) -> None:
    first = await Journal.open(database_url)
    written: list[tuple[int, int]] = []

    async def write_on(journal: Journal, numbers: Iterable[int]) -> None:
        for number in numbers:
            offset = await publish(journal, number)
            written.append((offset, number))

    writing = asyncio.create_task(write_on(first, itertools.count()))
    await until(lambda: len(written) >= 3)
    second = await Journal.open(database_url)
    await write_on(second, range(-200, 0))
    with pytest.raises(JournalUnavailableError):
        await writing
    assert "another bridge has opened" in str(await first.history.replaced())
    # Each has its place, and what was acknowledged is there.
    stretch = await second.room_events([], everyone=True, hidden=(), after=0, limit=100_000)
    assert sorted(written) == [(one.offset, one.event.payload["n"]) for one in stretch.events]
    for journal in (first, second):
        await journal.close()


@pytest.mark.usefixtures("no_lock_holds")
async def test_a_bridge_that_is_idle_notices_too(database_url: str) -> None:
    async with opened(database_url) as first, opened(database_url):
        await first.history.note()
        assert "another bridge has opened" in str(await first.history.replaced())
