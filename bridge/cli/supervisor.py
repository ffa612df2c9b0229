"""Runs a command, and takes with it all that it has started, however it ends.

    python -I bridge/cli/supervisor.py COMMAND …

The Makefile starts with it what starts bridges, chains, databases and browsers in its turn. It needs nothing but the
standard library, and must never end while something that the command started still runs.

Nothing that is killed with SIGKILL can tidy up after itself, so two watchers stand above the command:

    make ── outer watcher ── inner watcher ── command ── whatever it starts

The kernel tells each of them when the one before it dies, and gives it the orphans of those below (Linux calls that a
subreaper). Whichever process is killed, one watcher is left to end the rest. The inner watcher and the command each
have a process group of their own, so that no signal to a whole group reaches everybody. Where there is no Linux, the
watchers look each second whether the one before is still there, and end the command's process group alone.
"""

import contextlib
import ctypes
import os
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

__all__ = ["main"]

# Between asking everything to end and killing it. A bridge takes up to five for its last commits.
GRACE_SECONDS = 7.0
# How often to look for what nothing signals.
POLL_SECONDS = 1.0
ENDING_POLL_SECONDS = 0.02
# After one of these everything has the grace to end in; after a Ctrl-C the command takes the time that it needs, but
# for a second Ctrl-C.
ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
PASSED_ON = (*ENDING, signal.SIGINT, signal.SIGTSTP, signal.SIGCONT)
# Python ignores these, and whatever is started by it would too.
IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
USAGE_ERROR, CANNOT_START = 2, 127
# From <linux/prctl.h>.
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
PROCESSES = Path("/proc")
# In some bare containers nobody has mounted it.
SEES_EVERYBODY = sys.platform == "linux" and (PROCESSES / "self" / "stat").exists()


def main(arguments: list[str]) -> int:
    """Runs the command. Returns its exit code, or 128 and the number of the signal that ended it."""
    grace_seconds = GRACE_SECONDS
    if arguments[:1] == ["--grace-seconds"]:
        grace_seconds, arguments = float(arguments[1]), arguments[2:]
    if not arguments:
        sys.stderr.write("usage: supervisor.py [--grace-seconds SECONDS] COMMAND …\n")
        return USAGE_ERROR
    folder = _folder_for_temporary_files()

    def inner(outer: int) -> int:
        try:
            return ChildWatcher(outer, grace_seconds).run(lambda parent: _become(arguments, parent))
        finally:
            shutil.rmtree(folder, ignore_errors=True)  # the outer watcher may be no more

    try:
        return ChildWatcher(os.getppid(), grace_seconds, leaves_it_to_child=True).run(inner)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class ChildWatcher:
    """This process, as one that waits for a child, passes signals on to it, and ends what it leaves behind."""

    def __init__(self, parent: int, grace_seconds: float, *, leaves_it_to_child: bool = False) -> None:
        """`leaves_it_to_child`: another watcher below sees to it that everything ends in time."""
        self._parent = parent
        self._grace_seconds = grace_seconds
        self._leaves_it_to_child = leaves_it_to_child
        self._child = 0
        self._status: int | None = None

    def run(self, child: Callable[[int], int]) -> int:
        """Runs `child`, which is given the id of this process, in a process of its own. Returns its exit code once
        nothing is left of it and of all that it started."""
        _adopt_orphans()
        _die_with(self._parent, signal.SIGTERM)
        with _received_signals() as received:
            self._child = _fork(child)
            self._wait_for_child(received)
            self._end_the_rest(received)
        code = os.waitstatus_to_exitcode(self._status or 0)
        return code if code >= 0 else 128 - code

    def _wait_for_child(self, received: "Received") -> None:
        """Until it has ended, or has to."""
        is_ending = False
        interrupts = 0
        while not self._has_ended():
            numbers = received(POLL_SECONDS)
            if os.getppid() != self._parent and not is_ending:
                numbers.append(signal.SIGTERM)
            for number in numbers:
                self._pass_on(number)
            interrupts += numbers.count(signal.SIGINT)
            is_ending = is_ending or interrupts > 1 or any(number in ENDING for number in numbers)
            if is_ending and not self._leaves_it_to_child:
                return

    def _pass_on(self, number: int) -> None:
        if number in PASSED_ON:
            _send(-self._child, number)
        if number == signal.SIGTSTP:
            os.kill(os.getpid(), signal.SIGSTOP)

    def _end_the_rest(self, received: "Received") -> None:
        """Asks whoever is left to end, and kills who has not in time."""
        patience_ends = time.monotonic() + self._grace_seconds
        asked: set[int] = set()
        while self._is_anybody_left():
            left = descendants() if SEES_EVERYBODY else {-self._child}
            is_late = time.monotonic() > patience_ends
            for pid in left if is_late else left - asked:
                _send(pid, signal.SIGKILL if is_late else signal.SIGTERM)
            asked |= left
            received(ENDING_POLL_SECONDS)

    def _has_ended(self) -> bool:
        self._reap()
        return self._status is not None

    def _is_anybody_left(self) -> bool:
        if self._reap():
            return True
        return not SEES_EVERYBODY and _send(-self._child, 0)

    def _reap(self) -> bool:
        """Takes note of every child that has ended, adopted ones too. Returns whether others still run."""
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self._child:
                    self._status = ended[1]
            return True
        return False


