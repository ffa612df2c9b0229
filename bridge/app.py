"""The composition root: the only place where settings, providers, journal, routes and sockets meet."""

import signal
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from litestar import Litestar, Request
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.plugins.pydantic import PydanticPlugin

from bridge.access import Principal
from bridge.console.pages import pages_router
from bridge.door import Guests
from bridge.drain import Drain
from bridge.engine import Stop
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
from bridge.http.refused_webhooks import refused_webhooks
from bridge.http.webhooks import plain_webhooks, webhook_router
from bridge.registry import build_registry
from bridge.runtime import Runtime
from bridge.settings import Settings, all_settings, load_settings
from bridge.sockets import SocketServer, asgi_app, create_socket_server, set_socket_server, show_figures
from bridge.sockets.transport.unread import Unread
from bridge.workers.system_status import Pulse
from bridge.workers.vitals import Vitals
from coordinator.errors import BridgeError

__all__ = ["create_app", "described_routes"]

AnyRequest = Request[Any, Any, Any]


def _stop_by_signal(_reason: BridgeError) -> None:
    """What every server of such an application understands."""
    signal.raise_signal(signal.SIGTERM)


def create_app(
    settings: Settings | None = None,
    *,
    stop: Stop = _stop_by_signal,
    guests: Guests | None = None,
    unread: Unread | None = None,
    drain: Drain | None = None,
) -> Any:
    """The ASGI application: REST, webhooks and Socket.IO on one port. `stop` ends its server where it may not go
    on; `guests` are the connections of the front door before it, if that is ours, and `unread` what those have not
    read; `drain` is how it leaves its clients to others before it ends."""
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
    troubles: dict[str, Callable[[], str | None]] = {"unread": unread.trouble, "webhooks": refused_webhooks.trouble}
    troubles |= {"services": services.trouble} if services.are_watched else {}
    troubles |= {} if verifier is None else {"keys": verifier.trouble}
    troubles |= {} if guests is None else {"connections": guests.trouble}
    rest = rest_app(settings, sockets, callers, stop, guests, troubles, drain or Drain(0))
    plain = plain_webhooks(rest.state.readers, settings.max_webhook_bytes)
    plain |= plain_publications(callers, settings.max_publication_bytes)
    beside = Interruption(Preflights(Head(FastPath(rest, plain)), settings.frontend_origins))
    return ExactPaths(asgi_app(sockets, beside=beside))


def described_routes() -> dict[str, Any]:
    """The OpenAPI document, which is the same whatever the settings are."""
    settings = all_settings().model_construct()
    sockets = create_socket_server(frontend_url=settings.frontend_url)
    services = WatchedServices(None)
    callers = Callers(services, None, require_front_end=front_end_only((), (), asks_nobody_on_loopback=False))
    return rest_app(settings, sockets, callers, _stop_by_signal, None, {}, Drain(0)).openapi_schema.to_schema()


def rest_app(
    settings: Settings,
    sockets: SocketServer,
    callers: Callers,
    stop: Stop,
    guests: Guests | None,
    troubles: Mapping[str, Callable[[], str | None]],
    drain: Drain,
) -> Litestar:
    """`troubles` say what is wrong beside the journal and the providers, such as with files that are read while the
    bridge runs."""
    registry, vitals = build_registry(settings), Vitals()
    runtime = Runtime(settings, sockets, registry, vitals, stop, guests, troubles, drain)
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
            **_settings_dependencies(settings),
            "journal": _of_engine("journal"),
            "opener": _of_engine("opener"),
            "sender": _of_engine("sender"),
            "chains": _of_engine("chains"),
            "checks": Provide(_checks, sync_to_thread=False),
            "pulse": Provide(_pulse, sync_to_thread=False),
            "service": Provide(_service, sync_to_thread=False),
            "principal": Provide(_principal, sync_to_thread=False),
            "readers": _always(registry.readers),
            "vitals": _always(vitals),
            "ops_access": _always(OpsAccess(settings.access == "jwt", names_services=callers.names_services)),
            "presence": Provide(lambda: sockets.presence.look_up, sync_to_thread=False),
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
        lifespan=[runtime.run],
        state=State({"readers": registry.readers}),
        logging_config=None,
        openapi_config=openapi_config(),
        plugins=[PydanticPlugin(prefer_alias=True), RouteConventions()],
    )


# What the routes are given, by the names of their parameters


def _settings_dependencies(settings: Settings) -> dict[str, Provide]:
    expiry_seconds = settings.payment_expiry_seconds
    address_wait = timedelta(hours=settings.refund_address_wait_hours)
    return {
        "figures": _always(AttentionFigures(address_wait)),
        "keeps_confidence": _always(settings.keeps_confidence),
        "payment_expiry": _always(timedelta(seconds=expiry_seconds) if expiry_seconds else None),
        "payment_terms": _always(settings.payment_terms),
        "payout_rules": _always(settings.payout_rules),
        "refund_address_wait": _always(address_wait),
    }


def _always(value: object) -> Provide:
    return Provide(lambda: value, sync_to_thread=False)


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
