"""Figures of what needs a person, for Prometheus: how many there are of each kind, also where there are none."""

import asyncio
import logging
import time
from collections.abc import Sequence
from datetime import timedelta

from litestar.di import NamedDependency
from litestar.params import SkipValidation
from prometheus_client import Gauge

from bridge.http.ops.overview import count_by_kind
from bridge.journal import Journal
from coordinator.attention.items import Attention

__all__ = ["AttentionFigures", "GivenAttentionFigures"]

logger = logging.getLogger("bridge.http")

ATTENTION = Gauge("bridge_attention", "What needs a person, as /ops lists it", ["kind"])

# Whoever scrapes more often gets what was counted before: people do not come any faster for it.
COUNTED_AGAIN_AFTER_SECONDS = 5.0


class AttentionFigures:
    """Counts what needs a person when the figures are asked for, and not more often than every few seconds."""

    def __init__(self, refund_address_wait: timedelta) -> None:
        self._refund_address_wait = refund_address_wait
        self._counting = asyncio.Lock()
        self._counted_at: float | None = None

    async def refresh(self, journal: Journal, provider_alarms: Sequence[Attention]) -> None:
        """Counts anew, if it is time, with the `provider_alarms`. Without the journal the figures
        stay as they were."""
        async with self._counting:
            now = time.monotonic()
            if self._counted_at is not None and now - self._counted_at < COUNTED_AGAIN_AFTER_SECONDS:
                return
            self._counted_at = now
            try:
                counts = await count_by_kind(journal, self._refund_address_wait, provider_alarms)
            except Exception:
                # The other figures are wanted most of all when something does not work.
                logger.exception("could not count what needs a person")
                return
            for kind, count in counts.items():
                ATTENTION.labels(kind).set(count)


GivenAttentionFigures = NamedDependency[SkipValidation[AttentionFigures]]
