"""Deadlines: applied to expired payments, once their provider was asked whether the money came after all.

While a provider cannot be asked, or its answer cannot be read, its payments are given a bounded grace: absence of
news is no news of absence.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from bridge.journal import DEADLINES, Journal, JournalUnavailableError
from bridge.workers.logged_failures import logged_failures
from bridge.workers.payments.look_ups import apply_look_up, note_unreadable
from coordinator.payments.payments import Payment
from providers.availability import UnansweredError
from providers.contract import InvoiceGateways
from providers.errors import CredentialsRefusedError, ProviderError, ProviderUnavailableError

__all__ = ["Deadlines"]

logger = logging.getLogger("bridge.deadlines")

# Between two looks at least: nothing is applied later than that.
INTERVAL_SECONDS = 1.0
# And at most, though nothing is due sooner: the clock may be put right, or a notice be lost. What comes to be due
# before the next look, or soon after, wakes whoever waits for it (`DUE_SOON`).
LOOK_SECONDS = 5.0
# How many are asked about at once.
ASKED_TOGETHER = 8
# Between two tries to ask a provider that is away.
AWAY_SECONDS = 5.0
# Between the first two tries to ask about a payment about which nothing was learned: the answer is likely to be the
# same again. The next wait is twice as long, and so on.
UNCLEAR_SECONDS = 30.0
DOUBLINGS_LIMIT = 10


class _Unclear(NamedTuple):
    """That nothing was learned about a payment."""

    times: int
    """How often in a row."""
    until: datetime
    """Until when it is not asked about."""


class Deadlines:
    """Rounds over what is due, one after the other."""

    def __init__(self, journal: Journal, gateways: InvoiceGateways, *, grace_seconds: float) -> None:
        """`grace_seconds` is how long after its deadline a payment waits for a provider that cannot be asked."""
        self._journal = journal
        self._gateways = gateways
        self._grace = timedelta(seconds=grace_seconds)
        self._away_until: dict[str, datetime] = {}
        """Until when a provider is not asked, because it could not be reached."""
        self._unclear: dict[str, _Unclear] = {}
        """The payments that are due and about which nothing was learned."""

    async def run(self) -> None:
        """Goes round until it is cancelled."""
        woken = self._journal.wakeups.of(DEADLINES)
        while True:
            woken.clear()
            wait_seconds = INTERVAL_SECONDS
            with logged_failures(logger, "apply deadlines"):
                wait_seconds = await self._until_next()
            await asyncio.sleep(INTERVAL_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_seconds - INTERVAL_SECONDS):
                    await woken.wait()

    async def _until_next(self) -> float:
        """Applies what is due. Returns in how many seconds to look again."""
        next_due_at = await self._journal.deadlines.next_due_at()
        if next_due_at is None:
            return LOOK_SECONDS
        left_seconds = (next_due_at - self._journal.clock()).total_seconds()
        if left_seconds > 0:
            return min(max(left_seconds, INTERVAL_SECONDS), LOOK_SECONDS)
        while await self.round():
            pass
        return INTERVAL_SECONDS

    async def round(self) -> int:
        """Applies what is due. Returns the number of payments to which it was applied."""
        now, waited = self._journal.clock(), self._journal.steady()
        away = [name for name, until in self._away_until.items() if until > waited]
        # Who is to be asked by nobody here, since the configuration lacks their provider, waits as if it were away.
        at_once = await self._journal.deadlines.due_at_once(now, but=list(self._gateways), grace=self._grace)
        applied = await self._apply(at_once)
        to_ask = await self._journal.deadlines.due(now, only=[name for name in self._gateways if name not in away])
        # These have waited long enough.
        to_ask += await self._journal.deadlines.due(now - self._grace, only=away) if away else []
        due = {payment.payment_id for payment in to_ask}
        self._unclear = {one: unclear for one, unclear in self._unclear.items() if one in due}
        # What may hang again keeps back none that may be answered.
        to_ask = sorted(to_ask, key=lambda payment: payment.payment_id in self._unclear)
        for some in _in_groups(to_ask, ASKED_TOGETHER):
            may_be_applied = await asyncio.gather(*map(self._may_be_applied, some))
            ready = [payment.payment_id for payment, may in zip(some, may_be_applied, strict=True) if may]
            applied += await self._apply(ready)
        return applied

    async def _apply(self, payment_ids: Sequence[str]) -> int:
        """Applies what is due, in one commit. Returns the number of payments to which it was applied."""
        if not payment_ids:
            return 0
        try:
            return await self._journal.deadlines.apply(payment_ids)
        except JournalUnavailableError:
            raise
        except Exception:  # which must not keep others waiting
            if len(payment_ids) > 1:
                return sum([await self._apply([payment_id]) for payment_id in payment_ids])
            logger.exception("could not apply the deadline of %s; trying again", payment_ids[0])
            return 0

    async def _may_be_applied(self, payment: Payment) -> bool:
        try:
            return await self._was_asked(payment) or self._has_waited(payment)
        except Exception:
            logger.exception("could not ask about %s, which is due; trying again", payment.payment_id)
            return False

    async def _was_asked(self, payment: Payment) -> bool:
        """Asks the provider for the status, if it can be asked. Returns whether there is nothing more to wait for."""
        gateway, now = self._gateways[payment.provider], self._journal.steady()
        unclear = self._unclear.get(payment.payment_id)
        if self._away_until.get(payment.provider, now) > now or (unclear is not None and unclear.until > now):
            return False
        try:
            found = await gateway.look_up(payment.external_id)
        except UnansweredError as error:
            logger.warning("%s does not answer about %s: %s", payment.provider, payment.payment_id, error)
            return self._is_unclear(payment, now)
        except ProviderUnavailableError as error:
            logger.warning("%s cannot be asked before deadlines are applied: %s", payment.provider, error)
            self._away_until[payment.provider] = now + timedelta(seconds=AWAY_SECONDS)
            return False
        except ProviderError as error:
            logger.warning("%s did not give the status of %s: %s", payment.provider, payment.payment_id, error)
            if not isinstance(error, CredentialsRefusedError):
                await note_unreadable(self._journal, payment, str(error))
            return self._is_unclear(payment, now)
        applied = await apply_look_up(self._journal, payment, found)
        return applied.found != "unreadable" or self._is_unclear(payment, now)

    def _is_unclear(self, payment: Payment, now: datetime) -> bool:
        """Notes that nothing was learned about a payment, which waits as if its provider were away: False."""
        before = self._unclear.get(payment.payment_id)
        times = 0 if before is None else before.times
        wait = timedelta(seconds=UNCLEAR_SECONDS * 2 ** min(times, DOUBLINGS_LIMIT))
        self._unclear[payment.payment_id] = _Unclear(times + 1, now + wait)
        return False

    def _has_waited(self, payment: Payment) -> bool:
        due_at = payment.due_at
        return due_at is not None and due_at + self._grace <= self._journal.clock()


def _in_groups(payments: Sequence[Payment], size: int) -> list[Sequence[Payment]]:
    return [payments[start : start + size] for start in range(0, len(payments), size)]
