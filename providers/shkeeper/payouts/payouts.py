"""Payouts through SHKeeper: asking for them, once, and finding out what became of them.

What an answer proves is in `answers.py`.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import quote

import httpx

from coordinator.money import (
    CENT_DECIMALS,
    ZERO,
    excess_over,
    format_amount,
    product,
    quotient,
    rounded,
    rounded_down,
    rounded_up,
    trimmed,
)
from coordinator.payouts.observations import PayoutFailed, PayoutObservation, PayoutUnclear
from coordinator.payouts.payouts import Payout
from providers.answers import NeighbourError, NotReachedError
from providers.contract import BookedPayout, PayoutOrder
from providers.errors import (
    AnswerUnusableError,
    CredentialsRefusedError,
    NotPayableError,
    ProviderError,
    ProviderUnavailableError,
)
from providers.shkeeper.asking.api import BAD_PASSWORD, UNKNOWN_ID, ShkeeperApi
from providers.shkeeper.asking.circuits import ALL_WALLETS
from providers.shkeeper.asking.quotes import ContradictoryPriceError, ask_for_quote
from providers.shkeeper.asking.subjects import OtherSubjectError, require_subject
from providers.shkeeper.coins import DECIMALS, LIGHTNING, PEGS, WITHOUT_BATCHES, WITHOUT_TASKS, wallet_in_turn
from providers.shkeeper.destinations import spellings_of
from providers.shkeeper.destinations.transactions import transaction_expected
from providers.shkeeper.payouts.answers import StatusAnswer, TaskAnswer, answered, of_status, of_task
from providers.shkeeper.payouts.names import names_of_before
from providers.shkeeper.payouts.orders import network_fee, read_coin, read_order
from providers.shkeeper.texts.lightning import lapse_of, payment_hash_of
from providers.shkeeper.webhooks.webhooks import PROVIDER
from providers.shkeeper.wire import Wire
from providers.unknown_prices import PriceFault, PriceUnknownError

__all__ = ["ShkeeperPayouts"]

# SHKeeper wants the field; chains that set the fee themselves ignore it.
NO_FEE = "0"
ONE = Decimal(1)
RATE_MARGIN_PERCENT = Decimal(5)
# The door was open a moment before: it is closed once if the password is changed just then, and not again and again.
LAST_ATTEMPT_AT_CLOSED_DOOR = 1
# Of a coin that nobody has said the decimals of: SHKeeper prices every coin with as many.
MOST_DECIMALS = 8
# So much that neither a fixed fee in the price nor a coin's last digit comes to anything of it, in whatever currency.
PRICED_AMOUNT = Decimal(1_000_000)
# A price that is more than this over its rate has no fee in it, but another rate.
FEE_LIMIT_PERCENT = Decimal(25)


class AnyAnswer(Wire):
    """Whatever it is, SHKeeper is there."""


class ShkeeperPayouts:
    """Payouts of one SHKeeper, in the name of its operator."""

    provider = PROVIDER
    pays_buyers = True

    def __init__(
        self,
        api: ShkeeperApi,
        *,
        user: str,
        password: str,
        callback_url: str,
        coins: Callable[[], Awaitable[Sequence[str]]],
        decimals: Mapping[str, int] | None = None,
        rate_margin_percent: Decimal = RATE_MARGIN_PERCENT,
        test_networks: bool = False,
    ) -> None:
        """`coins` asks what SHKeeper has; `decimals` are those of coins that the bridge does not know, or knows
        wrongly; `rate_margin_percent` is how much more a coin may be worth by now than the buyer paid; with
        `test_networks` the addresses are those of coins that are worth nothing."""
        self._api = api
        self._coins = coins
        self._decimals = {**DECIMALS, **(decimals or {})}
        self._rate_margin = rate_margin_percent.scaleb(-2)
        self._test_networks = test_networks
        self._operator = httpx.BasicAuth(user, password)
        self._callback_url = callback_url

    async def check(self, coin: str) -> None:
        """Asks about a task that there is not: so the operator's password and the coin's daemon are tried before an
        order that would leave it unclear what became of it."""
        if coin in WITHOUT_TASKS:
            await self._api.ask(AnyAnswer, "GET", "crypto", coin=ALL_WALLETS)
            if await self._api.accepts_operator(self._operator, quote(coin)) is False:
                raise CredentialsRefusedError(BAD_PASSWORD)
        else:
            path = f"{quote(coin)}/task/{UNKNOWN_ID}"
            await self._api.ask(AnyAnswer, "GET", path, coin=coin, operator=self._operator)

    async def read_order(self, order: PayoutOrder, now: datetime) -> PayoutOrder:
        offered = await self._offered()
        return read_order(order, offered=offered, decimals=self._decimals, now=now, test_network=self._test_networks)

    def spellings(self, order: PayoutOrder) -> Collection[str]:
        return spellings_of(order.coin, order.destination)

    async def worth(self, order: PayoutOrder, currency: str) -> Decimal:
        """A stablecoin is worth what it stands for; another coin what SHKeeper says, less a margin, since its price
        has moved since the buyer paid."""
        if self.is_worth_itself(order.coin, currency):
            return order.amount
        worth = product(order.amount, await self._rate(order.coin, currency))
        # Never nothing: however little it is, what is paid out many times adds up.
        return rounded_up(product(worth, ONE - self._rate_margin), CENT_DECIMALS)

    def is_worth_itself(self, coin: str, currency: str) -> bool:
        """A stablecoin and what it stands for."""
        return PEGS.get(coin) == currency or coin == currency

    def network_fee(self, order: PayoutOrder) -> Decimal | None:
        return network_fee(order)

    def payment_hash(self, order: PayoutOrder) -> str | None:
        return payment_hash_of(order.destination) if order.coin == LIGHTNING else None

    async def coins_for(self, amount: Decimal, currency: str, coin: str) -> Decimal:
        """At SHKeeper's own price, without a margin: neither the buyer nor the marketplace gains by it."""
        if coin == LIGHTNING:
            raise NotPayableError("coin", "an invoice of Lightning has its amount in it; expected another coin")
        read_coin(coin, await self._offered())
        coins = quotient(amount, await self._rate(coin, currency))
        return rounded_down(coins, self._decimals.get(coin, MOST_DECIMALS))

    async def read_sent(self, order: PayoutOrder) -> PayoutOrder:
        offered = await self._offered()
        # What is switched off by now may have been sent before, and an invoice that lapsed may have been paid.
        known = None if offered is None else {*offered, *self._decimals}
        return read_order(order, offered=known, decimals=self._decimals, test_network=self._test_networks)

    def transaction_expected(self, coin: str, name: str) -> str | None:
        return transaction_expected(coin, name)

    async def _rate(self, coin: str, currency: str) -> Decimal:
        """What one coin is worth. Raises PriceUnknownError."""
        if self.is_worth_itself(coin, currency):
            return ONE
        worth = f"what {coin} is worth in {currency}"
        try:
            quoted = await ask_for_quote(self._api, coin, currency, PRICED_AMOUNT)
        except AnswerUnusableError as error:
            raise PriceUnknownError(f"nobody can tell {worth}: {error}", _fault_of(error)) from None
        except ProviderError:
            raise PriceUnknownError(f"SHKeeper does not say {worth} at the moment") from None
        asked = product(quoted.amount_crypto or ZERO, quoted.exchange_rate)
        if excess_over(asked, PRICED_AMOUNT) > product(PRICED_AMOUNT, FEE_LIMIT_PERCENT.scaleb(-2)):
            times = format_amount(rounded(quotient(asked, PRICED_AMOUNT), CENT_DECIMALS))
            raise PriceUnknownError(
                f"SHKeeper contradicts itself about {worth}: its price is {times} times what its rate comes to",
                PriceFault.CONTRADICTORY,
            )
        return quoted.exchange_rate

    async def _offered(self) -> Sequence[str] | None:
        """The coins that SHKeeper has; None if it does not say."""
        try:
            return await self._coins()
        except ProviderError:
            return None

    def sends_together(self, coin: str) -> bool:
        return coin not in WITHOUT_BATCHES

    def wallet_in_turn(self, coin: str) -> str | None:
        return wallet_in_turn(coin)

    async def send_payouts(self, payouts: Sequence[Payout]) -> Sequence[PayoutObservation]:
        if len(payouts) == 1:
            # It may have waited for longer than its invoice is good for; what a node says of that proves nothing.
            lapsed_at = lapse_of(payouts[0].destination) if payouts[0].coin == LIGHTNING else None
            if lapsed_at is not None and lapsed_at <= datetime.now(UTC):
                lapsed = f"its invoice lapsed at {lapsed_at.isoformat()}, before SHKeeper was asked to pay it"
                return [PayoutFailed(reason=f"{lapsed}; have another one made")]
            return [await self._ask_once("payout", self._single(payouts[0]), payouts)]
        parts = [self._part(payout) for payout in payouts]
        return [await self._ask_once("multipayout", parts, payouts)] * len(payouts)

    def _single(self, payout: Payout) -> dict[str, str]:
        return {
            "amount": format_amount(payout.amount),
            "destination": payout.destination,
            "fee": NO_FEE if payout.fee is None else format_amount(payout.fee),
            "external_id": payout.external_id or "",
            "callback_url": self._callback_url,
        }

    def _part(self, payout: Payout) -> dict[str, str]:
        return {
            "dest": payout.destination,
            "amount": format_amount(payout.amount),
            "external_id": payout.external_id or "",
            "callback_url": self._callback_url,
        }

    async def _ask_once(self, call: str, content: object, payouts: Sequence[Payout]) -> PayoutObservation:
        coin = quote(payouts[0].coin)
        try:
            answer = await self._api.ask_once(f"{coin}/{call}", content, self._operator)
        except NotReachedError as error:
            raise ProviderUnavailableError(f"SHKeeper was not reached ({error})") from None
        except NeighbourError as error:
            return PayoutUnclear(reason=f"no whole answer came from SHKeeper ({error})")
        try:
            return answered(answer, [one.external_id or "" for one in payouts])
        except CredentialsRefusedError as error:
            # Whoever says so may have sent it: only a door that is closed to others too has kept the order out.
            is_closed = await self._api.accepts_operator(self._operator, coin) is False
            if is_closed and max(one.facts.attempts for one in payouts) <= LAST_ATTEMPT_AT_CLOSED_DOOR:
                raise
            when = "more than once after it had accepted them" if is_closed else "and accepts them otherwise"
            return PayoutUnclear(reason=f"{error} for this order, {when}")

    async def knows_payout(self, external_id: str, coin: str) -> bool:
        for name in (external_id, *names_of_before(external_id)):
            if await self._booked(coin, name) is not None:
                return True
        return False

    async def coins(self) -> Sequence[str]:
        return await self._coins()

    @property
    def coins_ever(self) -> Collection[str]:
        return DECIMALS.keys()

    async def find_payout(self, external_id: str, coin: str) -> BookedPayout | None:
        record = await self._booked(coin, external_id)
        if record is None:
            return None
        txids = (record.txid,) if isinstance(record.txid, str) else record.txid or ()
        # Its column has ten decimals, whatever the coin has.
        amount = None if record.amount is None else Decimal(trimmed(record.amount))
        return BookedPayout(record.status, amount, record.destination, txids)

    async def look_up_payout(self, payout: Payout, now: datetime) -> Sequence[PayoutObservation]:
        """What the task and SHKeeper's record say. Raises ProviderError, but not if one of them says something."""
        try:
            task, trouble = await self._task(payout), None
        except ProviderError as error:
            task, trouble = None, error
        seen = [] if task is None else of_task(payout, task, now)
        try:
            record = await self._record(payout)
        except AnswerUnusableError as error:
            record, trouble = None, trouble or error
        if record is not None:
            seen += of_status(payout, record, task)
        if trouble is not None and not seen:
            raise trouble
        return seen

    async def _task(self, payout: Payout) -> TaskAnswer | None:
        task_id = payout.facts.task_id
        if task_id is None:
            return None
        path = f"{quote(payout.coin)}/task/{quote(task_id, safe='')}"
        return await self._api.ask(TaskAnswer, "GET", path, coin=payout.coin, operator=self._operator)

    async def _record(self, payout: Payout) -> StatusAnswer | None:
        """What the books have of it. Where that shows neither a task nor a transaction, it may be there by its other
        name."""
        name = payout.external_id
        if name is None:
            return None
        record = await self._booked(payout.coin, name)
        if payout.facts.task_id is None and (record is None or not record.txid):
            for other in names_of_before(name):
                record = await self._booked(payout.coin, other) or record
        return record

    async def _booked(self, coin: str, external_id: str) -> StatusAnswer | None:
        path = f"{quote(coin)}/payout/status?external_id={quote(external_id, safe='')}"
        record = await self._api.ask_for_known(StatusAnswer, path)
        if record is not None:
            require_subject("external_id", record.external_id, external_id)
        return record


def _fault_of(error: AnswerUnusableError) -> PriceFault:
    match error:
        case OtherSubjectError():
            return PriceFault.OF_ANOTHER
        case ContradictoryPriceError():
            return PriceFault.CONTRADICTORY
        case _:
            return PriceFault.UNREADABLE
