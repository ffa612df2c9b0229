"""SHKeeper's invoices: opening them and asking how they stand.

Both are harmless to repeat: an invoice's identity is (external_id, callback_url, fiat), so asking again finds it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote

from coordinator.evidence import LookedUpInvoice
from coordinator.invoices import InvoiceOpened, InvoiceWanted
from coordinator.money import Amount, format_amount
from providers.shkeeper.api import ShkeeperApi
from providers.shkeeper.lookups import InvoiceAnswer, looked_up
from providers.shkeeper.payment_uri import payment_uri
from providers.shkeeper.webhooks import PROVIDER
from providers.shkeeper.wire import Code, Wire

__all__ = ["Balance", "ShkeeperInvoices"]

# What is offered changes by an operator's hand, and SHKeeper itself keeps it for a minute.
COINS_SECONDS = 30.0


class CoinsAnswer(Wire):
    """`GET /crypto`."""

    crypto: tuple[Code, ...]


class PaymentRequestAnswer(Wire):
    """`POST /{crypto}/payment_request`."""

    amount: Amount
    wallet: str
    exchange_rate: Amount | None = None
    display_name: str | None = None


class Balance(Wire):
    """`GET /{crypto}/balance`: what the wallet of a coin holds."""

    amount_crypto: Amount
    amount_fiat: Amount | None = None
    server_status: str | None = None


class ShkeeperInvoices:
    """Invoices of one SHKeeper."""

    provider = PROVIDER

    def __init__(
        self,
        api: ShkeeperApi,
        *,
        confirmations: Mapping[str, int] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`confirmations` is how many the operator asks for, by coin."""
        self._api = api
        self._confirmations = confirmations or {}
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
        return InvoiceOpened(
            address=answer.wallet,
            coin_amount=answer.amount,
            exchange_rate=answer.exchange_rate,
            display_name=answer.display_name,
            payment_uri=payment_uri(wanted.coin, answer.wallet, answer.amount),
        )

    async def look_up(self, external_id: str) -> Sequence[LookedUpInvoice]:
        answer = await self._api.ask(InvoiceAnswer, "GET", f"invoices/{quote(external_id, safe='')}")
        return [looked_up(invoice, self._confirmations) for invoice in answer.invoices]

    async def balance(self, coin: str) -> Balance:
        """What the wallet of a coin holds."""
        return await self._api.ask(Balance, "GET", f"{quote(coin)}/balance")
