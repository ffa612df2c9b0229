"""Reconciliation: asks the providers for the status of payments, and applies what no webhook reported, like any
observation.

Its pace is bounded, a payment that has waited long is asked about less and less often, and one that cannot be asked
about does not delay any other, nor does a coin whose questions hang.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import overload

from prometheus_client import Counter, Gauge

from bridge.journal import CompletedPayment, DueLookUp, EndedPayment, Journal, UnreadableRowError
from bridge.workers.payments.due_payments import DuePayments
from bridge.workers.payments.look_up_turns import Lane, LookUpTurns
from bridge.workers.payments.look_ups import (
    Applied,
    apply_look_up,
    note_asked_after_deadline,
    note_taken_back,
    note_unreadable,
)
from coordinator.payments.counting.unconfirmed import matures_at, seen_at
from coordinator.payments.facts.booked import latest
from coordinator.payments.payments import Payment
from coordinator.payments.problems.contradictions import is_called_refunded
from providers.availability import UnansweredError
from providers.contract import InvoiceGateway, InvoiceGateways
from providers.errors import AnswerUnusableError, CredentialsRefusedError, ProviderError, ProviderUnavailableError

__all__ = ["Reconciler"]

logger = logging.getLogger("bridge.reconciliation")

# How many are read from the journal at once: the last of them is asked about a few seconds later.
PAGE = 100
# SHKeeper has 16 threads for all requests.
AT_ONCE = 4
# A payment that cannot be asked about so often in a row, while others can, needs a person.
UNANSWERED_LIMIT = 3
# While a provider is away, this is how often the bridge checks whether it may be asked again.
AWAY_SECONDS = 1.0
# Everything that is open is read once an hour; in between only what is new.
EVERYTHING_EVERY = timedelta(hours=1)

# A provider that has forgotten an invoice and forgets the next one too is not asked for more and more of them.
REOPENED_EVERY = timedelta(hours=1)

CHECKED = Counter(
    "bridge_reconciled", "Payments that a provider was asked about, by what came of it", ["provider", "found"]
)
OPEN = Gauge("bridge_reconciled_open", "Payments that a provider is asked about now and then", ["provider"])


class Reconciler:
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
        self._turns: Mapping[str, LookUpTurns] = {provider: LookUpTurns(AT_ONCE) for provider in gateways}
        self._hurried: set[str] = set()
        """The payments that are asked about because something was reported that did not fit."""
        self._settled: list[DueLookUp] = []
        """Those of them that were asked about since that was last written down."""
        self._knows_all = False
        """Whether it has looked through everything since it began."""
        self._everything_at: datetime | None = None
        """When everything that is open was last read."""
        self._missed: set[str] = set()
        """The payments about which the provider, when it was last asked, did not know what it should."""
        self._reopened_at: dict[str, datetime] = {}
        """When an invoice was last requested again, by the payment's id."""
        self._refusing: set[str] = set()
        """The providers that did not accept the key when they were last asked."""

    async def run(self) -> None:
        """Goes on until it is cancelled. It may do so again after that: what another bridge has done meanwhile is
        read then, and who has not answered for long is asked as after a start."""
        self._everything_at, self._knows_all = None, False
        self._missed.clear()
        try:
            await self._go_round()
        finally:
            await self.aclose()
            for provider in self._open:
                OPEN.labels(provider).set(0)  # another bridge may have its turn

    async def aclose(self) -> None:
        """Gives up the questions that are under way."""
        for turns in self._turns.values():
            await turns.aclose()

    async def _go_round(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            next_round = loop.time() + self._interval.total_seconds()
            try:
                await self._take_in()
                await self._ask_reported()
                async with asyncio.TaskGroup() as asking:
                    for gateway in self._gateways.values():  # none waits for another
                        asking.create_task(self._ask_until(gateway, next_round))
            except Exception:
                logger.exception("a round failed; the next one follows")
            await asyncio.sleep(max(next_round - loop.time(), 0))

    async def _ask_until(self, gateway: InvoiceGateway, next_round: float) -> None:
        loop = asyncio.get_running_loop()
        # Nothing signals that a provider is back.
        while not await self._ask_due(gateway, until=next_round) and loop.time() < next_round:  # noqa: ASYNC110
            await asyncio.sleep(AWAY_SECONDS)

    async def round(self) -> None:
        """Reads everything that is open, asks once about everything that is due, and waits for the answers."""
        self._everything_at = None
        await self._take_in()
        await self._ask_reported()
        for gateway in self._gateways.values():
            await self._ask_due(gateway)
            await self._turns[gateway.provider].all()

    async def _take_in(self) -> None:
        """Learns which payments are open: the new ones, and now and then all of them."""
        now = self._journal.steady()
        everything = self._everything_at is None or now >= self._everything_at + EVERYTHING_EVERY
        for provider, known in self._open.items():
            found: set[str] = set()
            async for page in self._journal.unfinished.open_payments(provider):
                new = [known.add(payment.payment_id, self._steadily(payment.created_at), now) for payment in page]
                found.update(payment.payment_id for payment in page)
                # The newest come first: after a page on which everything is known there is nothing new.
                if not everything and not any(new):
                    break
            since = self._journal.clock() - self._ended_within
            async for completed in self._journal.unfinished.completed_payments(provider, since):
                new = [self._add_ended(known, one, one.completed_at, now) for one in completed]
                found.update(one.payment_id for one in completed)
                if not everything and not any(new):
                    break
            async for ended in self._journal.unfinished.ended_payments(provider, since):
                new = self._take_in_ended(known, ended, now)
                found.update(one.payment_id for one in ended)
                if not everything and not any(new):
                    break
            if everything:
                known.retain_only(found)
            OPEN.labels(provider).set(len(known))
        self._knows_all = True
        if everything:
            self._everything_at = now

    def _take_in_ended(self, known: DuePayments, ended: Sequence[EndedPayment], now: datetime) -> list[bool]:
        """Returns for each whether that is news."""
        return [
            self._add_ended(known, one, one.updated_at, now)
            if one.is_refunded
            else known.add(one.payment_id, self._steadily(one.created_at), now)
            for one in ended
        ]

    def _add_ended(
        self, known: DuePayments, one: CompletedPayment | EndedPayment, written_at: datetime, now: datetime
    ) -> bool:
        # A time in the future was written by a clock that was wrong.
        ended_at = min(self._steadily(written_at), now)
        # A reconciliation that has just begun does not know what was asked about before.
        asked_at = ended_at if self._knows_all else now
        created_at = self._steadily(one.created_at)
        return known.add_ended(one.payment_id, created_at, ended_at, asked_at, written_at=written_at)

    @overload
    def _steadily(self, moment: datetime) -> datetime: ...

    @overload
    def _steadily(self, moment: datetime | None) -> datetime | None: ...

    def _steadily(self, moment: datetime | None) -> datetime | None:
        """When that is by the steady clock."""
        return None if moment is None else self._journal.steady() - (self._journal.clock() - moment)

    async def _ask_reported(self) -> None:
        """Asks about the payments for which something was reported that did not fit, including those that are
        over: the provider's books say whose it is."""
        reported = await self._journal.unfinished.due_look_ups()
        coins = await self._journal.unfinished.coins_to_pay([due.payment_id for due in reported])
        for due in reported:
            gateway = self._gateways.get(due.provider)
            if gateway is not None and await self._is_away(gateway):
                continue
            lane = self._lane(due.provider, due.payment_id, coins)
            is_full = gateway is not None and self._turns[due.provider].is_full(lane)
            if is_full or due.payment_id in self._hurried:
                continue
            try:
                record = None if gateway is None else await self._journal.payment_record(due.payment_id)
            except UnreadableRowError:
                continue  # a person hears of it, and it stays due
            if gateway is None or record is None:
                self._settled.append(due)
            elif await self._turns[due.provider].begin(
                lane, partial(self._ask_in_a_hurry, gateway, record.payment, due)
            ):
                await asyncio.sleep(self._pause_seconds)
        for turns in self._turns.values():
            await turns.quick()
        self._settled, settled = [], self._settled
        if settled:
            await self._journal.unfinished.settle_look_ups(settled)

    async def _ask_in_a_hurry(self, gateway: InvoiceGateway, payment: Payment, due: DueLookUp) -> None:
        self._hurried.add(due.payment_id)
        try:
            if not await self._ask(gateway, payment):
                self._open[gateway.provider].hurry(payment.payment_id, self._journal.steady())
            self._settled.append(due)
        finally:
            self._hurried.discard(due.payment_id)

    def _lane(self, provider: str, payment_id: str, coins: Mapping[str, str]) -> Lane:
        return Lane(coins.get(payment_id, ""), self._open[provider].was_unanswered(payment_id))

    async def _ask_due(self, gateway: InvoiceGateway, *, until: float | None = None) -> bool:
        """Begins to ask about what is due, until nothing is, or the provider is away, or the loop's time reaches the
        limit; what is slow to be answered goes on. Returns whether that was all that can be done for now: false while
        the provider is away."""
        loop, due, turns = asyncio.get_running_loop(), self._open[gateway.provider], self._turns[gateway.provider]
        next_start = loop.time()
        self._refusing.discard(gateway.provider)
        asked = False
        while taken := due.take(self._journal.steady(), PAGE):
            payments = await self._read(due, taken)
            coins = await self._journal.unfinished.coins_to_pay([payment.payment_id for payment in payments])
            for number, payment in enumerate(payments):
                is_late = until is not None and loop.time() >= until
                if is_late or await self._is_away(gateway):
                    due.put_back([left.payment_id for left in payments[number:]], self._journal.steady())
                    await turns.quick()
                    return is_late or gateway.provider in self._refusing
                lane = self._lane(gateway.provider, payment.payment_id, coins)
                if not await turns.begin(lane, partial(self._ask, gateway, payment)):
                    due.put_off(payment.payment_id, self._journal.steady())
                    continue
                if not asked:  # the first alone: if the provider was away, one is enough to find out
                    asked = True
                    await turns.quick()
                    continue
                # What a slow answer has delayed may be made up for, up to a second's worth.
                next_start = max(next_start + self._pause_seconds, loop.time() - 1)
                await asyncio.sleep(next_start - loop.time())
        await turns.quick()
        return True

    async def _is_away(self, gateway: InvoiceGateway) -> bool:
        """Whether nothing can be learned from a provider now, about any payment."""
        try:
            await gateway.check()
        except ProviderError:
            return True
        return gateway.provider in self._refusing

    async def _read(self, due: DuePayments, payment_ids: Sequence[str]) -> Sequence[Payment]:
        """Those payments that are still open and can be read, in the same order; the others are forgotten."""
        since = self._journal.clock() - self._ended_within
        found = await self._journal.unfinished.payments_still_open(payment_ids, since)
        by_id = {payment.payment_id: payment for payment in found}
        for payment_id in payment_ids:
            if payment_id not in by_id:
                due.drop(payment_id)
                self._missed.discard(payment_id)
        return [by_id[payment_id] for payment_id in payment_ids if payment_id in by_id]

    async def _ask(self, gateway: InvoiceGateway, payment: Payment) -> bool:
        """Asks about one payment, whatever the result, and sets when to ask about it again. Returns whether there
        was an answer."""
        due, payment_id = self._open[gateway.provider], payment.payment_id
        found: Payment | None = None
        unanswered: UnansweredError | None = None
        try:
            found = await self._check(gateway, payment)
        except UnansweredError as error:
            logger.warning("%s does not answer about %s: %s", gateway.provider, payment_id, error)
            CHECKED.labels(gateway.provider, "unanswered").inc()
            unanswered = error
        except CredentialsRefusedError:
            self._refusing.add(gateway.provider)
        except Exception:
            logger.exception("the bridge failed over %s; the next one follows", payment_id)
            CHECKED.labels(gateway.provider, "failed").inc()
        if found is not None:
            due.asked(
                payment_id,
                self._journal.steady(),
                news_since=self._steadily(_left_open_since(found)),
                news_at=matures_at(found.facts),
            )
            if payment_id in self._missed:
                due.hurry(payment_id, self._journal.steady())
        elif await self._is_away(gateway):
            due.was_away(payment_id, self._journal.steady())
        elif due.failed(payment_id, self._journal.steady()) >= UNANSWERED_LIMIT and unanswered is not None:
            await note_unreadable(self._journal, payment, str(unanswered), is_unanswered=True)
        return found is not None

    async def _check(self, gateway: InvoiceGateway, payment: Payment) -> Payment | None:
        """Asks about one payment, and applies the answer. Returns the payment afterwards; None if there was no
        answer.

        Raises CredentialsRefusedError where the provider does not accept the key, and UnansweredError.
        """
        try:
            found = await gateway.look_up(payment.external_id)
        except UnansweredError:
            raise
        except ProviderUnavailableError as error:
            logger.warning("%s cannot be asked about payments: %s", gateway.provider, error)
            CHECKED.labels(gateway.provider, "unavailable").inc()
            return None
        except ProviderError as error:
            logger.warning("%s did not give the status of %s: %s", gateway.provider, payment.payment_id, error)
            CHECKED.labels(gateway.provider, "refused").inc()
            if isinstance(error, CredentialsRefusedError):
                raise
            if isinstance(error, AnswerUnusableError):
                await note_unreadable(self._journal, payment, str(error))
            return None
        applied = await apply_look_up(self._journal, payment, found)
        CHECKED.labels(gateway.provider, applied.found).inc()
        await note_asked_after_deadline(self._journal, applied)
        return await self._note_missing(applied)

    async def _note_missing(self, applied: Applied) -> Payment:
        """Accepts that a provider has forgotten an invoice, or takes back what it had reported of it, after two
        look-ups in a row: a webhook may have come while it answered, and a gateway that is starting may answer too
        early. Asking it for the invoice once more does no harm: if it knows the invoice after all, it answers with
        the same one. Returns the payment afterwards."""
        payment = applied.payment
        payment_id, now = payment.payment_id, self._journal.steady()
        if not applied.is_missing and not applied.taken_back:
            self._missed.discard(payment_id)
        elif payment_id not in self._missed:
            self._missed.add(payment_id)
        else:
            self._missed.discard(payment_id)
            if applied.taken_back:
                payment = await note_taken_back(self._journal, payment, applied.taken_back)
            if not applied.is_missing:
                return payment
            self._reopened_at = {one: at for one, at in self._reopened_at.items() if at > now - REOPENED_EVERY}
            if payment_id in self._reopened_at:
                return payment
            logger.warning("%s: %s has forgotten its invoice", payment_id, payment.provider)
            if await self._journal.unfinished.forget_invoice(payment_id):
                self._reopened_at[payment_id] = now
        return payment


def _left_open_since(payment: Payment) -> datetime | None:
    """Since when something is open on which its provider may soon report more, however old the payment is: money
    that was seen and is in no block yet, or money that it calls refunded although it did not go back."""
    return latest(seen_at(payment.facts), payment.facts.refunded_at if is_called_refunded(payment) else None)
