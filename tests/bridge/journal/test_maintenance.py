"""Upkeep: a backup that is restored is whole and a journal, and what was there is not lost."""

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.journal import Journal, JournalUrlError
from bridge.journal.maintenance import back_up, restore
from coordinator.events import Audience, Event

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


async def _told(place: str, *names: str) -> list[str]:
    """Opens a journal, tells of some things, and returns the names of all that it was ever told of."""
    journal = await Journal.open(place)
    for name in names:
        await journal.publish_events([Event(name, Audience(everyone=True), "{}")])
    await journal.close()
    with closing(sqlite3.connect(place.removeprefix("sqlite:///"))) as database:
        return [name for (name,) in database.execute("SELECT name FROM events ORDER BY offset")]


def _files(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_ino for path in folder.iterdir()}


@pytest.fixture
def place(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/bridge.db"


async def test_a_backup_is_restored_and_what_was_there_is_kept_with_its_log(place: str, tmp_path: Path) -> None:
    await _told(place, "first")
    back_up(place, tmp_path / "backup.db", NOW)
    await _told(place, "second")
    (tmp_path / "bridge.db-wal").touch()
    replaced = restore(place, tmp_path / "backup.db", NOW)
    assert replaced == tmp_path / "bridge.db.replaced-20260501T120000Z"
    assert not (tmp_path / "bridge.db-wal").exists()
    assert "bridge.db.replaced-20260501T120000Z-wal" in _files(tmp_path)
    assert (tmp_path / "bridge.db").stat().st_mode & 0o777 == 0o600
    assert await _told(place) == ["first"]
    assert await _told(f"sqlite:///{replaced}") == ["first", "second"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can restore for another user")
@pytest.mark.parametrize("is_there", [True, False], ids=["over a journal", "beside none"])
async def test_what_root_restores_belongs_to_the_user_that_runs_the_bridge(
    place: str, tmp_path: Path, is_there: bool
) -> None:
    nobody = 65534
    await _told(place, "first")
    path, copied = tmp_path / "bridge.db", tmp_path / "backup.db"
    back_up(place, copied, NOW)
    for one in (tmp_path, path):
        os.chown(one, nobody, nobody)
    if not is_there:
        path.unlink()
    restore(place, copied, NOW)
    assert (path.stat().st_uid, path.stat().st_gid) == (nobody, nobody)


async def test_a_backup_is_restored_where_there_is_no_journal(place: str, tmp_path: Path) -> None:
    await _told(place, "first")
    back_up(place, tmp_path / "backup.db", NOW)
    elsewhere = f"sqlite:///{tmp_path}/there/bridge.db"
    assert restore(elsewhere, tmp_path / "backup.db", NOW) is None
    assert await _told(elsewhere) == ["first"]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.unlink(), "there is no backup"),
        (lambda path: path.write_bytes(b"not a database, but long enough to be looked at" * 99), "no sound journal"),
        (lambda path: path.write_bytes(b""), "it holds no journal"),
        (lambda path: path.write_bytes(path.read_bytes()[:-4096] + b"x" * 4096), "no sound journal"),
        (lambda path: Path(f"{path}-wal").touch(), "write-ahead log"),
    ],
    ids=["gone", "no database", "empty", "damaged", "copied while open"],
)
async def test_what_is_no_sound_backup_changes_nothing(place: str, tmp_path: Path, spoil: object, said: str) -> None:
    await _told(place, "first")
    back_up(place, tmp_path / "backup.db", NOW)
    assert callable(spoil)
    spoil(tmp_path / "backup.db")
    before = _files(tmp_path)
    with pytest.raises(JournalUrlError, match=said):
        restore(place, tmp_path / "backup.db", NOW)
    assert _files(tmp_path) == before
    assert await _told(place) == ["first"]


def test_a_journal_is_no_backup_of_itself(place: str, tmp_path: Path) -> None:
    (tmp_path / "bridge.db").touch()
    with pytest.raises(JournalUrlError, match="the journal itself"):
        restore(place, tmp_path / "bridge.db", NOW)
