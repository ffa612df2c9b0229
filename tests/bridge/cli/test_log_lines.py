"""Log lines: whatever a stranger says, nobody else writes a line."""

import json
import logging
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.cli.log_lines import LINE_LIMIT_CHARACTERS, JsonLines, LogLines

LINES = LogLines("LINE %(levelname)s %(name)s: %(message)s")


def line(text: str, error: BaseException | None = None) -> str:
    info = None if error is None else (type(error), error, error.__traceback__)
    return LINES.format(logging.LogRecord("bridge", logging.ERROR, "x", 1, "said %s", (text,), info))


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("a\nLINE ERROR bridge: forged", "a\\nLINE ERROR bridge: forged"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u2028b", "a\\u2028b"),
        ("a\ud800b", "a\\ud800b"),
        ("\x00\r\t", "\\x00\\r\\t"),
        ("Zoë 🔌 東京", "Zoë 🔌 東京"),
    ],
)
def test_what_could_move_the_cursor_is_written_out(said: str, written: str) -> None:
    assert line(said) == f"LINE ERROR bridge: said {written}"


@given(st.text(), st.text())
def test_only_the_first_of_a_records_lines_begins_as_a_line_does(said: str, raised: str) -> None:
    try:
        raise ValueError(raised)
    except ValueError as error:
        first, *below = line(said, error).split("\n")
    assert first.startswith("LINE ERROR bridge: said ")
    assert below
    assert all(one.startswith("    ") for one in below)
    assert all(one.isprintable() for one in (first, *below))


def test_a_megabyte_is_no_line() -> None:
    assert len(line("a" * 1_000_000)) < LINE_LIMIT_CHARACTERS + 100


def test_a_stack_is_set_in_too() -> None:
    record = logging.LogRecord("bridge", logging.ERROR, "x", 1, "said", (), None, sinfo="Stack\n  deep")
    assert LINES.format(record) == "LINE ERROR bridge: said\n    Stack\n      deep"


@given(st.text(), st.text())
def test_for_a_program_each_record_is_one_object_on_one_line(said: str, raised: str) -> None:
    record = logging.LogRecord("bridge", logging.ERROR, "x", 1, "said %s", (said,), None)
    record.created = 1_700_000_000.25
    record.exc_info = (ValueError, ValueError(raised), None)
    written = JsonLines().format(record)
    assert written.isascii()
    assert len(written.splitlines()) == 1
    assert json.loads(written) == {
        "time": "2023-11-14T22:13:20.250Z",
        "level": "error",
        "logger": "bridge",
        "message": f"said {said}",
        "exception": f"ValueError: {raised}" if raised else "ValueError",
    }


# All that an interpreter has to say by itself.
TROUBLE = """
import sys, threading, warnings
from bridge.cli.serve import configure_logging

class Wrong:
    def __del__(self):
        raise ValueError("not told to anybody")

def fail():
    raise LookupError("in a thread")

configure_logging("info", sys.argv[1])
warnings.warn("this is\\nold", UserWarning)
Wrong()
thread = threading.Thread(target=fail, name="ill")
thread.start()
thread.join()
raise RuntimeError("the last")
"""


def test_what_the_interpreter_says_by_itself_is_logged_too() -> None:
    def said(log_format: str) -> list[str]:
        done = subprocess.run([sys.executable, "-c", TROUBLE, log_format], capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (1, "")
        return done.stderr.splitlines()

    records = [json.loads(line) for line in said("json")]
    assert [(one["level"], one["logger"]) for one in records] == [
        ("warning", "py.warnings"),
        *[("error", "bridge")] * 2,
        ("critical", "bridge"),
    ]
    assert records[0]["message"].endswith("UserWarning: this is\nold")
    assert "the thread ill" in records[2]["message"]
    last = ["ValueError: not told to anybody", "LookupError: in a thread", "RuntimeError: the last"]
    assert [one["exception"].splitlines()[-1] for one in records[1:]] == last
    lines = said("text")
    assert sum(not line.startswith("    ") for line in lines) == len(records)
