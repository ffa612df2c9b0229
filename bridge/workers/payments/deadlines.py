"""Deadlines: applied to expired payments, once their provider was asked whether the money came after all.

While a provider cannot be asked, or its answer cannot be read, its payments are given a bounded grace: absence of
news is no news of absence. A coin whose questions hang holds up the payments of no other.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from bridge.journal import DEADLINES, DuePayment, Journal, JournalUnavailableError
from bridge.workers.logged_failures import logged_failures
from bridge.workers.payments.look_up_turns import Lane, LookUpTurns
from bridge.workers.payments.look_ups import apply_look_up, note_unreadable
from coordinator.batched import batched
from coordinator.payments.payments import Payment
from coordinator.waits import backoff
from providers.availability import UnansweredError
from providers.contract import InvoiceGateways
from providers.errors import CredentialsRefusedError, ProviderError, ProviderUnavailableError

__all__ = ["PaymentDeadlines"]

logger = logging.getLogger("bridge.deadlines")

# Between two looks at least: nothing is applied later than that.
INTERVAL_SECONDS = 1.0
# And at most, though nothing is due sooner: the clock may be put right, or a notice be lost. What comes to be due
# before the next look, or soon after, wakes whoever waits for it (`DUE_SOON`).
POLL_SECONDS = 5.0
# Where so many are due that are to be asked about, they are gone through for a while before all others.
CROWD = 100
# How many are applied in one commit, behind which webhooks wait; and how many such commits are under way: the writer
# has the next one when it is done with the one before. Of two that come to it together it makes one.
APPLIED_TOGETHER = 100
COMMITS_UNDER_WAY = 2
# How many are asked about at once.
ASKED_TOGETHER = 8
# Between two tries to ask a provider that is away.
AWAY_SECONDS = 5.0
# What is not asked about because others of its kind hang, is looked at again after this.
PUT_OFF_SECONDS = 5.0
# Between the first two tries to ask about a payment about which nothing was learned: the answer is likely to be the
# same again. The next wait is twice as long, and so on.
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=8)
# One that could be asked about again for so long, and was not, is due no more.
FORGOTTEN_AFTER = timedelta(minutes=10)


class _Unclear(NamedTuple):
    """That nothing was learned about a payment."""

    times: int
    """How often in a row."""
    until: datetime
    """Until when it is not asked about."""


class _Answered(NamedTuple):
    """That there is nothing more to wait for."""

    listed_at: datetime | None
    """When all that the provider listed of a payment was known; None where it did not show that it knows it."""


class PaymentDeadlines:
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
        self._turns = {provider: LookUpTurns(ASKED_TOGETHER) for provider in gateways}
        self._being_asked: set[str] = set()
        self._ready: dict[str, datetime | None] = {}
        """The payments whose provider was asked, and whose deadline is still to be applied: when it had listed all
        that it knows of them, if it knows them."""
        self._unasked_from = journal.steady()
        """When to look for those that nobody is asked about."""
        self._silent: set[tuple[str, str]] = set()
        """The providers and coins that did not answer when they were asked last."""

    async def run(self) -> None:
        """Goes round until it is cancelled."""
        woken = self._journal.wakeups.of(DEADLINES)
        try:
            while True:
                woken.clear()
                wait_seconds = INTERVAL_SECONDS
                with logged_failures(logger, "apply deadlines"):
                    wait_seconds = await self._until_next()
                await asyncio.sleep(INTERVAL_SECONDS)
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait_seconds - INTERVAL_SECONDS):
                        await woken.wait()
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Gives up the questions that are under way."""
        for turns in self._turns.values():
            await turns.aclose()

    async def _until_next(self) -> float:
        """Applies what is due. Returns in how many seconds to look again."""
        next_due_at = await self._journal.deadlines.next_due_at()
        if next_due_at is None:
            return POLL_SECONDS
        left_seconds = (next_due_at - self._journal.clock()).total_seconds()
        if left_seconds > 0:
            return min(max(left_seconds, INTERVAL_SECONDS), POLL_SECONDS)
        while await self.round():
            pass
        return INTERVAL_SECONDS

    async def round(self) -> int:
        """Applies what is due, but for what is waited for longer. Returns the number of payments to which it was
        applied."""
        now, waited = self._journal.clock(), self._journal.steady()
        forgotten = waited - FORGOTTEN_AFTER
        self._unclear = {one: unclear for one, unclear in self._unclear.items() if unclear.until > forgotten}
        applied = await self._apply_unasked(now)
        is_crowded = False
        for provider in self._gateways:
            if not self._is_away(provider):
                is_crowded |= await self._ask_due(provider, now) >= CROWD
        if is_crowded and not applied:
            # To find those that nobody asks about, all that is due is gone through.
            self._unasked_from = waited + timedelta(seconds=POLL_SECONDS)
        for turns in self._turns.values():
            await turns.quick()
        self._ready, ready = {}, self._ready
        applied += await self._apply(list(ready), {one: at for one, at in ready.items() if at is not None})
        return applied + await self._apply(await self._waited_for_long_enough(now))

    async def _apply_unasked(self, now: datetime) -> int:
        """Applies what is due and nobody is asked about."""
        if self._journal.steady() < self._unasked_from:
            return 0
        # Who is to be asked by nobody here, since the configuration lacks their provider, waits as if it were away.
        at_once = await self._journal.deadlines.due_at_once(now, but=list(self._gateways), grace=self._grace)
        return await self._apply(at_once)

    async def _ask_due(self, provider: str, now: datetime) -> int:
        """Begins to ask a provider about what is due. Returns how many of these it has looked at."""
        turns, waited = self._turns[provider], self._journal.steady()
        waiting = {payment_id for payment_id, unclear in self._unclear.items() if unclear.until > waited}
        due = await self._journal.deadlines.due(
            now, only=[provider], but=waiting | self._being_asked, but_coins=turns.full_coins
        )
        for one in due:
            payment_id = one.payment.payment_id
            lane = Lane(one.coin, payment_id in self._unclear)
            if self._is_away(provider):
                break
            self._being_asked.add(payment_id)
            if await turns.begin(lane, partial(self._ask, one)):
                continue
            self._being_asked.discard(payment_id)
            if lane.was_unanswered:
                put_off = self._journal.steady() + timedelta(seconds=PUT_OFF_SECONDS)
                self._unclear[payment_id] = self._unclear[payment_id]._replace(until=put_off)
        return len(due)

    def _is_away(self, provider: str) -> bool:
        now = self._journal.steady()
        return self._away_until.get(provider, now) > now

    async def _waited_for_long_enough(self, now: datetime) -> Sequence[str]:
        """Those of which nothing could be learned until the end of their grace."""
        waited = await self._journal.deadlines.due(
            now - self._grace, only=list(self._gateways), but=self._being_asked
        )
        return [one.payment.payment_id for one in waited if self._is_tried(one)]

    def _is_tried(self, one: DuePayment) -> bool:
        """Whether somebody tried to ask about a payment, or could not while its provider or coin is silent."""
        provider = one.payment.provider
        is_silent = (provider, one.coin) in self._silent and one.coin in self._turns[provider].full_coins
        return one.payment.payment_id in self._unclear or self._is_away(provider) or is_silent

    async def _apply(
        self, payment_ids: Sequence[str], asked_at: Mapping[str, datetime] = MappingProxyType({})
    ) -> int:
        """Applies what is due, a part in each commit. Returns the number of payments to which it was applied."""
        parts = batched(payment_ids, APPLIED_TOGETHER)

        async def apply_parts() -> int:
            return sum([await self._apply_together(part, asked_at) for part in parts])

        return sum(await asyncio.gather(*(apply_parts() for _ in range(COMMITS_UNDER_WAY))))

    async def _apply_together(self, payment_ids: Sequence[str], asked_at: Mapping[str, datetime]) -> int:
        """Applies what is due, in one commit."""
        try:
            return await self._journal.deadlines.apply(payment_ids, asked_at)
        except JournalUnavailableError:
            raise
        except Exception:  # which must not keep others waiting
            if len(payment_ids) > 1:
                return sum([await self._apply_together([payment_id], asked_at) for payment_id in payment_ids])
            logger.exception("could not apply the deadline of %s; trying again", payment_ids[0])
            return 0

    async def _ask(self, one: DuePayment) -> None:
        payment = one.payment
        try:
            answered = await self._was_asked(one)
            if answered is not None:
                self._ready[payment.payment_id] = answered.listed_at
        except Exception:
            logger.exception("could not ask about %s, which is due; trying again", payment.payment_id)
        finally:
            self._being_asked.discard(payment.payment_id)

    async def _was_asked(self, one: DuePayment) -> _Answered | None:
        """Asks the provider for the status. Returns None while there is more to wait for."""
        payment = one.payment
        try:
            found = await self._gateways[payment.provider].look_up(payment.external_id)
        except UnansweredError as error:
            self._silent.add((payment.provider, one.coin))
            logger.warning("%s does not answer about %s: %s", payment.provider, payment.payment_id, error)
            self._note_unclear(payment)
            return None
        except ProviderUnavailableError as error:
            logger.warning("%s cannot be asked before deadlines are applied: %s", payment.provider, error)
            self._away_until[payment.provider] = self._journal.steady() + timedelta(seconds=AWAY_SECONDS)
            return None
        except ProviderError as error:
            logger.warning("%s did not give the status of %s: %s", payment.provider, payment.payment_id, error)
            if not isinstance(error, CredentialsRefusedError):
                await note_unreadable(self._journal, payment, str(error))
            self._note_unclear(payment)
            return None
        self._silent.discard((payment.provider, one.coin))
        applied = await apply_look_up(self._journal, payment, found)
        if applied.found == "unreadable":
            self._note_unclear(payment)
            return None
        self._unclear.pop(payment.payment_id, None)
        # Only now: what this answer listed is known by then, and what is told of later was not in it.
        return _Answered(self._journal.clock() if applied.is_whole else None)

    def _note_unclear(self, payment: Payment) -> None:
        """Notes that nothing was learned about a payment, which waits as if its provider were away."""
        before = self._unclear.get(payment.payment_id)
        times = 0 if before is None else before.times
        wait = backoff(FIRST_WAIT, times + 1, LONGEST_WAIT)
        self._unclear[payment.payment_id] = _Unclear(times + 1, self._journal.steady() + wait)
