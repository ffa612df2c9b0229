"""The limits of a webhook: they are of the same rows, and come out beside the bridge in the same run."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.limits import LIMITS, hash_bodies, write_rows, written
from benchmarks.recorded_bridge import BEGUN_AT, RECORDED_AT, RecordingConnection, commits
from tests.waiting import GIVE_UP_SECONDS

ROOT = Path(__file__).parents[2]
ROWS = [(number, f"row {number}") for number in range(5)]


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a connection has written: a table and a row, and then, measured, more rows, of which one is taken back."""
    place, begun = tmp_path / "recorded", tmp_path / "begun"
    monkeypatch.setenv(RECORDED_AT, str(place))
    monkeypatch.setenv(BEGUN_AT, str(begun))
    connection = sqlite3.connect(tmp_path / "first.db", factory=RecordingConnection, isolation_level=None)
    connection.execute("CREATE TABLE rows (number INTEGER PRIMARY KEY, text TEXT)")
    connection.execute("BEGIN")
    connection.execute("INSERT INTO rows VALUES (?, ?)", ROWS[0])
    connection.commit()
    begun.touch()
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO rows VALUES (?, ?)", iter(ROWS[1:4]))
    connection.execute("COMMIT")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO rows VALUES (9, 'never')")
    connection.rollback()
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO rows VALUES (?, ?) RETURNING number", ROWS[4]).fetchall()
    connection.execute("SELECT * FROM rows").fetchall()
    connection.commit()
    connection.close()
    return place


def test_what_was_committed_is_written_again_in_as_many_commits(recorded: Path, tmp_path: Path) -> None:
    assert [commit.is_measured for commit in commits(recorded)] == [False, True, True]
    again = sqlite3.connect(tmp_path / "again.db", isolation_level=None)
    for commit in commits(recorded):
        written(again, commit)
    assert again.execute("SELECT * FROM rows ORDER BY number").fetchall() == ROWS
    again.close()
    assert write_rows({"recorded": str(recorded)}) > 0


def test_where_nothing_was_measured_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "recorded").touch()
    with pytest.raises(ValueError, match="wrote nothing"):
        write_rows({"recorded": str(tmp_path / "recorded")})


def test_a_hash_takes_time() -> None:
    assert hash_bodies({"deliveries": [("{}", {})] * 100}) > 0


def test_the_limits_stand_beside_the_bridge_in_the_same_run(tmp_path: Path) -> None:
    script = tmp_path / "benchmark.py"
    script.write_text(
        f"""
import sys
from dataclasses import replace
from benchmarks.fanout import main
from benchmarks.plans import Sizes
from benchmarks.servers import SERVERS

bridge = replace(SERVERS["bridge"], start_seconds={GIVE_UP_SECONDS}, answer_seconds={GIVE_UP_SECONDS})
sys.exit(main(["--runs", "1", "--only", "webhooks"], {{"bridge": bridge}}, Sizes(webhooks=3, posters=2)))
"""
    )
    ended = subprocess.run([sys.executable, script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "failed" not in ended.stdout + ended.stderr.lower()
    for limit in LIMITS:
        assert f" × {limit}\n" in ended.stdout, ended.stdout
