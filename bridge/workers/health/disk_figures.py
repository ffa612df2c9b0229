"""The room on the disk of an SQLite journal, for Prometheus. Where it is not known there is no figure: a zero would
be an alert. A journal in PostgreSQL is on a disk of its server's."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily

__all__ = ["measure_disk"]

# Whoever scrapes wants the other figures too, whatever the disk does.
MEASURED_WITHIN_SECONDS = 2.0


class _FreeRoom:
    """What the registry asks at each scrape."""

    free_bytes: int | None = None

    def describe(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily("bridge_journal_disk_free_bytes", "Room on the disk of an SQLite journal")

    def collect(self) -> Iterator[GaugeMetricFamily]:
        if self.free_bytes is not None:
            [family] = self.describe()
            family.add_metric([], self.free_bytes)
            yield family


_FREE_ROOM = _FreeRoom()
REGISTRY.register(_FREE_ROOM)


async def measure_disk(folder: Path | None) -> None:
    """Sets the figure; `folder` is None for a journal that is no file."""
    _FREE_ROOM.free_bytes = None
    if folder is None:
        return
    try:
        async with asyncio.timeout(MEASURED_WITHIN_SECONDS):
            _FREE_ROOM.free_bytes = (await asyncio.to_thread(shutil.disk_usage, folder)).free
    except (OSError, TimeoutError):
        pass
