"""Imported beside a bridge: its machine's clock is wrong by CLOCK_AHEAD_SECONDS, as if nobody had set it; or by what
is in the file that CLOCK_AHEAD_FILE names, a double, which may change at any moment."""

import datetime as datetimes
import mmap
import os
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

right_time = time.time


def _ahead() -> Callable[[], float]:
    if (path := os.environ.get("CLOCK_AHEAD_FILE")) is None:
        constant = float(os.environ["CLOCK_AHEAD_SECONDS"])
        return lambda: constant
    with Path(path).open("rb") as file:
        # Opens nothing later on, when files may have run out.
        shared = mmap.mmap(file.fileno(), 8, prot=mmap.PROT_READ)
    return lambda: float(struct.unpack("d", shared)[0])


ahead_seconds = _ahead()


class OtherTime(datetimes.datetime):
    @classmethod
    def now(cls, tz: datetimes.tzinfo | None = None) -> Self:
        return cls.fromtimestamp(right_time() + ahead_seconds(), tz)


RIGHT: type[datetimes.datetime] = datetimes.datetime


# Most of the bridge is imported already.
for name, module in [*sys.modules.items()]:
    if name.startswith(("bridge.", "providers.", "coordinator.")) and getattr(module, "datetime", None) is RIGHT:
        module.datetime = OtherTime  # type: ignore[attr-defined]
datetimes.datetime = OtherTime  # type: ignore[misc]
time.time = lambda: right_time() + ahead_seconds()
