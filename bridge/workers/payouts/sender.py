"""Sending payouts, and following them until they have arrived or failed.

A round reads which payouts there are and begins what is due; it waits for no provider. Orders (`orders.py`)
and look-ups (`look_ups.py`) then go on by themselves, so that none waits behind the others.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal

from prometheus_client import Gauge

from bridge.journal import SENDING_PAYOUTS, Journal, observation_key
from bridge.workers.payouts.ages import PayoutAges
from bridge.workers.payouts.books import PayoutBooks
from bridge.workers.payouts.look_ups import PayoutLookUps
from bridge.workers.payouts.orders import Order, PayoutOrders
from coordinator.errors import BridgeError
from coordinator.payouts.approval import PayoutRules
from coordinator.payouts.batches import batches
from coordinator.payouts.observations import PayoutObservation
from coordinator.payouts.payouts import Payout
from coordinator.payouts.wallet_queue import TURN_ENDS_AFTER, sendable_orders
from providers import known
from providers.contract import PayoutGateway, PayoutGateways, PayoutOrder
from providers.unknown_prices import PriceUnknownError

__all__ = ["PayoutSender", "PayoutsUnsetError"]

logger = logging.getLogger("bridge.payouts")

PAGE = 200
SHORTEST_WAIT = timedelta(seconds=2)
# However often it is woken: a round reads everything that is not settled.
PAUSE_SECONDS = 0.05
# Between two looks whether an order was answered: another bridge may have given it.
ANSWERS_POLL_SECONDS = 0.1
# A stopping bridge waits this long for the answer to an order; it is itself given about twice that.
LAST_ANSWER_SECONDS = 5.0
# What failed may turn out to have been sent: SHKeeper itself looks for a payout's transaction for a day.
FAILED_FOLLOWED_FOR = timedelta(days=2)

OVERDUE = Gauge(
    "bridge_payouts_overdue", "Payouts that are not settled a day after they were asked for, or when they should be"
)
HELD = Gauge("bridge_payouts_held", "1 while somebody has stopped all payouts")

QueueKey = tuple[str, str]
"""A provider, and a coin or the wallet that several coins share."""
Coin = tuple[str, str]
"""A provider, and a coin of it."""


class PayoutsUnsetError(BridgeError):
    """Payouts are not sent through a provider, since the configuration does not set that up, or not any more."""

    def __init__(self, provider: str) -> None:
        own = known.named(provider)
        hint = "" if own is None else f" ({own.how_to_send_payouts})"
        super().__init__(f"this bridge sends no payouts through {provider} at the moment{hint}")


class PayoutSender:
    """The task that goes over all payouts that are not settled, and the orders and look-ups that it has begun."""

    def __init__(
        self,
        journal: Journal,
        gateways: PayoutGateways,
        *,
        rules: PayoutRules | None,
        shortest_wait: timedelta = SHORTEST_WAIT,
        turn_ends_after: timedelta = TURN_ENDS_AFTER,
    ) -> None:
        """`rules` say which payouts have to be approved; None, that none has."""
        self._journal = journal
        self._rules = rules
        self._gateways = gateways
        self.books = {name: PayoutBooks(journal, gateway) for name, gateway in gateways.items()}
        """Those of each provider."""
        self._shortest_wait = shortest_wait
        self._turn_ends_after = turn_ends_after
        self._ages = PayoutAges(journal)
        self._queues: dict[QueueKey, PayoutOrders] = {}
        self._giving: dict[Coin, asyncio.Task[None]] = {}
        self._look_ups = PayoutLookUps(
            journal, gateways, self._ages, shortest_wait=shortest_wait, is_being_asked=self._is_being_asked
        )
        self._overdue: set[str] = set()
        self._woken = journal.wakeups.of(SENDING_PAYOUTS)

    @property
    def gateways(self) -> PayoutGateways:
        """The providers that it asks."""
        return self._gateways

    def sends_for(self, provider: str) -> bool:
        """Whether payouts can be sent through this provider."""
        return provider in self._gateways

    def pays_buyers_of(self, provider: str) -> bool:
        """Whether refunds can be sent through this provider to where a buyer says."""
        return provider in self._gateways and self._gateways[provider].pays_buyers

    async def read_order(self, provider: str, order: PayoutOrder) -> PayoutOrder:
        """An order in the form that a provider that sends payouts accepts. Raises NotPayableError."""
        return await self._gateway(provider).read_order(order, self._journal.clock())

    def spellings(self, provider: str, order: PayoutOrder) -> Collection[str]:
        """The ways to write the destination of a stored order."""
        return self._gateway(provider).spellings(order)

    async def worth(self, provider: str, order: PayoutOrder, currency: str) -> Decimal:
        """What the amount of an order counts for in a currency, at least. Raises PriceUnknownError."""
        async with self._noting(provider, order.coin, currency):
            return await self._gateway(provider).worth(order, currency)

    def is_worth_itself(self, provider: str, coin: str, currency: str) -> bool:
        """Whether a coin counts one to one for a currency, whatever anybody says."""
        return self._gateway(provider).is_worth_itself(coin, currency)

    def network_fee(self, provider: str, order: PayoutOrder) -> Decimal | None:
        """About how much of its coin the network gets for an order; None where that is left to the wallet."""
        return self._gateway(provider).network_fee(order)

    def payment_hash(self, provider: str, order: PayoutOrder) -> str | None:
        """What names the payment of a stored order whose destination is paid once; None of an address."""
        return self._gateway(provider).payment_hash(order)

    async def coins_for(self, provider: str, amount: Decimal, currency: str, coin: str) -> Decimal:
        """How much of a coin an amount of a currency comes to now. Raises PriceUnknownError and NotPayableError."""
        async with self._noting(provider, coin, currency):
            return await self._gateway(provider).coins_for(amount, currency, coin)

    @asynccontextmanager
    async def _noting(self, provider: str, coin: str, currency: str) -> AsyncIterator[None]:
        """Has a person hear of a price that cannot be used, and that it can be again."""
        try:
            yield
        except PriceUnknownError as error:
            if error.fault is not None:
                await self._journal.prices.note(provider, coin, currency, error.fault, str(error))
            raise
        if not self.is_worth_itself(provider, coin, currency):
            await self._journal.prices.settle(provider, coin, currency)

    async def read_sent(self, provider: str, order: PayoutOrder) -> PayoutOrder:
        """What somebody reports to have sent without the bridge, checked. Raises NotPayableError."""
        return await self._gateway(provider).read_sent(order)

    def transaction_expected(self, provider: str, coin: str, name: str) -> str | None:
        """What was expected of something that cannot be the name of a transaction in a coin; None if it can."""
        gateway = self._gateways.get(provider)
        return None if gateway is None else gateway.transaction_expected(coin, name)

    def _gateway(self, provider: str) -> PayoutGateway:
        gateway = self._gateways.get(provider)
        if gateway is None:
            raise PayoutsUnsetError(provider)
        return gateway

    def is_to_be_sent(self, payout: Payout) -> bool:
        """Whether its provider has not been asked for it yet, and will be."""
        return payout.provider in self._gateways and payout.next_attempt is not None

    async def is_known(self, payout: Payout) -> bool:
        """Whether its provider has a payout in its books. Raises ProviderError."""
        gateway = self._gateways.get(payout.provider)
        name = payout.external_id
        return gateway is not None and name is not None and await gateway.knows_payout(name, payout.coin)

    async def compare_before_revoking(self, payout: Payout) -> None:
        """Finds out what a restored journal may have forgotten of its payment, before anybody says that nothing of
        a payout was sent. Raises ProviderError."""
        if payout.provider in self.books:
            await self.books[payout.provider].compare_before_sending(payout.payment_id)

    async def ask_now(self, payout: Payout) -> Sequence[tuple[str, PayoutObservation]]:
        """What its provider says of a payout now, each answer after its key. Raises ProviderError."""
        if payout.provider not in self._gateways:
            return []
        if self.is_to_be_sent(payout):
            return []
        seen = await self._gateways[payout.provider].look_up_payout(payout, self._journal.clock())
        return [(observation_key(observation), observation) for observation in seen]

    async def orders_answered(self) -> None:
        """Returns once the orders that are being given, here or by another bridge, are answered: once payouts are
        held, no more are given after that."""
        while await self._journal.payouts.is_any_unanswered():  # noqa: ASYNC110
            await asyncio.sleep(ANSWERS_POLL_SECONDS)

    async def measure(self) -> None:
        """Sets the figures of payouts, whichever bridge sends them. Raises JournalUnavailableError."""
        HELD.set(bool(await self._journal.console.payout_holds()))
        OVERDUE.set(await self._journal.payouts.count_overdue(self._journal.clock()))

    async def run(self) -> None:
        """Goes round until it is cancelled, and may be run again after that."""
        try:
            while True:
                self._woken.clear()
                try:
                    await self._begin_what_is_due()
                except Exception:
                    logger.exception("a round over the payouts failed; the next one follows")
                await asyncio.sleep(PAUSE_SECONDS)
                try:
                    async with asyncio.timeout(self._shortest_wait.total_seconds()):
                        await self._woken.wait()
                except TimeoutError:
                    pass
        finally:
            # Nobody else receives the answers to orders.
            for queue in self._queues.values():
                queue.give_no_more()
            if self._giving:
                await asyncio.wait(self._giving.values(), timeout=LAST_ANSWER_SECONDS)
            tasks = self._tasks()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._queues.clear()  # it may be this bridge's turn again

    async def round(self) -> None:
        """Sends what is to be sent, and asks about the rest where that is due, until all of it is done."""
        await self._begin_what_is_due()
        await asyncio.gather(*self._tasks())

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [*self._giving.values(), *self._look_ups.tasks.values()]

    async def _begin_what_is_due(self) -> None:
        # What has been ordered since is not visible here yet, so whatever was busy waits for the next round.
        busy = set(self._giving)
        given = {queue: None if orders.is_giving else orders.given for queue, orders in self._queues.items()}
        payouts = await self._payouts_to_follow()
        is_held = bool(await self._journal.console.payout_holds())
        self._note_overdue(payouts)
        sent_here = [payout for payout in payouts if payout.provider in self._gateways]
        asked_for = [payout for payout in sent_here if not payout.is_unasked]
        self._ages.note(asked_for)
        self._look_ups.begin(asked_for)
        if not is_held:
            await self._give_orders(sent_here, busy, given)

    async def _payouts_to_follow(self) -> list[Payout]:
        found: list[Payout] = []
        after, failed_since = None, self._journal.clock() - FAILED_FOLLOWED_FOR
        while page := await self._journal.payouts.to_follow(after=after, failed_since=failed_since, limit=PAGE):
            found += page
            after = page[-1]
        return found

    def _note_overdue(self, payouts: Sequence[Payout]) -> None:
        now = self._journal.clock()
        overdue = {payout.payout_id for payout in payouts if payout.is_overdue(now) and payout.delayed_by is None}
        for payout_id in sorted(overdue - self._overdue):
            logger.warning("%s is not settled after a day; look at the chain and at the provider", payout_id)
        self._overdue = overdue

    async def _give_orders(
        self, payouts: Sequence[Payout], busy: Collection[Coin], given: Mapping[QueueKey, int | None]
    ) -> None:
        """`given` is how many orders each queue had begun before the payouts were read; None while it was giving
        one."""
        to_send = sorted(
            (payout for payout in payouts if payout.next_attempt is not None),
            # What could not be asked for lets the next one try.
            key=lambda payout: (payout.delayed_by.at if payout.delayed_by else payout.created_at, payout.payout_id),
        )
        # A coin that fails, or does not answer, does not take turns of its wallet from the others.
        ready = [
            order
            for order in batches(to_send, sent_together=self._is_sent_together, spellings=self._spellings)
            if _coin(order[0]) not in busy and not self._orders_of(self._queue_of(order[0])).is_put_off(order)
        ]
        orders = await self._in_turn(ready, [payout for payout in payouts if not payout.is_unasked])
        by_coin: defaultdict[Coin, list[Order]] = defaultdict(list)
        for order in orders:
            by_coin[_coin(order[0])].append(order)
        for coin, waiting in by_coin.items():
            queue = self._queue_of(waiting[0][0])
            given_by_then = given.get(queue, 0)
            if given_by_then is not None and coin not in self._giving:
                self._giving[coin] = asyncio.create_task(self._give(coin, queue, waiting, given_by_then))

    async def _in_turn(self, orders: Sequence[Order], under_way: Sequence[Payout]) -> Sequence[Order]:
        """The orders that may be given now. One that has to wait, for example because its payment holds it back,
        does not block its wallet's turn for the others."""
        while True:
            given = sendable_orders(
                orders,
                under_way,
                wallet_of=self._wallet_in_turn,
                asked_ago=self._ages.of,
                ends_after=self._turn_ends_after,
            )
            firsts = [order for order in given if self._wallet_in_turn(order[0]) is not None]
            may_go = await self._journal.payouts.name([payout.payout_id for order in firsts for payout in order])
            waiting = {order[0].payout_id for order in firsts if not any(one.payout_id in may_go for one in order)}
            if not waiting:
                return given
            orders = [order for order in orders if order[0].payout_id not in waiting]

    async def _give(self, coin: Coin, queue: QueueKey, orders: Sequence[Order], given: int) -> None:
        try:
            await self._orders_of(queue).give(orders, given)
            self._woken.set()  # there may be more by now
        except Exception:
            logger.exception("giving orders for payouts in %s failed; the next round follows", coin[1])
        finally:
            del self._giving[coin]

    def _is_being_asked(self, payout_id: str) -> bool:
        return any(payout_id in queue.asking for queue in self._queues.values())

    def _is_sent_together(self, payout: Payout) -> bool:
        return self._gateways[payout.provider].sends_together(payout.coin)

    def _spellings(self, payout: Payout) -> Collection[str]:
        return self.spellings(payout.provider, PayoutOrder(payout.coin, payout.destination, payout.amount))

    def _wallet_in_turn(self, payout: Payout) -> QueueKey | None:
        wallet = self._gateways[payout.provider].wallet_in_turn(payout.coin)
        return None if wallet is None else (payout.provider, wallet)

    def _orders_of(self, queue: QueueKey) -> PayoutOrders:
        if queue not in self._queues:
            self._queues[queue] = PayoutOrders(
                self._journal, self._gateways[queue[0]], self.books[queue[0]], self._rules
            )
        return self._queues[queue]

    def _queue_of(self, payout: Payout) -> QueueKey:
        return self._wallet_in_turn(payout) or _coin(payout)


def _coin(payout: Payout) -> Coin:
    return payout.provider, payout.coin
