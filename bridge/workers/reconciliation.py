"""Reconciliation: asks the providers how open payments stand, and applies what no webhook told, as any observation.

Its pace is bounded, a payment that has waited long is asked about less and less often, and one that cannot be asked
about keeps back no other.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from prometheus_client import Counter, Gauge

from bridge.journal import Journal, Outcome
from bridge.workers.due_payments import DuePayments
from coordinator.payment_decisions import decide
from coordinator.payments import Payment
from providers.contract import (
    CredentialsRefusedError,
    InvoiceGateway,
    InvoiceGateways,
    ProviderError,
    ProviderUnavailableError,
    Reading,
)

__all__ = ["Reconciliation"]

logger = logging.getLogger("bridge.reconciliation")

# How many are read from the journal at once: the last of them is asked about a few seconds later.
PAGE = 100
# SHKeeper has 16 threads for all that is asked of it.
AT_ONCE = 4
# While a provider is away, this often it is looked whether it may be asked again.
AWAY_SECONDS = 1.0
# Once an hour everything that is open is looked through; in between only what is new.
EVERYTHING_EVERY = timedelta(hours=1)

CHECKED = Counter(
    "bridge_reconciled", "Payments that a provider was asked about, by what came of it", ["provider", "found"]
)
OPEN = Gauge("bridge_reconciled_open", "Payments that a provider is asked about now and then", ["provider"])


class _Heard:
    """A gateway, and the error with which it answered."""

    def __init__(self, gateway: InvoiceGateway) -> None:
        self._gateway = gateway
        self.provider = gateway.provider
        self.error: ProviderError | None = None

    async def look_up(self, external_id: str) -> Sequence[Reading]:
        try:
            return await self._gateway.look_up(external_id)
        except ProviderError as error:
            self.error = error
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)


class Reconciliation:
    """Asks about everything that is open, each at its time."""

    def __init__(
        self,
        journal: Journal,
        gateways: InvoiceGateways,
        *,
        interval_seconds: float,
        per_second: float,
        days: int,
    ) -> None:
        self._journal = journal
        self._gateways = gateways
        self._interval = timedelta(seconds=interval_seconds)
        self._pause_seconds = 1 / per_second
        self._ended_within = timedelta(days=days)
        self._open: Mapping[str, DuePayments] = {
            provider: DuePayments(interval=self._interval, per_second=per_second) for provider in gateways
        }
        self._everything_at: datetime | None = None
        """When all that is open was looked through last."""
        self._refusing: set[str] = set()
        """The providers that did not accept the key when they were asked last."""
        self._checked: dict[str, datetime] = {}
        """When each payment that is being asked about was answered for last."""

    async def run(self) -> None:
        """Goes on until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            next_look = loop.time() + self._interval.total_seconds()
            try:
                await self._take_in()
                for gateway in self._gateways.values():
                    # Nothing signals that a provider is back.
                    while not await self._ask_due(gateway, until=next_look) and loop.time() < next_look:  # noqa: ASYNC110
                        await asyncio.sleep(AWAY_SECONDS)
            except Exception:
                logger.exception("a round failed; the next one follows")
            await asyncio.sleep(max(next_look - loop.time(), 0))

    async def round(self) -> None:
        """Looks through all that is open, and asks once about everything that is due."""
        self._everything_at = None
        await self._take_in()
        for gateway in self._gateways.values():
            await self._ask_due(gateway)

    async def _take_in(self) -> None:
        """Learns which payments are open: the new ones, and now and then all of them."""
        now = self._journal.clock()
        everything = self._everything_at is None or now >= self._everything_at + EVERYTHING_EVERY
        for provider, known in self._open.items():
            found: set[str] = set()
            async for page in self._journal.unfinished.open_payments(provider):
                new = [known.add(payment.payment_id, payment.created_at, now) for payment in page]
                found.update(payment.payment_id for payment in page)
                # The newest come first: behind a page of which everything is known there is nothing new.
                if not everything and not any(new):
                    break
            if everything:
                since = now - self._ended_within
                async for page in self._journal.unfinished.ended_payments(provider, since):
                    for payment in page:
                        known.add(payment.payment_id, payment.created_at, now)
                    found.update(payment.payment_id for payment in page)
                known.keep_only(found)
            OPEN.labels(provider).set(len(known))
        if everything:
            self._everything_at = now

    async def _ask_due(self, gateway: InvoiceGateway, *, until: float | None = None) -> bool:
        """Asks about what is due, until nothing is, or the provider is away, or it is that late on the loop. Returns
        whether that was all that can be done for now: false while the provider is away."""
        loop, due = asyncio.get_running_loop(), self._open[gateway.provider]
        next_start, places = loop.time(), asyncio.Semaphore(AT_ONCE)
        self._refusing.discard(gateway.provider)
        asked = False
        async with asyncio.TaskGroup() as asking:
            while taken := due.take(self._journal.clock(), PAGE):
                payments = await self._read(due, taken)
                for number, payment in enumerate(payments):
                    await places.acquire()
                    is_late = until is not None and loop.time() >= until
                    if is_late or await self._is_away(gateway):
                        due.put_back([left.payment_id for left in payments[number:]], self._journal.clock())
                        return is_late or gateway.provider in self._refusing
                    if not asked:  # the first alone: if the provider was away, only one finds out that it is back
                        asked = True
                        await self._ask(gateway, payment)
                        places.release()
                        continue
                    task = asking.create_task(self._ask(gateway, payment))
                    task.add_done_callback(lambda _: places.release())
                    # What a slow answer has held up may be made up for, a second's worth of it.
                    next_start = max(next_start + self._pause_seconds, loop.time() - 1)
                    await asyncio.sleep(next_start - loop.time())
        return True

    async def _is_away(self, gateway: InvoiceGateway) -> bool:
        """Whether nothing can be learned from a provider now, about whatever payment."""
        try:
            await gateway.check()
        except ProviderError:
            return True
        return gateway.provider in self._refusing

    async def _read(self, due: DuePayments, payment_ids: Sequence[str]) -> Sequence[Payment]:
        """Those of some payments that are still open, in the same order; the others are forgotten."""
        since = self._journal.clock() - self._ended_within
        try:
            found = await self._journal.unfinished.payments_still_open(payment_ids, since)
        except (ValueError, LookupError, TypeError):  # of a row that makes no sense
            if len(payment_ids) == 1:
                logger.exception("%s cannot be read from the journal; the next one follows", payment_ids[0])
                due.failed(payment_ids[0], self._journal.clock())
                return []
            return [payment for one in payment_ids for payment in await self._read(due, [one])]
        by_id = {payment.payment_id: payment for payment in found}
        for payment_id in payment_ids:
            if payment_id not in by_id:
                due.drop(payment_id)
        return [by_id[payment_id] for payment_id in payment_ids if payment_id in by_id]

    async def _ask(self, gateway: InvoiceGateway, payment: Payment) -> None:
        """Asks about one payment, whatever comes of it, and says when to ask about it again."""
        due, payment_id, heard = self._open[gateway.provider], payment.payment_id, _Heard(gateway)
        try:
            await self._check(cast(InvoiceGateway, heard), payment)
        except Exception:
            logger.exception("the bridge failed over %s; the next one follows", payment_id)
            CHECKED.labels(gateway.provider, "failed").inc()
            self._checked.pop(payment_id, None)
        if isinstance(heard.error, CredentialsRefusedError):
            self._refusing.add(gateway.provider)
        answered_at = self._checked.pop(payment_id, None)
        if answered_at is not None:
            due.asked(payment_id, answered_at)
        elif await self._is_away(gateway):
            due.put_back([payment_id], self._journal.clock())  # it was not its fault
        else:
            due.failed(payment_id, self._journal.clock())

    async def _check(self, gateway: InvoiceGateway, payment: Payment) -> bool:
        """Asks about one payment. Returns whether the provider is there to be asked about the next."""
        try:
            readings = await gateway.look_up(payment.external_id)
        except ProviderUnavailableError as error:
            logger.warning("%s cannot be asked about payments: %s", gateway.provider, error)
            CHECKED.labels(gateway.provider, "unavailable").inc()
            return False
        except ProviderError as error:
            logger.warning("%s does not say how %s stands: %s", gateway.provider, payment.payment_id, error)
            CHECKED.labels(gateway.provider, "refused").inc()
            return True
        self._checked[payment.payment_id] = self._journal.clock()
        healed = False
        for reading in readings:
            if decide(payment, reading.observation).payment == payment:
                continue  # known already
            recorded = await self._journal.record_observation(
                provider=gateway.provider,
                external_id=reading.external_id,
                key=reading.key,
                observation=reading.observation,
            )
            healed = healed or recorded.outcome is Outcome.APPLIED
        if healed:
            logger.warning("%s: %s knew more than its webhooks had told", payment.payment_id, gateway.provider)
        CHECKED.labels(gateway.provider, "healed" if healed else "known").inc()
        return True
