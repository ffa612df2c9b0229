"""Processes of a benchmark: each on its core, and none outlives the benchmark that started it, however that ends."""

import ctypes
import os
import resource
import signal
from types import FrameType
from typing import NoReturn

__all__ = ["end_on_signals", "ends_with_us", "more_files", "on_first_core", "on_last_core"]

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
