"""Deadlines: applied to payments whose time ran out, once their provider was asked whether the money came after all.

While a provider cannot be asked, or its answer cannot be read, its payments are given a bounded grace: absence of
news is no news of absence.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from bridge.journal import Journal, JournalUnavailableError
from bridge.workers.look_ups import apply_look_up, note_unreadable
from coordinator.payments import OPEN_STATUSES, Payment
from providers.contract import CredentialsRefusedError, InvoiceGateways, ProviderError, ProviderUnavailableError

__all__ = ["Deadlines"]

logger = logging.getLogger("bridge.deadlines")

INTERVAL_SECONDS = 1.0
# How many are asked about at one moment.
ASKED_TOGETHER = 8
# Between two tries to ask a provider that is away.
AWAY_SECONDS = 5.0
# Between two tries to ask about a payment of which nothing was learned: it is likely to hear the same again.
UNCLEAR_SECONDS = 30.0


class Deadlines:
    """Rounds over what is due, one after the other."""

    def __init__(self, journal: Journal, gateways: InvoiceGateways, *, grace_seconds: float) -> None:
        """`grace_seconds` is how long after its deadline a payment waits for a provider that cannot be asked."""
        self._journal = journal
        self._gateways = gateways
        self._grace = timedelta(seconds=grace_seconds)
        self._away_until: dict[str, datetime] = {}
        """Until when a provider is not asked, since it could not be."""
        self._unclear_until: dict[str, datetime] = {}
        """Until when it is not asked about a payment, since nothing was learned of that one."""

    async def run(self) -> None:
        """Goes round until it is cancelled."""
        while True:
            try:
                while await self.round():
                    pass
            except JournalUnavailableError as error:
                logger.warning("could not apply deadlines: %s; trying again", error)
            except Exception:
                logger.exception("could not apply deadlines; trying again")
            await asyncio.sleep(INTERVAL_SECONDS)

    async def round(self) -> int:
        """Applies what is due. Returns to how many payments it was applied."""
        now, waited = self._journal.clock(), self._journal.steady()
        self._unclear_until = {one: until for one, until in self._unclear_until.items() if until > waited}
        away = [name for name, until in self._away_until.items() if until > waited]
        due = await self._journal.due_payments(now, without=away)
        # These have waited long enough.
        due += await self._journal.due_payments(now - self._grace, only=away) if away else []
        to_ask = [payment for payment in due if self._is_to_be_asked(payment)]
        asked = {payment.payment_id for payment in to_ask}
        applied = await self._apply([payment for payment in due if payment.payment_id not in asked])
        for some in _in_groups(to_ask, ASKED_TOGETHER):
            may_be_applied = await asyncio.gather(*map(self._may_be_applied, some))
            applied += await self._apply([one for one, may in zip(some, may_be_applied, strict=True) if may])
        return applied

    async def _apply(self, payments: Sequence[Payment]) -> int:
        """Applies what is due, in one commit. Returns to how many payments it was applied."""
        if not payments:
            return 0
        try:
            await self._journal.apply_deadlines([payment.payment_id for payment in payments])
        except JournalUnavailableError:
            raise
        except Exception:  # which must not keep others waiting
            if len(payments) > 1:
                return sum([await self._apply([payment]) for payment in payments])
            logger.exception("could not apply the deadline of %s; trying again", payments[0].payment_id)
            return 0
        return len(payments)

    async def _may_be_applied(self, payment: Payment) -> bool:
        try:
            return await self._was_asked(payment) or self._has_waited(payment)
        except Exception:
            logger.exception("could not ask about %s, which is due; trying again", payment.payment_id)
            return False

    def _is_to_be_asked(self, payment: Payment) -> bool:
        """Whether its provider can say anything that matters."""
        return payment.provider in self._gateways and payment.status in OPEN_STATUSES

    async def _was_asked(self, payment: Payment) -> bool:
        """Has the provider say how it stands, if it can be asked. Returns whether nothing more is to be waited
        for."""
        gateway, now = self._gateways[payment.provider], self._journal.steady()
        if self._away_until.get(payment.provider, now) > now or payment.payment_id in self._unclear_until:
            return False
        try:
            found = await gateway.look_up(payment.external_id)
        except ProviderUnavailableError as error:
            logger.warning("%s cannot be asked before deadlines are applied: %s", payment.provider, error)
            self._away_until[payment.provider] = now + timedelta(seconds=AWAY_SECONDS)
            return False
        except ProviderError as error:
            logger.warning("%s does not say how %s stands: %s", payment.provider, payment.payment_id, error)
            if not isinstance(error, CredentialsRefusedError):
                await note_unreadable(self._journal, payment, str(error))
            return self._is_unclear(payment, now)
        applied = await apply_look_up(self._journal, payment, found)
        return applied.found != "unreadable" or self._is_unclear(payment, now)

    def _is_unclear(self, payment: Payment, now: datetime) -> bool:
        """Notes that nothing was learned of a payment, which waits as for a provider that is away: False."""
        self._unclear_until[payment.payment_id] = now + timedelta(seconds=UNCLEAR_SECONDS)
        return False

    def _has_waited(self, payment: Payment) -> bool:
        due_at = payment.due_at
        return due_at is not None and due_at + self._grace <= self._journal.clock()


def _in_groups(payments: Sequence[Payment], size: int) -> list[Sequence[Payment]]:
    return [payments[start : start + size] for start in range(0, len(payments), size)]
