"""Tests that run in several processes: what is said of them is what one process would say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import GIVE_UP_SECONDS

PROJECT = Path(__file__).parents[1]
CONFTEST = """
import os
from pathlib import Path

import pytest

HERE = Path(__file__).parent

def pytest_collection_finish():
    note("collected")

def note(what):
    with (HERE / "notes").open("a") as notes:
        notes.write(what + "\\n")

@pytest.fixture(scope="session")
def of_the_session():
    yield
    note(f"tidied up {os.getpid()}")
"""
GOOD = """
import os
import pytest
from conftest import note

@pytest.mark.parametrize("number", range(3))
def test_good(number, of_the_session, tmp_path):
    print("printed by a good one")
    note(f"NAME {number} by {os.getpid()}")
"""
BAD = """
import os
import pytest
from conftest import note

def test_before():
    note("before")

def test_wrong(of_the_session):
    print("printed by a wrong one")
    assert 1 == 2

def test_deadly():
    os._exit(3)

def test_after():
    note("after")
"""


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    """What pytest makes of the tests in a folder with two processes."""
    command = [sys.executable, "-m", "pytest", "-p", "tests.side_by_side", "--processes", "2", "-c", os.devnull]
    plain = ["-p", "no:cacheprovider", "-p", "no:faker", "-p", "no:schemathesis", "-p", "no:asyncio", "-rA", "-v"]
    done = subprocess.run(
        [*command, *plain, f"--rootdir={folder}", *arguments, str(folder)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT), "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=GIVE_UP_SECONDS,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    for name in ("one", "two"):
        (tmp_path / f"test_{name}.py").write_text(GOOD.replace("NAME", name))
    return tmp_path


def notes(folder: Path) -> list[str]:
    return (folder / "notes").read_text().splitlines()


def test_each_file_is_run_by_one_process_in_its_order_and_all_are_collected_once(folder: Path) -> None:
    status, said = run(folder)
    assert (status, "6 passed" in said) == (0, True), said
    noted = notes(folder)
    assert noted.count("collected") == 1
    by = {name: [note.split() for note in noted if note.startswith(name)] for name in ("one", "two")}
    for told in by.values():
        assert [number for _, number, _, _ in told] == ["0", "1", "2"]
        assert len({process for *_, process in told}) == 1
    runners = {process for told in by.values() for *_, process in told}
    assert {note.split()[-1] for note in noted if note.startswith("tidied up")} == runners


def test_what_fails_is_told_and_a_process_that_dies_takes_no_other_test_with_it(folder: Path) -> None:
    (folder / "test_bad.py").write_text(BAD)
    status, said = run(folder)
    assert status == 1, said
    assert "2 failed, 8 passed" in said
    assert "FAILED test_bad.py::test_wrong - assert 1 == 2" in said
    assert "test_bad.py::test_deadly: its process has ended with 3" in said
    printed = [line for line in said.splitlines() if line.startswith("printed")]
    assert sorted(printed) == ["printed by a good one"] * 6 + ["printed by a wrong one"]
    assert {"before", "after"} <= set(notes(folder))


def test_a_run_that_is_to_end_with_the_first_failure_does_and_tidies_up(folder: Path) -> None:
    (folder / "test_a.py").write_text(BAD)
    (folder / "test_two.py").write_text("import signal\n\ndef test_endless(of_the_session):\n    signal.pause()\n")
    status, said = run(folder, "-x")
    assert status == 1, said
    assert "1 failed" in said
    assert "stopping after 1 failures" in said
    assert "after" not in notes(folder)
