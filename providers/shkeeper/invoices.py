"""SHKeeper's invoices: opening them and asking how they stand.

Both are harmless to repeat: an invoice's identity is (external_id, callback_url, fiat), so asking again finds it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import quote

from coordinator.invoices import InvoiceOpened, InvoiceWanted
from coordinator.money import Amount, format_amount, product, rounded, rounded_up
from providers.contract import ProviderRefusedError, Reading
from providers.shkeeper.api import ShkeeperApi
from providers.shkeeper.coins import DECIMALS
from providers.shkeeper.lightning import DEFAULT_EXPIRY, lapse_of
from providers.shkeeper.lookups import InvoiceAnswer, readings
from providers.shkeeper.payment_uri import payment_uri, uri_template
from providers.shkeeper.webhooks import PROVIDER
from providers.shkeeper.wire import Code, Wire

__all__ = ["Balance", "ShkeeperInvoices", "opened_invoice"]

# What is offered changes by an operator's hand, and SHKeeper itself keeps it for a minute.
COINS_SECONDS = 30.0
LIGHTNING = "BTC-LIGHTNING"
CENT_DECIMALS = 2
LAST_DIGIT = Decimal("1e-8")


# A century: a price that ends later does not end.
HOURS_LIMIT = 876_000


class CoinsAnswer(Wire):
    """`GET /crypto`."""

    crypto: tuple[Code, ...]


class PaymentRequestAnswer(Wire):
    """`POST /{crypto}/payment_request`."""

    amount: Amount
    wallet: str
    exchange_rate: Amount | None = None
    display_name: str | None = None
    recalculate_after: int | None = None
    """How many hours after the invoice was opened its price holds no more; 0: it always does."""


class Balance(Wire):
    """`GET /{crypto}/balance`: what the wallet of a coin holds."""

    amount_crypto: Amount
    amount_fiat: Amount | None = None
    server_status: str | None = None


def opened_invoice(
    wanted: InvoiceWanted,
    answer: PaymentRequestAnswer,
    now: datetime,
    decimals_of: Mapping[str, int] = DECIMALS,
) -> InvoiceOpened:
    """What SHKeeper's answer says, in amounts that a wallet can send. Raises ProviderRefusedError if it asks for
    nothing."""
    if not answer.amount:
        amount = format_amount(wanted.amount)
        raise ProviderRefusedError(f"{amount} {wanted.currency} comes to no {wanted.coin} at all")
    decimals = decimals_of.get(wanted.coin)
    coin_amount = answer.amount if decimals is None else rounded_up(answer.amount, decimals)
    hours = answer.recalculate_after or 0
    is_lightning = wanted.coin == LIGHTNING
    return InvoiceOpened(
        address=answer.wallet,
        coin_amount=coin_amount,
        coin_decimals=decimals,
        exchange_rate=answer.exchange_rate,
        asked=_asked(answer.amount, answer.exchange_rate, wanted.amount) if answer.exchange_rate else None,
        display_name=answer.display_name,
        payment_uri=payment_uri(wanted.coin, answer.wallet, coin_amount),
        uri_template=uri_template(wanted.coin, answer.wallet),
        whole_only=is_lightning,
        price_seconds=hours * 3600 if 0 < hours <= HOURS_LIMIT else None,
        lapses_at=(lapse_of(answer.wallet) or now + DEFAULT_EXPIRY) if is_lightning else None,
    )


def _asked(coin_amount: Decimal, exchange_rate: Decimal, amount: Decimal) -> Decimal:
    """What SHKeeper asks for in the payment's currency, to the cent. That its coins have eight decimals is no fee."""
    asked = product(coin_amount, exchange_rate)
    if abs(asked - amount) <= product(exchange_rate, LAST_DIGIT):
        return amount
    return rounded(asked, CENT_DECIMALS)


class ShkeeperInvoices:
    """Invoices of one SHKeeper."""

    provider = PROVIDER

    def __init__(
        self,
        api: ShkeeperApi,
        *,
        decimals: Mapping[str, int] = DECIMALS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`decimals` are those of coins that are not known here, or other ones than are known."""
        self._api = api
        self._decimals = {**DECIMALS, **decimals}
        self._clock = clock
        self._coins: tuple[str, ...] = ()
        self._coins_at: float | None = None

    async def check(self) -> None:
        await self._api.check()

    async def coins(self) -> Sequence[str]:
        """What the operator has enabled, as of half a minute ago at most."""
        if self._coins_at is None or self._clock() > self._coins_at + COINS_SECONDS:
            answer = await self._api.ask(CoinsAnswer, "GET", "crypto")
            self._coins, self._coins_at = answer.crypto, self._clock()
        return self._coins

    async def open_invoice(self, wanted: InvoiceWanted) -> InvoiceOpened:
        request = {
            "external_id": wanted.external_id,
            "fiat": wanted.currency,
            "amount": format_amount(wanted.amount),
            "callback_url": wanted.callback_url,
        }
        answer = await self._api.ask(PaymentRequestAnswer, "POST", f"{quote(wanted.coin)}/payment_request", request)
        return opened_invoice(wanted, answer, datetime.now(UTC), self._decimals)

    async def look_up(self, external_id: str) -> Sequence[Reading]:
        answer = await self._api.ask(InvoiceAnswer, "GET", f"invoices/{quote(external_id, safe='')}")
        return [reading for invoice in answer.invoices for reading in readings(invoice)]

    async def balance(self, coin: str) -> Balance:
        """What the wallet of a coin holds."""
        return await self._api.ask(Balance, "GET", f"{quote(coin)}/balance")
