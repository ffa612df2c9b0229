"""Checks of readiness: what has to work for the bridge to do its work. Each answers within a few seconds, whatever
hangs, and runs at most once a second, however many ask: probes cost next to nothing.
"""

import asyncio
import errno
import os
import resource
import shutil
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

from prometheus_client import Gauge

from coordinator.errors import BridgeError

__all__ = ["Check", "DegradedError", "LoopLag", "Shared", "check_descriptors", "check_disk"]

Check = Callable[[], Awaitable[str | None]]
"""Raises where something does not work, and may say more where it does."""

# Kubernetes and the like ask every few seconds, and wait for one.
SHARED_SECONDS = 1.0
CHECK_SECONDS = 5.0

# What a bridge needs to go on: connections to the database and to providers, and a few new clients.
DESCRIPTORS_NEEDED = 32

# A checkpoint, a backup of the mark and the log need some of it: below this, commits may fail at any moment.
LEAST_SPACE_BYTES = 32_000_000
AMPLE_SPACE_BYTES = 320_000_000
MEGABYTE = 1_000_000

# Far less than what is slow, and seldom enough for a bridge that has nothing to do.
MEASURED_EVERY_SECONDS = 0.5
LAG_REMEMBERED_SECONDS = 10.0
SLOW_LOOP_SECONDS = 1.0
# Nobody has been answered at all for this long: SHKeeper waits 30 s, most probes less.
STUCK_LOOP_SECONDS = 5.0

LAG = Gauge("bridge_loop_lag_seconds", "How long the event loop last had to be waited for, the worst of 10 s")


class DegradedError(BridgeError):
    """Something that the bridge can do without for a while does not work."""


class Shared:
    """A check, whose answer is shared by all who ask within a second."""

    def __init__(self, check: Check, *, is_needed: bool = True) -> None:
        """If it does not answer in time, a check that `is_needed` has failed; any other is degraded."""
        self._check = check
        self._silence: type[BridgeError] = BridgeError if is_needed else DegradedError
        self._answer: asyncio.Task[str | None] | None = None
        self._answered_at = 0.0

    async def __call__(self) -> str | None:
        answer = self._answer
        if answer is None or (answer.done() and time.monotonic() - self._answered_at >= SHARED_SECONDS):
            answer = self._answer = asyncio.create_task(self._ask())
            answer.add_done_callback(_retrieve)
        # A check that does not answer goes on: it is not started again while it hangs.
        await asyncio.wait([answer], timeout=CHECK_SECONDS)
        if not answer.done():
            raise self._silence(f"no answer within {CHECK_SECONDS:g} s")
        return answer.result()

    async def _ask(self) -> str | None:
        try:
            return await self._check()
        finally:
            self._answered_at = time.monotonic()

    def cancel(self) -> None:
        """Ends the check that is under way."""
        if self._answer is not None:
            self._answer.cancel()


def _retrieve(answer: asyncio.Task[str | None]) -> None:
    """Nobody receives an answer that comes too late, and its failure is no news."""
    if not answer.cancelled():
        answer.exception()


async def check_descriptors() -> None:
    """Whether files can still be opened."""
    with ExitStack() as opened:
        try:
            for _ in range(DESCRIPTORS_NEEDED):
                opened.callback(os.close, os.open(os.devnull, os.O_RDONLY))
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
            raise BridgeError(
                f"fewer than {DESCRIPTORS_NEEDED} file descriptors are left of {limit}; raise the limit (LimitNOFILE,"
                " ulimit -n) or let fewer clients connect"
            ) from None


async def check_disk(folder: Path) -> None:
    """Whether a disk has room. Raises DegradedError where there is little."""
    free = (await asyncio.to_thread(shutil.disk_usage, folder)).free
    if free >= AMPLE_SPACE_BYTES:
        return
    said = f"{free // MEGABYTE} MB are free in {folder}"
    if free < LEAST_SPACE_BYTES:
        raise BridgeError(f"{said}, and {LEAST_SPACE_BYTES // MEGABYTE} MB are needed; make room")
    raise DegradedError(f"{said}; make room")


class LoopLag:
    """Measures how long callers wait for the event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._measured: deque[tuple[float, float]] = deque()
        """When, and how long."""
        LAG.set_function(lambda: self.worst_seconds)

    async def run(self) -> None:
        """Measures until it is cancelled."""
        while True:
            begun = self._clock()
            await asyncio.sleep(MEASURED_EVERY_SECONDS)
            self.add(self._clock() - begun - MEASURED_EVERY_SECONDS)

    def add(self, seconds: float) -> None:
        """Records that the loop was late by this much just now."""
        now = self._clock()
        self._measured.append((now, seconds))
        while self._measured[0][0] < now - LAG_REMEMBERED_SECONDS:
            self._measured.popleft()

    @property
    def worst_seconds(self) -> float:
        return max((seconds for _, seconds in tuple(self._measured)), default=0.0)

    async def check(self) -> None:
        """Whether the loop answers. Raises DegradedError where it is slow."""
        worst = self.worst_seconds
        if worst < SLOW_LOOP_SECONDS:
            return
        said = f"the event loop was blocked for {worst:.1f} s within the last {LAG_REMEMBERED_SECONDS:g} s"
        raise (BridgeError if worst >= STUCK_LOOP_SECONDS else DegradedError)(said)
