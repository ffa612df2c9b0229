"""The state of the bridge at this moment, published once a second while somebody watches."""

import asyncio
import logging
import resource
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from socket import gethostname

from bridge.catalogue.chat import moment_text
from bridge.catalogue.system import (
    ChainHealth,
    JournalHealth,
    Latency,
    NodeHealth,
    NodeStatus,
    ProviderHealth,
    SystemStatus,
)
from bridge.journal import NodeRecords
from bridge.journal.liveness import SHOWN_FOR
from bridge.workers.chains.followers import ChainFollowers
from bridge.workers.health.neighbours import SelfReport, differing, is_gone
from bridge.workers.health.vitals import Percentiles, Vitals
from coordinator.events import Event
from providers.errors import ProviderError

__all__ = ["OwnStatus", "Pulse"]

logger = logging.getLogger("bridge.system")

INTERVAL_SECONDS = 1.0

MEGABYTE = 1_000_000
PAGE_BYTES = resource.getpagesize()
STATM = Path("/proc/self/statm")

Check = Callable[[], Awaitable[str | None]]


class OwnStatus:
    """How this bridge is doing, which it tells those that share its journal too."""

    def __init__(
        self,
        *,
        vitals: Vitals,
        port: int,
        connections: Callable[[], int],
        turned_away: Callable[[], int],
        is_stopping: Callable[[], bool],
        settings: Callable[[], Mapping[str, str]],
    ) -> None:
        """`settings` are those that have to be alike at each bridge, as digests."""
        self.settings = settings
        self._vitals = vitals
        self._connections = connections
        self._turned_away = turned_away
        self._is_stopping = is_stopping
        self._name = f"{gethostname()}:{port}"
        self._version = version("bridge")
        self._started_at = moment_text(datetime.now(UTC))

    def status(self) -> NodeStatus:
        rates = self._vitals.rates()
        return NodeStatus(
            name=self._name,
            version=self._version,
            started_at=self._started_at,
            connections=self._connections(),
            turned_away=self._turned_away(),
            events_per_second=rates.events,
            deliveries_per_second=rates.deliveries,
            memory_mb=round(memory_bytes() / MEGABYTE, 1),
            is_stopping=self._is_stopping(),
        )

    def report(self) -> str:
        """The same, and what its settings are, as it is kept."""
        return SelfReport(**dict(self.status()), settings=self.settings()).model_dump_json(by_alias=True)


class Pulse:
    """Knows how the bridge is doing."""

    def __init__(
        self,
        *,
        vitals: Vitals,
        chains: ChainFollowers,
        providers: Mapping[str, Check | None],
        offsets: Callable[[], tuple[int, int]],
        clock: Callable[[], datetime],
        nodes: NodeRecords,
        own: OwnStatus,
    ) -> None:
        """`providers` are all of them, each with its check if the bridge speaks to it; `offsets` are those of the
        newest event and of the last that was handed to the sockets."""
        self._nodes = nodes
        self._own = own
        self._vitals = vitals
        self._chains = chains
        self._providers = providers
        self._offsets = offsets
        self._clock = clock

    async def status(self) -> SystemStatus:
        """How it is doing now."""
        own = self._own.status()
        newest, dispatched = self._offsets()
        return SystemStatus(
            version=own.version,
            started_at=own.started_at,
            connections=own.connections,
            turned_away=own.turned_away,
            events_per_second=own.events_per_second,
            deliveries_per_second=own.deliveries_per_second,
            fanout_ms=_latency(self._vitals.fanout()),
            journal=JournalHealth(
                newest_offset=newest,
                dispatched_offset=dispatched,
                lag=newest - dispatched,
                commit_ms=_latency(self._vitals.commits()),
            ),
            providers=[await _health(name, check) for name, check in self._providers.items()],
            chains=[
                ChainHealth(
                    name=status.chain.name,
                    head=status.head,
                    blocks_behind=status.blocks_behind,
                    problem=status.problem,
                )
                for status in await self._chains.statuses()
            ],
            nodes=await self._healths(own),
            memory_mb=own.memory_mb,
            at=moment_text(self._clock()),
        )

    async def _healths(self, own: NodeStatus) -> list[NodeHealth]:
        """Those of the others are as old as what they said last."""
        now, settings = self._clock(), self._own.settings()
        found = []
        for one in await self._nodes.reports():
            if one.report is None or one.seen_at < now - SHOWN_FOR:
                continue
            is_this, said = one.node == self._nodes.own, SelfReport.model_validate_json(one.report)
            health = NodeHealth(
                **dict(own if is_this else said.status()),
                seen_at=moment_text(one.seen_at),
                is_this=is_this,
                is_gone=not is_this and is_gone(one, now),
                differing=[] if is_this else list(differing(settings, said.settings)),
                work=list(one.work),
            )
            found.append(health)
        return found

    async def publish(self, is_watched: Callable[[], bool], publish: Callable[[Event], object]) -> None:
        """Publishes it once a second while somebody watches, until it is cancelled."""
        while True:
            try:
                if is_watched():
                    publish((await self.status()).to())
            except Exception:
                logger.exception("could not publish the status of the bridge; trying again")
            await asyncio.sleep(INTERVAL_SECONDS)


def memory_bytes() -> int:
    """How much memory the process uses; where the system does not say, the most that it ever used."""
    try:
        return int(STATM.read_text(encoding="ascii").split()[1]) * PAGE_BYTES
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


async def _health(name: str, check: Check | None) -> ProviderHealth:
    if check is None:
        return ProviderHealth(name=name, status="ok", message="its webhooks are taken; it is not asked anything")
    try:
        said = await check()
    except ProviderError as error:
        return ProviderHealth(name=name, status="degraded", message=str(error))
    except Exception as error:
        return ProviderHealth(name=name, status="failed", message=f"its check failed ({type(error).__name__})")
    return ProviderHealth(name=name, status="ok", message=said or "it answers")


def _latency(percentiles: Percentiles | None) -> Latency | None:
    return None if percentiles is None else Latency(p50=percentiles.p50, p99=percentiles.p99)
