"""The composition root: the only place where settings, providers, journal, routes and sockets meet."""

import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from litestar import Litestar, Request, Response
from litestar.config.cors import CORSConfig
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.di import Provide
from litestar.handlers.base import BaseRouteHandler
from litestar.plugins.pydantic import PydanticPlugin

from bridge.access import Grants, Principal, Revocations
from bridge.access.service_tokens import WatchedServices
from bridge.access.services import Service
from bridge.console.branding import BrandSettings
from bridge.console.pages import pages_router
from bridge.door import ConnectionLimits, Forwarded, LoopBudget
from bridge.drain import Drain
from bridge.engine import Engine, Stop
from bridge.http.attention_figures import AttentionFigures
from bridge.http.catch_up import catch_up_router
from bridge.http.chains import chain_router
from bridge.http.endpoints import endpoint_router
from bridge.http.event_feed import EventFeed
from bridge.http.events import event_router, plain_publications
from bridge.http.front.bodies import BODY_LIMIT_BYTES, require_modest_body
from bridge.http.front.callers import Callers, require_unrevoked
from bridge.http.front.dependencies import IsConnected, LookUpPresence, ReadinessChecks
from bridge.http.front.exact_paths import ExactPaths
from bridge.http.front.fast_path import FastPath
from bridge.http.front.head import HeadRequests
from bridge.http.front.metrics_apart import MetricsApart
from bridge.http.front.openapi import RouteConventions, openapi_config
from bridge.http.front.origins import Preflights, front_end_only
from bridge.http.front.problems import exception_handlers
from bridge.http.front.queries import KnownParameters
from bridge.http.front.shutdown import Shutdown
from bridge.http.front.staff import OpsAccess
from bridge.http.front.zones import zone
from bridge.http.health import live, metrics, ready
from bridge.http.ops.days import day_range
from bridge.http.ops.routes import access_router, ops_router, payout_decision_router, sign_in_routes
from bridge.http.ops.sign_in import SignInDesk
from bridge.http.payments.checkouts import checkout_router
from bridge.http.payments.routes import payment_router
from bridge.http.payouts.routes import payout_router
from bridge.http.presence import get_presence
from bridge.http.refunds.routes import refund_router
from bridge.http.refused_webhooks import refused_webhooks
from bridge.http.webhooks import plain_webhooks, webhook_router
from bridge.journal import Journal
from bridge.late_imports import left_out
from bridge.registry import Registry, build_registry, sign_in_desk
from bridge.runtime import Runtime
from bridge.settings import Settings, all_settings
from bridge.sockets import SocketServer, asgi_app, create_socket_server, set_socket_server, show_figures
from bridge.sockets.loop_shares import LoopShares
from bridge.sockets.transport.unread_bytes import UnreadBytes
from bridge.traces import tracing
from bridge.traces.requests import TracedRequests
from bridge.workers.health.system_status import Pulse
from bridge.workers.health.vitals import Vitals
from coordinator.attention.severities import Severities
from coordinator.books.days import zone_named
from coordinator.endpoints.endpoints import EndpointRules
from coordinator.errors import BridgeError
from coordinator.payments.agreed.agreements import Terms
from coordinator.payouts.approval import PayoutRules
from providers.contract import WebhookReaders

__all__ = ["Applications", "create_applications", "described_routes"]

AnyRequest = Request[Any, Any, Any]
AnyConnection = ASGIConnection[Any, Any, Any, Any]


def _stop_by_signal(_reason: BridgeError) -> None:
    """What every server of such an application understands."""
    signal.raise_signal(signal.SIGTERM)


class Applications(NamedTuple):
    """Those of one bridge, as ASGI has them."""

    public: Any
    """REST, webhooks and Socket.IO, all on one port."""
    metrics: Any
    """`/metrics`, where that has a port of its own; or else it is with the others."""


