"""Unopened invoices: opens, within seconds of the provider's return, the invoices that could not be opened while
somebody waited for them.

Each coin has a task of its own, so that one whose wallet hangs does not delay the others; the newest comes first,
because its buyer is still there.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Coroutine, Mapping, Sequence
from itertools import pairwise
from typing import Any

from prometheus_client import Counter, Gauge

from bridge.journal import Journal, JournalUnavailableError
from bridge.workers.payments.invoices import InvoiceOpener, because_of
from bridge.workers.payments.retry_delays import Because
from coordinator.payments.agreed.invoices import Invoice
from providers.contract import InvoiceGateways
from providers.errors import CredentialsRefusedError, ProviderError

__all__ = ["UnopenedInvoices"]

logger = logging.getLogger("bridge.invoices")

PAGE = 200
# How many invoices of one coin are opened before the newest are read again.
SHARE = 100
PER_SECOND = 20.0
# A wallet takes a while for each. SHKeeper receives no more than four requests at once for one coin, and one place is
# for the buyer who has just come.
AT_ONCE = 3
# What nobody has reported, such as what an earlier run of the bridge left, is found within this time.
IDLE_SECONDS = 30.0
# While the provider is away, this is how often the bridge checks whether its circuit lets one try through.
AWAY_SECONDS = 1.0
# A key that is not accepted needs a person.
REFUSED_SECONDS = 15.0

DRAFTS = ("", "drafts")

OPENINGS = Counter(
    "bridge_invoice_openings",
    "Invoices that were to be opened later, by what came of it",
    ["provider", "outcome"],
)
COIN_TROUBLE = Gauge(
    "bridge_provider_coin_trouble", "1 for each coin that cannot be used at the moment", ["provider", "coin"]
)


class UnopenedInvoices:
    """Opens every invoice that is needed and not open, until there is none."""

    def __init__(
        self, journal: Journal, gateways: InvoiceGateways, opener: InvoiceOpener, *, per_second: float = PER_SECOND
    ) -> None:
        self._journal = journal
        self._gateways = gateways
        self._opener = opener
        self._pause_seconds = 1 / per_second
        self._next_start = 0.0
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}
        """Those at work, by provider and coin."""
        self._away_until: dict[str, float] = {}
        """By provider, until when it is not asked."""
        self._shown: set[tuple[str, str]] = set()

    async def run(self) -> None:
        """Goes on until it is cancelled."""
        try:
            while True:
                self._opener.left.clear()
                try:
                    await self.check()
                except Exception:
                    logger.exception("could not look for unopened invoices; trying again")
                await self._rest()
        finally:
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._show(set())  # another bridge may have its turn

    async def round(self) -> None:
        """Tries once to open whatever may be tried now."""
        await self.check()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def check(self) -> None:
        """Reads what is to be opened, and has each coin's invoices opened by a task of its own."""
        if DRAFTS not in self._tasks:
            self._begin(DRAFTS, self._opener.finish_drafts())
        there = {provider for provider in self._gateways if await self._is_there(provider)}
        for way, invoices in (await self._due(there)).items() if there else ():
            self._begin(way, self._open_all(way, invoices))
        self._show_troubles()

    def _begin(self, way: tuple[str, str], work: Coroutine[Any, Any, None]) -> None:
        self._tasks[way] = asyncio.create_task(work)
        self._tasks[way].add_done_callback(lambda task: self._finished(way, task))

    def _finished(self, way: tuple[str, str], task: asyncio.Task[None]) -> None:
        del self._tasks[way]
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a task that opens invoices failed; another follows", exc_info=error)
        self._show_troubles()
        if way != DRAFTS:
            self._opener.left.set()

    async def _is_there(self, provider: str) -> bool:
        now = asyncio.get_running_loop().time()
        if self._away_until.get(provider, 0.0) > now:
            return False
        try:
            await self._gateways[provider].check()
        except ProviderError:
            self._away_until[provider] = now + AWAY_SECONDS
            return False
        return True

    async def _due(self, there: set[str]) -> Mapping[tuple[str, str], Sequence[Invoice]]:
        """What may be opened now, by provider and coin, the newest first."""
        now, retry_delays = self._journal.steady(), self._opener.retry_delays
        waiting = retry_delays.waiting_coins(now)
        left_out = waiting | {coin for provider, coin in self._tasks if provider}
        due: defaultdict[tuple[str, str], list[Invoice]] = defaultdict(list)
        seen: set[tuple[str, str]] = set()
        after: Invoice | None = None
        while page := await self._journal.unfinished.unopened_invoices(PAGE, after=after, but=left_out):
            after = page[-1]
            for invoice in page:
                key, way = (invoice.payment_id, invoice.wanted.coin), (invoice.wanted.provider, invoice.wanted.coin)
                seen.add(key)
                if way[0] in there and len(due[way]) < SHARE and not retry_delays.leaves_alone(key, now):
                    due[way].append(invoice)
            if any(len(invoices) >= SHARE for invoices in due.values()):
                return {way: invoices for way, invoices in due.items() if invoices}
        if not left_out:
            retry_delays.forget_all_but(seen)
        return {way: invoices for way, invoices in due.items() if invoices}

    async def _open_all(self, way: tuple[str, str], invoices: Sequence[Invoice]) -> None:
        # The first goes alone: if it fails, one request is enough to find out.
        for start, end in pairwise([0, *range(1, len(invoices), AT_ONCE), len(invoices)]):
            if not all(await asyncio.gather(*(self._open(way[0], one) for one in invoices[start:end]))):
                return

    async def _throttle(self) -> None:
        """Waits for one's turn: all coins share one pace."""
        now = asyncio.get_running_loop().time()
        start = max(self._next_start, now)
        self._next_start = start + self._pause_seconds
        await asyncio.sleep(start - now)

    async def _open(self, provider: str, invoice: Invoice) -> bool:
        """Opens one. Returns whether the next of its coin can be opened too, for all that is known."""
        await self._throttle()
        try:
            await self._opener.open(invoice)
        except (ProviderError, JournalUnavailableError) as error:
            return await self._failed(provider, invoice, error)
        except Exception as error:
            logger.exception("the bridge failed over the invoice of %s; the next one follows", invoice.payment_id)
            return await self._failed(provider, invoice, error)
        OPENINGS.labels(provider, "opened").inc()
        return True

    async def _failed(self, provider: str, invoice: Invoice, error: Exception) -> bool:
        because = because_of(error)
        OPENINGS.labels(provider, because or "unavailable").inc()
        try:
            await self._opener.failed(invoice, error)
        except JournalUnavailableError as unavailable:
            logger.warning("not written down why %s has no invoice: %s", invoice.payment_id, unavailable)
            return False
        if because is None:
            seconds = REFUSED_SECONDS if isinstance(error, CredentialsRefusedError) else AWAY_SECONDS
            self._away_until[provider] = asyncio.get_running_loop().time() + seconds
        return because in (Because.REFUSED, Because.DEFECT, Because.UNANSWERED)

    async def _rest(self) -> None:
        """Waits until there may be something to do."""
        now, next_try = self._journal.steady(), self._opener.retry_delays.next_try()
        seconds = IDLE_SECONDS if next_try is None else (next_try - now).total_seconds()
        away = [until - asyncio.get_running_loop().time() for until in self._away_until.values()]
        seconds = min(max(seconds, AWAY_SECONDS), IDLE_SECONDS, *(wait for wait in away if wait > 0))
        try:
            async with asyncio.timeout(seconds):
                await self._opener.left.wait()
        except TimeoutError:
            pass

    def _show_troubles(self) -> None:
        self._show({(name, coin) for name, gateway in self._gateways.items() for coin in gateway.troubles()})

    def _show(self, troubled: set[tuple[str, str]]) -> None:
        for way in self._shown - troubled:
            COIN_TROUBLE.remove(*way)
        for way in troubled:
            COIN_TROUBLE.labels(*way).set(1)
        self._shown = troubled
