"""`bridge migrate`: what it says before and after, and that only the second changes anything."""

import json
from pathlib import Path
from typing import Any

import pytest
from alembic import command

from bridge.journal.database.schema_versions import known_versions
from tests.bridge.journal.older_journals import migrate
from tests.postgresql import journal_cluster

OLD, _, NEWEST = known_versions()[-3:]
BEFORE_LISTINGS = "0066"
"""The next step writes down what it finds among the actions."""


@pytest.fixture
def place(tmp_path: Path) -> dict[str, str]:
    migrate(url := f"sqlite:///{tmp_path}/bridge.db", command.upgrade, OLD)
    return {"BRIDGE_DATABASE_URL": url}


def test_what_is_to_be_done_is_said_and_then_done(run: Any, place: dict[str, str], tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for _ in range(2):
        said = run("migrate", "--check", **place)
        assert said.returncode == 0, said.stderr
        assert f"has version {OLD}, and 0 events, 0 observations, 0 payments" in said.stdout
        assert f"  {NEWEST}  " in said.stdout
        assert "On a copy it took" in said.stdout
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    done = run("migrate", **place)
    assert (done.returncode, f"it had version {OLD}, and has {NEWEST}" in done.stdout) == (0, True)
    for options in (["--check"], []):
        assert "up to date" in run("migrate", *options, **place).stdout


def test_a_program_may_read_it(run: Any, place: dict[str, str]) -> None:
    plan = json.loads(run("migrate", "--check", "--json", **place).stdout)
    assert (plan["version"], plan["newest"], plan["notTriedBecause"]) == (OLD, NEWEST, None)
    assert [step["version"] for step in plan["steps"]][-1] == NEWEST
    assert plan["seconds"] > 0


def test_of_a_postgresql_it_is_estimated_by_what_there_is(run: Any) -> None:
    many = """
        INSERT INTO actions (at, "by", action, subject, outcome)
        SELECT now(), 'ada', 'hold', 'payouts', 'held' FROM generate_series(1, 100000)
    """
    with journal_cluster() as cluster:
        migrate(url := cluster.journal_url(), command.upgrade, BEFORE_LISTINGS)
        few = json.loads(run("migrate", "--check", "--json", BRIDGE_DATABASE_URL=url).stdout)
        cluster.execute(many, "journal")
        plan = json.loads(run("migrate", "--check", "--json", BRIDGE_DATABASE_URL=url).stdout)
        said = run("migrate", "--check", BRIDGE_DATABASE_URL=url).stdout
    assert few["estimatedSeconds"] < 1
    assert plan["estimatedSeconds"] >= few["estimatedSeconds"] + 2
    assert (plan["seconds"], "is not copied for that" in plan["notTriedBecause"]) == (None, True)
    assert f"it takes some {round(plan['estimatedSeconds'])} s; that is an estimate" in " ".join(said.split())


def test_where_there_is_no_journal_that_is_said(run: Any, tmp_path: Path) -> None:
    said = run("migrate", "--check", BRIDGE_DATABASE_URL=f"sqlite:///{tmp_path}/none.db")
    assert (said.returncode, "the first start makes one" in said.stdout) == (0, True)
    assert not (tmp_path / "none.db").exists()
