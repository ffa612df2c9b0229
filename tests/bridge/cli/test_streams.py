"""What is said into a full disk, or a pipe that nobody reads."""

import json
import os
import sys
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from bridge.cli.log_lines import JsonLines
from bridge.cli.streams import drop_what_cannot_be_written


def test_lines_are_dropped_and_counted_until_there_is_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = REGISTRY.get_sample_value("bridge_log_lines_dropped_total") or 0
    full, file = os.open("/dev/full", os.O_WRONLY), os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    place = os.dup(file)
    with os.fdopen(place, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setattr(sys, "stderr", stream)
        drop_what_cannot_be_written()
        for where in (file, full, full, file):
            os.dup2(where, place)
            sys.stderr.write(f"line to {'the file' if where == file else 'nowhere'}\n")
    for one in (full, file):
        os.close(one)
    dropped = (REGISTRY.get_sample_value("bridge_log_lines_dropped_total") or 0) - before
    lines = (tmp_path / "log").read_text().splitlines()
    assert dropped == 2
    assert lines == ["line to the file", "(could not be written here: 2 lines)", "line to the file"]


def test_what_could_not_be_written_is_told_as_all_else_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.cli.console._SPEECH.formatter", JsonLines())
    full, place = os.open("/dev/full", os.O_WRONLY), os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    file = os.dup(place)
    with os.fdopen(place, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setattr(sys, "stdout", stream)
        drop_what_cannot_be_written()
        os.dup2(full, place)
        sys.stderr.write("{}\n")
        os.dup2(file, place)
        sys.stderr.write("{}\n")
    for one in (full, file):
        os.close(one)
    told, line = map(json.loads, (tmp_path / "log").read_text().splitlines())
    assert (told["level"], told["message"], line) == ("warning", "(could not be written here: 1 lines)", {})


@pytest.mark.parametrize("length", [40, 3_000, 100_000])
def test_a_pipe_that_nobody_reads_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    """Also by a line for which there is room in part only. What was written is whole again once somebody reads."""
    before = REGISTRY.get_sample_value("bridge_log_lines_dropped_total") or 0
    reading, writing = os.pipe()
    line, lines = "x" * (length - 1) + "\n", 200_000 // length + 1
    with os.fdopen(reading, "rb") as reader, os.fdopen(writing, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setattr(sys, "stderr", stream)
        drop_what_cannot_be_written()
        for _ in range(lines):  # more than there is room for: it would wait for ever
            sys.stderr.write(line)
        os.set_blocking(reading, False)
        first = (reader.read() or b"").decode()
        sys.stderr.write("later\n")
        last = (reader.read() or b"").decode()
    dropped = (REGISTRY.get_sample_value("bridge_log_lines_dropped_total") or 0) - before
    whole, beginning = first.count("\n"), first.rpartition("\n")[2]
    assert (whole, set(first) - {"\n"}) == (lines - dropped, {"x"})
    assert last == f"{chr(10) if beginning else ''}(could not be written here: {round(dropped)} lines)\nlater\n"
