"""Reconciliation: asks the providers how open payments stand, and applies what no webhook told, as any observation.

Its pace is bounded, and a payment that has waited long is asked about less and less often.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from prometheus_client import Counter

from bridge.journal import Journal
from bridge.workers.invoices import InvoiceOpener
from bridge.workers.look_ups import apply_look_up
from coordinator.payments import Payment
from providers.contract import InvoiceGateway, InvoiceGateways, ProviderError, ProviderUnavailableError

__all__ = ["Reconciliation", "next_check"]

logger = logging.getLogger("bridge.reconciliation")

PAGE = 200
LONGEST_WAIT = timedelta(hours=1)
# A payment that is an hour old is asked about every six minutes.
AGE_SHARE = 10

CHECKED = Counter(
    "bridge_reconciled", "Payments that a provider was asked about, by what came of it", ["provider", "found"]
)


def next_check(payment: Payment, last: datetime, interval: timedelta) -> datetime:
    """When to ask about a payment again that was asked about last at that time."""
    return last + max(interval, min((last - payment.created_at) / AGE_SHARE, LONGEST_WAIT))


class Reconciliation:
    """Rounds over everything that is open, one after the other."""

    def __init__(
        self,
        journal: Journal,
        gateways: InvoiceGateways,
        opener: InvoiceOpener,
        *,
        interval_seconds: float,
        per_second: float,
        days: int,
    ) -> None:
        self._journal = journal
        self._gateways = gateways
        self._opener = opener
        self._interval = timedelta(seconds=interval_seconds)
        self._pause_seconds = 1 / per_second
        self._ended_within = timedelta(days=days)
        self._checked: dict[str, datetime] = {}
        """When each open payment was asked about last."""

    async def run(self) -> None:
        """Goes round until it is cancelled."""
        while True:
            try:
                await self.round()
            except Exception:
                logger.exception("a round failed; the next one follows")
            await asyncio.sleep(self._interval.total_seconds())

    async def round(self) -> None:
        """Opens what is wanted, then asks once about every open payment that is due."""
        await self._open_invoices()
        still_open: set[str] = set()
        for gateway in self._gateways.values():
            reached = True
            async for payment in self._open_payments(gateway.provider):
                still_open.add(payment.payment_id)
                if reached and self._is_due(payment):
                    reached = await self._check(gateway, payment)
                    await asyncio.sleep(self._pause_seconds)
        self._checked = {payment_id: at for payment_id, at in self._checked.items() if payment_id in still_open}

    async def _open_invoices(self) -> None:
        for invoice in await self._journal.unopened_invoices(PAGE):
            if invoice.wanted.provider not in self._gateways:
                continue
            try:
                await self._opener.open(invoice)
            except ProviderUnavailableError as error:
                logger.warning("no invoice for %s yet: %s", invoice.payment_id, error)
                return
            except ProviderError as error:
                logger.warning("no invoice for %s yet: %s", invoice.payment_id, error)
            await asyncio.sleep(self._pause_seconds)

    async def _open_payments(self, provider: str) -> AsyncIterator[Payment]:
        after, ended_since = "", self._journal.clock() - self._ended_within
        while page := await self._journal.open_payments(provider, ended_since=ended_since, after=after, limit=PAGE):
            for payment in page:
                yield payment
            after = page[-1].payment_id

    def _is_due(self, payment: Payment) -> bool:
        last = self._checked.get(payment.payment_id)
        return last is None or next_check(payment, last, self._interval) <= self._journal.clock()

    async def _check(self, gateway: InvoiceGateway, payment: Payment) -> bool:
        """Asks about one payment. Returns whether the provider is there to be asked about the next."""
        try:
            found = await gateway.look_up(payment.external_id)
        except ProviderUnavailableError as error:
            logger.warning("%s cannot be asked about payments: %s", gateway.provider, error)
            CHECKED.labels(gateway.provider, "unavailable").inc()
            return False
        except ProviderError as error:
            logger.warning("%s does not say how %s stands: %s", gateway.provider, payment.payment_id, error)
            CHECKED.labels(gateway.provider, "refused").inc()
            return True
        self._checked[payment.payment_id] = self._journal.clock()
        outcome = await apply_look_up(self._journal, payment, found)
        CHECKED.labels(gateway.provider, outcome).inc()
        return True
