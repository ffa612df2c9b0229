"""A chain of real processes, such as `make test` is, of which one after the other is killed: nothing stays behind.

Everybody in it has the same pipe as its output. When that is at its end, the last of them is gone.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from bridge.cli import supervisor
from tests.waiting import GIVE_UP_SECONDS

SUPERVISOR = Path(supervisor.__file__)
# A command with a worker, whose own children are of the kinds that are hard to be rid of.
COMMAND = """
import os, signal, tempfile

def start(role):
    if os.fork() == 0:
        role()
        os._exit(0)

def say(name, pid):
    os.write(1, f"{name} {pid}\\n".encode())

def wait():
    while True:
        signal.pause()

def worker():
    start(daemon)
    start(lambda: start(orphan))
    say("worker", os.getpid())
    wait()

def daemon():
    os.setsid()
    say("daemon", os.getpid())
    wait()

def orphan():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    say("orphan", os.getpid())
    wait()

open(os.path.join(tempfile.gettempdir(), "left"), "w").close()
start(worker)
say("command", os.getpid())
say("inner", os.getppid())
wait()
"""
LINKS = ("command", "worker", "daemon", "orphan", "inner")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no kernel tells of a parent's death")


def supervised(*command: str | Path, grace_seconds: float = 0.1) -> list[str]:
    options = ("--grace-seconds", str(grace_seconds))
    return [sys.executable, "-IS", str(SUPERVISOR), *options, *map(str, command)]


class Chain:
    """Runs under the supervisor, below a make where there is one; its process ids by their names."""

    def __init__(self, process: subprocess.Popen[str], pids: dict[str, int]) -> None:
        self.process = process
        self.pids = pids

    def wait_until_nothing_is_left(self) -> None:
        assert self.process.stdout is not None
        self.process.stdout.read()
        self.process.wait()

    def kill(self) -> None:
        for pid in self.pids.values():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@contextmanager
def chain(folder: Path) -> Iterator[Chain]:
    """Once all of it runs."""
    program = folder / "program.py"
    program.write_text(COMMAND)
    temporary = folder / "temporary"
    temporary.mkdir()
    command = " ".join(supervised(sys.executable, "-IS", program))
    (folder / "Makefile").write_text(f"all:\n\t@exec {command}\n")
    with subprocess.Popen(
        [shutil.which("make") or "make", "-f", folder / "Makefile"],
        env={"PATH": os.environ["PATH"], "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        process_group=0,
    ) as process:
        assert process.stdout is not None
        pids = {"make": process.pid}
        running = Chain(process, pids)
        give_up = threading.Timer(GIVE_UP_SECONDS, running.kill)
        give_up.start()
        try:
            while not pids.keys() >= set(LINKS):
                name, _, pid = process.stdout.readline().partition(" ")
                pids[name] = int(pid)
            pids["outer"] = _parent_of(pids["inner"])
            assert _parent_of(pids["outer"]) == process.pid
            assert [*temporary.glob("*/left")]
            yield running
            assert give_up.is_alive(), "something was left"
            assert [*temporary.iterdir()] == []
        except BaseException:
            running.kill()
            raise
        finally:
            give_up.cancel()


@pytest.mark.parametrize("link", ["make", "outer", "inner", "command"])
def test_whichever_link_is_killed_nothing_is_left(tmp_path: Path, link: str) -> None:
    with chain(tmp_path) as running:
        os.kill(running.pids[link], signal.SIGKILL)
        running.wait_until_nothing_is_left()


@pytest.mark.parametrize(
    ("link", "number"),
    [
        ("make", signal.SIGKILL),
        ("inner", signal.SIGKILL),
        ("command", signal.SIGKILL),
        ("make", signal.SIGTERM),
        ("make", signal.SIGHUP),
    ],
)
def test_whichever_group_gets_a_signal_nothing_is_left(tmp_path: Path, link: str, number: signal.Signals) -> None:
    with chain(tmp_path) as running:
        assert os.getpgid(running.pids[link]) == running.pids[link]
        os.killpg(running.pids[link], number)
        running.wait_until_nothing_is_left()


def test_a_worker_that_is_killed_leaves_its_children_no_longer_than_the_command_runs(tmp_path: Path) -> None:
    with chain(tmp_path) as running:
        os.kill(running.pids["worker"], signal.SIGKILL)
        os.kill(running.pids["command"], signal.SIGTERM)
        running.wait_until_nothing_is_left()


@pytest.mark.parametrize("link", ["make", "outer", "inner"])
def test_what_is_asked_to_end_takes_everything_with_it(tmp_path: Path, link: str) -> None:
    with chain(tmp_path) as running:
        os.kill(running.pids[link], signal.SIGTERM)
        running.wait_until_nothing_is_left()


def test_an_interrupt_leaves_the_command_its_time() -> None:
    """As Ctrl-C at a terminal, which goes to the group of make, and so does not reach the command by itself."""
    program = (
        "import signal, sys\ntry:\n  print(1, flush=True); signal.pause()\nexcept KeyboardInterrupt: sys.exit(9)"
    )
    with subprocess.Popen(supervised(sys.executable, "-c", program), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "1\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(GIVE_UP_SECONDS) == 9


def test_a_second_interrupt_ends_what_does_not_care_for_the_first() -> None:
    # `os.write`, since no `print` may interrupt another.
    say = "import os, signal\nsay = lambda word: os.write(1, word + b'\\n')\n"
    program = say + "signal.signal(2, lambda *_: say(b'2')); say(b'1')\nwhile True: signal.pause()"
    command = supervised(sys.executable, "-c", program, grace_seconds=GIVE_UP_SECONDS)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for said in ("1\n", "2\n"):
            assert process.stdout.readline() == said
            process.send_signal(signal.SIGINT)
        assert process.wait(GIVE_UP_SECONDS) == 128 + signal.SIGTERM


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(supervised(*command), capture_output=True, text=True, check=False, timeout=GIVE_UP_SECONDS)


@pytest.mark.parametrize(
    ("command", "code"),
    [(["true"], 0), (["sh", "-c", "exit 3"], 3), (["sh", "-c", "kill -9 $$"], 137), (["/nowhere/at-all"], 127)],
)
def test_the_exit_code_is_that_of_the_command(command: Sequence[str], code: int) -> None:
    assert run(*command).returncode == code


def test_the_command_has_signals_as_any_other() -> None:
    ignored = "import signal; print(signal.SIGPIPE in signal.pthread_sigmask(0, ()), signal.getsignal(signal.SIGINT))"
    assert run(sys.executable, "-c", ignored).stdout == f"False {signal.default_int_handler}\n"


def test_a_hangup_that_is_ignored_stays_ignored() -> None:
    """As under nohup."""
    command = supervised("sh", "-c", "kill -HUP $PPID; echo still here")
    ended = subprocess.run(
        ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *command], stdout=subprocess.PIPE, text=True, check=True
    )
    assert ended.stdout == "still here\n"


def test_a_command_is_needed() -> None:
    assert run().returncode == 2
