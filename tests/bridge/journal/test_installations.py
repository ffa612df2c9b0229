"""Whose a journal is: made once, and the same through every history, restore and upgrade of it."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import text

from bridge.journal import Journal
from bridge.journal.database.engines import parse_database_url, writing_engine
from bridge.journal.maintenance import declare_restored
from bridge.journal.writing import histories
from coordinator.payouts.provider_names import Installation
from tests.bridge.conftest import INSTALLATION
from tests.bridge.journal.conftest import NOW
from tests.clock import Clock


async def whose(url: str, mark: Path) -> Installation:
    journal = await Journal.open(url, Clock(NOW), mark_file=mark)
    try:
        await journal.history.note()
        return journal.history.installation
    finally:
        await journal.close()


def as_older_bridges_left_it(url: str) -> None:
    engine = writing_engine(parse_database_url(url))
    with engine.begin() as connection:
        connection.execute(text("UPDATE journal SET installation = NULL, plain_names = NULL"))
    engine.dispose()


async def test_it_is_made_once_and_stays_through_every_history(database_url: str, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    assert await whose(database_url, mark) == INSTALLATION
    declare_restored(database_url, mark, "so it was", NOW)
    assert await whose(database_url, tmp_path / "another") == INSTALLATION


async def test_a_backup_of_before_it_was_made_comes_to_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, mark, backup = f"sqlite:///{tmp_path / 'journal.db'}", tmp_path / "mark", tmp_path / "backup.db"
    await whose(url, mark)
    as_older_bridges_left_it(url)
    shutil.copy(tmp_path / "journal.db", backup)
    declare_restored(url, mark, "so it was", NOW)
    went_on = await whose(url, mark)
    assert went_on.has_plain_names
    shutil.copy(backup, tmp_path / "journal.db")
    monkeypatch.setattr(histories, "new_installation", lambda: "another")
    assert await whose(url, mark) == went_on


async def test_a_journal_that_is_begun_anew_beside_the_mark_of_a_lost_one_is_the_same_installations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "mark"
    lost = await whose(f"sqlite:///{tmp_path / 'lost.db'}", mark)
    monkeypatch.setattr(histories, "new_installation", lambda: "another")
    assert await whose(f"sqlite:///{tmp_path / 'new.db'}", mark) == lost
    assert await whose(f"sqlite:///{tmp_path / 'newer.db'}", tmp_path / "none") == Installation("another")
