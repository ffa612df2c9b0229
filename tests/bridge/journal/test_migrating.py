"""Migrating from a terminal: the plan says what the next start does, and touches nothing."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command

from bridge.journal import Journal, JournalBusyElsewhereError
from bridge.journal.database.schema_versions import OLDEST_BESIDE, known_versions
from bridge.journal.migrating import migrate, planned_migration
from tests.bridge.journal.older_journals import migrate as migrate_older

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
OLD = known_versions()[-3]


async def test_a_plan_names_the_steps_that_are_left_and_changes_nothing(empty_database_url: str) -> None:
    await asyncio.to_thread(migrate_older, empty_database_url, command.upgrade, OLD)
    for _ in range(2):
        plan = await asyncio.to_thread(planned_migration, empty_database_url, NOW)
        assert (plan.version, plan.newest) == (OLD, known_versions()[-1])
        assert [step.version for step in plan.steps] == list(known_versions()[-2:])
        assert all(step.what.endswith(".") and "\n" not in step.what for step in plan.steps)
        assert plan.may_go_on is (OLD >= OLDEST_BESIDE)
        assert plan.rows == {"events": 0, "observations": 0, "payments": 0}
        is_file = empty_database_url.startswith("sqlite")
        assert (plan.trial.seconds is not None) is is_file
        assert is_file or "dump" in plan.trial.why_not
    done = await asyncio.to_thread(migrate, empty_database_url)
    assert [step.version for step in done.steps] == list(known_versions()[-2:])
    after = await asyncio.to_thread(planned_migration, empty_database_url, NOW)
    assert (after.version, after.steps) == (known_versions()[-1], ())


async def test_a_journal_that_could_not_go_on_is_not_migrated_under_a_bridge(empty_database_url: str) -> None:
    journal = await Journal.open(empty_database_url)
    try:
        assert (await asyncio.to_thread(planned_migration, empty_database_url, NOW)).steps == ()
        with pytest.raises(JournalBusyElsewhereError):
            await asyncio.to_thread(migrate, empty_database_url)
    finally:
        await journal.close()


def test_where_there_is_no_journal_a_plan_makes_none(tmp_path: Path) -> None:
    plan = planned_migration(f"sqlite:///{tmp_path}/bridge.db", NOW)
    assert (plan.version, plan.steps, list(tmp_path.iterdir())) == (None, (), [])


def test_a_copy_that_has_no_room_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = f"sqlite:///{tmp_path}/bridge.db"
    migrate_older(place, command.upgrade, OLD)
    monkeypatch.setattr("bridge.journal.migrating.TIMES_THE_FILE", 10**12)
    plan = planned_migration(place, NOW)
    assert (plan.trial.seconds, "are free" in plan.trial.why_not) == (None, True)
    assert not [path for path in tmp_path.iterdir() if "trial" in path.name]
