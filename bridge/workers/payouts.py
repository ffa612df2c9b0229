"""Sending payouts, and following them until they have arrived or failed. No payout is asked for twice.

That an attempt begins is in the journal before the provider hears of it. Whoever finds an attempt without an outcome,
after a crash or a broken connection, only asks what became of it. The provider is asked first whether it knows the
payout: its books outlive a journal that was restored from a backup.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from prometheus_client import Counter, Gauge

from bridge.journal import Journal, observation_key
from coordinator.payout_observations import PayoutNotAsked, PayoutObservation, PayoutUnclear
from coordinator.payouts import Payout, batches
from providers.contract import PayoutGateway, PayoutGateways, PayoutOrder, ProviderError, RefusedTogetherError

__all__ = ["PayoutSender"]

logger = logging.getLogger("bridge.payouts")

PAGE = 200
# A payout is followed closely at first: most arrive within minutes.
SHORTEST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=10)
AGE_SHARE = 10
# What failed may turn out to have been sent: SHKeeper itself looks for a payout's transaction for a day.
FAILED_FOLLOWED_FOR = timedelta(days=2)
INTERRUPTED = PayoutUnclear(reason="the bridge stopped before it had written down the provider's answer")
KNOWN_BEFORE = PayoutUnclear(
    reason="the provider had this payout in its books before it was asked for; was the journal restored?"
)

OVERDUE = Gauge("bridge_payouts_overdue", "Payouts that are not settled a day after they were asked for")
HELD = Gauge("bridge_payouts_held", "1 while somebody has stopped all payouts")
ASKED = Counter("bridge_payout_attempts", "Attempts to have a payout sent, by outcome", ["provider", "outcome"])


def next_look(payout: Payout, last: datetime, shortest: timedelta) -> datetime:
    """When to look after a payout again that was looked after last at that time."""
    began_at = payout.cleared_at or payout.created_at
    return last + max(shortest, min((last - began_at) / AGE_SHARE, LONGEST_WAIT))


def _names(payouts: Sequence[Payout]) -> str:
    return ", ".join(payout.payout_id for payout in payouts)


class PayoutSender:
    """One task that goes over all payouts that are not settled; it sends one at a time.

    One at a time because SHKeeper looks whether it knows a payout and then sends it, so two questions at the same
    moment could both pass.
    """

    def __init__(
        self, journal: Journal, gateways: PayoutGateways, *, shortest_wait: timedelta = SHORTEST_WAIT
    ) -> None:
        self._journal = journal
        self._gateways = gateways
        self._shortest_wait = shortest_wait
        self._looked: dict[str, datetime] = {}
        """When each payout that is followed was looked after last."""
        self._overdue: set[str] = set()
        self._asking: set[str] = set()
        """Payouts that the provider is being asked for at this moment."""
        self._woken = asyncio.Event()

    def sends_for(self, provider: str) -> bool:
        """Whether payouts can be sent through this provider."""
        return provider in self._gateways

    async def read_order(self, provider: str, order: PayoutOrder) -> PayoutOrder:
        """An order as a provider that sends payouts takes it. Raises NotPayableError."""
        return await self._gateways[provider].read_order(order, self._journal.clock())

    async def worth(self, provider: str, order: PayoutOrder, currency: str) -> Decimal | None:
        """What the amount of an order counts for in a currency, at least; None if its provider cannot tell now."""
        return await self._gateways[provider].worth(order, currency)

    async def coins_for(self, provider: str, amount: Decimal, currency: str, coin: str) -> Decimal | None:
        """How much of a coin an amount of a currency comes to now; None if its provider cannot tell. Raises
        NotPayableError."""
        return await self._gateways[provider].coins_for(amount, currency, coin)

    def is_to_be_sent(self, payout: Payout) -> bool:
        """Whether its provider has not been asked for it yet, and will be."""
        return payout.provider in self._gateways and payout.next_attempt is not None

    def wake(self) -> None:
        """Says that there may be a payout to send."""
        self._woken.set()

    async def run(self) -> None:
        """Goes round until it is cancelled."""
        while True:
            self._woken.clear()
            try:
                await self.round()
            except Exception:
                logger.exception("a round over the payouts failed; the next one follows")
            try:
                async with asyncio.timeout(self._shortest_wait.total_seconds()):
                    await self._woken.wait()
            except TimeoutError:
                pass

    async def round(self) -> None:
        """Sends what is to be sent, and asks about the rest where it is time to."""
        followed: set[str] = set()
        overdue: set[str] = set()
        to_send: list[Payout] = []
        is_held = await self._journal.console.payout_hold() is not None
        HELD.set(is_held)
        async for payout in self._payouts_to_follow():
            followed.add(payout.payout_id)
            if payout.is_overdue(self._journal.clock()):
                overdue.add(payout.payout_id)
            if payout.provider not in self._gateways or not self._is_due(payout):
                continue
            if is_held and payout.next_attempt is not None:
                continue
            self._looked[payout.payout_id] = self._journal.clock()
            if payout.next_attempt is not None:
                to_send.append(payout)
            else:
                await self._look_up(self._gateways[payout.provider], payout)
        to_send.sort(key=lambda payout: payout.created_at)
        for batch in batches(to_send, sent_together=self._is_sent_together):
            await self._send(self._gateways[batch[0].provider], batch)
        self._looked = {payout_id: at for payout_id, at in self._looked.items() if payout_id in followed}
        for payout_id in sorted(overdue - self._overdue):
            logger.warning("%s is not settled after a day; look at the chain and at the provider", payout_id)
        self._overdue = overdue
        OVERDUE.set(len(overdue))

    def _is_sent_together(self, payout: Payout) -> bool:
        return self._gateways[payout.provider].sends_together(payout.coin)

    async def _payouts_to_follow(self) -> AsyncIterator[Payout]:
        after, failed_since = "", self._journal.clock() - FAILED_FOLLOWED_FOR
        while page := await self._journal.payouts_to_follow(after=after, failed_since=failed_since, limit=PAGE):
            for payout in page:
                yield payout
            after = page[-1].payout_id

    def _is_due(self, payout: Payout) -> bool:
        last = self._looked.get(payout.payout_id)
        return last is None or next_look(payout, last, self._shortest_wait) <= self._journal.clock()

    async def _send(self, gateway: PayoutGateway, batch: Sequence[Payout]) -> None:
        try:
            await gateway.check()
            known = {payout.payout_id for payout in batch if await gateway.knows_payout(payout)}
        except ProviderError as error:
            logger.warning("%s is not asked for yet: %s", _names(batch), error)
            return
        begun = [
            (payout, attempt)
            for payout in batch
            if (attempt := await self._journal.begin_payout_attempt(payout.payout_id)) is not None
        ]
        self._asking = {payout.payout_id for payout, _ in begun}
        try:
            for payout, attempt in begun:
                if payout.payout_id in known:
                    logger.warning("%s is not asked for: %s", payout.payout_id, KNOWN_BEFORE.reason)
                    await self._record_outcome(payout, attempt, KNOWN_BEFORE)
            new = [(payout, attempt) for payout, attempt in begun if payout.payout_id not in known]
            outcomes = await self._ask(gateway, new) if new else []
            for (payout, attempt), outcome in zip(new, outcomes, strict=True):
                await self._record_outcome(payout, attempt, outcome)
        finally:
            self._asking = set()

    async def _record_outcome(self, payout: Payout, attempt: int, outcome: PayoutObservation) -> None:
        ASKED.labels(payout.provider, outcome.kind.removeprefix("payout-")).inc()
        await self._journal.record_payout_observation(payout.payout_id, f"outcome:{attempt}", outcome)

    async def _ask(self, gateway: PayoutGateway, begun: Sequence[tuple[Payout, int]]) -> Sequence[PayoutObservation]:
        asked = [payout for payout, _ in begun]
        try:
            return await gateway.send_payouts(asked)
        except ProviderError as error:
            logger.warning("%s: not asked for: %s", _names(asked), error)
            alone_next = isinstance(error, RefusedTogetherError)
            return [PayoutNotAsked(attempt=attempt, reason=str(error), alone_next=alone_next) for _, attempt in begun]
        except Exception as error:
            # However the bridge failed, the question may have left it.
            logger.exception("the bridge failed while it asked for %s", _names(asked))
            return [PayoutUnclear(reason=f"the bridge failed while it asked ({type(error).__name__})")] * len(asked)

    async def is_known(self, payout: Payout) -> bool:
        """Whether its provider has a payout in its books. Raises ProviderError."""
        gateway = self._gateways.get(payout.provider)
        return gateway is not None and await gateway.knows_payout(payout)

    async def ask_now(self, payout: Payout) -> Sequence[tuple[str, PayoutObservation]]:
        """What its provider says of a payout at this moment, each after its key. Raises ProviderError."""
        if payout.provider not in self._gateways:
            return []
        if self.is_to_be_sent(payout):
            self._looked.pop(payout.payout_id, None)
            self.wake()
            return []
        seen = await self._gateways[payout.provider].look_up_payout(payout, self._journal.clock())
        return [(observation_key(observation), observation) for observation in seen]

    async def _look_up(self, gateway: PayoutGateway, payout: Payout) -> None:
        facts = payout.facts
        if payout.payout_id not in self._asking and not (facts.known or facts.unclear or facts.failures):
            await self._record(payout, [INTERRUPTED])
        try:
            seen = await gateway.look_up_payout(payout, self._journal.clock())
        except ProviderError as error:
            logger.warning("%s cannot be asked about %s: %s", gateway.provider, payout.payout_id, error)
            return
        await self._record(payout, seen)

    async def _record(self, payout: Payout, observations: Sequence[PayoutObservation]) -> None:
        if observations:
            keyed = [(observation_key(observation), observation) for observation in observations]
            await self._journal.record_payout_observations(payout.payout_id, keyed)
