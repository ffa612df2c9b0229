"""A watched file: every change is seen, and one that is gone says nothing before long."""

import os
from pathlib import Path

import pytest

from bridge.access import KeysError
from bridge.access.errors import NoKeyServesError
from bridge.access.watched_file import GRACE_SECONDS, READ_ANYWAY_SECONDS, WatchedFile

NOTHING: list[str] = []


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def words_in(content: bytes) -> list[str]:
    if content.startswith(b"!"):
        raise KeysError("it makes no sense")
    if not content:
        raise NoKeyServesError("it is empty")
    return content.decode().split()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "words"
    path.write_text("one two")
    return path


@pytest.fixture
def file(path: Path, clock: Clock) -> WatchedFile[list[str]]:
    return WatchedFile(path, words_in, nothing=[], clock=clock)


def test_another_content_of_the_same_size_and_time_is_seen_too(
    path: Path, clock: Clock, file: WatchedFile[list[str]]
) -> None:
    """As `cp -p` and a clock that was set back leave it."""
    before = path.stat()
    path.write_text("one six")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    clock.now += READ_ANYWAY_SECONDS
    assert file.value() == ["one", "six"]


def test_another_file_in_its_place_is_seen_at_once(path: Path, file: WatchedFile[list[str]]) -> None:
    before = path.stat()
    other = path.with_name("other")
    other.write_text("one six")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)
    assert file.value() == ["one", "six"]


@pytest.mark.parametrize("trouble", ["missing", "unreadable", "senseless", "too large"])
def test_what_it_said_counts_for_a_moment_and_then_nothing_does(
    path: Path, clock: Clock, file: WatchedFile[list[str]], trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    path.unlink()
    if trouble == "unreadable":
        path.mkdir()
    elif trouble == "senseless":
        path.write_text("!")
    elif trouble == "too large":
        path.write_text("x" * 2_000_000)
    assert file.value() == ["one", "two"]
    assert file.trouble
    clock.now += GRACE_SECONDS - 0.1
    assert file.value() == ["one", "two"]
    assert not file.is_void
    clock.now += 0.1
    assert file.value() == []
    assert file.is_void
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    if trouble == "unreadable":
        path.rmdir()
    path.write_text("one two")
    assert file.value() == ["one", "two"]
    assert file.trouble is None


def test_a_file_in_which_nothing_serves_any_more_says_nothing_at_once_and_is_a_trouble_until_something_does(
    path: Path, clock: Clock, file: WatchedFile[list[str]]
) -> None:
    path.write_text("")
    for _ in range(2):
        assert (file.value(), file.trouble) == ([], "it is empty")
        clock.now += READ_ANYWAY_SECONDS  # read again, and the same
    path.write_text("one")
    assert (file.value(), file.trouble) == (["one"], None)


def test_a_file_that_makes_no_sense_at_the_beginning_is_an_error(path: Path) -> None:
    path.write_text("!")
    with pytest.raises(KeysError, match="no sense"):
        WatchedFile(path, words_in, nothing=NOTHING)
    path.unlink()
    with pytest.raises(KeysError, match="cannot read"):
        WatchedFile(path, words_in, nothing=NOTHING)


def test_a_pipe_in_its_place_is_unreadable_and_keeps_nobody_waiting(
    path: Path, clock: Clock, file: WatchedFile[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opening one waits until somebody writes; also where it comes between the look and the opening."""
    path.unlink()
    os.mkfifo(path)
    assert file.value() == ["one", "two"]
    assert str(file.trouble).startswith(f"cannot read {path}: it is no regular file")
    clock.now += GRACE_SECONDS
    assert file.value() == []
    with pytest.raises(KeysError, match="no regular file"):
        WatchedFile[list[str]](path, words_in, nothing=[])
    monkeypatch.setattr(WatchedFile, "_identify", lambda _: (0,))
    with pytest.raises(KeysError, match="no regular file"):
        WatchedFile[list[str]](path, words_in, nothing=[])