def create_applications(
    settings: Settings,
    *,
    stop: Stop = _stop_by_signal,
    connection_limits: ConnectionLimits | None = None,
    unread: UnreadBytes | None = None,
    shares: LoopShares | None = None,
    drain: Drain | None = None,
) -> Applications:
    """`stop` ends their server where it may not go on; `connection_limits` count the connections of the front door
    before it, if that is ours, `unread` what those have not read, and `shares` what each address has of the event
    loop; `drain` is how it leaves its clients to others before it ends."""
    unread = unread or settings.unread
    unread.show()
    verifier = settings.verifier
    registry, vitals = build_registry(settings), Vitals()
    asker = registry.grants_asker
    revocations = Revocations() if verifier is None else verifier.revocations
    remembered = settings.grants.remembered_seconds
    grants = None if asker is None else Grants(asker, revocations, remembered_seconds=remembered)
    sockets = create_socket_server(
        frontend_url=settings.frontend_url,
        own_origins=settings.own_origins,
        verifier=verifier,
        grants=grants,
        keeps_confidence=settings.keeps_confidence,
        presence_grace_seconds=settings.presence_grace_seconds,
        presence_to_watchers=settings.presence_to == "watchers",
        ping_interval_seconds=settings.ping_interval_seconds,
        ping_timeout_seconds=settings.ping_timeout_seconds,
        max_payload_bytes=settings.max_payload_bytes,
        limits=settings.limits,
        unread=unread,
        places=connection_limits,
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
    troubles: dict[str, Callable[[], str | None]] = {"unread": unread.trouble, "webhooks": refused_webhooks.trouble}
    troubles |= {"presence": sockets.announcer.trouble}
    troubles |= {"services": services.trouble} if services.are_watched else {}
    troubles |= {} if verifier is None else {"keys": verifier.trouble}
    troubles |= {} if connection_limits is None else {"connections": connection_limits.trouble}
    troubles |= {} if asker is None else {"grants": asker.trouble}
    provider = registry.identity_provider
    troubles |= {} if provider is None else {"sign-in": provider.trouble}
    drain = drain or Drain(0)
    feed = EventFeed(callers.principal)
    if connection_limits is not None:
        connection_limits.show()
        connection_limits.at_close(feed.end)
    runtime = Runtime(
        settings, sockets, registry, vitals, stop, connection_limits, troubles, drain, revocations, feed, grants
    )
    desk = sign_in_desk(settings, registry, verifier)
    given = _given(settings, sockets, callers, registry, vitals, feed, grants, desk, runtime.run)
    rest = _with_limited(rest_app(given), given, settings)
    beside: Any = Shutdown(Preflights(HeadRequests(rest), settings.frontend_origins))
    metrics = ExactPaths(MetricsApart(beside, are_all=True))
    if settings.metrics_port:
        beside = MetricsApart(beside, are_all=False)
    application: Any = ExactPaths(asgi_app(sockets, beside=beside))

    def journal() -> Journal:
        running: Engine = rest.state.engine
        return running.journal

    posts = plain_publications(callers, settings.max_publication_bytes)
    posts |= plain_webhooks(registry.readers, settings.max_webhook_bytes)
    application = FastPath(application, posts, journal)
    if connection_limits is not None and shares is not None:
        trusted = settings.trusted_proxies
        application = Forwarded(LoopBudget(application, connection_limits, shares, trusted=trusted), trusted)
    if tracing.traces is not None:
        application = TracedRequests(application, tracing.traces)
    return Applications(application, metrics)


def described_routes() -> dict[str, Any]:
    """The OpenAPI document, which is the same whatever the settings are."""
    settings = all_settings().model_construct()
    sockets = create_socket_server(frontend_url=settings.frontend_url)
    services = WatchedServices(None)
    callers = Callers(services, None, require_front_end=front_end_only((), (), asks_nobody_on_loopback=False))
    feed = EventFeed(callers.principal)
    registry = build_registry(settings)
    given = _given(settings, sockets, callers, registry, Vitals(), feed, None, None, lambda _: nullcontext())
    return _with_limited(rest_app(given), given, settings).openapi_schema.to_schema()


Run = Callable[[Litestar], AbstractAsyncContextManager[None]]


@dataclass(frozen=True)
class Given:
    """What the settings make of the routes; and what those are given by the names of their parameters."""

    run: Run
    callers: Callers
    services: WatchedServices
    origins: tuple[str, ...]
    """Whose pages may read what is answered."""
    readers: WebhookReaders
    vitals: Vitals
    ops_access: OpsAccess
    presence: LookUpPresence
    is_connected: IsConnected
    figures: AttentionFigures
    event_feed: EventFeed
    grants: Grants | None
    sign_in_desk: SignInDesk | None
    public_url: str
    keeps_confidence: bool
    payment_expiry: timedelta | None
    payment_terms: Terms
    payout_rules: PayoutRules
    refund_address_wait: timedelta
    endpoint_rules: EndpointRules
    severities: Severities
    usual_zone: ZoneInfo
    brand: BrandSettings


def _given(
    settings: Settings,
    sockets: SocketServer,
    callers: Callers,
    registry: Registry,
    vitals: Vitals,
    feed: EventFeed,
    grants: Grants | None,
    desk: SignInDesk | None,
    run: Run,
) -> Given:
    expiry_seconds = settings.payment_expiry_seconds
    address_wait = timedelta(hours=settings.refund_address_wait_hours)
    return Given(
        run=run,
        callers=callers,
        services=callers.services,
        origins=settings.frontend_origins,
        readers=registry.readers,
        vitals=vitals,
        ops_access=OpsAccess(settings.access == "jwt", names_services=callers.names_services),
        presence=lambda users: sockets.presence.look_up(users),
        is_connected=lambda sid: sockets.manager.is_connected(sid, "/"),
        figures=AttentionFigures(address_wait),
        event_feed=feed,
        grants=grants,
        sign_in_desk=desk,
        public_url=settings.public_url,
        keeps_confidence=settings.keeps_confidence,
        payment_expiry=timedelta(seconds=expiry_seconds) if expiry_seconds else None,
        payment_terms=settings.payment_terms,
        payout_rules=settings.payout_rules,
        refund_address_wait=address_wait,
        endpoint_rules=settings.endpoint_rules,
        severities=settings.alerts.how_bad,
        usual_zone=zone_named(settings.time_zone),
        brand=settings.brand,
    )


FOR_PARAMETERS = tuple(
    field.name for field in fields(Given) if field.name not in ("run", "callers", "origins", "brand")
)


@left_out("litestar.plugins.opentelemetry")  # or it would import all of OpenTelemetry where that is installed
def rest_app(given: Given) -> Litestar:
    """All routes but those that `_with_limited` adds. But for the origins, what is given is looked at when a request
    comes."""

    async def guard(connection: AnyConnection, handler: BaseRouteHandler) -> None:
        await given.callers.guard(connection, handler)

    async def recheck(request: AnyRequest) -> None:
        await given.callers.recheck(request)
        await require_modest_body(request)

    async def unrevoked(response: Response[Any]) -> Response[Any]:
        await require_unrevoked(lambda: rest.state.engine.journal)
        return response

    rest = Litestar(
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
            endpoint_router,
            catch_up_router,
            get_presence,
            ops_router,
            access_router,
            *sign_in_routes,
            pages_router(brand=lambda: given.brand),
        ],
        dependencies={
            **{name: _when_asked(given, name) for name in FOR_PARAMETERS},
            "journal": _of_engine("journal"),
            "dispatcher": _of_engine("dispatcher"),
            "opener": _of_engine("opener"),
            "sender": _of_engine("sender"),
            "chains": _of_engine("chains"),
            "wallets": _of_engine("wallets"),
            "provider_alarms": _of_engine("provider_alarms"),
            "checks": Provide(_checks, sync_to_thread=False),
            "pulse": Provide(_pulse, sync_to_thread=False),
            "zone": Provide(zone),
            "day_range": Provide(day_range),
            "service": Provide(_service, sync_to_thread=False),
            "principal": Provide(_principal, sync_to_thread=False),
        },
        guards=[guard],
        before_request=recheck,
        after_request=unrevoked,
        request_max_body_size=BODY_LIMIT_BYTES,
        exception_handlers=exception_handlers,
        cors_config=CORSConfig(
            allow_origins=list(given.origins),
            allow_credentials=True,
            allow_methods=["GET", "POST"],
            allow_headers=["Content-Type", "Idempotency-Key", "Authorization"],
        ),
        lifespan=[lambda application: given.run(application)],
        logging_config=None,
        openapi_config=openapi_config(),
        plugins=[PydanticPlugin(prefer_alias=True), RouteConventions(), KnownParameters()],
    )
    return rest


def _with_limited(rest: Litestar, given: Given, settings: Settings) -> Litestar:
    """With the routes whose bodies are as large as the settings allow."""
    rest.register(event_router(settings.max_publication_bytes))
    rest.register(webhook_router(settings.max_webhook_bytes))
    rest.state.readers = given.readers
    return rest


# What the routes are given, by the names of their parameters


def _when_asked(given: Given, name: str) -> Provide:
    return Provide(lambda: getattr(given, name), sync_to_thread=False)


def _of_engine(part: str) -> Provide:
    """A part of the engine, for as long as that runs."""

    def provide(state: State) -> Any:
        return getattr(state.engine, part)

    return Provide(provide, sync_to_thread=False)


def _checks(state: State) -> ReadinessChecks:
    checks: ReadinessChecks = state.checks
    return checks


def _pulse(state: State) -> Pulse:
    pulse: Pulse = state.pulse
    return pulse


def _service(request: AnyRequest) -> Service:
    service: Service = request.state.service
    return service


def _principal(request: AnyRequest) -> Principal:
    principal: Principal = request.state.principal
    return principal
