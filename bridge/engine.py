"""What runs for as long as the bridge does: the journal, its dispatcher, and what the bridge does by itself."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from bridge.access.service_tokens import WatchedServices
from bridge.catalogue import FOR_STAFF, journaled_events
from bridge.http.ops.overview import all_that_needs_a_person
from bridge.http.refused_webhooks import refused_webhooks
from bridge.journal import (
    ALERTS,
    DEADLINES,
    NETWORK_FEES,
    SENDING_EVENTS,
    SENDING_PAYOUTS,
    Deliver,
    Dispatcher,
    Journal,
    JournaledEvent,
    JournalUnavailableError,
)
from bridge.recovery import rooms_in
from bridge.registry import Registry
from bridge.settings import Settings
from bridge.workers.alerts.alerting import Alerting, check_delivery
from bridge.workers.alerts.settings import NEVER_NOTIFIED
from bridge.workers.books.chain_search import ChainSearch
from bridge.workers.books.comparison import BooksComparison
from bridge.workers.books.late_entries import LateEntries
from bridge.workers.chains.followers import ChainFollowers, ChainProblemError
from bridge.workers.endpoints.endpoints import Endpoints
from bridge.workers.health.checks import Check, DegradedError, LoopLag, Shared, check_descriptors, check_disk
from bridge.workers.health.gateway_dates import GatewayDates
from bridge.workers.health.unreachable_providers import UnreachableProviders
from bridge.workers.health.unreadable_rows import UnreadableRows
from bridge.workers.health.unset_providers import SetUp, UnsetProviders
from bridge.workers.leased import LeasedWork, Work
from bridge.workers.payments.deadlines import PaymentDeadlines
from bridge.workers.payments.invoices import InvoiceOpener
from bridge.workers.payments.lateness_doubts import LatenessDoubts
from bridge.workers.payments.reconciliation import Reconciler
from bridge.workers.payments.unopened_invoices import UnopenedInvoices
from bridge.workers.payouts.network_fees import NetworkFees
from bridge.workers.payouts.price_checks import PriceChecks
from bridge.workers.payouts.sender import PayoutSender
from bridge.workers.retention import Retention
from bridge.workers.wallets.comparing import WalletComparisons
from coordinator.attention.items import Attention
from coordinator.endpoints.endpoints import Endpoint
from coordinator.errors import BridgeError
from coordinator.histories import Place
from providers.contract import InvoiceGateway
from providers.errors import ProviderError

__all__ = ["Engine", "Sessions", "Stop", "running_engine", "untroubled"]

logger = logging.getLogger("bridge")

Sessions = Callable[[], Collection[str]]
"""The sessions of the clients that are connected."""

Stop = Callable[[BridgeError], object]
"""Has the bridge end in an orderly way, and say why."""

# Of the time in which the bridge has to stop: for what it does by itself to end, and for the journal to commit what
# is waiting. The rest is for those who are connected (`bridge/runtime.py`, `bridge/cli/serve.py`).
TASKS_SHARE = 0.1
JOURNAL_SHARE = 0.1

NONE = frozenset[str]()
TOLD_STAFF = NONE.union(*FOR_STAFF.values())


@dataclass(frozen=True, slots=True)
class Engine:
    """What the routes are given of it."""

    journal: Journal
    opener: InvoiceOpener
    sender: PayoutSender
    chains: ChainFollowers
    wallets: WalletComparisons
    provider_alarms: Callable[[], Sequence[Attention]]
    """What waits at providers that are not set up, or cannot be asked."""
    checks: Mapping[str, Check]
    providers: Mapping[str, Check | None]
    """Every provider, with its check if the bridge asks it anything."""
    dispatcher: Dispatcher
    leased: LeasedWork

    def offsets(self) -> tuple[int, int]:
        """Those of the newest event, and of the last that was handed to the sockets."""
        return max(self.journal.commit_times.newest_offset, self.dispatcher.newest), self.dispatcher.cursor


@asynccontextmanager
async def running_engine(
    settings: Settings,
    registry: Registry,
    deliver: Deliver,
    begin: Callable[[Journal, Place], Sessions],
    *,
    report: Callable[[], str],
    stop: Stop,
) -> AsyncIterator[Engine]:
    """Opens the journal and runs everything that follows it; in the end commits what is waiting. `begin` is called
    before the first event is delivered, with the place of the last that needs no delivery any more; it
    returns what tells the sessions that are in use. `report` says to others that share the journal how this bridge is
    doing."""
    journal = await Journal.open(settings.database_url, mark_file=settings.mark_file, is_shared=True)
    chains = ChainFollowers(journal, registry.chains, days=settings.reconcile_days)
    try:
        await chains.start()
    except BaseException:
        await journal.close()
        raise
    delivered_until = await journal.newest_place()
    endpoints = Endpoints(journal, settings.endpoint_rules, granted=_granted_by(settings.services))

    async def deliver_everywhere(stretch: Sequence[JournaledEvent]) -> None:
        await deliver(stretch)
        endpoints.note_newest(stretch[-1].offset)

    dispatcher = journal.dispatcher(deliver_everywhere, after=delivered_until.number)
    retention = Retention(
        journal,
        days=settings.retention_days,
        newest=settings.retention_events,
        sessions_in_use=begin(journal, delivered_until),
        rooms_in=rooms_in,
    )
    callback_urls = {provider: settings.callback_url(provider) for provider in registry.invoices}
    opener = InvoiceOpener(journal, registry.invoices, callback_urls)
    turn = timedelta(seconds=settings.payout_turn_seconds)
    sender = PayoutSender(journal, registry.payouts, turn_ends_after=turn, rules=settings.payout_rules)
    reconciliation = Reconciler(
        journal,
        registry.invoices,
        interval_seconds=settings.reconcile_interval_seconds,
        per_second=settings.reconcile_per_second,
        days=settings.reconcile_days,
    )
    following = asyncio.create_task(dispatcher.run())
    deadlines = PaymentDeadlines(journal, registry.invoices, grace_seconds=settings.deadline_grace_seconds)
    wallets = WalletComparisons(journal, registry.wallets, chains, registry.wallet_rules)
    comparison = BooksComparison(
        journal,
        sender,
        registry.invoices,
        chains,
        ChainSearch(journal, chains, registry.wallet_rules.addresses),
        wallets.examine,
        per_second=settings.reconcile_per_second,
    )
    work: dict[str, Work] = {DEADLINES: deadlines.run, "retention": retention.run, "books": comparison.run}
    work[SENDING_EVENTS] = endpoints.run
    for channel in settings.alerts.silent_channels:
        logger.warning("alerts.channels.%s is never told of anything: %s", channel, NEVER_NOTIFIED)
    unreachable = UnreachableProviders(
        journal, registry.invoices, registry.payouts, signatures_refused=refused_webhooks.signatures
    )
    set_up = SetUp.of(registry.invoices, registry.payouts)
    unset = UnsetProviders(journal, set_up, days=settings.reconcile_days)
    await unset.try_to_refresh()
    gateway_dates = GatewayDates(journal, registry.dates)
    await gateway_dates.try_to_refresh()
    provider_alarms = partial(_alarms_of, unset, unreachable, gateway_dates)
    address_wait = timedelta(hours=settings.refund_address_wait_hours)
    work[ALERTS] = Alerting(
        journal,
        partial(all_that_needs_a_person, journal, address_wait, provider_alarms),
        registry.alerted,
        schedule=settings.alerts.schedule,
        severities=settings.alerts.how_bad,
        console_url=f"{settings.address}/ops",
        look_seconds=settings.alerts.look_seconds,
        remind_after=settings.alerts.remind_after,
    ).run
    work["late-entries"] = LateEntries(journal).run
    work["lateness-doubts"] = LatenessDoubts(journal, registry.dates).run
    work[NETWORK_FEES] = NetworkFees(journal, chains).run
    if registry.invoices:
        work["reconciliation"] = reconciliation.run
        work["invoices"] = UnopenedInvoices(journal, registry.invoices, opener).run
    work |= wallets.work()
    prices = PriceChecks(journal, sender)
    work["prices"] = prices.run
    if registry.payouts:
        work[SENDING_PAYOUTS] = sender.run
    tasks = [following, asyncio.create_task(journal.follow_others()), asyncio.create_task(journal.history.watch())]
    work |= chains.work()
    leased = LeasedWork(journal, work, says=chains.says(), report=report)
    tasks += [asyncio.create_task(leased.run()), asyncio.create_task(chains.run())]
    tasks += [asyncio.create_task(unset.run()), asyncio.create_task(unreachable.run())]
    tasks.append(asyncio.create_task(gateway_dates.run()))
    tasks.append(asyncio.create_task(UnreadableRows(journal).run()))
    tasks.append(asyncio.create_task(_stop_if_replaced(journal, stop)))
    lag = LoopLag()
    tasks.append(asyncio.create_task(lag.run()))
    checks = _checks(journal, following, lag)
    neighbours = {name: _degraded(gateway) for name, gateway in registry.invoices.items()}
    neighbours |= {"alerts": partial(check_delivery, journal)} if registry.alerted else {}
    neighbours |= {"prices": _priced(prices)} if registry.payouts else {}
    neighbours |= {"providers": unset.check} if unset.items else {}
    neighbours |= {"dates": gateway_dates.check} if registry.dates else {}
    neighbours |= {name: _followed(check) for name, check in chains.checks().items()}
    checks |= {name: Shared(check, is_needed=False) for name, check in neighbours.items()}
    try:
        providers = {name: _check_of(registry, name) for name in registry.readers}
        yield Engine(journal, opener, sender, chains, wallets, provider_alarms, checks, providers, dispatcher, leased)
    finally:
        for check in checks.values():
            check.cancel()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=TASKS_SHARE * settings.stop_seconds)
        try:
            async with asyncio.timeout(TASKS_SHARE * settings.stop_seconds):
                for close in (wallets.aclose, *registry.close, chains.aclose):
                    await close()
        except TimeoutError:
            logger.warning("a connection to a provider or an endpoint does not end; it is left behind")
        await journal.close(JOURNAL_SHARE * settings.stop_seconds)


def _granted_by(services: WatchedServices) -> Callable[[Endpoint], frozenset[str]]:
    """The names of the events that an endpoint may be sent; none while its service may not be sent all of them."""

    def granted(endpoint: Endpoint) -> frozenset[str]:
        wanted = journaled_events(endpoint.events)
        if endpoint.service is None:
            return wanted
        received = services.now().received_by(endpoint.service)
        # A pattern that was registered when it fitted nothing for staff goes on without that.
        return wanted & received if wanted - TOLD_STAFF <= received else NONE

    return granted


def _checks(journal: Journal, following: asyncio.Task[None], lag: LoopLag) -> dict[str, Shared]:
    """What the bridge itself cannot do without."""
    checks: dict[str, Check] = {"journal": journal.check, "dispatcher": _alive(following)}
    if journal.folder is not None:
        checks |= {"files": _checked(journal.history.check_files), "disk": partial(check_disk, journal.folder)}
    checks |= {"descriptors": check_descriptors, "loop": lag.check}
    return {name: Shared(check) for name, check in checks.items()}


def _checked(check: Callable[[], None]) -> Check:
    async def checked() -> None:
        check()

    return checked


async def _stop_if_replaced(journal: Journal, stop: Stop) -> None:
    stop(await journal.history.replaced())


def _alive(task: asyncio.Task[None]) -> Check:
    async def check() -> None:
        if task.done():
            raise BridgeError("the dispatcher has stopped; restart the bridge")

    return check


def _alarms_of(*known_by: UnsetProviders | UnreachableProviders | GatewayDates) -> Sequence[Attention]:
    return [item for those in known_by for item in those.items]


def _check_of(registry: Registry, provider: str) -> Check | None:
    gateway = registry.invoices.get(provider)
    return None if gateway is None else gateway.examine


def _degraded(gateway: InvoiceGateway) -> Check:
    """What the bridge can do without: it takes webhooks and delivers events while a provider is down."""

    async def check() -> None:
        try:
            await gateway.examine()
        except ProviderError as error:
            raise DegradedError(str(error)) from None

    return check


def _priced(prices: PriceChecks) -> Check:
    """In coins whose prices make sense money goes out all the same."""

    async def check() -> None:
        try:
            found = await prices.trouble()
        except JournalUnavailableError:
            return  # which is said of the journal itself
        if found is not None:
            raise DegradedError(found)

    return check


def untroubled(trouble: Callable[[], str | None]) -> Check:
    """Without its files of keys, and while it turns connections away, the bridge takes webhooks all the same."""

    async def check() -> None:
        found = trouble()
        if found is not None:
            raise DegradedError(found)

    return check


def _followed(check: Callable[[], Awaitable[str]]) -> Check:
    async def followed() -> str:
        try:
            return await check()
        except ChainProblemError as error:
            raise DegradedError(str(error)) from None

    return followed
