"""Look-ups of payouts: asking providers what became of each, a few at a time in each coin, so that a wallet which
answers slowly keeps back nobody else."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from bridge.journal import Journal, observation_key
from coordinator.payouts import Payout
from providers.contract import PayoutGateways, ProviderError

__all__ = ["PayoutLookUps", "next_look"]

logger = logging.getLogger("bridge.payouts")

# Fewer than a provider is asked at once in a coin, so that there is always a place for an order.
AT_ONCE_IN_A_COIN = 2
LONGEST_WAIT = timedelta(minutes=10)
AGE_SHARE = 10
INTERRUPTED = "the bridge stopped before it had written down the provider's answer"


def next_look(payout: Payout, last: datetime, shortest: timedelta) -> datetime:
    """When to look after a payout again that was looked after last at that time. One is followed closely at first:
    most arrive within minutes."""
    age = last - (payout.facts.asked_at or payout.created_at)
    return last + max(shortest, min(age / AGE_SHARE, LONGEST_WAIT))


class PayoutLookUps:
    """What is being looked up, and when each was looked up last. Of one payout there is one look-up at a time."""

    def __init__(
        self,
        journal: Journal,
        gateways: PayoutGateways,
        *,
        shortest_wait: timedelta,
        is_being_asked: Callable[[str], bool],
    ) -> None:
        """`is_being_asked` says whether a provider may be asked to send a payout at this moment."""
        self._journal = journal
        self._gateways = gateways
        self._shortest_wait = shortest_wait
        self._is_being_asked = is_being_asked
        self._looked: dict[str, tuple[datetime, datetime]] = {}
        """When each was looked up last, by the machine's clock and by the one that only goes on."""
        self._places: defaultdict[tuple[str, str], asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(AT_ONCE_IN_A_COIN)
        )
        self.tasks: dict[str, asyncio.Task[None]] = {}
        """By the payout that each is about."""

    def begin(self, payouts: Collection[Payout]) -> None:
        """Begins to look up those that it is time to, and forgets all others. The payouts are as they were read a
        moment ago."""
        now = self._journal.clock()
        for payout in payouts:
            payout_id = payout.payout_id
            if payout_id in self.tasks or not self._is_due(payout, now):
                continue
            self._looked[payout_id] = now, self._journal.steady()
            self.tasks[payout_id] = asyncio.create_task(self._look_up(payout))
        known = {payout.payout_id for payout in payouts}
        self._looked = {payout_id: at for payout_id, at in self._looked.items() if payout_id in known}

    def _is_due(self, payout: Payout, now: datetime) -> bool:
        looked = self._looked.get(payout.payout_id)
        if looked is not None:
            last, began = looked
            return next_look(payout, last, self._shortest_wait) - last <= self._journal.steady() - began
        asked_at = payout.facts.asked_at
        # One that was asked for in the time to come was so by a clock that was wrong.
        return asked_at is None or not now < next_look(payout, asked_at, self._shortest_wait) <= now + LONGEST_WAIT

    async def _look_up(self, payout: Payout) -> None:
        try:
            # Whatever was asked when the payout was read, and is not being asked now, is over.
            attempt = payout.unanswered_attempt
            if attempt is not None and not self._is_being_asked(payout.payout_id):
                await self._journal.record_payout_interruption(payout.payout_id, attempt, INTERRUPTED)
            async with self._places[payout.provider, payout.coin]:
                seen = await self._gateways[payout.provider].look_up_payout(payout, self._journal.clock())
            keyed = [(observation_key(observation), observation) for observation in seen]
            if keyed:
                await self._journal.record_payout_observations(payout.payout_id, keyed)
        except ProviderError as error:
            logger.warning("%s cannot be asked about %s: %s", payout.provider, payout.payout_id, error)
        except Exception:
            logger.exception("looking up %s failed; it is done again", payout.payout_id)
        finally:
            del self.tasks[payout.payout_id]
