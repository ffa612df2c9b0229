"""The composition root: the only place where settings, providers, journal, routes and sockets meet."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import socketio
from litestar import Litestar, Request
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.plugins.pydantic import PydanticPlugin

from bridge.access import Principal
from bridge.http.callers import Callers
from bridge.http.catch_up import catch_up_router
from bridge.http.dependencies import ReadinessChecks
from bridge.http.events import event_router
from bridge.http.health import DegradedError, live, metrics, ready
from bridge.http.openapi import RouteConventions, openapi_config
from bridge.http.origins import front_end_only
from bridge.http.payments import payment_router
from bridge.http.presence import get_presence
from bridge.http.problems import exception_handlers
from bridge.http.services import Service
from bridge.http.webhooks import webhook_router
from bridge.journal import Journal, JournaledEvent
from bridge.settings import Settings, load_settings
from bridge.sockets import SocketServer, create_socket_server, deliver, set_socket_server
from bridge.workers.invoices import InvoiceOpener
from bridge.workers.reconciliation import Reconciliation
from coordinator.errors import BridgeError
from providers.contract import InvoiceGateway, InvoiceGateways, ProviderError, WebhookReaders
from providers.shkeeper import ShkeeperClient, ShkeeperWebhooks

__all__ = ["create_app"]

logger = logging.getLogger("bridge")

AnyRequest = Request[Any, Any, Any]

# How often overdue payments are looked for: nobody can tell a payment that expires a second late.
DEADLINE_INTERVAL_SECONDS = 1.0


def webhook_readers(settings: Settings) -> WebhookReaders:
    """Every provider the bridge knows. A new one is one more line here."""
    readers = [
        ShkeeperWebhooks(
            api_keys=settings.shkeeper_keys,
            window_seconds=settings.shkeeper_signature_window_seconds,
            accept_api_key_only=settings.shkeeper_accept_api_key_only,
        ),
    ]
    return {reader.provider: reader for reader in readers}


def invoice_gateways(settings: Settings) -> InvoiceGateways:
    """The providers at which the bridge itself opens invoices."""
    if not settings.shkeeper_url:
        return {}
    shkeeper = ShkeeperClient(url=settings.shkeeper_url, api_keys=settings.shkeeper_keys)
    return {shkeeper.provider: shkeeper}


def create_app(settings: Settings | None = None) -> Any:
    """The ASGI application: REST, webhooks and Socket.IO on one port."""
    settings = settings or load_settings()
    verifier = settings.verifier
    sockets = create_socket_server(
        frontend_url=settings.frontend_url,
        verifier=verifier,
        keeps_confidence=settings.keeps_confidence,
        presence_grace_seconds=settings.presence_grace_seconds,
        ping_interval_seconds=settings.ping_interval_seconds,
        ping_timeout_seconds=settings.ping_timeout_seconds,
        max_payload_bytes=settings.max_payload_bytes,
    )
    set_socket_server(sockets)
    return socketio.ASGIApp(sockets, other_asgi_app=rest_app(settings, sockets, Callers(settings.services, verifier)))


def rest_app(settings: Settings, sockets: SocketServer, callers: Callers) -> Litestar:
    readers = webhook_readers(settings)
    gateways = invoice_gateways(settings)
    callback_urls = {provider: settings.callback_url(provider) for provider in gateways}
    expiry = settings.payment_expiry_seconds
    payment_expiry = timedelta(seconds=expiry) if expiry else None

    async def deliver_stretch(stretch: Sequence[JournaledEvent]) -> None:
        await deliver(sockets, [journaled.event for journaled in stretch])

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        journal = await Journal.open(settings.database_url)
        dispatcher = await journal.dispatcher(deliver_stretch)
        opener = InvoiceOpener(journal, gateways, callback_urls)
        reconciliation = Reconciliation(
            journal,
            gateways,
            opener,
            interval_seconds=settings.reconcile_interval_seconds,
            per_second=settings.reconcile_per_second,
            days=settings.reconcile_days,
        )
        work = [dispatcher.run(), _apply_deadlines(journal), *([reconciliation.run()] if gateways else [])]
        tasks = [asyncio.create_task(coroutine) for coroutine in work]
        app.state.journal = journal
        app.state.opener = opener
        app.state.checks = {"journal": journal.check, "dispatcher": _alive(tasks[0])}
        app.state.checks |= {name: _degraded(gateway) for name, gateway in gateways.items()}
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.gather(*(gateway.aclose() for gateway in gateways.values()))
            await sockets.shutdown()
            await journal.close()

    def journal_of(state: State) -> Journal:
        journal: Journal = state.journal
        return journal

    def opener_of(state: State) -> InvoiceOpener:
        opener: InvoiceOpener = state.opener
        return opener

    def service_of(request: AnyRequest) -> Service:
        service: Service = request.state.service
        return service

    def principal_of(request: AnyRequest) -> Principal:
        principal: Principal = request.state.principal
        return principal

    def checks_of(state: State) -> ReadinessChecks:
        checks: ReadinessChecks = state.checks
        return checks

    return Litestar(
        route_handlers=[
            live,
            ready,
            metrics,
            payment_router,
            event_router(settings.max_publication_bytes),
            catch_up_router,
            get_presence,
            webhook_router(settings.max_webhook_bytes),
        ],
        dependencies={
            "journal": Provide(journal_of, sync_to_thread=False),
            "opener": Provide(opener_of, sync_to_thread=False),
            "checks": Provide(checks_of, sync_to_thread=False),
            "readers": Provide(lambda: readers, sync_to_thread=False),
            "service": Provide(service_of, sync_to_thread=False),
            "principal": Provide(principal_of, sync_to_thread=False),
            "keeps_confidence": Provide(lambda: settings.keeps_confidence, sync_to_thread=False),
            "presence": Provide(lambda: sockets.presence.look_up, sync_to_thread=False),
            "payment_expiry": Provide(lambda: payment_expiry, sync_to_thread=False),
        },
        guards=[front_end_only(settings.frontend_origins), callers.guard],
        exception_handlers=exception_handlers,
        cors_config=CORSConfig(
            allow_origins=list(settings.frontend_origins),
            allow_credentials=True,
            allow_methods=["GET", "POST"],
            allow_headers=["Content-Type", "Idempotency-Key", "Authorization"],
        ),
        lifespan=[lifespan],
        logging_config=None,
        openapi_config=openapi_config,
        plugins=[PydanticPlugin(prefer_alias=True), RouteConventions()],
    )


def _alive(task: asyncio.Task[None]) -> Any:
    async def check() -> None:
        if task.done():
            raise BridgeError("the dispatcher has stopped; restart the bridge")

    return check


def _degraded(gateway: InvoiceGateway) -> Any:
    """What the bridge can do without: it takes webhooks and delivers events while a provider is down."""

    async def check() -> None:
        try:
            await gateway.check()
        except ProviderError as error:
            raise DegradedError(str(error)) from None

    return check


async def _apply_deadlines(journal: Journal) -> None:
    while True:
        try:
            await journal.apply_deadlines()
        except Exception:
            logger.exception("could not expire overdue payments; trying again")
        await asyncio.sleep(DEADLINE_INTERVAL_SECONDS)
