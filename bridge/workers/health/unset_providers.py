"""Providers that something waits for, and that the configuration does not set up any more: readiness and the list of
what needs a person say so, and so does each payout that waits."""

import asyncio
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bridge.journal import Journal, observation_key
from bridge.workers.health.checks import DegradedError
from coordinator.attention.items import Attention
from coordinator.attention.unconfigured import Lacking, provider_unset
from coordinator.payouts.observations import PayoutPutOff
from providers import known
from providers.onchain.matching.payment_requests import PROVIDER as OVER_A_CHAIN

__all__ = ["SetUp", "UnsetProviders", "lacking"]

logger = logging.getLogger("bridge.providers")

# A payout that waits says why within a minute.
CHECK_INTERVAL_SECONDS = 20.0
PAGE = 200


@dataclass(frozen=True, slots=True)
class SetUp:
    """The providers that the configuration sets up, by their names."""

    asked: frozenset[str]
    """Those that are asked about payments, beside chains."""
    sending: frozenset[str]
    """Those that send payouts, beside wallets over chains."""

    @classmethod
    def of(cls, asked: Collection[str], sending: Collection[str]) -> "SetUp":
        """What goes over a chain is looked after by its followers (`unfollowed_coins.py`)."""
        return cls(frozenset({*asked, OVER_A_CHAIN}), frozenset({*sending, OVER_A_CHAIN}))


def lacking() -> dict[str, Lacking]:
    """What each provider may lack."""
    return {one.name: Lacking(one.how_to_open_invoices, one.how_to_send_payouts) for one in known.PROVIDERS}


class UnsetProviders:
    """Looks for what waits at them."""

    def __init__(self, journal: Journal, set_up: SetUp, *, days: int) -> None:
        """`days` is for how long a payment that expired is still asked about."""
        self._journal = journal
        self._set_up = set_up
        self._expired_within = timedelta(days=days)
        self._lacking = lacking()
        self._reported: set[str] = set()
        self.items: Sequence[Attention] = ()
        """What a person has to know of."""

    async def run(self) -> None:
        """Looks again and again until it is cancelled."""
        while True:
            await self.try_to_refresh()
            await asyncio.sleep(CHECK_INTERVAL_SECONDS)

    async def try_to_refresh(self) -> None:
        """Looks once. If that fails, nothing else is affected."""
        try:
            await self.refresh()
        except Exception:
            logger.exception("could not look for what waits at providers that are not set up; trying again later")

    async def refresh(self) -> None:
        """Raises JournalUnavailableError."""
        waiting = await self._journal.console.waiting_at_others(
            asked=self._set_up.asked,
            sending=self._set_up.sending,
            expired_since=self._journal.clock() - self._expired_within,
        )
        self.items = provider_unset(waiting, self._lacking)
        for item in self.items:
            if item.subject not in self._reported:
                logger.error("%s: %s", item.subject, item.detail)
        self._reported = {item.subject for item in self.items}
        if self.items:
            await self._say_why_payouts_wait()

    async def _say_why_payouts_wait(self) -> None:
        after, now = None, self._journal.clock()
        while page := await self._journal.payouts.to_follow(after=after, failed_since=now, limit=PAGE):
            after = page[-1]
            for payout in page:
                if payout.next_attempt is None or payout.provider in self._set_up.sending:
                    continue
                reason = f"it is not asked for: {known.no_payouts_through(payout.provider)}"
                if payout.delayed_by is None or payout.delayed_by.reason != reason:
                    seen = PayoutPutOff(at=now, reason=reason)
                    await self._journal.payouts.record_observation(payout.payout_id, observation_key(seen), seen)

    async def check(self) -> None:
        """Raises DegradedError while something waits."""
        if self.items:
            raise DegradedError("; ".join(item.detail for item in self.items))
