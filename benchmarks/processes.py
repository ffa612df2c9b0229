"""Processes of a benchmark: each on its core, and none outlives the benchmark that started it, however that ends; and
what one takes."""

import ctypes
import os
import resource
import signal
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

__all__ = [
    "cpu_seconds",
    "end_on_signals",
    "ends_with_us",
    "memory_kb",
    "more_files",
    "on_first_core",
    "on_last_core",
    "open_sockets",
]

LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1  # <sys/prctl.h>


def end_on_signals() -> None:
    """Ctrl-C, SIGTERM and a closed terminal end the program as an error would: what it started, it ends."""

    def end(number: int, _: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` has it
            signal.signal(number, end)


def ends_with_us() -> None:
    """In a new process: the kernel kills it when the thread that started it is gone, even if that was killed too."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def on_first_core() -> None:
    """In a new process: where the servers are."""
    _place(min(os.sched_getaffinity(0)))


def on_last_core() -> None:
    """In a new process: where the clients are."""
    _place(max(os.sched_getaffinity(0)))


def _place(core: int) -> None:
    ends_with_us()
    os.sched_setaffinity(0, {core})
    more_files()


def more_files() -> int:
    """Lets a process open as many files as it may; returns how many."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def cpu_seconds(pid: int) -> float:
    """Of a process, all its threads, to the nanosecond."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def open_sockets(pid: int) -> int:
    """Not its files, of which a server under load may open more for its database."""
    found = 0
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            found += str(path.readlink()).startswith("socket:")
    return found


def memory_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    resident = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")]
    if not resident:
        raise ProcessLookupError("the server has ended")
    return resident[0]
