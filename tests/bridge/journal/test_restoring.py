"""A backup that is restored is whole and a journal, and what was there is not lost."""

import errno
import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.journal import Journal, JournalUrlError
from bridge.journal.history.mark_file import MarkFile
from bridge.journal.maintenance import back_up, declare_restored
from bridge.journal.restoring import restore
from coordinator.events import Audience, Event
from coordinator.histories import Mark, Reach
from tests.system.outages import filled, small_disk

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


def _of_another_program(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE recipes (title)")


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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write for another user")
async def test_what_root_writes_beside_a_journal_belongs_to_whoever_owns_that(place: str, tmp_path: Path) -> None:
    nobody = 65534
    await _told(place, "first")
    for one in (tmp_path, *(tmp_path / name for name in _files(tmp_path))):
        os.chown(one, nobody, nobody)
    (tmp_path / "bridge.db.lock").unlink()
    mark_file = MarkFile(tmp_path / "bridge.db.mark")
    declare_restored(place, mark_file.path, "root said so", NOW)
    mark_file.write(Mark(epoch="e", reach=Reach()))
    owners = {name: (tmp_path / name).stat().st_uid for name in _files(tmp_path)}
    assert {"bridge.db", "bridge.db.lock", "bridge.db.mark"} <= owners.keys()
    assert set(owners.values()) == {nobody}


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
        (
            lambda path: path.write_bytes(b"not a database, but long enough to be looked at" * 99),
            "is neither an SQLite",
        ),
        (lambda path: path.write_bytes(b""), "is an empty file"),
        (lambda path: path.write_bytes(b"SQLite format 3\0" + bytes(99)), "no sound journal"),
        (_of_another_program, "another program's"),
        (lambda path: path.write_bytes(path.read_bytes()[:-4096] + b"x" * 4096), "no sound journal"),
        (lambda path: Path(f"{path}-wal").touch(), "write-ahead log"),
    ],
    ids=["gone", "no database", "empty", "cut off", "another's", "damaged", "copied while open"],
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


async def test_a_log_that_is_left_of_another_journal_does_not_spoil_the_backup(place: str, tmp_path: Path) -> None:
    await _told(place, "first")
    back_up(place, tmp_path / "backup.db", NOW)
    (tmp_path / "bridge.db").unlink()
    (tmp_path / "bridge.db-wal").write_bytes(b"of another journal")
    restore(place, tmp_path / "backup.db", NOW)
    assert await _told(place) == ["first"]
    assert (tmp_path / "bridge.db.replaced-20260501T120000Z-wal").read_bytes() == b"of another journal"


async def test_on_a_full_disk_nothing_is_changed_and_with_room_it_is_restored(place: str, tmp_path: Path) -> None:
    await _told(place, "first")
    back_up(place, tmp_path / "backup.db", NOW)
    with small_disk(tmp_path, 8) as disk:
        on_disk = f"sqlite:///{disk}/bridge.db"
        await _told(on_disk, "there")
        with filled(disk):
            before = _files(disk)
            with pytest.raises(JournalUrlError, match=r"No space left on device; make room for \d+ MB.* as it was"):
                restore(on_disk, tmp_path / "backup.db", NOW)
            assert _files(disk) == before
        assert await _told(on_disk) == ["there"]
        assert restore(on_disk, tmp_path / "backup.db", NOW) is not None
        assert await _told(on_disk) == ["first"]


@pytest.mark.parametrize("failing", [1, 2, 3])
async def test_a_name_that_cannot_be_given_leaves_all_as_it_was(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    """A disk that fails between two of the names that are changed."""
    await _told(place, "first")
    back_up(place, tmp_path / "backup.db", NOW)
    (tmp_path / "bridge.db-wal").touch()
    before, rename, calls = _files(tmp_path), Path.rename, 0

    def fail_once(path: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls == failing:
            raise OSError(errno.EIO, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail_once)
    with pytest.raises(JournalUrlError, match=r"Input/output error.* as it was"):
        restore(place, tmp_path / "backup.db", NOW)
    assert calls >= failing
    assert _files(tmp_path) == before
