"""Orders to send payouts, given to a provider one at a time in each coin, and what came of each. No payout is asked
for twice.

That an attempt begins is in the journal before the provider hears of it, and while payouts are held none begins.
Whoever finds an attempt without an outcome, after a crash or a broken connection, only asks what became of it. The
provider is asked first whether it knows the payout: its books outlive a journal that was restored from a backup.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from prometheus_client import Counter

from bridge.journal import Journal
from coordinator.payout_observations import PayoutNotAsked, PayoutObservation, PayoutUnclear
from coordinator.payouts import Payout
from providers.contract import PayoutGateway, ProviderError, RefusedTogetherError

__all__ = ["Order", "PayoutOrders", "names_of"]

logger = logging.getLogger("bridge.payouts")

Order = Sequence[Payout]
"""Payouts in one coin that are asked for in one question."""

# A provider or a wallet that is away is tried again within seconds, and within a minute when it was for long.
FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=1)
DOUBLINGS_LIMIT = 10
KNOWN_BEFORE = PayoutUnclear(
    reason="the provider had this payout in its books before it was asked for; was the journal restored?"
)
ASKED = Counter("bridge_payout_attempts", "Attempts to have a payout sent, by outcome", ["provider", "outcome"])


def names_of(payouts: Sequence[Payout]) -> str:
    """For a line of the log."""
    return ", ".join(payout.payout_id for payout in payouts)


class PayoutOrders:
    """Those of one lane: of one coin, or of all that share a wallet, through one provider.

    One after the other, because SHKeeper looks whether it knows a payout of this coin and then sends it, so two
    questions at the same moment could both pass. Lanes do not wait for each other.
    """

    def __init__(self, journal: Journal, gateway: PayoutGateway) -> None:
        self._journal = journal
        self._gateway = gateway
        self._failures = 0
        """How often in a row nothing could be asked for."""
        self._waits_until: datetime | None = None
        self.asking: frozenset[str] = frozenset()
        """The payouts that may be asked for at this moment."""
        self._answered = asyncio.Event()
        self._answered.set()
        self._is_last = False

    @property
    def waits(self) -> bool:
        """Whether the provider is left alone for a moment, because nothing could be asked for."""
        return self._waits_until is not None and self._journal.steady() < self._waits_until

    async def is_answered(self) -> None:
        """Returns when the order that is being given at this moment is answered, or none is."""
        await self._answered.wait()

    def give_no_more(self) -> None:
        """Has the order that is being given be the last."""
        self._is_last = True

    async def give(self, orders: Sequence[Order]) -> None:
        """Gives orders, until one of them cannot be given; the rest is for another time."""
        for order in orders:
            try:
                await self._gateway.check(order[0].coin)
                known = {payout.payout_id for payout in order if await self._gateway.knows_payout(payout)}
            except ProviderError as error:
                self._put_off(order, error)
                return
            self._failures, self._waits_until = 0, None
            if self._is_last or not await self._give(order, known) or self.waits:
                return

    def _put_off(self, order: Order, error: ProviderError) -> None:
        wait = min(FIRST_WAIT * 2 ** min(self._failures, DOUBLINGS_LIMIT), LONGEST_WAIT)
        self._failures, self._waits_until = self._failures + 1, self._journal.steady() + wait
        logger.warning("%s is not asked for yet: %s", names_of(order), error)

    async def _give(self, order: Order, known: set[str]) -> bool:
        """Returns whether anything of it was to be given: not while payouts are held."""
        self.asking = frozenset(payout.payout_id for payout in order)
        self._answered.clear()
        try:
            attempts = await self._journal.begin_payout_attempts([payout.payout_id for payout in order])
            begun = [(payout, attempts[payout.payout_id]) for payout in order if payout.payout_id in attempts]
            new = [(payout, attempt) for payout, attempt in begun if payout.payout_id not in known]
            # Between that it is written down and that it leaves nothing is waited for.
            outcomes = await self._ask(new) if new else []
            told = [(payout, attempt, outcome) for (payout, attempt), outcome in zip(new, outcomes, strict=True)] + [
                (payout, attempt, KNOWN_BEFORE) for payout, attempt in begun if payout.payout_id in known
            ]
            for payout, _, outcome in told:
                if outcome is KNOWN_BEFORE:
                    logger.warning("%s is not asked for: %s", payout.payout_id, KNOWN_BEFORE.reason)
                ASKED.labels(payout.provider, outcome.kind.removeprefix("payout-")).inc()
            if told:
                await self._journal.record_payout_outcomes(
                    [(payout.payout_id, attempt, outcome) for payout, attempt, outcome in told]
                )
            return bool(begun)
        finally:
            self.asking = frozenset()
            self._answered.set()

    async def _ask(self, begun: Sequence[tuple[Payout, int]]) -> Sequence[PayoutObservation]:
        asked = [payout for payout, _ in begun]
        try:
            return await self._gateway.send_payouts(asked)
        except ProviderError as error:
            alone_next = isinstance(error, RefusedTogetherError)
            if alone_next:
                logger.warning("%s: %s", names_of(asked), error)
            else:
                self._put_off(asked, error)
            return [PayoutNotAsked(attempt=attempt, reason=str(error), alone_next=alone_next) for _, attempt in begun]
        except Exception as error:
            # However the bridge failed, the question may have left it.
            logger.exception("the bridge failed while it asked for %s", names_of(asked))
            return [PayoutUnclear(reason=f"the bridge failed while it asked ({type(error).__name__})")] * len(asked)
