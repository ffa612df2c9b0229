"""SHKeeper's invoices: opening them and asking how they stand.

Both can be repeated: an invoice's identity is (external_id, callback_url, fiat), so asking again finds it; only of
BTC-LIGHTNING it makes one more at the node each time.
"""

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from urllib.parse import quote

from pydantic import ValidationError

from coordinator.money import CENT_DECIMALS, Amount, format_amount, product, rounded, rounded_up
from coordinator.payments.agreed.invoices import InvoiceOpened, InvoiceWanted
from coordinator.payments.deciding.evidence import LookedUpInvoice
from coordinator.payments.deciding.quotes import filled
from providers.errors import (
    AnswerUnusableError,
    CoinUnavailableError,
    CredentialsRefusedError,
    ProviderRefusedError,
    ProviderUnavailableError,
)
from providers.shkeeper.asking.api import LIST_LIMIT_BYTES, ShkeeperApi
from providers.shkeeper.asking.circuits import ALL_WALLETS, REMEMBERED_SECONDS
from providers.shkeeper.asking.credentials import CredentialCheck
from providers.shkeeper.asking.quotes import require_price_of
from providers.shkeeper.asking.refusals import shown
from providers.shkeeper.asking.subjects import require_subject
from providers.shkeeper.coins import DECIMALS, LIGHTNING, PEGS
from providers.shkeeper.destinations import usual_spelling, why_nobody_pays_to
from providers.shkeeper.invoices.fees import FeeFinder
from providers.shkeeper.invoices.lookups import InvoiceAnswer, ListAnswer, looked_up
from providers.shkeeper.invoices.payment_uri import uri_template
from providers.shkeeper.texts.lightning import amount_of, lapse_of
from providers.shkeeper.webhooks.webhooks import PROVIDER
from providers.shkeeper.wire import Address, Code, Wire, Words, faults

__all__ = ["ShkeeperInvoices", "opened_invoice"]

# What is offered changes by an operator's hand, and SHKeeper itself keeps it for a minute.
COINS_SECONDS = 30.0
# It asks every wallet before it answers, which one that hangs makes ten seconds of: nobody waits for that long who
# could do with an older list, or with none.
COINS_WAIT_SECONDS = 2.0
LAST_DIGIT = Decimal("1e-8")
# A Bech32 address, which may be written in capitals for the sake of a QR code.
_BIP_21 = re.compile(r"(?i:bitcoin):(?P<address>[A-Z0-9]{14,90})\?.*")


# A century: a price that ends later does not end.
HOURS_LIMIT = 876_000


class CoinsAnswer(Wire):
    """`GET /crypto`."""

    crypto: tuple[Code, ...]


class PaymentRequestAnswer(Wire):
    """`POST /{crypto}/payment_request`."""

    amount: Amount
    wallet: Address | None = None
    """None if the coin's wallet failed when it was asked for an address first; it stays so for this invoice."""
    exchange_rate: Amount | None = None
    display_name: Words | None = None
    bip21: Words | None = None
    """Of a Lightning invoice the URI that names its address on the chain too."""
    crypto: Words | None = None
    fiat: Words | None = None
    external_id: Words | None = None
    recalculate_after: int | None = None
    """How many hours after the invoice was opened its price holds no more; 0: it always does."""


def opened_invoice(
    wanted: InvoiceWanted,
    answer: PaymentRequestAnswer,
    decimals_of: Mapping[str, int] = DECIMALS,
    *,
    test_networks: bool = False,
) -> InvoiceOpened:
    """What SHKeeper's answer says, in amounts that a wallet can send. Raises ProviderRefusedError if it asks for
    nothing, and AnswerUnusableError."""
    if not answer.amount:
        raise ProviderRefusedError(f"the amount comes to 0 {wanted.coin}", about="amount")
    _require_answer_to(wanted, answer)
    address = _address(wanted.coin, answer, test_networks=test_networks)
    decimals = decimals_of.get(wanted.coin)
    coin_amount = answer.amount if decimals is None else rounded_up(answer.amount, decimals)
    template = uri_template(wanted.coin, address, decimals, test_networks=test_networks)
    hours = answer.recalculate_after or 0
    is_lightning = wanted.coin == LIGHTNING
    try:
        return InvoiceOpened(
            address=address,
            also_at=_on_chain(answer.bip21, test_networks=test_networks),
            also_in=("BTC",) if is_lightning else (),
            coin_amount=coin_amount,
            coin_decimals=decimals,
            exchange_rate=answer.exchange_rate,
            asked=_asked(answer.amount, answer.exchange_rate, wanted.amount) if answer.exchange_rate else None,
            # No day's price says more of a stablecoin than what it stands for.
            usual_rate=Decimal(1) if PEGS.get(wanted.coin) == wanted.currency else None,
            display_name=None if answer.display_name is None else shown(answer.display_name) or None,
            payment_uri=filled(template, coin_amount, decimals or 0),
            uri_template=template,
            whole_only=is_lightning,
            price_seconds=hours * 3600 if 0 < hours <= HOURS_LIMIT else None,
            lapses_at=lapse_of(address) if is_lightning else None,
        )
    except ValidationError as error:
        raise AnswerUnusableError(f"SHKeeper's answer cannot be used: {faults(error)}") from None


def _require_answer_to(wanted: InvoiceWanted, answer: PaymentRequestAnswer) -> None:
    """Raises AnswerUnusableError if an answer is about something else, or asks for less than what is wanted."""
    require_subject("external_id", answer.external_id, wanted.external_id)
    require_subject("crypto", answer.crypto, wanted.coin)
    require_subject("fiat", answer.fiat, wanted.currency)
    if answer.exchange_rate:
        require_price_of(wanted.amount, answer.amount, answer.exchange_rate)


