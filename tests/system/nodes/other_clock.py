"""Imported beside a bridge: its machine's clock is wrong by CLOCK_AHEAD_SECONDS, as if nobody had set it."""

import datetime as datetimes
import os
import sys
import time
from typing import Self

AHEAD_SECONDS = float(os.environ["CLOCK_AHEAD_SECONDS"])
right_time = time.time


class OtherTime(datetimes.datetime):
    @classmethod
    def now(cls, tz: datetimes.tzinfo | None = None) -> Self:
        return cls.fromtimestamp(right_time() + AHEAD_SECONDS, tz)


RIGHT: type[datetimes.datetime] = datetimes.datetime


# Most of the bridge is imported already.
for name, module in [*sys.modules.items()]:
    if name.startswith(("bridge.", "providers.", "coordinator.")) and getattr(module, "datetime", None) is RIGHT:
        module.datetime = OtherTime  # type: ignore[attr-defined]
datetimes.datetime = OtherTime  # type: ignore[misc]
time.time = lambda: right_time() + AHEAD_SECONDS
