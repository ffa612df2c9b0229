"""An SQLite journal whose files are taken away while it is open."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.journal import Journal, JournalUnavailableError
from bridge.journal.errors import JournalReplacedError
from tests.bridge.journal.database.test_lock import numbers, publish


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
async def journal(file: Path) -> AsyncIterator[Journal]:
    journal = await Journal.open(f"sqlite:///{file}")
    yield journal
    await journal.close()


def delete(path: Path) -> None:
    path.unlink()


def replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    other.replace(path)


@pytest.mark.parametrize("take_away", [delete, replace])
@pytest.mark.parametrize("which", ["-wal", "-shm"])
async def test_a_file_that_is_taken_away_is_noticed_and_nothing_that_was_acknowledged_is_lost(
    journal: Journal, file: Path, tmp_path: Path, take_away: object, which: str
) -> None:
    for number in range(5):
        await publish(journal, number)
    journal.history.check_files()
    take_away(Path(f"{file}{which}"))  # type: ignore[operator]
    with pytest.raises(JournalReplacedError, match="taken away"):
        journal.history.check_files()
    # Nothing is acknowledged any more that would be gone after the next start.
    with pytest.raises(JournalUnavailableError):
        await publish(journal, 5)
    with pytest.raises(JournalUnavailableError):
        await journal.check()
    assert "taken away" in str(await journal.history.replaced())
    # As if the process were killed now: of the journal there is what lies under its name.
    shutil.copy(file, tmp_path / "left.db")
    left = await Journal.open(f"sqlite:///{tmp_path / 'left.db'}")
    assert await numbers(left) == list(range(5))
    await left.close()


async def test_a_wal_that_goes_between_two_batches_lets_the_next_go_unacknowledged(
    journal: Journal, file: Path
) -> None:
    await publish(journal, 1)
    delete(Path(f"{file}-wal"))
    with pytest.raises(JournalUnavailableError):
        await publish(journal, 2)


async def test_it_is_noticed_by_the_watch_alone(journal: Journal, file: Path) -> None:
    await publish(journal, 1)
    delete(Path(f"{file}-wal"))
    await journal.history.note()
    assert "WAL" in str(await journal.history.replaced())


async def test_what_sqlite_itself_does_with_its_files_is_no_trouble(journal: Journal, file: Path) -> None:
    for number in range(300):
        await publish(journal, number)
        if number % 100 == 50:
            journal._writer._disconnect()  # as after a batch that failed
        if number % 10 == 0:
            await journal.history.note()
            journal.history.check_files()
    assert await numbers(journal) == list(range(300))
