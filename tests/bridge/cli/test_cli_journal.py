"""`bridge journal` and what `bridge doctor` says of the journal's mark."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import BridgeProcess, StartBridge


@pytest.fixture(scope="module")
def bridge(make_bridge: StartBridge) -> BridgeProcess:
    return make_bridge()


def test_a_backup_is_made_of_the_journal_that_is_configured(run: Any, bridge: BridgeProcess, tmp_path: Path) -> None:
    place = {"BRIDGE_DATABASE_URL": f"sqlite:///{bridge.database}"}
    made = run("backup", str(tmp_path / "copy.db"), **place)
    assert (made.returncode, (tmp_path / "copy.db").exists()) == (0, True)
    by_its_old_name = run("journal", "backup", str(tmp_path / "nightly.db"), **place)
    assert (by_its_old_name.returncode, (tmp_path / "nightly.db").exists()) == (0, True)
    assert "is called bridge backup now" in by_its_old_name.stderr
    again = run("backup", str(tmp_path / "copy.db"), **place)
    assert (again.returncode, "is there already" in again.stderr) == (1, True)


def test_a_postgresql_is_backed_up_by_its_own_tools(run: Any, tmp_path: Path) -> None:
    made = run("backup", str(tmp_path / "copy"), BRIDGE_DATABASE_URL="postgresql://b:secret@127.0.0.1/b")
    assert made.returncode == 1
    assert "pg_dump" in made.stderr
    assert "secret" not in made.stderr


def test_nobody_says_that_a_journal_was_restored_while_a_bridge_writes_to_it(run: Any, bridge: BridgeProcess) -> None:
    place = {"BRIDGE_DATABASE_URL": f"sqlite:///{bridge.database}"}
    said = run("journal", "restored", **place)
    assert (said.returncode, "stop it" in said.stderr) == (1, True)
    shown = run("journal", "report", **place)
    assert (shown.returncode, shown.stdout.count(": new, ")) == (0, 1)
    [history] = json.loads(run("journal", "report", "--json", **place).stdout)
    assert (history["beginning"], history["comparison"], history["evidence"]) == ("new", None, [])


def test_nothing_is_restored_over_a_journal_that_a_bridge_has_open(
    run: Any, bridge: BridgeProcess, tmp_path: Path
) -> None:
    place = {"BRIDGE_DATABASE_URL": f"sqlite:///{bridge.database}"}
    assert run("backup", "copy.db", **place).returncode == 0
    before = bridge.database.stat().st_ino
    refused = run("restore", "copy.db", **place)
    assert (refused.returncode, "stop it" in refused.stderr) == (1, True)
    assert bridge.database.stat().st_ino == before
    assert not [path for path in bridge.database.parent.iterdir() if "restoring" in path.name]


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "will be made"), ('{"epoch": "e", "reach": {"events": 7}}', "says 7 events"), ("{", "is no mark")],
)
def test_doctor_says_where_the_mark_is(run: Any, tmp_path: Path, content: str | None, said: str) -> None:
    mark = tmp_path / "journal.mark"
    if content is not None:
        mark.write_text(content)
    looked = run("doctor", BRIDGE_PORT="0", BRIDGE_JOURNAL_MARK_FILE=str(mark))
    assert (looked.returncode, str(mark) in looked.stdout, said in looked.stdout) == (0, True, True)
