"""What runs for as long as the application does: the engine, and the sockets that its events are delivered to."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from time import perf_counter

from litestar import Litestar
from prometheus_client import Gauge

from bridge.access import Grants, Revocations
from bridge.door import ConnectionLimits
from bridge.drain import Drain, LeavingClient
from bridge.engine import Engine, Sessions, Stop, running_engine, untroubled
from bridge.http.event_feed import EventFeed, Follower
from bridge.journal import Journal, JournaledEvent
from bridge.journal.liveness import LEFT_TO_WITHIN
from bridge.recovery import JournalHistory, JournalSessions
from bridge.registry import Registry
from bridge.revoked_access import RevokedAccess
from bridge.settings import Settings
from bridge.settings_fingerprint import SettingsFingerprint
from bridge.shared_activity import SharedActivity
from bridge.sockets import SocketServer, deliver, set_socket_server
from bridge.sockets.clients.departures import departures
from bridge.sockets.recovery.recovery import Recovery
from bridge.traces import Delivered, tracing
from bridge.workers.health.neighbours import Neighbours
from bridge.workers.health.system_status import OwnStatus, Pulse
from bridge.workers.health.vitals import Vitals
from coordinator import rooms
from coordinator.events import Event
from coordinator.histories import Place

__all__ = ["Runtime"]

logger = logging.getLogger("bridge")

# Of the time in which the bridge has to stop: for the clients to be notified, and what is known of them to be saved.
CLIENTS_SHARE = 0.2

TASKS = Gauge(
    "bridge_tasks", "What the event loop has under way; a connection has none while nothing is going on in it"
)


class EventDelivery:
    """Hands the events of the journal to the clients that are connected, and remembers them for those that return."""

    def __init__(
        self, settings: Settings, sockets: SocketServer, vitals: Vitals, revoked_access: RevokedAccess
    ) -> None:
        self._settings = settings
        self._sockets = sockets
        self._vitals = vitals
        self._revoked_access = revoked_access
        self._history: JournalHistory | None = None
        self._sharing: asyncio.Task[None] | None = None

    def begin(self, journal: Journal, delivered_until: Place) -> Sessions:
        """Has clients recovered out of this journal, of which everything up to there was delivered."""
        self._history = JournalHistory(journal)
        if journal.activities.is_shared:
            self._sockets.eio.misrouted.share(journal.nodes.own, journal.clock)
        grace = timedelta(seconds=self._settings.presence_grace_seconds)
        self._sharing = asyncio.create_task(SharedActivity(journal, self._sockets, grace=grace).run())
        recovery = Recovery(
            self._history,
            JournalSessions(journal),
            cursor=delivered_until.number,
            offset=journal.offset_text(delivered_until),
            keeps_confidence=self._settings.keeps_confidence,
            remembered_bytes=self._settings.remembered_bytes,
            replay_bytes=self._settings.replay_limit_bytes,
        )
        self._sockets.recover_with(recovery)
        set_socket_server(self._sockets, publish=journal.publish_events)
        self._vitals.follow(journal.commit_times)
        return recovery.session_ids

    def end(self) -> None:
        """Clients are gone."""
        if self._sharing is not None:
            self._sharing.cancel()

    async def deliver(self, stretch: Sequence[JournaledEvent]) -> None:
        recovery, history = self._sockets.recovery, self._history
        if recovery is None or history is None:
            raise LookupError("events are delivered only when clients can be recovered")
        for run in self._revoked_access.runs(stretch):
            # Before anything of it counts as delivered: a client that comes back meanwhile would be told it twice.
            await self._sockets.eio.crowd_writes.has_room()
            self._deliver(run, recovery, history)

    def _deliver(self, stretch: Sequence[JournaledEvent], recovery: Recovery, history: JournalHistory) -> None:
        delivered = history.delivered(stretch)
        recovery.note_delivered(delivered)
        _, events, offsets = zip(*delivered, strict=True)
        traces = tracing.traces
        begun = 0.0 if traces is None else perf_counter()
        crowd_writes = self._sockets.eio.crowd_writes
        crowds = crowd_writes.begun
        written = deliver(self._sockets, events, offsets=offsets)
        # What no crowd hears is written by now, even if it is noted behind what one still has to be written.
        at = self._vitals.now() if crowd_writes.begun == crowds else None
        crowd_writes.once_written(partial(self._vitals.delivered, stretch, written, at))
        self._revoked_access.apply(stretch[-1])
        if traces is not None:
            addressed = zip(stretch, written, strict=True)
            delivered_to = [
                Delivered(one.offset, one.event.name, one.traceparent, to) for one, to in addressed if one.traceparent
            ]
            crowd_writes.once_written(partial(traces.delivered, delivered_to, begun))


@dataclass(frozen=True, slots=True)
class EndOfFeed:
    """Of one that waits for events, which was told at its beginning when to come back."""

    follower: Follower

    def tell(self, come_back_in_ms: int) -> None:
        pass

    @property
    def has_heard(self) -> bool:
        return True

    def close(self) -> None:
        self.follower.end()


@dataclass(frozen=True, slots=True)
class Handover:
    """What this bridge leaves to the others of its journal when it stops."""

    engine: Engine
    sockets: SocketServer
    feed: EventFeed

    async def others(self) -> bool:
        return await self.engine.journal.nodes.are_others(LEFT_TO_WITHIN)

    async def give_back(self) -> None:
        await self.engine.leased.give_back()

    def clients(self) -> list[LeavingClient]:
        return [*departures(self.sockets), *map(EndOfFeed, self.feed.followers())]


@dataclass(frozen=True, slots=True)
class Runtime:
    """Starts what runs beside the routes, gives it to them as the application's state, and stops it in the end."""

    settings: Settings
    sockets: SocketServer
    registry: Registry
    vitals: Vitals
    stop: Stop
    connection_limits: ConnectionLimits | None
    troubles: Mapping[str, Callable[[], str | None]]
    drain: Drain
    revocations: Revocations
    feed: EventFeed
    grants: Grants | None

    @asynccontextmanager
    async def run(self, app: Litestar) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        TASKS.set_function(lambda: len(asyncio.all_tasks(loop)))
        revoked_access = RevokedAccess(self.revocations, self.sockets, self.grants)
        delivery = EventDelivery(self.settings, self.sockets, self.vitals, revoked_access)
        own = OwnStatus(
            vitals=self.vitals,
            port=self.settings.port,
            connections=lambda: self.sockets.manager.client_count,
            turned_away=self._turned_away,
            is_stopping=lambda: self.drain.has_begun,
            settings=SettingsFingerprint(self.settings).digests,
        )
        engine_runs = running_engine(
            self.settings, self.registry, delivery.deliver, delivery.begin, report=own.report, stop=self.stop
        )
        async with engine_runs as engine:
            await revoked_access.load(engine.journal)
            troubles = {name: untroubled(trouble) for name, trouble in self.troubles.items()}
            pulse = Pulse(
                vitals=self.vitals,
                chains=engine.chains,
                providers=engine.providers,
                offsets=engine.offsets,
                clock=engine.journal.clock,
                nodes=engine.journal.nodes,
                own=own,
            )
            self.drain.serve(Handover(engine, self.sockets, self.feed))
            nodes, clock = engine.journal.nodes, engine.journal.clock
            misrouted = self.sockets.eio.misrouted
            neighbours = Neighbours(nodes, settings=own.settings, clock=clock, seen=misrouted.see)
            # Where there are no others, nothing is left to them.
            with_others = {
                "drain": self.drain.check,
                "settings": untroubled(neighbours.trouble),
                "polling": untroubled(misrouted.trouble),
            }
            checks = {**(with_others if nodes.is_shared else {}), **engine.checks, **troubles}
            app.state.engine, app.state.pulse, app.state.checks = engine, pulse, checks
            publishing = asyncio.create_task(pulse.publish(self._is_watched, self._publish))
            watching = asyncio.create_task(self.sockets.admission.watch_keys())
            looking = asyncio.create_task(neighbours.run())
            try:
                yield
            finally:
                publishing.cancel()
                watching.cancel()
                looking.cancel()
                await _disconnect_clients(self.sockets, CLIENTS_SHARE * self.settings.stop_seconds)
                delivery.end()

    def _turned_away(self) -> int:
        return 0 if self.connection_limits is None else self.connection_limits.stand.turned_away

    def _is_watched(self) -> bool:
        return bool(self.sockets.manager.subscribers("/", rooms.OPS))

    def _publish(self, event: Event) -> None:
        deliver(self.sockets, [event])


async def _disconnect_clients(sockets: SocketServer, within_seconds: float) -> None:
    try:
        async with asyncio.timeout(within_seconds):
            await sockets.shutdown()
    except TimeoutError:
        logger.warning("not every client was notified in time that the bridge stops; they will reconnect")
