"""Outages that are brought about, each with its end: what befalls a bridge on the days that nobody plans for."""

import resource
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

import pytest

from tests.conftest import BridgeProcess
from tests.postgresql import Cluster

__all__ = [
    "MachineClock",
    "MovedClockProcess",
    "Outage",
    "few_descriptors",
    "filled",
    "is_in_time",
    "of_clocks",
    "of_files",
    "of_postgresql",
    "small_disk",
]


SLACK_SECONDS = 20.0
"""How much later than promised something may be on a machine that starts Python in a tenth of a second."""


def is_in_time(took_seconds: float, promised_seconds: float) -> bool:
    """Whether it took no longer than was promised, but for what a machine as slow as this one explains."""
    if took_seconds < promised_seconds + SLACK_SECONDS:
        return True
    begun = time.monotonic()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return took_seconds < promised_seconds + SLACK_SECONDS * 10 * (time.monotonic() - begun)


@dataclass(frozen=True)
class Outage:
    """Something that keeps a bridge from its work for as long as it lasts."""

    name: str
    lasts: Callable[[], AbstractContextManager[object]]
    is_worked_through: bool = False
    """Whether the bridge stays ready meanwhile."""


class MovedClockProcess(BridgeProcess):
    """A bridge on a machine whose clock somebody sets while it runs."""

    beside = "tests.system.nodes.other_clock"


class MachineClock:
    """The clock of that machine, which is right at first."""

    def __init__(self, file: Path) -> None:
        self.file = file
        file.write_bytes(struct.pack("d", 0.0))

    @contextmanager
    def ahead(self, seconds: float) -> Iterator[None]:
        self._set(seconds)
        try:
            yield
        finally:
            self._set(0.0)

    def _set(self, seconds: float) -> None:
        with self.file.open("r+b", buffering=0) as file:
            file.write(struct.pack("d", seconds))


def of_clocks(clock: MachineClock) -> list[Outage]:
    """What befalls a machine whose clock is set, and set right again."""
    hour = 3600.0
    return [
        Outage("the clock is an hour ahead", lambda: clock.ahead(hour), is_worked_through=True),
        Outage("the clock is an hour behind", lambda: clock.ahead(-hour), is_worked_through=True),
    ]


def of_postgresql(cluster: Cluster, bridge: BridgeProcess) -> list[Outage]:
    """What befalls a bridge whose journal is in a cluster."""

    @contextmanager
    def away(end: Callable[[], None]) -> Iterator[None]:
        end()
        try:
            yield
        finally:
            cluster.start(cluster.port)

    return [
        Outage("PostgreSQL is frozen", cluster.frozen),
        Outage("PostgreSQL crashes and is away", lambda: away(cluster.crash)),
        Outage("PostgreSQL is stopped and away", lambda: away(cluster.stop)),
        Outage("descriptors are used up", lambda: few_descriptors(bridge)),
    ]


def of_files(disk: Path, bridge: BridgeProcess) -> list[Outage]:
    """What befalls a bridge whose journal is a file on a disk."""
    return [
        Outage("the disk is full", lambda: filled(disk)),
        Outage("descriptors are used up", lambda: few_descriptors(bridge)),
    ]


@contextmanager
def few_descriptors(bridge: BridgeProcess) -> Iterator[None]:
    """Lets a bridge open next to no file more than it has."""
    pid = bridge.process.pid
    used = {int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir()}
    # The limit is on their numbers, of which some below the highest may be free.
    free = (number for number in count() if number not in used)
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (next(islice(free, 10, None)), before[1]))
    try:
        yield
    finally:
        if bridge.process.poll() is None:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A disk of its own, in memory; the test is skipped where nothing can be mounted."""
    disk = folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Takes all the room that there is on a disk."""
    filling = disk / "filling"
    try:
        with filling.open("wb", buffering=0) as file:
            size = 1_000_000
            while size:
                try:
                    file.write(bytes(size))
                except OSError:
                    size //= 2
        yield
    finally:
        filling.unlink()
