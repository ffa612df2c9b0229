"""Lateness doubts: settles those about the zone of a date, once what the provider told before and after it shows in
which zones it cannot be. One task that looks every half a minute.
"""

import asyncio
import hashlib
import logging
from collections.abc import Mapping
from datetime import timedelta

from bridge.journal import Journal
from bridge.workers.logged_failures import logged_failures
from coordinator.payments.counting.lateness import LatenessDoubt, doubted_transfers, zones_settling
from coordinator.payments.facts.booked import Booked
from coordinator.payments.payments import Payment
from providers.contract import UnzonedDates

__all__ = ["LatenessDoubts"]

logger = logging.getLogger("bridge.providers")

INTERVAL_SECONDS = 30.0
# Those of one outage, of which the newest may still be settled.
LIMIT = 200
# In one round: for each, two thousand notices are read.
AT_ONCE = 20


class LatenessDoubts:
    """Looks for what settles them."""

    def __init__(self, journal: Journal, dates: Mapping[str, UnzonedDates]) -> None:
        self._journal = journal
        self._dates = dates
        self._left: set[tuple[str, str]] = set()
        """The transfers, by payment and key, that a person has to decide about: nothing more will be told."""
        self._looked_at: set[str] = set()
        """The payments that have had their turn since all had."""

    async def run(self) -> None:
        """Goes round until it is cancelled."""
        while True:
            with logged_failures(logger, "settle doubts about when money came"):
                await self.round()
            await asyncio.sleep(INTERVAL_SECONDS)

    async def round(self) -> None:
        """Looks once at some of those that may be settled, each in its turn. Raises JournalUnavailableError."""
        for provider, dates in self._dates.items():
            doubted = await self._journal.unfinished.doubted_for_lateness(provider, LIMIT)
            due = [payment for payment in doubted if self._open(payment)]
            turn = [payment for payment in due if payment.payment_id not in self._looked_at] or due
            if len(turn) <= AT_ONCE:
                self._looked_at.difference_update(payment.payment_id for payment in due)
            else:
                self._looked_at.update(payment.payment_id for payment in turn[:AT_ONCE])
            for payment in turn[:AT_ONCE]:
                with logged_failures(logger, f"settle the doubt about when the money of {payment.payment_id} came"):
                    await self._settle(payment, dates)

    def _open(self, payment: Payment) -> list[Booked]:
        """Those of its transfers whose zone is in doubt and may still be found out."""
        deadline = payment.expires_at
        if deadline is None:
            return []
        doubted = doubted_transfers(
            payment.facts, deadline, payment.created_at, is_opened_here=payment.is_opened_here
        )
        return [
            one
            for one, doubt in doubted
            if doubt is LatenessDoubt.ZONE and (payment.payment_id, one.transfer.key) not in self._left
        ]

    async def _settle(self, payment: Payment, dates: UnzonedDates) -> None:
        for one in self._open(payment):
            told_at, deadline = one.first_told_at, payment.expires_at
            if told_at is None or deadline is None:
                continue
            around = await self._journal.unfinished.notices_around(payment, told_at)
            others = [
                notice.dated._replace(held_for=timedelta(seconds=dates.settling_seconds(notice.coin)))
                for notice in around.notices
            ]
            shown = zones_settling(one, deadline, payment.created_at, others, is_opened_here=payment.is_opened_here)
            if shown is None:
                if around.is_all:
                    self._left.add((payment.payment_id, one.transfer.key))
                continue
            digest = hashlib.sha256(shown.model_dump_json().encode()).hexdigest()[:32]
            recorded = await self._journal.record_observation(
                provider=payment.provider,
                external_id=payment.external_id,
                key=f"zones:{payment.payment_id}:{digest}",
                observation=shown,
            )
            payment = recorded.payment or payment
            logger.info("%s: %s shows in which zones its money is not dated", payment.payment_id, payment.provider)