def _address(coin: str, answer: PaymentRequestAnswer, *, test_networks: bool) -> str:
    """Where the buyer is to pay. Raises AnswerUnusableError."""
    if answer.wallet is None:
        raise AnswerUnusableError("SHKeeper has no address for the invoice: its wallet failed when it was asked")
    address = usual_spelling(coin, answer.wallet)
    fault = why_nobody_pays_to(coin, address, test_network=test_networks)
    if fault is not None:
        raise AnswerUnusableError(f"SHKeeper's answer names what is no address for {coin}: {fault}")
    if coin == LIGHTNING:
        require_subject("wallet", amount_of(address), answer.amount)
    return address


def _on_chain(bip21: str | None, *, test_networks: bool) -> tuple[str, ...]:
    """The address in a BIP 21 URI, which is in capitals there."""
    found = _BIP_21.fullmatch(bip21) if bip21 is not None else None
    address = found and found["address"].lower()
    return (address,) if address and not why_nobody_pays_to("BTC", address, test_network=test_networks) else ()


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
        credentials: CredentialCheck | None = None,
        *,
        confirmations: Mapping[str, int] | None = None,
        decimals: Mapping[str, int] = DECIMALS,
        test_networks: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`credentials` is what finds out whether the key and the password are good; `confirmations` is how many the
        operator asks for, by coin; `decimals` are those of coins that are not known here, or other ones than are
        known."""
        self._api = api
        self._credentials = credentials
        self._confirmations = confirmations or {}
        self._test_networks = test_networks
        self._decimals = {**DECIMALS, **decimals}
        self._clock = clock
        self._fees = FeeFinder(api, clock)
        self._coins: tuple[str, ...] = ()
        self._coins_at: float | None = None
        self._asking: asyncio.Task[None] | None = None
        self._unusable: dict[str, tuple[float, str]] = {}
        """The coins whose last answer could not be used, each with the time and the reason."""

    async def check(self) -> None:
        await self._api.check()

    def troubles(self) -> Mapping[str, str]:
        since = self._clock() - REMEMBERED_SECONDS
        unusable = {coin: reason for coin, (at, reason) in self._unusable.items() if at >= since}
        known = {**unusable, **self._api.troubles()}
        return {coin: reason for coin, reason in sorted(known.items()) if coin != ALL_WALLETS}

    async def examine(self) -> None:
        await self._api.check()
        refused = [] if self._credentials is None else self._credentials.faults(self._coins)
        troubles = self.troubles()
        said = [*refused, *(f"{coin}: {reason}" for coin, reason in troubles.items())]
        if refused:
            raise CredentialsRefusedError("; ".join(said))
        if troubles:
            raise CoinUnavailableError(", ".join(troubles), "; ".join(said))

    async def trouble_with(self, coin: str) -> str | None:
        try:
            await self._api.check()
        except ProviderUnavailableError as error:
            return str(error)
        refused = [] if self._credentials is None else self._credentials.faults(self._coins)
        own = self.troubles().get(coin)
        return "; ".join([*refused, *([] if own is None else [f"{coin}: {own}"])]) or None

    async def coins(self) -> Sequence[str]:
        """What the operator has enabled, as of half a minute ago; older if SHKeeper takes long to say it."""
        if self._coins_at is not None and self._clock() <= self._coins_at + COINS_SECONDS:
            return self._coins
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_for_coins())
            # Whoever asked may have gone on without it by the time that it fails.
            self._asking.add_done_callback(lambda task: task.cancelled() or task.exception())
        asking = self._asking
        await asyncio.wait([asking], timeout=COINS_WAIT_SECONDS)
        if asking.done() and (self._coins_at is None or asking.exception() is not None):
            await asking
        if self._coins_at is None:
            raise ProviderUnavailableError("SHKeeper takes long to say what can be paid with")
        return self._coins

    async def _ask_for_coins(self) -> None:
        try:
            answer = await self._api.ask(CoinsAnswer, "GET", "crypto", coin=ALL_WALLETS)
            self._coins, self._coins_at = answer.crypto, self._clock()
        finally:
            self._asking = None

    async def open_invoice(self, wanted: InvoiceWanted) -> InvoiceOpened:
        request = {
            "external_id": wanted.external_id,
            "fiat": wanted.currency,
            "amount": format_amount(wanted.amount),
            "callback_url": wanted.callback_url,
        }
        path = f"{quote(wanted.coin)}/payment_request"
        try:
            answer = await self._api.ask(PaymentRequestAnswer, "POST", path, request, coin=wanted.coin)
            opened = opened_invoice(wanted, answer, self._decimals, test_networks=self._test_networks)
        except AnswerUnusableError as error:
            self._unusable[wanted.coin] = (self._clock(), str(error))
            raise
        self._unusable.pop(wanted.coin, None)
        fee = await self._fees.find(wanted, opened)
        return opened if fee is None else opened.model_copy(update={"fee": fee})

    async def look_up(self, external_id: str) -> Sequence[LookedUpInvoice]:
        answer = await self._api.ask(InvoiceAnswer, "GET", f"invoices/{quote(external_id, safe='')}")
        return [looked_up(invoice, self._confirmations) for invoice in answer.invoices]

    async def names(self) -> Sequence[str]:
        answer = await self._api.ask(ListAnswer, "GET", "invoices", limit_bytes=LIST_LIMIT_BYTES)
        return [invoice.external_id for invoice in answer.invoices]
