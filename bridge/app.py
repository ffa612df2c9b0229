"""The composition root: the only place where settings, providers, journal, routes and sockets meet."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from litestar import Litestar, Request
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.plugins.pydantic import PydanticPlugin
from prometheus_client import Gauge

from bridge.access import Principal
from bridge.console.pages import pages_router
from bridge.door import Guests
from bridge.engine import Sessions, Stop, running_engine, untroubled
from bridge.http.attention_figures import AttentionFigures
from bridge.http.catch_up import catch_up_router
from bridge.http.chains import chain_router
from bridge.http.events import event_router, plain_publications
from bridge.http.front.callers import Callers
from bridge.http.front.dependencies import ReadinessChecks
from bridge.http.front.exact_paths import ExactPaths
from bridge.http.front.fast_path import FastPath
from bridge.http.front.head import Head
from bridge.http.front.interruption import Interruption
from bridge.http.front.openapi import RouteConventions, openapi_config
from bridge.http.front.origins import Preflights, front_end_only
from bridge.http.front.problems import exception_handlers
from bridge.http.front.service_tokens import Service, WatchedServices
from bridge.http.front.staff import OpsAccess
from bridge.http.health import live, metrics, ready
from bridge.http.ops.routes import ops_router, payout_decision_router
from bridge.http.payments.checkouts import checkout_router
from bridge.http.payments.routes import payment_router
from bridge.http.payouts.routes import payout_router
from bridge.http.presence import get_presence
from bridge.http.refunds.routes import refund_router
from bridge.http.webhooks import plain_webhooks, webhook_router
from bridge.journal import Journal, JournaledEvent
from bridge.recovery import JournalHistory, JournalSessions
from bridge.registry import build_registry
from bridge.settings import Settings, load_settings
from bridge.sockets import SocketServer, asgi_app, create_socket_server, deliver, set_socket_server, show_figures
from bridge.sockets.recovery.recovery import Recovery
from bridge.sockets.transport.unread import Unread
from bridge.workers.system_status import Pulse
from bridge.workers.vitals import Vitals
from coordinator import rooms
from coordinator.errors import BridgeError
from coordinator.events import Event
from coordinator.histories import Place

__all__ = ["create_app", "described_routes"]

logger = logging.getLogger("bridge")

# Of the time in which the bridge has to stop: for the clients to be told, and what is known of them to be kept.
CLIENTS_SHARE = 0.2

AnyRequest = Request[Any, Any, Any]

TASKS = Gauge(
    "bridge_tasks", "What the event loop has under way; a connection has none while nothing is going on in it"
)


def _stop_by_signal(_reason: BridgeError) -> None:
    """What every server of such an application understands."""
    signal.raise_signal(signal.SIGTERM)


def create_app(
    settings: Settings | None = None,
    *,
    stop: Stop = _stop_by_signal,
    guests: Guests | None = None,
    unread: Unread | None = None,
) -> Any:
    """The ASGI application: REST, webhooks and Socket.IO on one port. `stop` ends its server where it may not go
    on; `guests` are the connections of the front door before it, if that is ours, and `unread` what those have not
    read."""
    settings = settings or load_settings()
    unread = unread or settings.unread
    unread.show()
    verifier = settings.verifier
    sockets = create_socket_server(
        frontend_url=settings.frontend_url,
        own_origins=settings.own_origins,
        verifier=verifier,
        keeps_confidence=settings.keeps_confidence,
        presence_grace_seconds=settings.presence_grace_seconds,
        ping_interval_seconds=settings.ping_interval_seconds,
        ping_timeout_seconds=settings.ping_timeout_seconds,
        max_payload_bytes=settings.max_payload_bytes,
        limits=settings.limits,
        unread=unread,
        places=guests,
    )
    set_socket_server(sockets)
    show_figures(sockets)
    require_front_end = front_end_only(
        settings.frontend_origins,
        settings.own_origins,
        asks_nobody_on_loopback=settings.access == "open" and settings.is_loopback,
    )
    services = settings.services
    callers = Callers(services, verifier, require_front_end=require_front_end)
    troubles: dict[str, Callable[[], str | None]] = {"unread": unread.trouble}
    troubles |= {"services": services.trouble} if services.are_watched else {}
    troubles |= {} if verifier is None else {"keys": verifier.trouble}
    troubles |= {} if guests is None else {"connections": guests.trouble}
    rest = rest_app(settings, sockets, callers, stop, guests, troubles)
    plain = plain_webhooks(rest.state.readers, settings.max_webhook_bytes)
    plain |= plain_publications(callers, settings.max_publication_bytes)
    beside = Interruption(Preflights(Head(FastPath(rest, plain)), settings.frontend_origins))
    return ExactPaths(asgi_app(sockets, beside=beside))


def described_routes() -> dict[str, Any]:
    """The OpenAPI document, which is the same whatever the settings are."""
    settings = Settings.model_construct()
    sockets = create_socket_server(frontend_url=settings.frontend_url)
    services = WatchedServices(None)
    callers = Callers(services, None, require_front_end=front_end_only((), (), asks_nobody_on_loopback=False))
    return rest_app(settings, sockets, callers, _stop_by_signal, None, {}).openapi_schema.to_schema()


def rest_app(
    settings: Settings,
    sockets: SocketServer,
    callers: Callers,
    stop: Stop,
    guests: Guests | None,
    troubles: Mapping[str, Callable[[], str | None]],
) -> Litestar:
    """`troubles` say what is wrong beside the journal and the providers, such as with files that are read while the
    bridge runs."""
    address_wait = timedelta(hours=settings.refund_address_wait_hours)
    registry, vitals, figures = build_registry(settings), Vitals(), AttentionFigures(address_wait)
    expiry = settings.payment_expiry_seconds
    ops_access = OpsAccess(settings.access == "jwt", names_services=callers.names_services)
    payment_expiry = timedelta(seconds=expiry) if expiry else None

    history: JournalHistory | None = None

    async def deliver_stretch(stretch: Sequence[JournaledEvent]) -> None:
        recovery = sockets.recovery
        if recovery is None or history is None:
            raise LookupError("events are told only when clients can be recovered")
        told = [history.told(one) for one in stretch]
        recovery.went_out(told)
        written = deliver(sockets, [one.event for one in told], offsets=[one.offset for one in told])
        vitals.delivered(stretch, written)

    def begin(journal: Journal, told_until: Place) -> Sessions:
        nonlocal history
        history = JournalHistory(journal)
        recovery = Recovery(
            history,
            JournalSessions(journal),
            cursor=told_until.number,
            offset=journal.offset_text(told_until),
            keeps_confidence=settings.keeps_confidence,
            remembered_bytes=settings.remembered_bytes,
            replay_bytes=settings.replay_limit_bytes,
        )
        sockets.recover_with(recovery)
        vitals.follow(journal.commit_times)
        return recovery.session_ids

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        TASKS.set_function(lambda: len(asyncio.all_tasks(loop)))
        async with running_engine(settings, registry, deliver_stretch, begin, stop=stop) as engine:
            app.state.engine = engine
            app.state.checks = {**engine.checks, **{name: untroubled(trouble) for name, trouble in troubles.items()}}
            app.state.pulse = Pulse(
                vitals=vitals,
                chains=engine.chains,
                providers=engine.providers,
                offsets=engine.offsets,
                connections=lambda: sockets.manager.client_count,
                turned_away=lambda: 0 if guests is None else guests.stand.turned_away,
                clock=engine.journal.clock,
            )
            telling = asyncio.create_task(app.state.pulse.tell(is_watched, tell))
            watching = asyncio.create_task(sockets.admission.watch_keys())
            try:
                yield
            finally:
                telling.cancel()
                watching.cancel()
                await _say_goodbye(sockets, CLIENTS_SHARE * settings.stop_seconds)

    def is_watched() -> bool:
        return bool(sockets.manager.subscribers("/", rooms.OPS))

    def tell(event: Event) -> None:
        deliver(sockets, [event])

    def pulse_of(state: State) -> Pulse:
        pulse: Pulse = state.pulse
        return pulse

    def service_of(request: AnyRequest) -> Service:
        service: Service = request.state.service
        return service

    def principal_of(request: AnyRequest) -> Principal:
        principal: Principal = request.state.principal
        return principal

    return Litestar(
        route_handlers=[
            live,
            ready,
            metrics,
            payment_router,
            checkout_router,
            payout_router,
            payout_decision_router,
            refund_router,
            chain_router,
            event_router(settings.max_publication_bytes),
            catch_up_router,
            get_presence,
            ops_router,
            pages_router(),
            webhook_router(settings.max_webhook_bytes),
        ],
        dependencies={
            "journal": _of_engine("journal"),
            "opener": _of_engine("opener"),
            "sender": _of_engine("sender"),
            "chains": _of_engine("chains"),
            "checks": Provide(_checks, sync_to_thread=False),
            "readers": Provide(lambda: registry.readers, sync_to_thread=False),
            "service": Provide(service_of, sync_to_thread=False),
            "principal": Provide(principal_of, sync_to_thread=False),
            "keeps_confidence": Provide(lambda: settings.keeps_confidence, sync_to_thread=False),
            "figures": Provide(lambda: figures, sync_to_thread=False),
            "vitals": Provide(lambda: vitals, sync_to_thread=False),
            "pulse": Provide(pulse_of, sync_to_thread=False),
            "ops_access": Provide(lambda: ops_access, sync_to_thread=False),
            "presence": Provide(lambda: sockets.presence.look_up, sync_to_thread=False),
            "payment_expiry": Provide(lambda: payment_expiry, sync_to_thread=False),
            "payout_rules": Provide(lambda: settings.payout_rules, sync_to_thread=False),
            "refund_address_wait": Provide(lambda: address_wait, sync_to_thread=False),
            "payment_terms": Provide(lambda: settings.payment_terms, sync_to_thread=False),
        },
        guards=[callers.guard],
        before_request=callers.recheck,
        exception_handlers=exception_handlers,
        cors_config=CORSConfig(
            allow_origins=list(settings.frontend_origins),
            allow_credentials=True,
            allow_methods=["GET", "POST"],
            allow_headers=["Content-Type", "Idempotency-Key", "Authorization"],
        ),
        lifespan=[lifespan],
        state=State({"readers": registry.readers}),
        logging_config=None,
        openapi_config=openapi_config(),
        plugins=[PydanticPlugin(prefer_alias=True), RouteConventions()],
    )


def _checks(state: State) -> ReadinessChecks:
    checks: ReadinessChecks = state.checks
    return checks


async def _say_goodbye(sockets: SocketServer, within_seconds: float) -> None:
    try:
        async with asyncio.timeout(within_seconds):
            await sockets.shutdown()
    except TimeoutError:
        logger.warning("not every client was told in time that the bridge stops; they come back")


def _of_engine(part: str) -> Provide:
    """A part of the engine, for as long as that runs."""

    def provide(state: State) -> Any:
        return getattr(state.engine, part)

    return Provide(provide, sync_to_thread=False)
