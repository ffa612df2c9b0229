"""Look-ups of payouts: asks providers what became of each, a few at a time in each coin, so that a slow wallet
does not delay the others.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from bridge.journal import Journal, observation_key
from bridge.workers.payouts.ages import PayoutAges
from coordinator.payouts.payouts import Payout
from providers.contract import PayoutGateways
from providers.errors import ProviderError

__all__ = ["PayoutLookUps"]

logger = logging.getLogger("bridge.payouts")

# Fewer than a provider is asked at once in a coin, so that there is always a place for an order.
AT_ONCE_IN_A_COIN = 2
LONGEST_WAIT = timedelta(minutes=10)
AGE_SHARE = 10
INTERRUPTED = "the bridge stopped before it had written down the provider's answer"


def wait_at(age: timedelta, shortest: timedelta) -> timedelta:
    """How long to wait until the next look-up of a payout that was so old at the last one. It is followed closely
    at first: most arrive within minutes."""
    return max(shortest, min(age / AGE_SHARE, LONGEST_WAIT))


class PayoutLookUps:
    """What is being looked up, and when each was last looked up. There is one look-up of a payout at a time."""

    def __init__(
        self,
        journal: Journal,
        gateways: PayoutGateways,
        ages: PayoutAges,
        *,
        shortest_wait: timedelta,
        is_being_asked: Callable[[str], bool],
    ) -> None:
        """`is_being_asked` says whether a provider may be asked to send a payout at this moment."""
        self._journal = journal
        self._gateways = gateways
        self._ages = ages
        self._shortest_wait = shortest_wait
        self._is_being_asked = is_being_asked
        self._asked: dict[str, tuple[timedelta, datetime]] = {}
        """How old each was when it was last looked up, and when that was by the steady clock."""
        self._places: defaultdict[tuple[str, str], asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(AT_ONCE_IN_A_COIN)
        )
        self.tasks: dict[str, asyncio.Task[None]] = {}
        """By the payout that each is about."""

    def begin(self, payouts: Collection[Payout]) -> None:
        """Begins the look-ups that are due, and forgets all other payouts. The payouts are as they were read a
        moment ago."""
        for payout in payouts:
            payout_id = payout.payout_id
            if payout_id in self.tasks or not self._is_due(payout):
                continue
            self._asked[payout_id] = self._ages.of(payout), self._journal.steady()
            self.tasks[payout_id] = asyncio.create_task(self._look_up(payout))
        known = {payout.payout_id for payout in payouts}
        self._asked = {payout_id: at for payout_id, at in self._asked.items() if payout_id in known}

    def _is_due(self, payout: Payout) -> bool:
        asked = self._asked.get(payout.payout_id)
        if asked is not None:
            age, at = asked
            return wait_at(age, self._shortest_wait) <= self._journal.steady() - at
        asked_at = payout.facts.asked_at
        # A time in the future comes from a clock that was wrong, nobody knows when.
        is_old_enough = self._ages.of(payout) >= self._shortest_wait
        return asked_at is None or asked_at > self._journal.clock() or is_old_enough

    async def _look_up(self, payout: Payout) -> None:
        try:
            # A request that was open when the payout was read, and is not open now, is over.
            attempt = payout.unanswered_attempt
            if attempt is not None and not self._is_being_asked(payout.payout_id):
                await self._journal.payouts.record_interruption(payout.payout_id, attempt, INTERRUPTED)
            async with self._places[payout.provider, payout.coin]:
                seen = await self._gateways[payout.provider].look_up_payout(payout, self._journal.clock())
            keyed = [(observation_key(observation), observation) for observation in seen]
            if keyed:
                await self._journal.payouts.record_observations(payout.payout_id, keyed)
        except ProviderError as error:
            logger.warning("%s cannot be asked about %s: %s", payout.provider, payout.payout_id, error)
        except Exception:
            logger.exception("looking up %s failed; it is done again", payout.payout_id)
        finally:
            del self.tasks[payout.payout_id]