Received = Callable[[float], list[int]]
"""Waits so many seconds at most, less if a signal comes. Returns the signals that have come."""


@contextlib.contextmanager
def _received_signals() -> Iterator[Received]:
    """Signals as something to wait for. One that is ignored, as under nohup, stays so."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (*PASSED_ON, signal.SIGCHLD):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)

    def received(seconds: float) -> list[int]:
        select.select([reading], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            return [*os.read(reading, 512)]
        return []

    yield received


def _fork(run: Callable[[int], int]) -> int:
    """Runs it in a process of its own, which leads a group of its own. Returns its id."""
    parent = os.getpid()
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)  # until either is ready for them
    pid = os.fork()
    if pid:
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
        return pid
    code = 1
    try:
        os.setpgid(0, 0)
        code = run(parent)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _become(arguments: list[str], parent: int) -> int:
    """Turns this process into the command; returns only if it cannot."""
    _die_with(parent, signal.SIGKILL)
    for number in (*PASSED_ON, *IGNORED_BY_PYTHON):
        if number in IGNORED_BY_PYTHON or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
    # In a group of its own it is in the background, where a terminal would stop whoever reads from it, or writes.
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    try:
        os.execvp(arguments[0], arguments)  # noqa: S606 (a shell is not wanted)
    except OSError as error:
        sys.stderr.write(f"{arguments[0]}: {error.strerror}\n")
        sys.stderr.flush()
        return CANNOT_START


def _send(pid: int, number: int) -> bool:
    """Sends a signal to a process, or to the group of a negative one. Returns whether it is there."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def descendants() -> set[int]:
    """The processes below this one."""
    children: dict[int, list[int]] = {}
    for folder in PROCESSES.iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(OSError, IndexError):
                # The name before the parenthesis may hold anything; then come the state and the parent.
                parent = int((folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(folder.name))
    found: set[int] = set()
    below = children.get(os.getpid(), [])
    while below:
        pid = below.pop()
        found.add(pid)
        below += children.get(pid, [])
    return found


def _adopt_orphans() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _die_with(parent: int, number: int) -> None:
    """Has the kernel send this process a signal when its parent is no more."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != parent:  # it went before the kernel knew
        os.kill(os.getpid(), number)


def _folder_for_temporary_files() -> str:
    """What is killed leaves its temporary files behind, but not if they are all in one place. Those of pytest stay
    where they were: people look at them after a failure."""
    before = tempfile.gettempdir()
    folder = tempfile.mkdtemp(prefix="bridge-run-")
    Path(folder).chmod(0o755)  # PostgreSQL runs as another user where the tests run as root
    os.environ["TMPDIR"] = folder
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", before)
    return folder


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
