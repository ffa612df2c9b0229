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
    told = json.loads(run("backup", str(tmp_path / "told.db"), "--json", **place).stdout)
    assert told == {"backup": str(tmp_path / "told.db"), "journal": str(bridge.database)}
    by_its_old_name = run("journal", "backup", str(tmp_path / "nightly.db"), **place)
    assert (by_its_old_name.returncode, (tmp_path / "nightly.db").exists()) == (0, True)
    assert "is called bridge backup now" in by_its_old_name.stderr
    again = run("backup", str(tmp_path / "copy.db"), **place)
    assert (again.returncode, "is there already" in again.stderr) == (1, True)


def test_a_postgresql_is_backed_up_by_its_own_tools(run: Any, tmp_path: Path) -> None:
    (tmp_path / "dump").write_bytes(b"PGDMP")
    for command, program in (("backup", "pg_dump"), ("restore", "pg_restore")):
        place = {"BRIDGE_DATABASE_URL": "postgresql://b:secret@127.0.0.1/b", "PATH": str(tmp_path)}
        path = str(tmp_path / ("copy" if command == "backup" else "dump"))
        refused = run(command, path, **place)
        assert refused.returncode == 1
        assert f"Where {program} is on the PATH, or in the folder that BRIDGE_POSTGRESQL_BIN" in refused.stderr
        elsewhere = run(command, path, **place, BRIDGE_POSTGRESQL_BIN="/nowhere")
        assert f"BRIDGE_POSTGRESQL_BIN: there is no {program} in '/nowhere'" in elsewhere.stderr
        assert "secret" not in refused.stderr + elsewhere.stderr


def test_a_program_reads_what_was_restored_and_where_the_old_journal_is(
    run: Any, bridge: BridgeProcess, tmp_path: Path
) -> None:
    assert run("backup", "copy.db", BRIDGE_DATABASE_URL=f"sqlite:///{bridge.database}").returncode == 0
    place = {"BRIDGE_DATABASE_URL": f"sqlite:///{tmp_path}/journal.db"}
    told = {"backup": str(tmp_path / "copy.db"), "journal": str(tmp_path / "journal.db")}
    first, second = (json.loads(run("restore", "copy.db", "--json", **place).stdout) for _ in range(2))
    assert first == {**told, "replaced": None}
    assert Path(second["replaced"]).name.startswith("journal.db.replaced-")


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
